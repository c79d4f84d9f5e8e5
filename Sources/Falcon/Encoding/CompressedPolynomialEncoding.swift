/// The compressed form of s2 in a signature: specification, algorithms 17 and 18.
///
/// A coefficient of magnitude at most 2047 is a sign bit, the low seven bits of the magnitude, and
/// its high part in unary: that many zeros, then a one. Zero has no minus sign. The bits after the
/// last coefficient up to the end of the byte are zero. So a polynomial has one encoding, but for
/// zero bytes behind it, on which the caller decides.
package enum CompressedPolynomialEncoding {
    /// Greatest magnitude of a coefficient.
    package static let coefficientLimit = 2047

    /// Zero bytes that must follow the input of `decode`.
    package static let inputPadding = 16

    /// Decodes `count` coefficients, an even number, from the `byteCount` bytes at `input`, which
    /// are followed by `inputPadding` zero bytes.
    ///
    /// - Returns: how many bytes the encoding takes up, or `nil` if the input is not an encoding or
    ///   ends too soon.
    package static func decode(
        _ input: UnsafePointer<UInt8>, byteCount: Int,
        to coefficients: UnsafeMutablePointer<Int16>, count: Int
    ) -> Int? {
        let bytes = UnsafeRawPointer(input)
        let bitCount = byteCount &* 8
        var position = 0
        // Gathers what must not occur, to be looked at once, at the end.
        var faults: UInt64 = 0
        var index = 0
        while index < count {
            // Two coefficients take at most 48 bits; at least 57 are in the window. The load stays
            // within the padding since position <= bitCount here.
            let word = bytes.loadUnaligned(fromByteOffset: position &>> 3, as: UInt64.self)
            let window = word.bigEndian &<< UInt64(truncatingIfNeeded: position & 7)
            let first = Self.coefficient(in: window, &faults)
            let next = window &<< UInt64(truncatingIfNeeded: first.bitCount)
            let second = Self.coefficient(in: next, &faults)
            coefficients[index] = first.value
            coefficients[index &+ 1] = second.value
            position &+= first.bitCount &+ second.bitCount
            index &+= 2
            // A unary part that runs into the padding has no end: more than 15 zeros, a fault.
            if position > bitCount || faults != 0 { return nil }
        }
        let used = (position &+ 7) &>> 3
        let spareBits = UInt8(truncatingIfNeeded: used &* 8 &- position)
        guard used > 0, input[used &- 1] & ((1 &<< spareBits) &- 1) == 0 else { return nil }
        return used
    }

    /// The coefficient that starts at the top of `window`; sets a bit of `faults` if its magnitude
    /// exceeds 2047 or if it is minus zero. No branch depends on the bits: their lengths are as good
    /// as random, and a mispredicted branch a coefficient would double the time.
    @inline(__always)
    private static func coefficient(
        in window: UInt64, _ faults: inout UInt64
    ) -> (value: Int16, bitCount: Int) {
        let zeros = UInt64(truncatingIfNeeded: (window &<< 8 | 1).leadingZeroBitCount)
        let magnitude = (window &>> 56 & 127) | zeros &<< 7
        let negative = window &>> 63
        // zeros > 15 sets bits 4 to 6; magnitude 0 with a sign wraps around to set high bits.
        faults |= zeros &>> 4 | ((magnitude &- negative) &>> 63)
        let value = (magnitude ^ (0 &- negative)) &+ negative
        return (
            Int16(truncatingIfNeeded: value),
            9 &+ Int(truncatingIfNeeded: zeros)
        )
    }

    /// Encodes `count` coefficients into at most `capacity` bytes at `output`.
    ///
    /// - Returns: how many bytes were written, or `nil` if a coefficient exceeds ±2047 or the
    ///   encoding does not fit; what is at `output` is then unspecified.
    package static func encode(
        _ coefficients: UnsafePointer<Int16>, count: Int,
        to output: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> Int? {
        var written = 0
        // The low `pending` bits of `bits` are still to be written.
        var bits: UInt64 = 0
        var pending: UInt64 = 0
        for index in 0..<count {
            let value = Int(coefficients[index])
            let magnitude = UInt64(value.magnitude)
            guard magnitude <= coefficientLimit else { return nil }
            let sign: UInt64 = value < 0 ? 1 : 0
            let high = magnitude >> 7
            // At most 7 bits pending, 8 more, and a unary part of at most 16: 31 bits.
            bits = (bits << 8 | sign << 7 | magnitude & 127) << (high + 1) | 1
            pending += 9 + high
            while pending >= 8 {
                guard written < capacity else { return nil }
                pending -= 8
                output[written] = UInt8(truncatingIfNeeded: bits >> pending)
                written += 1
            }
        }
        if pending > 0 {
            guard written < capacity else { return nil }
            output[written] = UInt8(truncatingIfNeeded: bits << (8 - pending))
            written += 1
        }
        return written
    }
}
