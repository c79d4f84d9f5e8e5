internal import Primitives

/// What this validator decided and signed: the guard of rule 0 (monotone signing).
///
/// A slot is taken by `take`, at the decision; no position at or below the last one is ever taken
/// again. Signatures may come back in any order, but votes are released for storage in the order of
/// their decisions, so that the sign log on disk has no gap before its last record.
struct OwnVotes: Sendable {
    /// How many decided votes may wait for their signatures before no more are decided.
    static let pendingLimit = 64

    /// A decided vote. Its content never changes: a signer that failed is asked for the same one.
    private struct Pending: Sendable {
        let vote: UnsignedVote
        var outcome: Outcome
    }

    private enum Outcome: Sendable {
        case waiting
        case signed(VerifiedVote)
        case failed

        var isSigned: Bool { if case .signed = self { true } else { false } }
        var isFailed: Bool { if case .failed = self { true } else { false } }
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
    /// - Returns: whether there is a signature now, or a failure that is to be tried again with
    ///   `retry`; nil when nothing waits for a signature in this slot.
    mutating func complete(_ slot: VoteSlot, signature: [UInt8]?) -> SigningOutcome? {
        let index = pending.firstIndex { $0.vote.slot == slot && !$0.outcome.isSigned }
        guard let index else { return nil }
        guard let vote = signature.flatMap({ pending[index].vote.vote(signature: $0) }) else {
            pending[index].outcome = .failed
            return .failed
        }
        pending[index].outcome = .signed(vote)
        return .signed
    }

    /// What a signer brought.
    enum SigningOutcome: Sendable { case signed, failed }

    /// Whether some vote's signature failed and has to be asked for again.
    var hasFailed: Bool { pending.contains { $0.outcome.isFailed } }

    /// The votes whose signatures failed, to be asked for again as they are, in the order of their
    /// decisions.
    mutating func retry() -> [UnsignedVote] {
        var again: [UnsignedVote] = []
        for index in pending.indices where pending[index].outcome.isFailed {
            pending[index].outcome = .waiting
            again.append(pending[index].vote)
        }
        return again
    }

    /// Takes out what may be stored and sent.
    ///
    /// A failed vote of a round before `round` - 1 is given up: nobody is helped by it any more.
    ///
    /// - Returns: the signed votes that no older one holds up, in the order of their decisions.
    mutating func release(round: RoundNumber) -> [VerifiedVote] {
        let oldest = round.predecessor ?? round
        pending.removeAll { $0.outcome.isFailed && $0.vote.slot.round < oldest }
        var released: [VerifiedVote] = []
        while case .signed(let vote)? = pending.first?.outcome {
            released.append(vote)
            pending.removeFirst()
        }
        return released
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

    /// Gives a decided slot another content: only for broken rules.
    mutating func replace(_ vote: UnsignedVote) {
        guard let index = pending.firstIndex(where: { $0.vote.slot == vote.slot }) else { return }
        pending[index] = Pending(vote: vote, outcome: .waiting)
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
