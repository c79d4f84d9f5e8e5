public import SCALE

/// A 32-byte hash: of blocks, states, validator sets and sources of entropy.
public struct Hash256: Sendable, Hashable, Comparable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes.
    public static let byteCount = 32
    /// 32 zero bytes: the hash of a nil vote, the parent of genesis.
    public static let zero = Hash256(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Takes exactly 32 bytes; nil for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init { target in
            let isCopied: Void? = bytes.withContiguousStorageIfAvailable {
                target.copyMemory(from: UnsafeRawBufferPointer($0))
            }
            guard isCopied == nil else { return }
            for (position, byte) in bytes.enumerated() { target[position] = byte }
        }
    }

    /// Takes the 32 bytes that `fill` writes.
    init(filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { fill($0) }
        self.init(bigEndian: words)
    }

    /// Takes the bytes as they lie in memory.
    private init(bigEndian words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = (
            UInt64(bigEndian: words.0), UInt64(bigEndian: words.1), UInt64(bigEndian: words.2),
            UInt64(bigEndian: words.3)
        )
    }

    /// The words whose bytes lie in memory as those of the hash.
    private var bigEndian: (UInt64, UInt64, UInt64, UInt64) {
        (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
    }

    /// Takes 64 hexadecimal digits, with or without `0x`; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = [UInt8](hex: hex) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    public static func == (left: Hash256, right: Hash256) -> Bool {
        left.words == right.words
    }

    /// Orders hashes as byte strings: the tie-break of fork choice.
    public static func < (left: Hash256, right: Hash256) -> Bool {
        left.words < right.words
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes(of: words) { hasher.combine(bytes: $0) }
    }
}

extension Hash256: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        withUnsafeBytes(of: bigEndian) { encoder.appendRaw($0) }
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        guard decoder.remaining >= Self.byteCount else {
            throw .truncated(offset: decoder.offset, needed: Self.byteCount - decoder.remaining)
        }
        self.init(
            words: (
                try decoder.readInteger(UInt64.self).byteSwapped,
                try decoder.readInteger(UInt64.self).byteSwapped,
                try decoder.readInteger(UInt64.self).byteSwapped,
                try decoder.readInteger(UInt64.self).byteSwapped
            ))
    }
}

extension Hash256: CustomStringConvertible {
    /// `0x` and 64 hexadecimal digits.
    public var description: String { "0x" + bytes.hex }

    /// The first and last bytes for people: `0x1234…cdef`.
    public var short: String {
        let digits = bytes.hex
        return "0x\(digits.prefix(4))…\(digits.suffix(4))"
    }
}
