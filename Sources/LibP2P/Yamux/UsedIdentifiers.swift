/// The stream ids of the peer's parity that were used already.
///
/// Ids rise, but a sender may announce them out of order (a stream is announced by its first frame,
/// whenever that is written). So an id may trail the highest one by less than 1,024 streams; older
/// ids and those seen before are refused.
package struct UsedIdentifiers: Sendable {
    package static let span: UInt32 = 1_024

    private var highest: UInt32?
    /// One bit for each of the last `span` ids, at the id modulo `span`.
    private var words = [UInt64](repeating: 0, count: Int(span / 64))

    package init() {}

    /// Takes an id, false when it was used or is too old. Ids here are ordinals: 1, 3, 5 are 0, 1, 2.
    package mutating func insert(_ ordinal: UInt32) -> Bool {
        guard let top = highest else {
            highest = ordinal
            set(ordinal)
            return true
        }
        if ordinal > top {
            if ordinal - top >= Self.span {
                for index in words.indices { words[index] = 0 }
            } else {
                for skipped in (top + 1)...ordinal { clear(skipped) }
            }
            highest = ordinal
            set(ordinal)
            return true
        }
        guard top - ordinal < Self.span, !contains(ordinal) else { return false }
        set(ordinal)
        return true
    }

    private func contains(_ ordinal: UInt32) -> Bool {
        words[Int(ordinal % Self.span / 64)] >> UInt64(ordinal % 64) & 1 == 1
    }

    private mutating func set(_ ordinal: UInt32) {
        words[Int(ordinal % Self.span / 64)] |= 1 << UInt64(ordinal % 64)
    }

    private mutating func clear(_ ordinal: UInt32) {
        words[Int(ordinal % Self.span / 64)] &= ~(1 << UInt64(ordinal % 64))
    }
}
