internal import Coherence
internal import Primitives
internal import SCALE

/// The topic: the second way on which votes and proofs reach everybody (docs/networking.md, "Votes
/// over GossipSub").
///
/// Its messages go through the same checks and budgets as those of the streams, and the result is
/// what the router passes on or not. What a neighbour signed itself counts as if it had come on its
/// stream. What it passes on is charged to an account of its own and blames nobody but the author:
/// the router, which scores neighbours, gets the verdict.
extension VoteGossipMachine {
    /// Neighbours that pass messages on: accounts kept.
    static let relayLimit = 64
    /// From one validator's turn to publish a proof to the next one's.
    static let publicationTurn = Duration.milliseconds(150)
    /// Turns that differ; whoever comes later takes the last one.
    private static let publicationTurns = 8

    // MARK: Receiving

    mutating func receive(_ message: TopicMessage, _ context: inout GossipContext) {
        let kind = count(message.bytes)
        let isOwnWord = message.author == message.source
        let handle = isOwnWord ? message.source : message.source.asRelay
        guard let place = account(of: handle, &context) else {
            return settle(message, .ignore(.verificationBusy), handle, kind, &context)
        }
        let account = peers[place].handle
        guard index(of: message.source).map({ !peers[$0].isCutOff }) ?? true else {
            return settle(message, .ignore(.cutOff), account, kind, &context)
        }
        if let verdict = admit(message.bytes, from: place, now: context.now) {
            return settle(message, verdict, account, kind, &context)
        }
        let content: GossipMessage
        do {
            content = try GossipMessage.decode(message.bytes)
        } catch {
            return settle(message, error.verdict, account, kind, &context)
        }
        guard content.kind.isForEverybody else {
            return settle(message, .reject(.undecodable), account, kind, &context)
        }
        guard topic.hasRoom(now: context.now), hasRoom(forByteCount: message.bytes.count) else {
            return settle(message, .ignore(.overByteBudget), account, kind, &context)
        }
        switch consider(content, from: place, &context) {
        case let verdict?: settle(message, verdict, account, kind, &context)
        case nil:
            topic.wait(
                TopicDesk.Waiting(
                    message: message.id, author: isOwnWord ? nil : message.author,
                    content: content, since: context.now))
        }
    }

    /// - Returns: what became of it, nil when that is still to be found out.
    private mutating func consider(
        _ content: GossipMessage, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        switch content {
        case .vote(let vote):
            let verdict = receive(vote, from: place, &context)
            guard verdict == .ignore(.duplicate) else { return verdict }
            return known(vote, context)
        case .quorumCertificate(let quorum):
            let verdict = receive(quorum, from: place, &context)
            let proof = CertificateContent(quorum)
            guard !context.view.isDecided(quorum.round) else { return verdict }
            return relayed(
                verdict, .quorumCertificate(quorum), proof, signatures: quorum.entries.count, place,
                &context)
        case .certificate(let certificate):
            let verdict = receive(certificate, from: place, &context)
            return relayed(
                verdict, .certificate(certificate), CertificateContent(certificate),
                signatures: certificate.precommits.count, place, &context)
        case .equivocation(let evidence):
            let verdict = receive(evidence, from: place, &context)
            let isUnderWay = verifications.isVerifying(.doubleVote(evidence))
            return verdict == .ignore(.duplicate) && isUnderWay ? nil : verdict
        case .voteBundle, .voteRequest, .status, .roundRequest, .certificateRequest:
            return .reject(.undecodable)
        }
    }

    /// A vote of a content that is known: the very vote is passed on once it is known to be right,
    /// another signature for the same is of no use to anybody.
    private func known(_ vote: CoherenceVote, _ context: GossipContext) -> GossipVerdict? {
        guard let slot = context.view.domain.slot(of: vote) else { return .ignore(.duplicate) }
        if let held = context.view.heldVote(in: slot, for: vote.target) {
            return held.vote == vote ? .accept : .ignore(.duplicate)
        }
        let content = VoteContent(slot: slot, target: vote.target)
        let isComing =
            parking.votes.contains { $0.vote.vote == vote }
            || verifications.vote(content).map { pending in
                pending.vote == vote || pending.alternatives.contains { $0.vote == vote }
            } ?? false
        return isComing ? nil : .ignore(.duplicate)
    }

    /// A certificate of what is known here may be news to those behind us: one of each is passed
    /// on, when its signatures are right.
    private mutating func relayed(
        _ verdict: GossipVerdict?, _ subject: VerificationJob.Subject,
        _ proof: CertificateContent, signatures: Int, _ place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        switch verdict {
        case .ignore(.duplicate), .ignore(.oldCertificate), .ignore(.oldQuorumCertificate):
            if verifications.isVerifying(subject) { return nil }
            guard !topic.knows(proof), isNewest(proof, context.view) else { return verdict }
            return verify(
                subject, signatures: signatures, in: context.view.domain, from: place, &context)
        default: return verdict
        }
    }

    /// Whether it proves what our own newest proof of that kind does.
    private func isNewest(_ proof: CertificateContent, _ view: VotingView) -> Bool {
        switch proof.phase {
        case .prevote: view.highestQuorum.map { CertificateContent($0.certificate) } == proof
        case .precommit: view.newestCertificate.map { CertificateContent($0.certificate) } == proof
        }
    }

    // MARK: Accounts

    /// The place of an account; made when it is a relay's. What a neighbour without a stream signed
    /// itself is charged there too.
    private mutating func account(of handle: PeerHandle, _ context: inout GossipContext) -> Int? {
        if let place = index(of: handle) {
            peers[place].heardAt = context.now
            return place
        }
        let relay = handle.asRelay
        if let place = index(of: relay) {
            peers[place].heardAt = context.now
            return place
        }
        let size = GossipPeer.largestByteCount(validatorCount: validatorCount)
        guard makeRoomForRelay(), hasRoom(forByteCount: size) else { return nil }
        let domain = context.view.domain
        var account = GossipPeer(
            handle: relay,
            handshake: GossipHandshake(
                role: .full, genesisHash: domain.genesisHash, setID: domain.set.id,
                round: RoundNumber(0), finalisedNumber: BlockNumber(0), finalisedHash: .zero),
            isReserved: false, reputation: PeerReputation(now: context.now),
            configuration: configuration, validatorCount: validatorCount, now: context.now)
        account.heardAt = context.now
        let place = peers.position(of: relay) { $0.handle }.index
        peers.insert(account, at: place)
        relayCount += 1
        return place
    }

    /// Of too many relays the one that was silent the longest is forgotten, unless all are busy.
    private mutating func makeRoomForRelay() -> Bool {
        guard relayCount >= Self.relayLimit else { return true }
        let relays = peers.indices.filter { peers[$0].isRelay }
        let idle = relays.filter { peers[$0].verifyingCount == 0 && peers[$0].waitingVotes.isEmpty }
        guard let oldest = idle.min(by: { peers[$0].heardAt < peers[$1].heardAt }) else {
            return false
        }
        peers.remove(at: oldest)
        relayCount -= 1
        return true
    }

    // MARK: Verdicts

    private mutating func settle(
        _ message: TopicMessage, _ verdict: GossipVerdict, _ account: PeerHandle,
        _ kind: GossipMessageKind?, _ context: inout GossipContext
    ) {
        judge(verdict, of: account, kind, &context)
        context.effects.append(.judged(message.id, verdict))
        blame(message.author == message.source ? nil : message.author, verdict, kind, &context)
    }

    /// Answers the messages that wait for what was found out now.
    mutating func answerTopic(
        _ verdict: GossipVerdict, _ context: inout GossipContext,
        where isDecided: (GossipMessage) -> Bool
    ) {
        for entry in topic.take(where: isDecided) {
            context.effects.append(.judged(entry.message, verdict))
            blame(entry.author, verdict, entry.content.kind, &context)
        }
    }

    /// A proof or evidence was found wrong, or is of no use.
    mutating func answerTopic(
        _ verdict: GossipVerdict, on subject: VerificationJob.Subject,
        _ context: inout GossipContext
    ) {
        answerTopic(verdict, &context) { content in
            switch (content, subject) {
            case (.certificate(let one), .certificate(let other)): one == other
            case (.quorumCertificate(let one), .quorumCertificate(let other)): one == other
            case (.equivocation(let one), .doubleVote(let other)): one == other
            default: false
            }
        }
    }

    /// A proof is right: of all messages with a proof of the same, one is passed on.
    mutating func answerTopic(
        _ proof: CertificateContent, _ subject: VerificationJob.Subject,
        _ context: inout GossipContext
    ) {
        let isNew = !topic.knows(proof)
        let published = context.effects.count
        answerTopic(isNew ? .accept : .ignore(.duplicate), on: subject, &context)
        if isNew, context.effects.count > published { topic.note(proof) }
    }

    /// A vote's verification is over, or its block came: those very bytes have this verdict, other
    /// signatures for the same content are not needed any more.
    mutating func answerTopic(
        _ verdict: GossipVerdict, on vote: CoherenceVote, _ context: inout GossipContext
    ) {
        guard !topic.waiting.isEmpty else { return }
        // Until its block comes nobody can say whether the height is right.
        if verdict == .ignore(.parked) { return }
        answerTopic(verdict, &context) { $0 == .vote(vote) }
        guard verdict == .accept else { return }
        answerTopic(.ignore(.duplicate), &context) { content in
            guard case .vote(let other) = content else { return false }
            return other.validator == vote.validator && other.setID == vote.setID
                && other.round == vote.round && other.phase == vote.phase
                && other.target == vote.target
        }
    }

    /// The set is over: what waits is of no use.
    mutating func abandonTopic(_ context: inout GossipContext) {
        for entry in topic.takeAll() {
            context.effects.append(.judged(entry.message, .ignore(.olderSet)))
        }
        topic.cancel(.prevote)
    }

    /// The author signed what was rejected, whoever brought it: that is held against it when it is
    /// a peer.
    private mutating func blame(
        _ author: PeerHandle?, _ verdict: GossipVerdict, _ kind: GossipMessageKind?,
        _ context: inout GossipContext
    ) {
        guard case .reject = verdict, let author, index(of: author) != nil else { return }
        judge(verdict, of: author, kind, &context)
    }

    // MARK: Publishing

    /// Publishes what is for everybody, if the topic is in use.
    mutating func publish(
        _ bytes: @autoclosure () -> [UInt8], _ context: inout GossipContext
    ) {
        guard configuration.paths.useTopic else { return }
        counters.published += 1
        context.effects.append(.publish(bytes()))
    }

    /// A proof of which every validator makes its own: one of them shall publish it. They take
    /// turns, and whoever comes later does so only when nobody did before.
    mutating func planPublication(
        of proof: CertificateContent, _ message: OutboundMessage, atOnce: Bool,
        _ context: inout GossipContext
    ) {
        guard configuration.paths.useTopic, let local, !topic.knows(proof) else { return }
        if atOnce {
            topic.note(proof)
            return publish(message.bytes, &context)
        }
        let count = UInt64(validatorCount)
        let first = proof.round.rawValue % count
        let rank = (UInt64(local.rawValue) + count - first) % count
        // A quorum certificate is needed only where the round goes on for a while.
        let turns = min(Int(rank), Self.publicationTurns) + (proof.phase == .prevote ? 2 : 0)
        let due = context.now + Self.publicationTurn * turns
        topic.plan(TopicDesk.Plan(content: proof, message: message.bytes, due: due))
        if turns == 0 { return publishDue(&context) }
        arm(.forward, at: due, &context)
    }

    mutating func publishDue(_ context: inout GossipContext) {
        for plan in topic.takeDue(now: context.now) {
            let isNeeded =
                plan.content.phase == .precommit
                || !context.view.isDecided(plan.content.round)
            guard isNeeded else { continue }
            topic.note(plan.content)
            publish(plan.message, &context)
        }
    }
}

extension CertificateContent {
    init(_ certificate: QuorumCertificate) {
        self.init(phase: .prevote, round: certificate.round, target: certificate.target)
    }

    init(_ certificate: FinalityCertificate) {
        self.init(phase: .precommit, round: certificate.round, target: certificate.target)
    }
}
