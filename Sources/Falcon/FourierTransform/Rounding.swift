/// Conversions between `Double` and integers by additions alone, so that neither the library nor the
/// time they take comes into play. They rest on the default rounding mode, to nearest, ties to even.
package enum Rounding {
    /// 1.5 * 2^52: added to x, |x| <= 2^51, it leaves a number whose last place is worth one.
    private static let shifter = 6_755_399_441_055_744.0
    /// 2^52.
    private static let integral = 4_503_599_627_370_496.0

    /// The integer nearest to `x`, ties to even, for |x| <= 2^51.
    @inline(__always)
    package static func nearestInteger(_ x: Double) -> Int64 {
        Int64(bitPattern: (x + shifter).bitPattern) &- Int64(bitPattern: shifter.bitPattern)
    }

    /// The greatest integral value that is not above `x`, for |x| <= 2^51.
    @inline(__always)
    package static func floor(_ x: Double) -> Double {
        let nearest = (x + shifter) - shifter
        return nearest - (nearest > x ? 1 : 0)
    }

    /// The integral value nearest to `x`, ties to even, for any finite x.
    @inline(__always)
    package static func nearest(_ x: Double) -> Double {
        let magnitude = x.magnitude
        let rounded = (magnitude + integral) - integral
        // From 2^52 on every number is integral.
        let result = magnitude < integral ? rounded : magnitude
        return Double(sign: x.sign, exponent: 0, significand: result)
    }
}
