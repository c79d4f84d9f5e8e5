internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// Evidence of double votes: passed on once, whoever has it first.
extension VoteGossipMachine {
    /// - Returns: what became of it, nil when that is for its verification to say.
    mutating func receive(
        _ evidence: DoubleVote, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        let setID = evidence.first.setID
        guard let set = evidenceSet(setID, context) else {
            return .ignore(setID < context.view.domain.set.id ? .olderSet : .newerSet)
        }
        let domain = VotingDomain(genesisHash: context.view.domain.genesisHash, set: set)
        guard let slot = try? evidence.check(in: domain) else {
            return .reject(.malformedEvidence)
        }
        guard knownEvidence.admits(slot) else { return .ignore(.duplicate) }
        return verify(.doubleVote(evidence), signatures: 2, in: domain, from: place, &context)
    }

    /// The current set and the one before, for which the chain still takes evidence.
    private func evidenceSet(_ id: SetID, _ context: GossipContext) -> ValidatorSet? {
        let current = context.view.domain.set
        if current.id == id { return current }
        return context.view.previousSet.flatMap { $0.id == id ? $0 : nil }
    }

    mutating func finish(
        _ id: VerificationJobID, _ result: Result<VerifiedDoubleVote, DoubleVoteInvalid>,
        _ context: inout GossipContext
    ) {
        guard let pending = verifications.finishCertificate(id) else { return }
        release(pending.signatureCount, of: pending.senders)
        switch result {
        case .success(let evidence):
            guard let sender = pending.senders.first else { return }
            guard knownEvidence.admits(evidence.slot) else {
                answerTopic(.ignore(.duplicate), on: pending.subject, &context)
                return judge(.ignore(.duplicate), of: sender, .equivocation, &context)
            }
            judge(.accept, of: sender, .equivocation, &context)
            let isOnTopic = topic.waiting.contains {
                $0.content == .equivocation(evidence.evidence)
            }
            answerTopic(.accept, on: pending.subject, &context)
            context.effects.append(.deliverEvidence(evidence))
            spread(evidence, besides: pending.senders, isOnTopic: isOnTopic, &context)
        case .failure:
            for sender in pending.senders {
                judge(.reject(.badEvidence), of: sender, .equivocation, &context)
            }
            answerTopic(.reject(.badEvidence), on: pending.subject, &context)
        }
    }

    /// Sends evidence to every peer that is not known to have it, once, and to the topic unless it
    /// came from there.
    mutating func spread(
        _ evidence: VerifiedDoubleVote, besides senders: [PeerHandle], isOnTopic: Bool = false,
        _ context: inout GossipContext
    ) {
        guard knownEvidence.insert(evidence.slot) else { return }
        let message = OutboundMessage(
            bytes: GossipMessage.equivocation(evidence.evidence).encoded(),
            priority: OutboundPriority.bundle)
        if !isOnTopic { publish(message.bytes, &context) }
        let knowing = senders.map(\.peer)
        send(
            message, to: activePeers.filter { !knowing.contains(peers[$0].handle) }, &context)
    }
}

/// The slots of which evidence was sent or received, the newest last.
///
/// One piece convicts a validator. An equivocator that makes any number of them is heard a few
/// times per set: it must not make others send.
struct KnownEvidence: Sendable {
    /// Slots remembered.
    static let limit = 256
    /// Pieces taken of one validator in one set.
    static let limitPerOffender = 8

    private var slots: [VoteSlot] = []

    /// Whether evidence of a slot is new and wanted.
    func admits(_ slot: VoteSlot) -> Bool {
        !slots.contains(slot)
            && slots.count { $0.setID == slot.setID && $0.validator == slot.validator }
                < Self.limitPerOffender
    }

    /// Notes evidence; whether it was new and is to be passed on.
    mutating func insert(_ slot: VoteSlot) -> Bool {
        guard admits(slot) else { return false }
        if slots.count == Self.limit { slots.removeFirst() }
        slots.append(slot)
        return true
    }

    /// Whether evidence of a slot was sent or received.
    func contains(_ slot: VoteSlot) -> Bool { slots.contains(slot) }
}
