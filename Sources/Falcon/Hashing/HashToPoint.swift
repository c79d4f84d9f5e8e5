/// Hashing a message to a polynomial of Z_q[X]/(X^n + 1): specification, algorithm 3.
package enum HashToPoint {
    /// Coefficients that may be written behind the n-th: one block gives 68 samples.
    package static let slack = 68

    /// Writes n coefficients in 0..<q to `point`, which has room for n + `slack`, from
    /// SHAKE256(nonce || message).
    ///
    /// Each 16-bit big-endian sample below 5q = 61445 is reduced and kept, others are dropped. The
    /// time depends on nonce and message, which are public (votes are gossiped with both).
    package static func hash(
        nonce: UnsafeRawBufferPointer, message: UnsafeRawBufferPointer, degree: Int,
        to point: UnsafeMutablePointer<Int16>
    ) {
        var sponge = Shake256()
        sponge.absorb(nonce)
        sponge.absorb(message)
        var count = 0
        while count < degree {
            count = sponge.squeezeBlock { keepSamples(of: $0, point, count) }
        }
    }

    /// Appends the kept samples of one block to the `count` < n coefficients at `point`.
    ///
    /// Every sample is written, but only a kept one moves the position on: there is no branch to
    /// mispredict. The samples of a lane follow each other from its most significant end after the
    /// bytes have been reversed.
    @inline(__always)
    private static func keepSamples(
        of block: UnsafePointer<UInt64>, _ point: UnsafeMutablePointer<Int16>, _ count: Int
    ) -> Int {
        var count = count
        for index in 0..<(Shake256.rate / 8) {
            let lane = block[index].byteSwapped
            for shift: UInt64 in [48, 32, 16, 0] {
                let sample = lane &>> shift & 0xFFFF
                // floor(sample / q): 87375 / 2^30 exceeds 1 / q by less than one part in 10^5.5,
                // too little to reach the next integer from any 16-bit sample.
                let quotient = (sample &* 87375) &>> 30
                point[count] = Int16(truncatingIfNeeded: sample &- quotient &* 12289)
                // The difference is negative, its top bit set, exactly for a sample to keep.
                count &+= Int(truncatingIfNeeded: (sample &- 61445) &>> 63)
            }
        }
        return count
    }
}
