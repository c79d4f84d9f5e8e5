/// Random f and g: specification, algorithm 5, by the method of the reference implementation.
enum SecretGaussian {
    /// Entry 0 is 2^63 P(x = 0) for the standard deviation 1.17 sqrt(q / 2048); entry k > 0 is
    /// 2^63 P(x > k | x > 0).
    private static let table: [UInt64] = [
        1_283_868_770_400_643_928, 6_416_574_995_475_331_444, 4_078_260_278_032_692_663,
        2_353_523_259_288_686_585, 1_227_179_971_273_316_331, 575_931_623_374_121_527,
        242_543_240_509_105_209, 91_437_049_221_049_666, 30_799_446_349_977_173,
        9_255_276_791_179_340, 2_478_152_334_826_140, 590_642_893_610_164,
        125_206_034_929_641, 23_590_435_911_403, 3_948_334_035_941,
        586_753_615_614, 77_391_054_539, 9_056_793_210,
        940_121_950, 86_539_696, 7_062_824,
        510_971, 32_764, 1862,
        94, 4, 0,
    ]

    /// Fills `polynomial` with n coefficients whose sum is odd. An even one could not be part of a
    /// key: the resultant with X^n + 1 would be even.
    static func fill(
        _ polynomial: UnsafeMutablePointer<Int8>, logDegree: Int,
        _ random: UnsafeMutablePointer<Shake256>
    ) {
        table.withUnsafeBufferPointer { table in
            let table = table.baseAddress.unsafelyUnwrapped
            let n = 1 << logDegree
            var parity: Int64 = 0
            for index in 0..<(n - 1) {
                let value = coefficient(logDegree: logDegree, random, table)
                parity ^= value & 1
                polynomial[index] = Int8(truncatingIfNeeded: value)
            }
            // The last one is drawn again until the sum is odd.
            var last: Int64
            repeat {
                last = coefficient(logDegree: logDegree, random, table)
            } while (parity ^ last) & 1 == 0
            polynomial[n - 1] = Int8(truncatingIfNeeded: last)
        }
    }

    /// A coefficient for degree 2^`logDegree`: the sum of 1024 / n samples for degree 1024, each at
    /// most 26 in magnitude.
    private static func coefficient(
        logDegree: Int, _ random: UnsafeMutablePointer<Shake256>, _ table: UnsafePointer<UInt64>
    ) -> Int64 {
        var sum: Int64 = 0
        for _ in 0..<(1024 >> logDegree) {
            let first = random.pointee.squeezeWord()
            let second = random.pointee.squeezeWord()
            sum &+= sample(first, second, table)
        }
        return sum
    }

    /// A sample from two random words: the first tells sign and whether it is zero, the second the
    /// magnitude. All entries of the table are always compared.
    @inline(__always)
    private static func sample(
        _ first: UInt64, _ second: UInt64, _ table: UnsafePointer<UInt64>
    ) -> Int64 {
        let low63: UInt64 = 0x7FFF_FFFF_FFFF_FFFF
        let negative = Int64(bitPattern: first) &>> 63
        // All ones unless zero is chosen.
        let nonzero = Int64(bitPattern: table[0] &- 1 &- (first & low63)) &>> 63
        var magnitude: UInt64 = 1
        for index in 1..<27 {
            // 1 if the random number is below the entry.
            magnitude &+= second & low63 < table[index] ? 1 : 0
        }
        let value = Int64(bitPattern: magnitude) & nonzero
        return (value ^ negative) &- negative
    }
}
