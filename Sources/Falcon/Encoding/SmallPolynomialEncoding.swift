/// A secret polynomial with coefficients of 5, 6 or 8 bits: two's complement, most significant bit
/// first. The least value of the range, -2^(bits - 1), is not allowed.
///
/// Eight coefficients take exactly `bits` bytes, and n is a multiple of eight: no bits are spare.
/// Neither function branches or indexes on a coefficient.
package enum SmallPolynomialEncoding {
    /// Bytes that `count` coefficients take.
    package static func byteCount(count: Int, bits: Int) -> Int { count * bits / 8 }

    /// Decodes `count` coefficients.
    ///
    /// - Returns: false if one of them has the forbidden value.
    package static func decode(
        _ input: UnsafePointer<UInt8>, bits: Int,
        to coefficients: UnsafeMutablePointer<Int8>, count: Int
    ) -> Bool {
        let forbidden = UInt64(1) << UInt64(bits - 1)
        let mask = forbidden << 1 - 1
        // The top bit is set by the decrement if a coefficient is the forbidden one.
        var faults: UInt64 = 0
        for group in 0..<(count / 8) {
            var word: UInt64 = 0
            for offset in 0..<bits {
                word = word &<< 8 | UInt64(input[group &* bits &+ offset])
            }
            for index in 0..<8 {
                let field = word &>> UInt64(truncatingIfNeeded: bits &* (7 &- index)) & mask
                faults |= (field ^ forbidden) &- 1
                // Extends the sign.
                let value = (field ^ forbidden) &- forbidden
                coefficients[8 &* group &+ index] = Int8(truncatingIfNeeded: value)
            }
        }
        return faults >> 63 == 0
    }

    /// Encodes `count` coefficients, each of which must fit.
    package static func encode(
        _ coefficients: UnsafePointer<Int8>, count: Int, bits: Int,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        let mask = UInt64(1) << UInt64(bits) - 1
        for group in 0..<(count / 8) {
            var word: UInt64 = 0
            for index in 0..<8 {
                let value = UInt64(bitPattern: Int64(coefficients[8 &* group &+ index]))
                word = word &<< UInt64(truncatingIfNeeded: bits) | (value & mask)
            }
            for offset in 0..<bits {
                output[group &* bits &+ offset] = UInt8(
                    truncatingIfNeeded: word
                        &>> UInt64(
                            truncatingIfNeeded: 8 &* (bits &- 1 &- offset)))
            }
        }
    }
}
