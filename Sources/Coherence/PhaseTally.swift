internal import Primitives

/// The verified votes of one round and phase.
///
/// At most two targets are kept for each validator; one that has two is an equivocator and counts
/// for both, so that all who see the same votes count alike. Everything is bounded by the size of
/// the set.
package struct PhaseTally: Sendable {
    private let validatorCount: Int
    private let quorum: Int
    private let countsContentOnce: Bool
    /// By validator index; empty until the first vote.
    private var first: [VerifiedVote?] = []
    /// The second votes of equivocators.
    private var second: [ValidatorIndex: VerifiedVote] = [:]
    private var counts: [VoteTarget: Int] = [:]
    /// How many distinct validators voted.
    private(set) var voterCount = 0
    /// The most votes that any block has.
    private(set) var highestBlockCount = 0
    /// The blocks that have a quorum, in the order in which they got it. Never nil.
    package private(set) var quorumTargets: [VoteTarget] = []
    /// Bit i of byte i/8 (least significant first): whether validator i voted.
    private(set) var bitmap: [UInt8]

    /// - Parameter countsContentOnce: true but in broken rules.
    package init(validatorCount: Int, quorum: Int, countsContentOnce: Bool = true) {
        self.countsContentOnce = countsContentOnce
        self.validatorCount = validatorCount
        self.quorum = quorum
        bitmap = [UInt8](repeating: 0, count: (validatorCount + 7) / 8)
    }

    /// What became of a vote.
    package enum Outcome: Sendable, Equatable {
        /// The first vote of its validator.
        case counted
        /// The validator's vote for this target is held already.
        case duplicate
        /// The validator voted for another target before: counted as well, and evidence.
        case equivocation(VerifiedVote)
        /// Two other targets of the validator are held already.
        case surplus
    }

    /// Counts a vote of this tally's round and phase.
    package mutating func add(_ vote: VerifiedVote) -> Outcome {
        if first.isEmpty { first = Array(repeating: nil, count: validatorCount) }
        let position = Int(vote.index.rawValue)
        guard let held = first[position] else {
            first[position] = vote
            voterCount += 1
            bitmap[position / 8] |= 1 << (position % 8)
            count(vote.target)
            return .counted
        }
        if held.target == vote.target {
            if !countsContentOnce { count(vote.target) }
            return .duplicate
        }
        if let other = second[vote.index] {
            return other.target == vote.target ? .duplicate : .surplus
        }
        second[vote.index] = vote
        count(vote.target)
        return .equivocation(held)
    }

    private mutating func count(_ target: VoteTarget) {
        let votes = counts[target, default: 0] + 1
        counts[target] = votes
        guard !target.isNil else { return }
        highestBlockCount = max(highestBlockCount, votes)
        if votes == quorum { quorumTargets.append(target) }
    }

    /// How many validators voted for a target.
    func votes(for target: VoteTarget) -> Int { counts[target] ?? 0 }

    /// How many nil votes there are.
    var nilCount: Int { votes(for: .nothing) }

    /// Whether some block has a vote.
    var hasBlockVote: Bool { highestBlockCount > 0 }

    /// Whether a block may still get a quorum when the missing votes come in.
    var canReachQuorum: Bool {
        highestBlockCount + (validatorCount - voterCount) >= quorum
    }

    /// The first vote of a validator.
    func firstVote(of validator: ValidatorIndex) -> VerifiedVote? {
        first.isEmpty ? nil : first[Int(validator.rawValue)]
    }

    /// The vote of a validator for a target.
    func vote(of validator: ValidatorIndex, for target: VoteTarget) -> VerifiedVote? {
        guard let held = firstVote(of: validator) else { return nil }
        if held.target == target { return held }
        guard let other = second[validator], other.target == target else { return nil }
        return other
    }

    /// All votes for which `isWanted` holds, by validator index; an equivocator's two in the order
    /// of their arrival.
    func votes(where isWanted: (VerifiedVote) -> Bool) -> [VerifiedVote] {
        var found: [VerifiedVote] = []
        for held in first {
            guard let held else { continue }
            if isWanted(held) { found.append(held) }
            if let other = second[held.index], isWanted(other) { found.append(other) }
        }
        return found
    }

    /// All votes of the validators whose bit is set in `wanted`, as in `bitmap`.
    func votes(wanted: [UInt8]) -> [VerifiedVote] {
        var found: [VerifiedVote] = []
        for position in first.indices
        where position / 8 < wanted.count && wanted[position / 8] >> (position % 8) & 1 == 1 {
            guard let held = first[position] else { continue }
            found.append(held)
            if !second.isEmpty, let other = second[held.index] { found.append(other) }
        }
        return found
    }

    /// The validators that voted for a target, ascending.
    func supporters(of target: VoteTarget) -> [ValidatorIndex] {
        var found: [ValidatorIndex] = []
        for position in first.indices {
            let index = ValidatorIndex(UInt16(position))
            if first[position]?.target == target
                || !second.isEmpty && second[index]?.target == target
            {
                found.append(index)
            }
        }
        return found
    }

    /// The votes by which a target has its quorum: the q with the lowest indices.
    func quorumVotes(for target: VoteTarget) -> [VerifiedVote] {
        Array(votes { $0.target == target }.prefix(quorum))
    }
}
