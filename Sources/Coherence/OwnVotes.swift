internal import Primitives

/// What this validator decided and signed: the guard of rule 0 (monotone signing).
///
/// A slot is taken by `take`, at the decision; no position at or below the last one is ever taken
/// again. Signatures may come back in any order, but votes are released for storage in the order of
/// their decisions, so that the sign log on disk has no gap before its last record.
struct OwnVotes: Sendable {
    /// How many decided votes may wait for their signatures before no more are decided.
    static let pendingLimit = 64

    private struct Pending: Sendable {
        let vote: UnsignedVote
        var outcome: Outcome
    }

    private enum Outcome: Sendable {
        case waiting
        case signed(VerifiedVote)
        case failed
    }

    /// The last position that was decided.
    private(set) var lastDecided: VotePosition?
    private var pending: [Pending] = []
    /// The stored votes of the current and the previous round, in order.
    private(set) var stored: [VerifiedVote] = []

    /// Whether a position may still be decided.
    func isFree(_ position: VotePosition, by rules: VotingRules = .production) -> Bool {
        pending.count < Self.pendingLimit && rules.mayDecide(position, after: lastDecided)
    }

    /// Takes the slot of a vote, for ever.
    mutating func take(_ vote: UnsignedVote) {
        let position = vote.slot.position
        lastDecided = lastDecided.map { max($0, position) } ?? position
        pending.append(Pending(vote: vote, outcome: .waiting))
    }

    /// Takes a signature that came back, or its failure (nil).
    ///
    /// - Returns: the votes that are now to be stored and sent, in the order of their decisions;
    ///   nil when nothing waits for a signature in this slot, or when the signature is unusable
    ///   together with what it held up (`failed`).
    mutating func complete(
        _ slot: VoteSlot, signature: [UInt8]?
    ) -> (released: [VerifiedVote], failed: Bool)? {
        let index = pending.firstIndex { entry in
            if case .waiting = entry.outcome { entry.vote.slot == slot } else { false }
        }
        guard let index else { return nil }
        let vote = signature.flatMap { pending[index].vote.vote(signature: $0) }
        pending[index].outcome = vote.map(Outcome.signed) ?? .failed
        var released: [VerifiedVote] = []
        while let front = pending.first {
            switch front.outcome {
            case .waiting: return (released, vote == nil)
            case .signed(let vote): released.append(vote)
            case .failed: break
            }
            pending.removeFirst()
        }
        return (released, vote == nil)
    }

    /// Keeps a vote that was stored durably, to be sent again.
    mutating func keep(_ vote: VerifiedVote, round: RoundNumber) {
        stored.append(vote)
        stored.sort { $0.slot.position < $1.slot.position }
        forget(before: round)
    }

    /// Drops the votes of rounds before `round` - 1: only two rounds are sent again.
    mutating func forget(before round: RoundNumber) {
        let oldest = round.predecessor ?? round
        stored.removeAll { $0.round < oldest }
    }

    /// Drops everything that waits for a signature: nothing is signed any more.
    mutating func abandon() { pending = [] }

    /// Takes back what the sign log holds after a restart.
    mutating func restore(_ votes: [VerifiedVote], round: RoundNumber) {
        for vote in votes {
            let position = vote.slot.position
            lastDecided = lastDecided.map { max($0, position) } ?? position
            keep(vote, round: round)
        }
    }

    /// Forgets which slots were decided: only for broken rules.
    mutating func forgetDecisions() { lastDecided = nil }

    /// Whether a position of the last two rounds was decided: only for broken rules.
    func isTaken(_ position: VotePosition) -> Bool {
        stored(at: position) != nil || pending.contains { $0.vote.slot.position == position }
    }

    /// The stored vote of a position.
    func stored(at position: VotePosition) -> VerifiedVote? {
        stored.first { $0.slot.position == position }
    }
}
