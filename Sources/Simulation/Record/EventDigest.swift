package import Primitives

/// The digest of a run's whole history: BLAKE2b-256, chained over blocks of records.
///
/// Two runs with one digest had the same inputs and outputs of every node at the same times.
package struct EventDigest: Sendable {
    private var chained = Hash256.zero
    private var buffer: [UInt8] = []
    /// Records so far.
    package private(set) var count: UInt64 = 0

    package init() { buffer.reserveCapacity(Self.blockByteCount + 4_096) }

    private static let blockByteCount = 65_536

    /// Takes a record: when, what kind, which node, and its bytes.
    package mutating func record(
        _ kind: UInt8, node: Int, at now: Instant, number: UInt64 = 0, _ bytes: [UInt8] = []
    ) {
        count += 1
        append(now.nanoseconds)
        buffer.append(kind)
        append(UInt64(truncatingIfNeeded: node))
        append(number)
        append(UInt64(bytes.count))
        buffer += bytes
        if buffer.count >= Self.blockByteCount { fold() }
    }

    private mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { buffer.append(contentsOf: $0) }
    }

    private mutating func fold() {
        chained = BLAKE2b256.hash(chained.bytes + buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The digest of everything so far.
    package var value: Hash256 {
        var copy = self
        copy.fold()
        return copy.chained
    }
}
