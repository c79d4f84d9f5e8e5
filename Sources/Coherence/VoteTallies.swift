internal import Primitives

/// The votes of the previous, current and next round, and of every validator the newest beyond.
struct VoteTallies: Sendable {
    private let validatorCount: Int
    private let quorum: Int
    private let countsContentOnce: Bool
    /// The current round, in the middle of the window.
    private(set) var round: RoundNumber
    /// Rounds r-1, r and r+1; prevotes and precommits of each.
    private var window: [[PhaseTally]]
    /// By validator: its newest vote of a round above r+1. Empty until there is one.
    private var ahead: [VerifiedVote?] = []
    /// By validator: the highest round that it is known to have voted in.
    private var highestRounds: [RoundNumber?]
    /// How many validators voted in rounds above r.
    private var aheadCount = 0

    /// - Parameter countsContentOnce: true but in broken rules.
    init(validatorCount: Int, quorum: Int, round: RoundNumber, countsContentOnce: Bool = true) {
        self.countsContentOnce = countsContentOnce
        self.validatorCount = validatorCount
        self.quorum = quorum
        self.round = round
        highestRounds = Array(repeating: nil, count: validatorCount)
        window = []
        window = (0..<3).map { _ in emptyRound }
    }

    private var emptyRound: [PhaseTally] {
        VotePhase.allCases.map { _ in
            PhaseTally(
                validatorCount: validatorCount, quorum: quorum,
                countsContentOnce: countsContentOnce)
        }
    }

    private func windowIndex(_ round: RoundNumber) -> Int? {
        let (raw, middle) = (round.rawValue, self.round.rawValue)
        if raw >= middle { return raw - middle <= 1 ? Int(raw - middle) + 1 : nil }
        return middle - raw == 1 ? 0 : nil
    }

    /// The tally of a round and phase; nil outside [r-1, r+1].
    func tally(_ round: RoundNumber, _ phase: VotePhase) -> PhaseTally? {
        windowIndex(round).map { window[$0][Int(phase.rawValue)] }
    }

    /// Whether a block has a quorum in a round and phase; false outside [r-1, r+1].
    func hasQuorum(_ round: RoundNumber, _ phase: VotePhase) -> Bool {
        tally(round, phase).map { !$0.quorumTargets.isEmpty } ?? false
    }

    /// The bitmap of a round and phase; nil outside [r-1, r+1].
    func bitmap(_ round: RoundNumber, _ phase: VotePhase) -> [UInt8]? {
        tally(round, phase)?.bitmap
    }

    /// The vote of a slot for a target; nil outside [r-1, r+1].
    func vote(in slot: VoteSlot, for target: VoteTarget) -> VerifiedVote? {
        tally(slot.round, slot.phase)?.vote(of: slot.validator, for: target)
    }

    /// How many votes for a target are counted; 0 outside [r-1, r+1].
    func voteCount(_ round: RoundNumber, _ phase: VotePhase, for target: VoteTarget) -> Int {
        tally(round, phase)?.votes(for: target) ?? 0
    }

    /// The validators that voted for a target, ascending; none outside [r-1, r+1].
    func supporters(
        _ round: RoundNumber, _ phase: VotePhase, of target: VoteTarget
    ) -> [ValidatorIndex] {
        tally(round, phase)?.supporters(of: target) ?? []
    }

    /// All votes of the validators whose bit is set in `wanted`; none outside [r-1, r+1].
    func votes(_ round: RoundNumber, _ phase: VotePhase, wanted: [UInt8]) -> [VerifiedVote] {
        tally(round, phase)?.votes(wanted: wanted) ?? []
    }

    /// The tally of the current round.
    func current(_ phase: VotePhase) -> PhaseTally { window[1][Int(phase.rawValue)] }

    /// The rounds of the window, ascending.
    var rounds: [RoundNumber] {
        [round.predecessor, round, round.successor].compactMap { $0 }
    }

    /// What became of a vote.
    enum Outcome: Sendable, Equatable {
        /// It is in a tally of the window; see `PhaseTally.Outcome`.
        case tallied(PhaseTally.Outcome)
        /// It is of a round above the window and the newest of its validator.
        case kept
        /// It is of a round below the window, or above it and not the newest.
        case ignored
    }

    /// Takes a vote.
    mutating func add(_ vote: VerifiedVote) -> Outcome {
        noteRound(vote.round, of: vote.index)
        if let index = windowIndex(vote.round) {
            return .tallied(window[index][Int(vote.phase.rawValue)].add(vote))
        }
        guard vote.round > round else { return .ignored }
        if ahead.isEmpty { ahead = Array(repeating: nil, count: validatorCount) }
        let position = Int(vote.index.rawValue)
        if let held = ahead[position], held.slot.position >= vote.slot.position {
            return .ignored
        }
        ahead[position] = vote
        return .kept
    }

    /// Remembers that a validator voted in a round: the evidence that jumps rest on.
    mutating func noteRound(_ voted: RoundNumber, of validator: ValidatorIndex) {
        let position = Int(validator.rawValue)
        let known = highestRounds[position]
        guard known.map({ voted > $0 }) ?? true else { return }
        highestRounds[position] = voted
        if voted > round, known.map({ $0 <= round }) ?? true { aheadCount += 1 }
    }

    /// The highest round above r that at least `support` distinct validators have reached.
    func supportedRound(support: Int) -> RoundNumber? {
        guard aheadCount >= support else { return nil }
        let higher = highestRounds.compactMap { $0 }.filter { $0 > round }.sorted(by: >)
        return higher.count >= support ? higher[support - 1] : nil
    }

    /// Moves the window; what falls out of it is forgotten, what it reaches is tallied.
    mutating func move(to next: RoundNumber) {
        let old = self
        round = next
        window = [next.predecessor, next, next.successor].map { moved in
            guard let moved, let index = old.windowIndex(moved) else { return emptyRound }
            return old.window[index]
        }
        aheadCount = highestRounds.count { $0.map { $0 > next } ?? false }
        for position in ahead.indices {
            guard let vote = ahead[position], windowIndex(vote.round) != nil || vote.round < next
            else { continue }
            ahead[position] = nil
            _ = add(vote)
        }
    }
}

extension RoundNumber {
    /// The round before, or nil for round 0.
    var predecessor: RoundNumber? { rawValue == 0 ? nil : RoundNumber(rawValue - 1) }
}
