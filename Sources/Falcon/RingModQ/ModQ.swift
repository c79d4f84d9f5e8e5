/// Arithmetic modulo q = 12289 on signed 16-bit numbers.
///
/// Numbers are kept as any representative that fits; a *centred* one is in -6144...6144.
/// Multiplication is Montgomery's with R = 2^16: `multiply(a, b)` is a b / R. Nothing here branches
/// on, divides by, or indexes with an operand.
///
/// The vector forms list their eight lanes one by one: the compiler turns that pattern, unlike the
/// generic widening of the standard library, into one instruction for all lanes.
package enum ModQ {
    package typealias Lanes = SIMD8<Int16>

    /// q.
    static let modulus = UInt16(FalconParameters.modulus)
    /// 1 / q modulo 2^16, as a signed number.
    static let modulusInverse: Int16 = -12287

    /// The high half of the 32-bit product.
    @inline(__always)
    private static func highProduct(_ a: Int16, _ b: Int16) -> Int16 {
        Int16(truncatingIfNeeded: (Int32(a) &* Int32(b)) &>> 16)
    }

    @inline(__always)
    private static func highProduct(_ a: Lanes, _ b: Lanes) -> Lanes {
        Lanes(
            highProduct(a[0], b[0]), highProduct(a[1], b[1]),
            highProduct(a[2], b[2]), highProduct(a[3], b[3]),
            highProduct(a[4], b[4]), highProduct(a[5], b[5]),
            highProduct(a[6], b[6]), highProduct(a[7], b[7]))
    }

    /// a b / R modulo q, given `bScaled` = b / q modulo 2^16.
    ///
    /// With m = a b / q mod 2^16, the numbers a b and m q agree modulo 2^16, so the difference of
    /// their high halves is exactly (a b - m q) / 2^16. For centred b its magnitude is at most
    /// 6144 |a| / 2^16 + 6146, hence below 9219 for every a.
    @inline(__always)
    static func multiply(_ a: Lanes, _ b: Lanes, _ bScaled: Lanes) -> Lanes {
        highProduct(a, b) &- highProduct(a &* bScaled, Lanes(repeating: 12289))
    }

    /// a b / R modulo q; the magnitude is at most |a b| / 2^16 + 6146.
    @inline(__always)
    package static func multiply(_ a: Int16, _ b: Int16) -> Int16 {
        highProduct(a, b) &- highProduct(a &* b &* modulusInverse, 12289)
    }

    /// The centred representative of every lane.
    ///
    /// The quotient is a 5461 / 2^26 rounded; 5461 / 2^26 exceeds 1 / q by 2.4 parts in 10^5, which
    /// moves no rounding for |a| <= 30721. For greater |a| the result is still within ±6145.
    @inline(__always)
    package static func centred(_ a: Lanes) -> Lanes {
        let quotient = (highProduct(a, Lanes(repeating: 5461)) &+ Lanes(repeating: 512)) &>> 10
        return a &- quotient &* Lanes(repeating: 12289)
    }

    /// The centred representative of `a` >= 0, in plain arithmetic: for building tables.
    static func centred(_ a: Int) -> Int16 {
        let remainder = a % 12289
        return Int16(remainder > 6144 ? remainder - 12289 : remainder)
    }

    /// R a, centred, for `a` in 0..<q: the form in which constants are multiplied.
    static func montgomery(_ a: Int) -> Int16 {
        centred(a << 16)
    }
}
