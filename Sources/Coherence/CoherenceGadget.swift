package import Chain
package import Primitives

/// The finality protocol of one validator in one validator set: what it votes for, when it may, and
/// when a block is final.
///
/// A deterministic machine. Inputs come one at a time, with the block tree and the time; what is to
/// be done comes back as effects, which are carried out first in, first out, and a persisted record
/// is durable before anything after it happens. Time, signatures, verification, disk and peers are
/// outside.
///
/// The rules and their numbers are those of docs/protocol.md:
/// 0 monotone signing, 1 timers, 2 prevote, 3 precommit, 4 final, 5 round end, 6 what is sent again
/// (done by vote gossip, from `view`) and what becomes of the lock, 7 target cap.
///
/// Safety: a round has at most one block with q prevotes. When B is final in round r, its honest
/// precommitters are locked at (B, r), and rule 2 lets them prevote only descendants of B or of a
/// block that got q prevotes since, which, by induction over the rounds, is itself a descendant.
package struct CoherenceGadget: Sendable {
    /// The bound on rounds (rule 5): those above c(F) + 2^20 are ignored.
    static let roundHorizon: UInt64 = 1 << 20
    /// How many certificates for unknown blocks are kept.
    static let heldCertificateLimit = 4
    /// A hint off the own best chain may be on a fork this much shorter (rule 2).
    static let hintForkLimit: UInt32 = 8
    /// The shortest and the longest pause before a signer that failed is asked again.
    static let signingPauses: ClosedRange<Duration> = .milliseconds(250)...(.seconds(8))

    package let configuration: Configuration
    package let domain: VotingDomain
    /// Our position in the set; nil for an observer, which counts but never signs.
    package let local: ValidatorIndex?
    let rules: VotingRules

    var isStarted = false
    var targetCap: TargetCap
    var measurement = QuantumMeasurement.unusable(.noMeasurement)
    /// Why this key signs no more.
    var halt: SafetyAlarm?
    /// The key that was ours when signing ended; nil when that is not known.
    var haltedKey: [UInt8]?
    /// The set that F hands over to: this gadget has nothing more to do.
    package internal(set) var successor: ValidatorSet?

    /// F.
    var finalised: BlockRef
    /// F's certificate in this set.
    var certificate: VerifiedCertificate?
    var recentFinality: RecentFinality
    /// Certificates whose blocks are not known yet, by ascending height.
    var heldCertificates: [VerifiedCertificate] = []

    var clock = RoundClock()
    /// L. It is durable before a precommit that rests on it is signed.
    var lock: Lock?
    var quorums = KnownQuorums()
    /// The highest certificate that is on disk, in its own record or in the lock's.
    var storedQuorumRound: RoundNumber?
    var tallies: VoteTallies
    var own = OwnVotes()
    /// When signatures that failed are asked for again; nil when none failed.
    var signingRetry: ScheduledTimer?
    /// The pause after the next failure.
    var signingPause = signingPauses.lowerBound
    /// A vote of ours that only the stored certificate tells of; the start writes it down.
    var unrecorded: VerifiedVote?
    /// Quorums of precommits that were made into certificates already.
    var certified: [CertifiedTarget] = []
    /// Blocks that were asked for in this round.
    var wanted: [BlockRef] = []
    /// The timers that are set.
    var timers: [ScheduledTimer] = []

    /// The effects of the input at hand.
    var effects: [Effect] = []

    /// A quorum of precommits by its round and block.
    struct CertifiedTarget: Sendable, Equatable {
        let round: RoundNumber
        let target: VoteTarget
    }

    /// A gadget that goes on where its predecessor's durable state ends.
    ///
    /// - Parameters:
    ///   - local: our index in the set; nil for an observer.
    ///   - recovered: what was durable; checked with `verifier` before it is believed.
    /// - Throws: what is wrong with the stored state. The caller must not sign then.
    package init(
        configuration: Configuration, domain: VotingDomain, local: ValidatorIndex?,
        recovered: RecoveredVoting, verifier: some SignatureVerifier,
        rules: VotingRules = .production
    ) throws(RecoveryError) {
        precondition(local.map { domain.set.validator(at: $0) != nil } ?? true)
        self.configuration = configuration
        self.domain = domain
        self.local = local
        self.rules = rules
        targetCap = configuration.targetCap
        halt = recovered.halt
        finalised = recovered.finalised
        recentFinality = RecentFinality(recovered.finalised)
        tallies = VoteTallies(
            validatorCount: domain.set.count,
            quorum: domain.set.quorum - rules.missingQuorumVotes, round: RoundNumber(0),
            countsContentOnce: rules.countsContentOnce)
        haltedKey = halt == nil ? nil : ownKey
        try restore(recovered, verifier: verifier)
    }

    /// The gadget of the set that another one's F hands over to. Rounds begin at 0; locks, quorum
    /// certificates and votes of the old set are void.
    ///
    /// - Parameters:
    ///   - local: our index in the new set.
    ///   - old: a gadget with a `successor`, which is the new set.
    package init(after old: CoherenceGadget, local: ValidatorIndex?) {
        guard let set = old.successor else {
            preconditionFailure("the old gadget's set is over")
        }
        precondition(local.map { set.validator(at: $0) != nil } ?? true)
        configuration = old.configuration
        domain = VotingDomain(genesisHash: old.domain.genesisHash, set: set)
        self.local = local
        rules = old.rules
        targetCap = old.targetCap
        measurement = old.measurement
        finalised = old.finalised
        recentFinality = old.recentFinality
        tallies = VoteTallies(
            validatorCount: set.count, quorum: set.quorum - rules.missingQuorumVotes,
            round: rules.restartsRounds ? RoundNumber(0) : old.round,
            countsContentOnce: rules.countsContentOnce)
        halt = old.inheritedHalt(local: local)
        haltedKey = halt == nil ? nil : old.haltedKey ?? ownKey
    }

    /// The alarm that ends signing in the next set too: it must be durable there before the hand-off
    /// block counts as final. What proves that too many validators are faulty ends signing for good;
    /// what is about our own key holds as long as that is our key.
    ///
    /// - Parameter local: our index in `successor`.
    package func inheritedHalt(local: ValidatorIndex?) -> SafetyAlarm? {
        switch halt {
        case .conflictingCertificate, .conflictingLock, nil: return halt
        case .ownDoubleVote, .ownKeyUsedElsewhere:
            let next = local.flatMap { successor?.validator(at: $0)?.falconPublicKey }
            guard let next, let haltedKey else { return halt }
            return next == haltedKey ? halt : nil
        }
    }

    /// Takes one input and says what is to be done.
    ///
    /// - Parameters:
    ///   - tree: the block tree; its root is F or an ancestor whose finalisation is under way.
    ///   - now: the time, which never goes back.
    package mutating func handle(_ input: Input, tree: BlockTree, now: Instant) -> [Effect] {
        effects = []
        switch input {
        case .start: start(tree: tree)
        case .blockImported(let block): blockImported(block, tree: tree)
        case .vote(let vote): receive(vote, tree: tree)
        case .signed(let slot, let signature): complete(slot, signature: signature, now: now)
        case .signingFailed(let slot): complete(slot, signature: nil, now: now)
        case .quorumCertificate(let quorum): receive(quorum)
        case .certificate(let certificate): receive(certificate, tree: tree)
        case .measurement(let measurement): take(measurement)
        case .targetCap(let cap): targetCap = cap
        case .timer(let timer): fire(timer)
        }
        if isStarted { settle(tree: tree, now: now) }
        defer { effects = [] }
        return effects
    }

    // MARK: Derived values

    /// Blocks that the tree must not let go of: those of the lock and of quorum certificates.
    package var pinnedBlocks: [Hash256] {
        (lock.map { [$0.block.hash] } ?? []) + quorums.all.map(\.block.hash)
    }

    /// r.
    package var round: RoundNumber { tallies.round }

    /// n.
    var validatorCount: Int { domain.set.count }

    /// q, or less when that rule is broken.
    var quorum: Int { domain.set.quorum - rules.missingQuorumVotes }

    /// c(F) + 1: the first round after the one that F was finalised in.
    var firstOpenRound: UInt64 { certificate.map { $0.round.rawValue + 1 } ?? 0 }

    /// k: the rounds that failed since.
    var failedRounds: UInt64 {
        round.rawValue >= firstOpenRound ? round.rawValue - firstOpenRound : 0
    }

    /// D.
    var roundDuration: Duration {
        configuration.timings.roundDuration(failedRounds: failedRounds)
    }

    /// Our index while we may sign; nil for observers, after an alarm and when the set is over.
    var signer: ValidatorIndex? {
        // Not `halt == nil`, which would copy the alarm's certificates.
        if case .some = halt { return nil }
        if case .some = successor { return nil }
        return local
    }

    /// Our key in this set; nil for observers.
    package var ownKey: [UInt8]? {
        local.flatMap { domain.set.validator(at: $0)?.falconPublicKey }
    }

    /// The measurement to vote with; nil while abstaining.
    var usableState: QuantumState? {
        if case .usable(let state) = measurement { state } else { nil }
    }

    /// Whether a and b are blocks of the tree and a is b or a descendant of b.
    func isAtLeast(_ a: BlockRef, _ b: BlockRef, tree: BlockTree) -> Bool {
        tree.isDescendant(a.hash, ofOrEqual: b.hash)
    }

    /// Whether a block is in the tree, at the height that its reference says.
    func isKnown(_ block: BlockRef, tree: BlockTree) -> Bool {
        tree.number(of: block.hash) == block.number
    }

    /// The known certificate of the highest round whose block is known and at or above F: highQC.
    func highestQuorum(tree: BlockTree) -> VerifiedQuorumCertificate? {
        quorums.all.last {
            isKnown($0.block, tree: tree) && isAtLeast($0.block, finalised, tree: tree)
                && rules.mayVote(on: $0.block.hash, of: domain.set.id, tree: tree)
        }
    }

    /// Asks for a block once per round.
    mutating func want(_ block: BlockRef) {
        guard !wanted.contains(block), wanted.count < 64 else { return }
        wanted.append(block)
        effects.append(.wantBlock(block))
    }
}
