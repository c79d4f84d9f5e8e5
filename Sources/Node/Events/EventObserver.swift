internal import BlockSync
internal import Chain
internal import Coherence
internal import Logging
internal import Primitives
internal import Synchronization
internal import Validator
internal import VoteGossip

/// Tells people what the core did: one INFO line per finalised block; votes at debug.
///
/// Lines follow the plan's "Expected logs".
final class EventObserver: Sendable {
    let logger: Logger
    private let coherence: Logger
    private let sync: Logger
    private let author: Logger
    private let peers: Logger
    private let directory: PeerDirectory
    private let names: [AccountID: String]
    let timings = VoteTimings()
    let metrics: MetricsRecorder
    private let throttle = Mutex(LogThrottle())

    /// - Parameter names: names of validators, where the chain specification has them.
    init(directory: PeerDirectory, names: [AccountID: String], metrics: MetricsRecorder) {
        self.directory = directory
        self.metrics = metrics
        self.names = names
        logger = Logger(label: "node")
        coherence = Logger(label: "coherence")
        sync = Logger(label: "sync")
        author = Logger(label: "author")
        peers = Logger(label: "peers")
    }

    /// Notes when blocks were imported and votes counted: in that moment, though the event itself
    /// is told in its turn, behind what has to be durable first.
    func noteTimes(_ effects: [ValidatorCore.Effect]) {
        for effect in effects {
            switch effect {
            case .event(.imported(let block, _, _, _)): timings.imported(block.header.ref)
            case .event(.voting(.counted(let slot, _, _, _))): timings.counted(slot)
            default: continue
            }
        }
    }

    func observe(_ event: ValidatorEvent, set: ValidatorSet) {
        switch event {
        case .imported(let block, let author, let isBest, let isOwn):
            imported(block, by: author, isBest: isBest, isOwn: isOwn)
        case .finalised(let certificate, let block): finalised(certificate, block, set: set)
        case .setActivated(let set, let certificate):
            coherence.info(
                "Validator set \(set.id) votes from here on: \(set.count) validators, \(set.quorum) make a block final (handed over by #\(certificate.block.number))"
            )
        case .authorEquivocation(let evidence):
            sync.warning(
                "Author \(name(of: evidence.author)) made two blocks in slot \(evidence.slot): \(evidence.first.hash.short) and \(evidence.second.hash.short)"
            )
        case .authoringFailed(let slot, let reason):
            warn(author, key: "authoring", "No block in our slot \(slot): \(reason)")
        case .voting(let note): observe(note, set: set)
        case .alarm(let alarm):
            coherence.critical(
                "SIGNING STOPPED: \(alarm). This can happen only if more validators are faulty than the chain tolerates, or if this key is used elsewhere. The evidence is stored; see docs/operations.md."
            )
        case .doubleVote(let evidence): doubleVote(evidence, set: set)
        case .gossip(let note): observe(note, set: set)
        case .sync(let note): observe(note)
        case .syncOffence(let peer, let offence):
            warn(peers, key: "sync", "Offence of \(name(of: peer)): \(offence)")
        case .roundEntered(let round): coherence.debug("Round \(round) entered")
        }
    }

    // MARK: Blocks

    private func imported(
        _ block: Block, by account: AccountID, isBest: Bool, isOwn: Bool
    ) {
        let header = block.header
        let count = block.extrinsics.count
        let what = "#\(header.number) (\(header.hash.short)), \(count) extrinsics"
        let slot = header.slot.map { "slot \($0)" } ?? "no slot"
        if isOwn {
            author.debug("👑 Slot author: our block \(what), \(slot)")
        } else {
            sync.debug(
                "🔮 New block imported: \(what), \(slot) of \(name(of: account))\(isBest ? "" : ", not on the best chain")"
            )
        }
    }

    private func finalised(
        _ certificate: VerifiedCertificate, _ block: BlockRef, set: ValidatorSet
    ) {
        timings.finalised(block)
        let votes = certificate.certificate.precommits
        let summary = certificate.certificate.summary
        coherence.info(
            "✅ Finalised #\(block.number) (\(block.hash.short)) in round \(certificate.round) by \(votes.count) of \(set.count) validators (\(set.quorum) needed), score \(summary?.meanScore ?? 0), QBER \(Self.percent(summary?.meanQBER ?? 0))"
        )
    }

    // MARK: Votes

    /// A vote was decided and goes to the signer.
    func voteCreated(_ vote: UnsignedVote) {
        timings.created(vote.slot)
        coherence.debug(
            "📊 Creating \(vote.slot.phase) for \(Self.text(vote.target)): score=\(vote.coherenceScore), QBER=\(Self.percent(vote.quantumState.averageQBER)), round \(vote.slot.round)"
        )
    }

    /// An own vote goes out.
    func voteSent(to count: Int, byteCount: Int, slot: VoteSlot?) {
        if let slot { timings.sent(slot) }
        coherence.debug("📡 Broadcasting vote to \(count) peers (\(byteCount) bytes)")
    }

    /// An own vote goes to the topic.
    func votePublished(byteCount: Int, slot: VoteSlot?) {
        if let slot { timings.sent(slot) }
        coherence.debug("📡 Publishing vote on the topic (\(byteCount) bytes)")
    }

    private func observe(_ note: VotingNote, set: ValidatorSet) {
        switch note {
        case .counted(let slot, let target, let votes, let quorum):
            coherence.debug(
                "✅ \(slot.phase) of \(name(of: slot.validator, in: set)) counted: \(votes) of \(quorum) needed for \(Self.text(target)), round \(slot.round)"
            )
        case .abstaining(let reason):
            coherence.warning("Abstaining from votes: \(Self.text(reason))")
        case .abstentionEnded: coherence.info("Voting again: the measurement is usable")
        case .locked(let block, let round):
            coherence.debug("Locked on #\(block.number) (\(block.hash.short)) in round \(round)")
        case .lockDropped(let block, let round):
            coherence.debug("Lock on #\(block.number) of round \(round) dropped")
        case .jumped(let from, let to):
            coherence.debug("Jumped from round \(from) to \(to): others are ahead")
        case .signingFailed(let slot):
            coherence.error("No signature for the \(slot.phase) of round \(slot.round)")
        case .wrongHeight(let target):
            warn(coherence, key: "height", "A vote names a wrong height: \(Self.text(target))")
        case .beyondHandOff(let target):
            warn(
                coherence, key: "hand-off",
                "A certificate of this set is for a block of the next one: \(Self.text(target))")
        }
    }

    private func doubleVote(_ evidence: VerifiedDoubleVote, set: ValidatorSet) {
        let pair = evidence.evidence
        coherence.error(
            "Double vote of \(name(of: pair.first.validator)): \(Self.text(pair.first.target)) and \(Self.text(pair.second.target)) in \(pair.first.phase) of round \(pair.first.round)"
        )
    }

    private func observe(_ note: GossipNote, set: ValidatorSet) {
        switch note {
        case .peerJoined(let peer, let role, let round, let finalised):
            peers.info(
                "Peer joined: \(name(of: peer)) (\(role), round \(round), finalised #\(finalised))")
        case .peerLeft(let peer): peers.info("Peer lost: \(name(of: peer))")
        case .otherChain(let peer, let genesis):
            peers.warning(
                "Peer \(name(of: peer)) follows another chain (genesis \(genesis.short)); not talking to it"
            )
        case .voteReceived(let slot, let target, let peer):
            coherence.debug(
                "📨 Received \(slot.phase) of \(name(of: slot.validator, in: set)) from \(name(of: peer)) for \(Self.text(target)), round \(slot.round)"
            )
        case .voteParked(let slot, let target, let peer):
            coherence.debug(
                "Vote of \(name(of: slot.validator, in: set)) from \(name(of: peer)) waits for \(Self.text(target))"
            )
        case .rejected(let peer, let kind, let offence):
            warn(
                peers, key: "rejected",
                "Rejected \(kind.map { "\($0)" } ?? "message") from \(name(of: peer)): \(offence)")
        case .throttled(let peer, _):
            peers.warning("Reserved peer \(name(of: peer)) misbehaves; its budget is cut")
        case .certificateAnswered(let peer, let number):
            coherence.debug("Certificate of #\(number) sent to \(name(of: peer))")
        case .requestTimedOut(let peer, let kind):
            coherence.debug("No answer from \(name(of: peer)) to \(kind)")
        case .newerSetSeen(let peer, let set):
            coherence.info("Peer \(name(of: peer)) is in validator set \(set), which is newer")
        }
    }

    private func observe(_ note: SyncNote) {
        sync.debug("\(note)")
    }

    /// What the slots of the others' blocks tell of this node's clock.
    func observe(_ notice: ClockWatch.Notice) {
        switch notice {
        case .wrong(let milliseconds) where milliseconds > 0:
            logger.warning(
                "This node's clock is about \(milliseconds / 1_000) s ahead of the others': so late after their slots do their blocks arrive. Blocks made here are of slots to come, which nobody takes. Set the clock (chronyc tracking, timedatectl); see docs/operations.md, 'A wrong clock'."
            )
        case .wrong(let milliseconds):
            logger.warning(
                "This node's clock is about \(milliseconds.magnitude / 1_000) s behind the others': their blocks are of slots that have not begun here, so none is taken and none is voted for. Set the clock (chronyc tracking, timedatectl); see docs/operations.md, 'A wrong clock'."
            )
        case .right: logger.info("This node's clock agrees with the others' again")
        }
    }

    /// A peer was banned.
    func banned(_ peer: PeerHandle, for duration: Duration) {
        peers.warning("Banned \(name(of: peer)) for \(duration.components.seconds) s")
    }

    // MARK: Words

    /// A warning that hostile peers can provoke: at most one a second and key, with a count of
    /// those left out.
    private func warn(_ logger: Logger, key: String, _ message: String) {
        guard let suppressed = throttle.withLock({ $0.admit(key, now: NodeClock.now()) }) else {
            return
        }
        let suffix = suppressed > 0 ? " (and \(suppressed) more like it)" : ""
        logger.warning("\(message)\(suffix)")
    }

    private func name(of peer: PeerHandle) -> String {
        directory.peer(of: peer).map { "\($0)" } ?? "peer \(peer)"
    }

    private func name(of account: AccountID) -> String {
        names[account] ?? account.description
    }

    private func name(of index: ValidatorIndex, in set: ValidatorSet) -> String {
        set.validator(at: index).map { name(of: $0.account) } ?? "validator \(index)"
    }

    private static func text(_ target: VoteTarget) -> String {
        target.block.map { "#\($0.number) (\($0.hash.short))" } ?? "nil"
    }

    /// Basis points as percent: 50 is 0.5%.
    private static func percent(_ basisPoints: UInt32) -> String {
        let hundredths = basisPoints % 100
        let whole = "\(basisPoints / 100)"
        if hundredths == 0 { return whole + "%" }
        if hundredths % 10 == 0 { return "\(whole).\(hundredths / 10)%" }
        return whole + (hundredths < 10 ? ".0\(hundredths)%" : ".\(hundredths)%")
    }

    private static func text(_ reason: AbstentionReason) -> String {
        switch reason {
        case .noMeasurement: "no measurement yet"
        case .stale: "the quantum source's last report is too old"
        case .errorRateTooHigh(let qber): "QBER \(percent(qber)) is above 11%"
        case .inconsistent: "the measurement's minimum, average and maximum contradict each other"
        }
    }
}
