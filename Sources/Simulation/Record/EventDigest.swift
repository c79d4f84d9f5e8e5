package import Primitives

/// The digest of a run's whole history: BLAKE2b-256, chained over blocks of records.
///
/// Two runs with one digest had the same inputs and outputs of every node at the same times. Long
/// contents go in by a 64-bit fingerprint: nobody forges histories, they only differ by mistake.
package struct EventDigest: Sendable {
    private var chained = Hash256.zero
    private var buffer: [UInt64] = []
    private var fingerprints = MessageMemo<UInt64>()
    /// Records so far.
    package private(set) var count: UInt64 = 0

    package init() { buffer.reserveCapacity(Self.blockWordCount + 4) }

    private static let blockWordCount = 2_048

    /// Takes a record: when, what kind, which node, and its bytes.
    package mutating func record(
        _ kind: UInt8, node: Int, at now: Instant, number: UInt64 = 0, _ bytes: [UInt8] = []
    ) {
        count += 1
        buffer.append(now.nanoseconds.littleEndian)
        buffer.append((UInt64(kind) << 56 | UInt64(truncatingIfNeeded: node)).littleEndian)
        buffer.append(number.littleEndian)
        buffer.append(bytes.isEmpty ? 0 : fingerprint(ofMessage: bytes).littleEndian)
        if buffer.count >= Self.blockWordCount { fold() }
    }

    /// The fingerprint; of a long message, which is recorded at each node that it reaches, it is
    /// computed once.
    private mutating func fingerprint(ofMessage bytes: [UInt8]) -> UInt64 {
        bytes.count < 128
            ? Self.fingerprint(of: bytes) : fingerprints.value(for: bytes, Self.fingerprint)
    }

    /// A 64-bit fingerprint: each word is mixed in by a wide multiplication.
    static func fingerprint(of bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var state = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                state = mixed(state, UInt64(littleEndian: word))
                offset += 8
            }
            var rest: UInt64 = 0
            while offset < bytes.count {
                rest = rest << 8 | UInt64(bytes[offset])
                offset += 1
            }
            return mixed(state, rest)
        }
    }

    private static func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low &+ word
    }

    private mutating func fold() {
        chained = BLAKE2b256.hash(chained.bytes + buffer.withUnsafeBytes { Array($0) })
        buffer.removeAll(keepingCapacity: true)
    }

    /// The digest of everything so far.
    package var value: Hash256 {
        var copy = self
        copy.fold()
        return copy.chained
    }
}
