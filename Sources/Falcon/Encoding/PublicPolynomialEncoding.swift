/// The public key's polynomial as 14-bit fields, most significant bit first.
///
/// Four coefficients take exactly seven bytes, and n is a multiple of four: the last byte has no
/// spare bits.
enum PublicPolynomialEncoding {
    /// The coefficients in `bytes`, a whole encoded key: header byte, then `count` * 14 bits.
    /// They may be 12289...16383 where the key was not checked.
    static func decode(_ bytes: [UInt8], count: Int) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: count) { coefficients, initializedCount in
            for group in 0..<(count / 4) {
                var bits: UInt64 = 0
                for offset in 0..<7 {
                    bits = bits << 8 | UInt64(bytes[1 + 7 * group + offset])
                }
                for index in 0..<4 {
                    coefficients[4 * group + index] = UInt16(
                        truncatingIfNeeded: bits >> (42 - 14 * UInt64(index)) & 0x3FFF)
                }
            }
            initializedCount = count
        }
    }

    /// The index of the first coefficient that is not below q, if there is one.
    static func firstUnreducedCoefficient(in bytes: [UInt8]) -> Int? {
        decode(bytes, count: (bytes.count - 1) / 7 * 4).firstIndex { $0 >= ModQ.modulus }
    }

    /// The encoded key of `h`, n coefficients in 0..<q.
    static func encode(_ h: UnsafePointer<UInt16>, parameters: FalconParameters) -> [UInt8] {
        var bytes = [parameters.publicKeyHeader]
        bytes.reserveCapacity(parameters.publicKeyByteCount)
        for group in 0..<(parameters.degree / 4) {
            var bits: UInt64 = 0
            for index in 0..<4 {
                bits = bits << 14 | UInt64(h[4 * group + index])
            }
            for offset in 0..<7 {
                bytes.append(UInt8(truncatingIfNeeded: bits >> (48 - 8 * UInt64(offset))))
            }
        }
        return bytes
    }
}
