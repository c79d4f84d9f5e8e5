/// What a relay has read in one direction and not yet passed on: in order, no piece before its
/// time, and none at all while the relay is blocked.
package struct RelayQueue: Sendable {
    /// When so much waits, nothing more is read.
    package static let capacity = 1 << 20

    package enum Piece: Sendable, Equatable {
        case bytes([UInt8])
        /// The sender has nothing more to say.
        case end
    }

    private var pieces: [(piece: Piece, due: UInt64)] = []
    package private(set) var byteCount = 0
    /// Whether the end was read: nothing follows it.
    package private(set) var hasEnded = false

    package init() {}

    package var hasRoom: Bool { byteCount < Self.capacity && !hasEnded }
    package var isEmpty: Bool { pieces.isEmpty }

    /// Takes what was read.
    ///
    /// - Parameter due: when it may go on; a piece never overtakes the one before.
    package mutating func append(_ piece: Piece, due: UInt64) {
        guard !hasEnded else { return }
        if case .bytes(let bytes) = piece { byteCount += bytes.count } else { hasEnded = true }
        pieces.append((piece, max(due, pieces.last?.due ?? due)))
    }

    /// The first piece, if its time has come.
    package func first(now: UInt64) -> Piece? {
        guard let first = pieces.first, first.due <= now else { return nil }
        return first.piece
    }

    /// When the first piece's time comes.
    package var due: UInt64? { pieces.first?.due }

    /// That many bytes of the first piece were passed on; its end was, for 0.
    package mutating func passed(_ count: Int) {
        guard let first = pieces.first else { return }
        guard case .bytes(let bytes) = first.piece, count < bytes.count else {
            if case .bytes(let bytes) = first.piece { byteCount -= bytes.count }
            pieces.removeFirst()
            return
        }
        byteCount -= count
        pieces[0].piece = .bytes(Array(bytes[count...]))
    }
}
