package import Chain
package import Coherence
package import Primitives
internal import SCALE

/// The vote gossip: which messages to accept, keep, forward, ask for, drop and punish.
///
/// Rules: docs/protocol.md, "GossipMessage", "Peers", "Validation order of an incoming vote" and
/// rule 6. The machine decides nothing about finality: it reads the gadget's state through
/// `VotingView`, hands verified votes and certificates to the gadget, and moves what the gadget
/// wants moved. It counts votes only to know what a peer still needs.
///
/// How votes travel. Own votes go to every peer at once. Others' votes are forwarded only to peers
/// whose status lacks them after the time in which a status would have shown them: every own vote
/// that a status confirms measures that time (`GossipPeer.statusLag`). In a full mesh a vote so
/// crosses each link once; where links are missing it takes one status and one bundle per hop.
/// Certificates and quorum certificates wait in the same way, for nearly every peer makes its own.
///
/// All peers' state, parked votes and votes under verification are bounded; see
/// `GossipConfiguration`. Nothing here iterates over an unordered collection, reads a clock or draws
/// from global randomness, so a run is replayed exactly from its inputs.
package struct VoteGossipMachine: Sendable {
    package let configuration: GossipConfiguration

    /// Ascending by handle.
    var peers: [GossipPeer] = []
    /// Peers that were here and whose offences are not forgotten, the longest absent first.
    var absentees: [Absentee] = []
    var verifications = PendingVerifications()
    var parking = VoteParking()
    var seen: SeenVotes
    /// The newest certificate, as it is sent.
    var newest: NewestCertificate?
    /// The quorum certificate of the highest round, and since when it is known.
    var highestQuorum: HighestQuorum?
    /// When the latest votes were verified, in order.
    var arrivals: [Arrival] = []
    /// When crowds are asked for votes that we lack, and what they were asked for.
    var askingDueAt: Instant?
    var asked: [Asked] = []
    /// Certificates that were verified lately, whether or not their blocks are known.
    var verifiedCertificates: [CertificateContent] = []
    /// The highest block that a verified certificate made final, known here or not.
    var highestCertified: BlockNumber?
    /// Evidence that was sent or received.
    var knownEvidence = KnownEvidence()
    /// What of the topic waits, and what is to be published there.
    var topic = TopicDesk()
    /// How many of `peers` are accounts of relays.
    var relayCount = 0
    /// The storage reads under way, by peer.
    var loads: [Load] = []
    /// Some peer shows a newer certificate than ours: when one is asked for it.
    var catchUpDueAt: Instant?
    /// The last status that went to all, and when.
    var lastStatus: (status: GossipStatus, sentAt: Instant)?
    var resendInterval: Duration
    /// The back-off started anew since the re-send timer fired.
    var isResendFresh = true
    /// Our own place in the set, once we have voted.
    var local: ValidatorIndex?
    /// By validator: the newest verified vote beyond the rounds that all votes are taken of.
    var newestAhead: [VotePosition?]
    /// Other chains that were noted.
    var otherChains: [Hash256] = []
    var random: SeededGenerator

    /// What was counted so far.
    package internal(set) var counters = GossipCounters()

    private var armed = [Instant?](repeating: nil, count: GossipTimer.allCases.count)
    private var nextLoadID: UInt64 = 0
    private var knownSet: SetID
    private var knownRound: RoundNumber?
    var validatorCount: Int

    /// A machine without peers, in the set that the gadget is in.
    package init(configuration: GossipConfiguration, domain: VotingDomain) {
        self.configuration = configuration
        knownSet = domain.set.id
        validatorCount = domain.set.count
        seen = SeenVotes(validatorCount: domain.set.count)
        newestAhead = Array(repeating: nil, count: domain.set.count)
        resendInterval = configuration.resendDelay.lowerBound
        random = SeededGenerator(seed: configuration.seed)
    }

    /// Takes an input.
    ///
    /// - Parameters:
    ///   - view: the gadget's state, all effects of its earlier inputs included.
    ///   - tree: the block tree.
    /// - Returns: what is to be done, in order.
    package mutating func handle(
        _ input: GossipInput, view: VotingView, tree: BlockTree, now: Instant
    ) -> [GossipEffect] {
        var context = GossipContext(view: view, now: now)
        follow(&context)
        switch input {
        case .streamOpened(let handle, let handshake, let hints):
            openStream(handle, handshake: handshake, hints, &context)
        case .streamClosed(let handle): closeStream(handle, &context)
        case .notification(let handle, let bytes): receive(bytes, from: handle, &context)
        case .topicMessage(let message): receive(message, &context)
        case .verified(let outcomes): finishVerifications(outcomes, tree, &context)
        case .ownVote(let vote): sendOwnVote(vote, &context)
        case .quorumCertificate(let certificate): spread(certificate, &context)
        case .finalised(let certificate): spread(certificate, &context)
        case .doubleVote(let evidence): spread(evidence, besides: [], &context)
        case .roundEntered: enterRound(&context)
        case .blockImported(let block): releaseParked(block, tree, &context)
        case .certificateLoaded(let id, let certificate):
            finishLoad(id, certificate, &context)
        case .timer(let timer): fire(timer, &context)
        }
        startVerifications(&context)
        return context.effects
    }

    // MARK: Following the gadget

    /// Adapts to what changed in the gadget since the last input.
    private mutating func follow(_ context: inout GossipContext) {
        let view = context.view
        if view.domain.set.id != knownSet { enterSet(&context) }
        if knownRound != view.round {
            knownRound = view.round
            seen.forget(below: view.lowestRound)
            for index in peers.indices { peers[index].holdings.forget(below: view.lowestRound) }
        }
        if let own = view.ownVotes.last { local = own.index }
        followCertificates(&context)
    }

    /// Takes over the newest certificate and the highest quorum certificate; what changed is planned
    /// for the peers that lack it.
    private mutating func followCertificates(_ context: inout GossipContext) {
        let view = context.view
        if let certificate = view.newestCertificate,
            newest?.setID != knownSet || (newest?.round).map({ $0 < certificate.round }) ?? true
        {
            // What was recovered at the start is old: peers are not given time to get it elsewhere.
            let since = newest == nil && peers.isEmpty ? Instant.zero : context.now
            newest = NewestCertificate(
                certificate.certificate, quorum: view.quorum, since: since)
            for place in peers.indices {
                peers[place].certificateRepeats = 0
                peers[place].certificateDueAt = nil
                answerIfBehind(place, &context)
            }
        }
        guard let quorum = view.highestQuorum, !view.isDecided(quorum.round) else {
            highestQuorum = nil
            return
        }
        guard highestQuorum?.round != quorum.round else { return }
        highestQuorum = HighestQuorum(
            quorum.certificate, set: view.domain.set, since: context.now)
        for place in activePeers { planQuorumCertificate(to: place, &context) }
    }

    /// Votes, locks and requests of the old set are void; its last certificate is its hand-off.
    private mutating func enterSet(_ context: inout GossipContext) {
        let set = context.view.domain.set
        knownSet = set.id
        knownRound = nil
        validatorCount = set.count
        verifications.abandon()
        abandonTopic(&context)
        counters.parkedDropped += UInt64(parking.drop { _ in true })
        seen = SeenVotes(validatorCount: set.count)
        highestQuorum = nil
        local = nil
        newestAhead = Array(repeating: nil, count: set.count)
        highestCertified = nil
        catchUpDueAt = nil
        arrivals = []
        askingDueAt = nil
        asked = []
        verifiedCertificates = []
        for index in peers.indices {
            peers[index].holdings = PeerHoldings(validatorCount: set.count)
            peers[index].probes = []
            peers[index].verifyingCount = 0
            peers[index].waitingVotes = []
            peers[index].startedCount = 0
            peers[index].quorumDueAt = nil
            peers[index].lockRound = nil
            peers[index].highestQuorumRound = nil
            peers[index].verificationBudget = GossipPeer.verificationBudget(
                configuration, validatorCount: set.count, now: context.now)
        }
    }

    private mutating func enterRound(_ context: inout GossipContext) {
        restartResends(&context)
        touchStatus(&context)
        context.effects.append(.handshakeChanged(handshake(of: context.view).scaleBytes))
    }

    /// The handshake with which streams are to be opened now.
    package func handshake(of view: VotingView) -> GossipHandshake {
        GossipHandshake(
            role: configuration.role, genesisHash: view.domain.genesisHash,
            setID: view.domain.set.id, round: view.round, finalisedNumber: view.finalised.number,
            finalisedHash: view.finalised.hash)
    }

    // MARK: Peers

    /// The peer's place in `peers`; nil when its stream is not open.
    func index(of handle: PeerHandle) -> Int? {
        let (place, isPresent) = peers.position(of: handle) { $0.handle }
        return isPresent ? place : nil
    }

    /// Peers that things are sent to, ascending.
    var activePeers: [Int] { peers.indices.filter { peers[$0].isListening } }

    // MARK: Timers

    /// Sets a timer unless it is set to an earlier time already.
    mutating func arm(_ timer: GossipTimer, at instant: Instant, _ context: inout GossipContext) {
        let place = Int(timer.rawValue)
        if let set = armed[place], set <= instant { return }
        armed[place] = instant
        context.effects.append(.setTimer(timer, instant))
    }

    private mutating func fire(_ timer: GossipTimer, _ context: inout GossipContext) {
        let place = Int(timer.rawValue)
        if let set = armed[place], set > context.now {
            // Of an earlier setting; the one that counts is still to come.
            context.effects.append(.setTimer(timer, set))
            return
        }
        armed[place] = nil
        switch timer {
        case .forward: forwardDue(&context)
        case .status: sendStatusIfChanged(&context)
        case .resend: resend(&context)
        case .request: reviewRequests(&context)
        case .parking: expireParked(&context)
        }
    }

    /// A moment within the range of the bundle delay.
    mutating func jitter() -> Duration {
        let range = configuration.bundleDelay
        let width = (range.upperBound - range.lowerBound).clampedNanoseconds
        guard width > 0 else { return range.lowerBound }
        return range.lowerBound + .nanoseconds(Int64.random(in: 0...width, using: &random))
    }

    mutating func makeLoadID() -> CertificateLoadID {
        defer { nextLoadID += 1 }
        return CertificateLoadID(nextLoadID)
    }

    // MARK: Gauges

    /// Bytes held, roughly; without the queues, which have budgets of their own.
    var heldByteCount: Int {
        refusableByteCount + (newest?.message.bytes.count ?? 0)
            + (highestQuorum?.message.bytes.count ?? 0)
            + absentees.count * Absentee.byteCount
            + peers.reduce(0) { $0 + ($1.isRelay ? 0 : $1.byteCount) }
    }

    /// Bytes of votes and certificates that are taken only while there is room, and of accounts of
    /// relays.
    private var refusableByteCount: Int {
        parking.byteCount + verifications.byteCount + topic.byteCount
            + (arrivals.count + asked.count) * 64
            + relayCount * GossipPeer.largestByteCount(validatorCount: validatorCount)
    }

    /// Whether so many bytes more keep the machine within its budget, whatever else comes.
    package func hasRoom(forByteCount more: Int) -> Bool {
        let reserved = GossipConfiguration.reservedByteCount(
            validatorCount: validatorCount, peerCount: configuration.maximumPeerCount)
        return reserved + refusableByteCount + more
            <= GossipConfiguration.machineByteBudget(validatorCount: validatorCount)
    }

    /// How much is held at this moment.
    package var gauges: GossipGauges {
        GossipGauges(
            peerCount: peers.count - relayCount, parkedCount: parking.votes.count,
            parkedByteCount: parking.byteCount, verifyingCount: verifications.count,
            chargedCount: peers.reduce(0) { $0 + $1.verifyingCount },
            verifyingByteCount: verifications.byteCount, heldByteCount: heldByteCount,
            byteBudget: GossipConfiguration.machineByteBudget(validatorCount: validatorCount))
    }
}

/// One input's surroundings and the effects that it has so far.
struct GossipContext {
    let view: VotingView
    let now: Instant
    var effects: [GossipEffect] = []
    /// See `VotingView.collectedPositions`; made once, as it is asked for of every peer.
    private(set) lazy var collectedPositions = view.collectedPositions
    /// See `VoteGossipMachine.crowded`; made once per round and phase.
    var crowds: [(position: VotePosition, votes: Bits)] = []

    init(view: VotingView, now: Instant) {
        self.view = view
        self.now = now
    }

    mutating func note(_ note: GossipNote) { effects.append(.note(note)) }
}
