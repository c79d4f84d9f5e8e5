/// Samples integers from a Gaussian distribution with a given centre and standard deviation:
/// specification, algorithm 15 (SamplerZ), with 12 (BaseSampler), 13 (ApproxExp), 14 (BerExp).
///
/// Constant time up to the number of rejections, which says nothing about centre and deviation
/// (specification, section 3.9.3).
package struct GaussianSampler {
    /// 1 / (2 sigma0^2) for sigma0 = 1.8205, the deviation of the base sampler.
    private static let inverseOfTwiceBaseVariance = 0.15086504887537272
    /// ln 2.
    private static let log2 = 0.6931471805599453
    /// 1 / ln 2.
    private static let inverseLog2 = 1.4426950408889634
    /// 2^63.
    private static let twoTo63 = 9_223_372_036_854_775_808.0

    /// The least standard deviation ever asked for.
    private let leastDeviation: Double
    private var generator: ChaChaGenerator

    /// A sampler for keys of `parameters`, whose random bytes come from `generator`.
    package init(_ parameters: FalconParameters, generator: ChaChaGenerator) {
        leastDeviation = Self.leastDeviation(parameters)
        self.generator = generator
    }

    /// sigma_min, specification, table 3.3.
    package static func leastDeviation(_ parameters: FalconParameters) -> Double {
        parameters == .falcon512 ? 1.2778336969128337 : 1.298280334344292
    }

    /// Starts the random bytes over from the next 56 bytes of `source`.
    mutating func seed(from source: UnsafeMutablePointer<Shake256>) {
        generator.seed(from: source)
    }

    /// An integral value around `center`, |center| <= 2^51, with the standard deviation
    /// 1 / `inverseDeviation`, between `leastDeviation` and 1.8205.
    @inline(__always)
    package mutating func sample(center: Double, inverseDeviation: Double) -> Double {
        let integral = Rounding.floor(center)
        let fraction = center - integral
        let scale = (inverseDeviation * inverseDeviation) * 0.5
        let acceptance = inverseDeviation * leastDeviation
        while true {
            // A base sample z0 >= 0 and a sign b give z = z0 + 1 or -z0, distributed around b; it is
            // kept with the ratio of the wanted probability to that one.
            let base = baseSample()
            let sign = Int64(truncatingIfNeeded: generator.nextByte() & 1)
            let z = sign &+ ((sign &<< 1) &- 1) &* base
            let distance = Double(z) - fraction
            var exponent = (distance * distance) * scale
            exponent -= Double(base &* base) * Self.inverseOfTwiceBaseVariance
            if accepts(exponent: exponent, scale: acceptance) {
                return integral + Double(z)
            }
        }
    }

    // MARK: Base sampler

    /// 1 if high 2^64 + low < thresholdHigh 2^64 + thresholdLow, else 0.
    @inline(__always)
    private static func isBelow(
        _ high: UInt64, _ low: UInt64, _ thresholdHigh: UInt64, _ thresholdLow: UInt64
    ) -> UInt64 {
        let borrow: UInt64 = low < thresholdLow ? 1 : 0
        return (high &- thresholdHigh &- borrow) &>> 63
    }

    /// 0...18 with the probabilities of a half-Gaussian of deviation 1.8205, to 72 bits: how many
    /// entries of the cumulative table (specification, table 3.1) exceed a random number. All are
    /// always compared.
    @inline(__always)
    private mutating func baseSample() -> Int64 {
        let low = generator.nextWord()
        let high = UInt64(generator.nextByte())
        var count = Self.isBelow(high, low, 163, 0xF7F4_2ED3_AC39_1802)
        count &+= Self.isBelow(high, low, 84, 0xD32B_181F_3F7D_DB82)
        count &+= Self.isBelow(high, low, 34, 0x7DCD_D093_4829_C1FF)
        count &+= Self.isBelow(high, low, 10, 0xD175_4377_C799_4AE4)
        count &+= Self.isBelow(high, low, 2, 0x9584_6CAE_F33F_1F6F)
        // The entries from here on are below 2^64.
        count &+= Self.isBelow(high, low, 0, 0x774A_C754_ED74_BD5F)
        count &+= Self.isBelow(high, low, 0, 0x1024_DD54_2B77_6AE4)
        count &+= Self.isBelow(high, low, 0, 0x01A1_FFDC_65AD_63DA)
        count &+= Self.isBelow(high, low, 0, 0x001F_80D8_8A7B_6428)
        count &+= Self.isBelow(high, low, 0, 0x0001_C3FD_B204_0C69)
        count &+= Self.isBelow(high, low, 0, 0x0000_12CF_24D0_31FB)
        count &+= Self.isBelow(high, low, 0, 0x0000_0094_9F8B_091F)
        count &+= Self.isBelow(high, low, 0, 0x0000_0003_665D_A998)
        count &+= Self.isBelow(high, low, 0, 0x0000_0000_0EBF_6EBB)
        count &+= Self.isBelow(high, low, 0, 0x0000_0000_002F_5D7E)
        count &+= Self.isBelow(high, low, 0, 0x0000_0000_0000_7098)
        count &+= Self.isBelow(high, low, 0, 0x0000_0000_0000_00C6)
        count &+= Self.isBelow(high, low, 0, 0x0000_0000_0000_0001)
        return Int64(truncatingIfNeeded: count)
    }

    // MARK: Rejection

    /// True with the probability `scale` exp(-`exponent`), for exponent >= 0 and scale in 0..<1.
    @inline(__always)
    private mutating func accepts(exponent: Double, scale: Double) -> Bool {
        // exponent = s ln 2 + r with 0 <= r < ln 2. It is below 2^10, so the conversion is exact.
        let quotient = Int64(exponent * Self.inverseLog2)
        let remainder = exponent - Double(quotient) * Self.log2
        // Beyond 63 the probability is below 2^-64, as good as that of 63.
        let excess = (63 &- quotient) &>> 63
        let shift = UInt64(truncatingIfNeeded: quotient ^ ((quotient ^ 63) & excess))
        let probability = Self.exponential(remainder, scale)
        // To 64 bits; less one, so that probability 1 fits.
        let threshold = ((probability &<< 1) &- 1) &>> shift
        // Compares a random number with it, byte by byte from the top, drawing no more than needed.
        var position: UInt64 = 64
        while true {
            position &-= 8
            let byte = Int(truncatingIfNeeded: threshold &>> position & 0xFF)
            let difference = Int(generator.nextByte()) &- byte
            if difference != 0 || position == 0 {
                return difference < 0
            }
        }
    }

    /// 2^63 `scale` exp(-`x`), for x in 0..<ln 2 and scale in 0..<1, to about 50 bits.
    ///
    /// The polynomial is that of FACCT (ePrint 2018/1234), coefficients scaled by 2^63, in
    /// fixed-point arithmetic: high halves of 128-bit products.
    @inline(__always)
    static func exponential(_ x: Double, _ scale: Double) -> UInt64 {
        // Both products are below 2^63; x may be a rounding error below 0, hence signed.
        let z = UInt64(bitPattern: Int64(x * twoTo63)) &<< 1
        var y: UInt64 = 0x0000_0004_7411_83A3
        y = 0x0000_0036_548C_FC06 &- z.multipliedFullWidth(by: y).high
        y = 0x0000_024F_DCBF_140A &- z.multipliedFullWidth(by: y).high
        y = 0x0000_171D_939D_E045 &- z.multipliedFullWidth(by: y).high
        y = 0x0000_D00C_F58F_6F84 &- z.multipliedFullWidth(by: y).high
        y = 0x0006_8068_1CF7_96E3 &- z.multipliedFullWidth(by: y).high
        y = 0x002D_82D8_305B_0FEA &- z.multipliedFullWidth(by: y).high
        y = 0x0111_1111_0E06_6FD0 &- z.multipliedFullWidth(by: y).high
        y = 0x0555_5555_5507_0F00 &- z.multipliedFullWidth(by: y).high
        y = 0x1555_5555_5581_FF00 &- z.multipliedFullWidth(by: y).high
        y = 0x4000_0000_0002_B400 &- z.multipliedFullWidth(by: y).high
        y = 0x7FFF_FFFF_FFFF_4800 &- z.multipliedFullWidth(by: y).high
        y = 0x8000_0000_0000_0000 &- z.multipliedFullWidth(by: y).high
        let factor = UInt64(bitPattern: Int64(scale * twoTo63)) &<< 1
        return factor.multipliedFullWidth(by: y).high
    }
}
