/// Why bytes are no unsigned varint.
public enum VarintError: Error, Sendable, Equatable {
    /// The ninth byte announces a tenth.
    case tooLong
    /// The last byte is zero: the value has a shorter encoding.
    case notMinimal
}

/// The multiformats unsigned varint: seven bits a byte, low bits first, bit 7 set on all but the
/// last byte, at most nine bytes, always the shortest form.
///
/// Lengths, multihash codes and multiaddr codes are written like this. Varints inside protobuf
/// messages follow another rule (ten bytes, any form) and another decoder.
public enum UnsignedVarint {
    /// The most bytes of an encoding.
    public static let maximumByteCount = 9
    /// The largest value: 2^63 - 1.
    public static let maximumValue = UInt64(Int64.max)

    /// What a run of bytes begins with.
    public enum Decoding: Sendable, Equatable {
        /// The start of an encoding.
        case incomplete
        /// A whole encoding and the number of its bytes, 1 to 9.
        case complete(value: UInt64, byteCount: Int)
    }

    /// The encoding of a value of at most 2^63 - 1.
    public static func encode(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    /// Appends the encoding of a value of at most 2^63 - 1.
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        precondition(value <= maximumValue, "unsigned varints hold 63 bits")
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Appends `content` after its length.
    package static func appendLengthPrefixed(_ content: [UInt8], to bytes: inout [UInt8]) {
        append(UInt64(content.count), to: &bytes)
        bytes.append(contentsOf: content)
    }

    /// The number of bytes in the encoding of a value.
    public static func byteCount(of value: UInt64) -> Int {
        max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7)
    }

    /// Reads the encoding at the start of `bytes`; what follows it is not looked at.
    public static func decode(_ bytes: ArraySlice<UInt8>) throws(VarintError) -> Decoding {
        var value: UInt64 = 0
        for (position, byte) in bytes.prefix(maximumByteCount).enumerated() {
            value |= UInt64(byte & 0x7F) << UInt64(7 * position)
            if byte < 0x80 {
                guard byte != 0 || position == 0 else { throw .notMinimal }
                return .complete(value: value, byteCount: position + 1)
            }
        }
        guard bytes.count < maximumByteCount else { throw .tooLong }
        return .incomplete
    }

    /// Reads the encoding at the start of `bytes`; what follows it is not looked at.
    public static func decode(_ bytes: [UInt8]) throws(VarintError) -> Decoding {
        try decode(bytes[...])
    }
}
