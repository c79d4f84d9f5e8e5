internal import Chain
package import Coherence
package import Primitives

/// What becomes of a message of the vote topic.
package enum TopicVerdict: Sendable, Hashable {
    /// Right and new: it is passed on.
    case accept
    /// Of no use, and nobody's fault.
    case ignore
    /// Wrong.
    case reject
}

/// Judges what comes on the vote topic: what is right and new is passed on, what is wrong counts
/// against its author and bringer, and what cannot be judged here goes no further.
///
/// A validator that signs without end could otherwise fill the topic with valid votes: of a slot
/// two contents are passed on, which is what convicts it, and only of rounds that are near.
package struct TopicJudge: Sendable {
    /// Rounds ahead of the own one whose votes are passed on.
    private static let roundsAhead: UInt64 = 16
    /// Votes, slots and offenders that are remembered.
    private static let memory = 8_192

    /// What a vote says, whatever its signature.
    private struct Content: Hashable {
        let slot: VoteSlot
        let target: VoteTarget
    }

    /// One piece of evidence against one validator is enough.
    private struct Offender: Hashable {
        let set: SetID
        let validator: AccountID
    }

    private var votes = RecentSet<Content>(capacity: TopicJudge.memory)
    /// Slots with a vote, and slots with two.
    private var slots = RecentSet<VoteSlot>(capacity: TopicJudge.memory)
    private var fullSlots = RecentSet<VoteSlot>(capacity: TopicJudge.memory)
    private var offenders = RecentSet<Offender>(capacity: TopicJudge.memory)

    package init() {}

    /// Whether messages of that kind travel on the topic: those that are for everybody.
    package static func isForTopic(_ kind: GossipMessageKind) -> Bool {
        switch kind {
        case .vote, .certificate, .equivocation: true
        case .voteRequest, .status, .voteBundle, .roundRequest, .quorumCertificate,
            .certificateRequest:
            false
        }
    }

    /// What becomes of a message. Checks its signatures.
    package mutating func verdict(
        on bytes: [UInt8], in view: VotingView, using verifier: some SignatureVerifier
    ) -> TopicVerdict {
        let message: GossipMessage
        do {
            message = try GossipMessage.decode(bytes)
        } catch {
            // An index that is unknown leaves room for later versions.
            if case .unknownIndex = error { return .ignore }
            return .reject
        }
        switch message {
        case .vote(let vote): return judge(vote, view, verifier)
        case .certificate(let certificate): return judge(certificate, view, verifier)
        case .equivocation(let evidence): return judge(evidence, view, verifier)
        default: return .reject
        }
    }

    private mutating func judge(
        _ vote: CoherenceVote, _ view: VotingView, _ verifier: some SignatureVerifier
    ) -> TopicVerdict {
        guard vote.setID == view.domain.set.id else { return .ignore }
        guard let slot = view.domain.slot(of: vote), vote.round.rawValue < RoundNumber.limit else {
            return .reject
        }
        let (round, current) = (vote.round.rawValue, view.round.rawValue)
        guard round + 1 >= current, round <= current + Self.roundsAhead else { return .ignore }
        let content = Content(slot: slot, target: vote.target)
        guard !votes.contains(content), !fullSlots.contains(slot) else { return .ignore }
        guard (try? vote.verify(in: view.domain, using: verifier)) != nil else { return .reject }
        votes.insert(content)
        if !slots.insert(slot) { fullSlots.insert(slot) }
        return .accept
    }

    private func judge(
        _ certificate: FinalityCertificate, _ view: VotingView, _ verifier: some SignatureVerifier
    ) -> TopicVerdict {
        // What is final here needs no second certificate, and another set's cannot be judged.
        guard certificate.setID == view.domain.set.id, let block = certificate.target.block,
            block.number > view.finalised.number
        else { return .ignore }
        let set = view.domain.set
        let checked = try? certificate.verify(
            set: set, genesisHash: view.domain.genesisHash, verifier: verifier)
        return checked == nil ? .reject : .accept
    }

    private mutating func judge(
        _ evidence: DoubleVote, _ view: VotingView, _ verifier: some SignatureVerifier
    ) -> TopicVerdict {
        guard evidence.first.setID == view.domain.set.id else { return .ignore }
        let offender = Offender(
            set: evidence.first.setID, validator: evidence.first.validator)
        guard !offenders.contains(offender) else { return .ignore }
        guard (try? evidence.verify(in: view.domain, using: verifier)) != nil else {
            return .reject
        }
        offenders.insert(offender)
        return .accept
    }
}
