package import Chain
package import Coherence
package import Metrics
package import Primitives
package import Validator

/// What is counted of votes, rounds and blocks as they happen: sums and histograms, and for at most
/// a set's validators who took part.
package struct VotingMetrics: Sendable {
    /// Blocks that are not final: no more than that are remembered. The block tree has fewer.
    private static let pendingLimit = 16_384
    /// Arrivals of blocks later than that are blocks fetched long after they were made.
    private static let freshness: Int64 = 60_000
    /// How many blocks of an author count for its delay.
    private static let delayCount = 8
    private static let quorumBounds = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    /// Who cast votes, and for what.
    package struct VoteKind: Sendable, Hashable {
        package let isOwn: Bool
        package let isForBlock: Bool

        package init(isOwn: Bool, isForBlock: Bool) {
            self.isOwn = isOwn
            self.isForBlock = isForBlock
        }

        static let all = [true, false].flatMap { isOwn in
            [true, false].map { VoteKind(isOwn: isOwn, isForBlock: $0) }
        }
    }

    /// What was measured by a validator, as the last certificate that has it tells.
    package struct Measured: Sendable, Hashable {
        package let averageQBER: UInt32
        package let score: UInt64
    }

    private struct Pending: Sendable {
        let parent: Hash256
        let number: BlockNumber
        let imported: Instant
    }

    private struct Round: Sendable {
        var firstPrevote: Instant?
        var hasQuorum: Set<VotePhase> = []
        var voters: Set<ValidatorIndex> = []
    }

    // Since the start of the process.
    package private(set) var votes: [VotePhase: [VoteKind: UInt64]] = [:]
    package private(set) var prevoteQuorum = Histogram(bounds: quorumBounds)
    package private(set) var precommitQuorum = Histogram(bounds: quorumBounds)
    package private(set) var finality = Histogram(
        bounds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300])
    package private(set) var finalisedBlocks: UInt64 = 0
    package private(set) var doubleVotes: UInt64 = 0
    package private(set) var authorEquivocations: UInt64 = 0
    package private(set) var roundsEnded: UInt64 = 0
    package private(set) var ownMissedRounds: UInt64 = 0

    // Of the set in force.
    package private(set) var missedRounds: [ValidatorIndex: UInt64] = [:]
    package private(set) var measured: [ValidatorIndex: Measured] = [:]
    /// Whose precommits the last certificate has; nil before the first one.
    package private(set) var lastVoters: Set<ValidatorIndex>?
    /// The last blocks' delays by author, in milliseconds, the oldest first.
    private var delays: [AccountID: [Int64]] = [:]
    private var rounds: [RoundNumber: Round] = [:]
    /// The first round that was entered: it may have begun before we looked.
    private var firstRound: RoundNumber?
    private var pending: [Hash256: Pending] = [:]
    /// When the lock was set; nil when there is none, or when it is older than the process.
    package private(set) var lockedSince: Instant?
    private let constants: ChainConstants

    package init(constants: ChainConstants) { self.constants = constants }

    /// The place of the node that counts.
    package struct Viewpoint: Sendable {
        /// Our position in the set; nil for a follower.
        let local: ValidatorIndex?
        let domain: VotingDomain

        package init(local: ValidatorIndex?, domain: VotingDomain) {
            self.local = local
            self.domain = domain
        }
    }

    /// Counts an event.
    ///
    /// - Parameters:
    ///   - now: monotonic time.
    ///   - unixMilliseconds: wall time.
    package mutating func note(
        _ event: ValidatorEvent, from viewpoint: Viewpoint, now: Instant, unixMilliseconds: UInt64
    ) {
        switch event {
        case .imported(let block, let author, _, let isOwn):
            imported(block.header, now)
            if !isOwn, let slot = block.header.slot {
                let start = constants.unixMillisecondsOfStart(of: slot)
                arrived(by: author, start: start, at: unixMilliseconds)
            }
        case .finalised(let certificate, let block): finalised(certificate, block, now)
        case .setActivated: begin()
        case .authorEquivocation: authorEquivocations += 1
        case .doubleVote: doubleVotes += 1
        case .voting(.counted(let slot, let target, let votes, let quorum)):
            counted(
                slot, isForBlock: target.block != nil, hasQuorum: votes >= quorum, viewpoint, now)
        case .voting(.locked): lockedSince = now
        case .voting(.lockDropped): lockedSince = nil
        case .roundEntered(let round): entered(round, viewpoint)
        default: break
        }
    }

    /// A new set votes: rounds begin at 0 and positions mean other validators.
    private mutating func begin() {
        missedRounds = [:]
        measured = [:]
        lastVoters = nil
        delays = [:]
        rounds = [:]
        firstRound = nil
        lockedSince = nil
    }

    // MARK: Blocks

    private mutating func imported(_ header: Header, _ now: Instant) {
        guard pending.count < Self.pendingLimit else { return }
        pending[header.hash] = Pending(
            parent: header.parentHash, number: header.number, imported: now)
    }

    /// The block and its ancestors are final: each has waited since its import.
    private mutating func finalised(
        _ certificate: VerifiedCertificate, _ block: BlockRef, _ now: Instant
    ) {
        var hash = block.hash
        while let entry = pending.removeValue(forKey: hash) {
            finality.observe(now - entry.imported)
            finalisedBlocks += 1
            hash = entry.parent
        }
        pending = pending.filter { $0.value.number > block.number }
        let entries = certificate.certificate.precommits
        lastVoters = Set(entries.map(\.validator))
        for entry in entries {
            measured[entry.validator] = Measured(
                averageQBER: entry.quantumState.averageQBER, score: entry.coherenceScore)
        }
    }

    private mutating func arrived(by author: AccountID, start: UInt64, at now: UInt64) {
        let delay = Int64(clamping: now) - Int64(clamping: start)
        guard delay.magnitude < Self.freshness.magnitude else { return }
        var recent = delays[author, default: []]
        if recent.count >= Self.delayCount { recent.removeFirst() }
        recent.append(delay)
        delays[author] = recent
    }

    /// How long after their slots' starts blocks of others arrive at best, in milliseconds: the
    /// median over the authors of the shortest of their last delays. Nil before the first block.
    ///
    /// The network's delay is in it. What goes beyond is this clock ahead of the others'.
    package var clockSkewMilliseconds: Int64? {
        let shortest = delays.values.compactMap { $0.min() }.sorted()
        return shortest.isEmpty ? nil : shortest[shortest.count / 2]
    }

    /// The shortest of the last delays of an author's blocks, in milliseconds.
    package func blockDelayMilliseconds(of author: AccountID) -> Int64? { delays[author]?.min() }

    // MARK: Votes and rounds

    private mutating func counted(
        _ slot: VoteSlot, isForBlock: Bool, hasQuorum: Bool, _ viewpoint: Viewpoint, _ now: Instant
    ) {
        let kind = VoteKind(isOwn: slot.validator == viewpoint.local, isForBlock: isForBlock)
        votes[slot.phase, default: [:]][kind, default: 0] += 1
        guard slot.setID == viewpoint.domain.set.id else { return }
        var round = rounds[slot.round] ?? Round()
        round.voters.insert(slot.validator)
        if slot.phase == .prevote, round.firstPrevote == nil { round.firstPrevote = now }
        if isForBlock, hasQuorum, round.hasQuorum.insert(slot.phase).inserted,
            let start = round.firstPrevote
        {
            switch slot.phase {
            case .prevote: prevoteQuorum.observe(now - start)
            case .precommit: precommitQuorum.observe(now - start)
            }
        }
        rounds[slot.round] = round
    }

    /// Votes of the round before the one left are no longer taken: who has none in it missed it.
    private mutating func entered(_ round: RoundNumber, _ viewpoint: Viewpoint) {
        let first = firstRound ?? round
        firstRound = first
        for number in rounds.keys.sorted() where number.rawValue + 1 < round.rawValue {
            guard let ended = rounds.removeValue(forKey: number), number > first else { continue }
            roundsEnded += 1
            for position in 0..<viewpoint.domain.set.count {
                let index = ValidatorIndex(UInt16(position))
                guard !ended.voters.contains(index) else { continue }
                missedRounds[index, default: 0] += 1
                if index == viewpoint.local { ownMissedRounds += 1 }
            }
        }
    }
}
