internal import Coherence
internal import Primitives

/// The slots of recent rounds of which a vote was received at all: what the duplication factor is
/// counted against, whatever became of the votes.
struct SeenVotes: Sendable {
    /// The newest rounds and phases that are remembered.
    static let rowLimit = 12

    private var rows: [(position: VotePosition, seen: Bits)] = []
    private let validatorCount: Int

    init(validatorCount: Int) { self.validatorCount = validatorCount }

    /// Notes a vote; whether it is the first of its slot.
    mutating func insert(_ slot: VoteSlot) -> Bool {
        let index = rows.firstIndex { $0.position >= slot.position } ?? rows.count
        if index == rows.count || rows[index].position != slot.position {
            rows.insert((slot.position, Bits(validatorCount: validatorCount)), at: index)
            guard rows.count > Self.rowLimit else { return insertKnown(slot, at: index) }
            // The highest is dropped rather than the current rounds' when somebody votes far
            // ahead; what was just inserted may be it.
            guard index < rows.count - 1 else {
                rows.removeLast()
                return false
            }
            rows.removeLast()
        }
        return insertKnown(slot, at: index)
    }

    private mutating func insertKnown(_ slot: VoteSlot, at index: Int) -> Bool {
        guard !rows[index].seen.contains(slot.validator) else { return false }
        rows[index].seen.insert(slot.validator)
        return true
    }

    /// Forgets the rounds below this one.
    mutating func forget(below round: RoundNumber) {
        rows.removeAll { $0.position.round < round }
    }
}
