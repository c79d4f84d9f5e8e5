internal import Coherence
internal import Primitives

/// What is kept of one peer while its stream is open.
struct GossipPeer: Sendable {
    /// A request that waits for its answer.
    struct Request: Sendable, Equatable {
        let kind: GossipMessageKind
        /// The round and phase whose votes a re-send asked for.
        let position: VotePosition?
        let deadline: Instant
    }

    /// An own vote on its way, to learn how long the peer takes to confirm one.
    struct Probe: Sendable, Equatable {
        let position: VotePosition
        var sentAt: Instant
        /// Sent more than once: what a confirmation is for cannot be told.
        var isRepeated = false
    }

    // What is looked at, of every peer, for every vote: together, for it is all over the memory.
    let handle: PeerHandle
    var isCutOff = false
    var hasShownStatus = false
    var setID: SetID
    var round: RoundNumber
    var finalisedNumber: BlockNumber
    var holdings: PeerHoldings
    /// How long the peer's status takes to show what it got when we got it: its round trip and its
    /// own waiting. Whatever it may have got elsewhere is not sent before that time is over.
    var statusLag: Duration
    var forwardDueAt: Instant?
    /// The highest quorum certificate is to be sent unless the peer has its votes by then.
    var quorumDueAt: Instant?
    var certificateDueAt: Instant?
    /// Until when others send it the proofs that a crowd has, and how often in a row they were picked.
    var turn = (nextAt: Instant.zero, lostCount: 0)
    /// Votes of its that wait until fewer are being verified, in order.
    var waitingVotes: [VerificationJobID] = []

    let role: PeerRole
    let isReserved: Bool

    // What else the peer says of itself.
    var lockRound: RoundNumber?
    var highestQuorumRound: RoundNumber?

    // What it costs and may cost us.
    var reputation: PeerReputation
    /// When a relay's account was last used.
    var heardAt = Instant.zero
    var throttledUntil: Instant?
    var verificationBudget: TokenBucket
    var messageBudget: TokenBucket
    var answerBudget: TokenBucket
    /// Signatures of its that are being verified or wait for it.
    var verifyingCount = 0
    /// Votes being verified in its turn.
    var startedCount = 0
    /// Valid votes that it sent since the last bad one.
    var validCount = 0

    /// Whether this is the account of what a neighbour passes on: nothing is sent there.
    var isRelay: Bool { handle.isRelay }
    /// Whether things are sent to it.
    var isListening: Bool { !isCutOff && !isRelay }

    /// How many of its votes may be verified at one time: as many as could be bad before it is cut
    /// off, and one more for each that was valid. So a stranger costs three verifications at most,
    /// and an honest peer waits for nothing after its first few votes.
    var verificationWindow: Int { reputation.strikesLeft + validCount }

    // What is on its way to it.
    var probes: [Probe] = []
    var quorumSentAt: Instant?
    var quorumSentRound: RoundNumber?
    var certificateSentAt: Instant?
    var certificateSentNumber: BlockNumber?
    /// How often the same certificate went to it.
    var certificateRepeats = 0

    /// When it last got all own votes for showing another round.
    var restartedAt: Instant?

    // What we asked it for.
    var request: Request?
    var failedRequestCount = 0

    /// Takes a peer as its handshake describes it.
    init(
        handle: PeerHandle, handshake: GossipHandshake, isReserved: Bool,
        reputation: PeerReputation, configuration: GossipConfiguration, validatorCount: Int,
        now: Instant
    ) {
        self.handle = handle
        role = handshake.role
        self.isReserved = isReserved
        setID = handshake.setID
        round = handshake.round
        finalisedNumber = handshake.finalisedNumber
        holdings = PeerHoldings(validatorCount: validatorCount)
        self.reputation = reputation
        verificationBudget = Self.verificationBudget(
            configuration, validatorCount: validatorCount, now: now)
        messageBudget = TokenBucket(
            burst: configuration.messageBurst, perSecond: configuration.messageRate, now: now)
        answerBudget = TokenBucket(
            burst: configuration.answerBurst, perSecond: configuration.answerRate, now: now)
        statusLag = configuration.bundleDelay.upperBound
    }

    static func verificationBudget(
        _ configuration: GossipConfiguration, validatorCount: Int, now: Instant
    ) -> TokenBucket {
        TokenBucket(
            burst: configuration.verificationBurstPerValidator * validatorCount,
            perSecond: configuration.verificationRatePerValidator * validatorCount, now: now)
    }

    /// Whether votes of that round and phase are of use to the peer, a member of our set.
    ///
    /// Not those it has left behind; and when it has a newer certificate than we do, only those
    /// that its status lists, for the rest is decided.
    func wants(_ position: VotePosition, finalised: BlockNumber) -> Bool {
        guard position.round.rawValue >= round.rawValue || position.round.successor == round else {
            return false
        }
        if finalisedNumber > finalised && hasShownStatus && position.round <= round {
            return holdings.lists(position)
        }
        return true
    }

    /// When the next of what waits for it is due.
    var nextDueAt: Instant {
        var next = Instant.distantFuture
        if let certificateDueAt { next = min(next, certificateDueAt) }
        if let quorumDueAt { next = min(next, quorumDueAt) }
        if let forwardDueAt { next = min(next, forwardDueAt) }
        return next
    }

    /// Notes that an own vote is on its way.
    mutating func noteSent(_ position: VotePosition, at now: Instant) {
        if let known = probes.firstIndex(where: { $0.position == position }) {
            probes[known].sentAt = now
            probes[known].isRepeated = true
            return
        }
        if probes.count == 8 { probes.removeFirst() }
        probes.append(Probe(position: position, sentAt: now))
    }

    /// Learns from the own votes that the peer's holdings show for the first time.
    mutating func confirm(of local: ValidatorIndex, now: Instant, limit: Duration) {
        guard probes.contains(where: { holdings.shows(local, at: $0.position) }) else { return }
        for probe in probes where holdings.shows(local, at: probe.position) {
            if !probe.isRepeated { learnLag(now - probe.sentAt, limit: limit) }
        }
        probes.removeAll { holdings.shows(local, at: $0.position) }
    }

    /// Learns from how long an own vote took to be confirmed: quickly upward, slowly downward.
    mutating func learnLag(_ sample: Duration, limit: Duration) {
        let bounded = min(sample, limit)
        statusLag = bounded > statusLag ? bounded : statusLag - (statusLag - bounded) / 4
    }

    /// How long the same certificate has to wait before it is sent again.
    func certificateInterval(_ configuration: GossipConfiguration) -> Duration {
        min(
            configuration.answerInterval * (1 << min(certificateRepeats, 8)),
            configuration.longestAnswerInterval)
    }

    /// The most bytes held of any peer, roughly.
    static func largestByteCount(validatorCount: Int) -> Int {
        640 + PeerHoldings.largestByteCount(validatorCount: validatorCount)
    }

    /// Bytes held, roughly.
    var byteCount: Int { 640 + holdings.byteCount }
}
