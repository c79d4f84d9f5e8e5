package import Primitives

/// Where a block's slot stands to the local clock.
package enum SlotTiming: Sendable, Hashable {
    /// The slot has begun.
    case begun
    /// It is the next one: the block is parked until then.
    case next
    /// It is further ahead: the block is ignored.
    case farAhead
}

extension SlotNumber {
    /// Where this slot stands when the local clock is in slot `current`.
    package func timing(at current: SlotNumber) -> SlotTiming {
        if self <= current { return .begun }
        return rawValue - current.rawValue == 1 ? .next : .farAhead
    }
}

extension ValidatorSet {
    /// Who may author a block in a slot: the validator at slot mod n.
    package func author(of slot: SlotNumber) -> ValidatorIndex {
        ValidatorIndex(UInt16(slot.rawValue % UInt64(count)))
    }
}
