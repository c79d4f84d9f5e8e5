package import Primitives

/// The digest of a run's whole history: BLAKE2b-256, chained over blocks of records.
///
/// Two runs with one digest had the same inputs and outputs of every node at the same times. A
/// record goes in by a 64-bit fingerprint: nobody forges histories, they only differ by mistake.
package struct EventDigest: Sendable {
    private var chained = Hash256.zero
    /// One word for each record.
    private var buffer: [UInt64] = []
    private var fingerprints = MessageMemo<UInt64>()
    /// Records so far.
    package private(set) var count: UInt64 = 0

    package init() { buffer.reserveCapacity(Self.blockWordCount) }

    private static let blockWordCount = 2_048

    /// Takes a record: when, what kind, which node, and its bytes.
    package mutating func record(
        _ kind: UInt8, node: Int, at now: Instant, number: UInt64 = 0, _ bytes: [UInt8] = []
    ) {
        count += 1
        var word = Self.mixed(Self.start, now.nanoseconds)
        word = Self.mixed(word, UInt64(kind) << 56 | UInt64(truncatingIfNeeded: node))
        word = Self.mixed(word, number)
        if !bytes.isEmpty { word = Self.mixed(word, fingerprint(ofMessage: bytes)) }
        buffer.append(word.littleEndian)
        if buffer.count >= Self.blockWordCount { fold() }
    }

    /// The fingerprint; of a long message, which is recorded at each node that it reaches, it is
    /// computed once.
    private mutating func fingerprint(ofMessage bytes: [UInt8]) -> UInt64 {
        bytes.count < 128
            ? Self.fingerprint(of: bytes) : fingerprints.value(for: bytes, Self.fingerprint)
    }

    /// A 64-bit fingerprint: each word is mixed in by a wide multiplication, in long messages into
    /// four states in turn, for one multiplication waits for the one before.
    static func fingerprint(of bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            func word(at offset: Int) -> UInt64 {
                UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            var state = Self.start ^ UInt64(bytes.count)
            var offset = 0
            if bytes.count >= 64 {
                var (second, third, fourth) = (state &+ 1, state &+ 2, state &+ 3)
                while offset + 32 <= bytes.count {
                    state = mixed(state, word(at: offset))
                    second = mixed(second, word(at: offset + 8))
                    third = mixed(third, word(at: offset + 16))
                    fourth = mixed(fourth, word(at: offset + 24))
                    offset += 32
                }
                state = mixed(mixed(mixed(state, second), third), fourth)
            }
            while offset + 8 <= bytes.count {
                state = mixed(state, word(at: offset))
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

    private static let start: UInt64 = 0x9E37_79B9_7F4A_7C15

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
