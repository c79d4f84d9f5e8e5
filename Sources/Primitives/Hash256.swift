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
        var parts: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() {
            parts[index / 8] = parts[index / 8] << 8 | UInt64(byte)
        }
        words = (parts[0], parts[1], parts[2], parts[3])
    }

    /// Takes 64 hexadecimal digits, with or without `0x`; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = [UInt8](hex: hex) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.byteCount)
        for word in [words.0, words.1, words.2, words.3] {
            withUnsafeBytes(of: word.bigEndian) { result.append(contentsOf: $0) }
        }
        return result
    }

    public static func == (left: Hash256, right: Hash256) -> Bool {
        left.words == right.words
    }

    /// Orders hashes as byte strings: the tie-break of fork choice.
    public static func < (left: Hash256, right: Hash256) -> Bool {
        left.words < right.words
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Hash256: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) { encoder.appendRaw(bytes) }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let raw = try decoder.readRaw(Self.byteCount)
        guard let hash = Hash256(raw) else { preconditionFailure("readRaw returns 32 bytes") }
        self = hash
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
