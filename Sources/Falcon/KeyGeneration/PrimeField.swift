/// Arithmetic modulo a prime p with 2^30 < p < 2^31, elements in 0..<p.
///
/// Multiplication is Montgomery's with R = 2^32. No operation branches on an element.
package struct PrimeField: BitwiseCopyable, Sendable {
    /// p.
    package let prime: UInt32
    /// -1 / p modulo 2^32.
    let negatedInverse: UInt32
    /// R^2 modulo p.
    let squareOfR: UInt32
    /// 2^31 R modulo p: a product with it shifts an integer by one of its words.
    let wordShift: UInt32

    init(prime: UInt32) {
        self.prime = prime
        // Each step doubles the number of right bits, three to begin with: p p = 1 modulo 8.
        var inverse = prime
        for _ in 0..<4 {
            inverse &*= 2 &- prime &* inverse
        }
        negatedInverse = 0 &- inverse
        let r = (UInt64(1) << 32) % UInt64(prime)
        squareOfR = UInt32(r * r % UInt64(prime))
        wordShift = UInt32((UInt64(1) << 31) % UInt64(prime) * r % UInt64(prime))
    }

    /// The element congruent to `x`, -p < x < p.
    @inline(__always)
    func element(_ x: Int32) -> UInt32 {
        UInt32(bitPattern: x &+ (Int32(bitPattern: prime) & (x &>> 31)))
    }

    /// The number congruent to `a` with the least magnitude.
    @inline(__always)
    func centred(_ a: UInt32) -> Int32 {
        let isUpper = UInt32(bitPattern: Int32(bitPattern: (prime &>> 1) &- a) &>> 31)
        return Int32(bitPattern: a &- (prime & isUpper))
    }

    /// a if a < p, a - p if p <= a < 2 p.
    @inline(__always)
    func reduced(_ a: UInt32) -> UInt32 {
        let difference = a &- prime
        return difference &+ (prime & UInt32(bitPattern: Int32(bitPattern: difference) &>> 31))
    }

    @inline(__always)
    func add(_ a: UInt32, _ b: UInt32) -> UInt32 {
        reduced(a &+ b)
    }

    @inline(__always)
    func subtract(_ a: UInt32, _ b: UInt32) -> UInt32 {
        let difference = a &- b
        return difference &+ (prime & UInt32(bitPattern: Int32(bitPattern: difference) &>> 31))
    }

    /// a b / R, for any a < 2^32 and b < p.
    ///
    /// The sum is a multiple of 2^32, and below 2^32 p + 2^32 p < 2^64; so the quotient is below 2 p.
    @inline(__always)
    func multiply(_ a: UInt32, _ b: UInt32) -> UInt32 {
        let product = UInt64(a) &* UInt64(b)
        let multiple = UInt32(truncatingIfNeeded: product) &* negatedInverse
        let sum = product &+ UInt64(multiple) &* UInt64(prime)
        return reduced(UInt32(truncatingIfNeeded: sum &>> 32))
    }

    /// a R: the form in which a factor leaves the other one's form as it is.
    @inline(__always)
    func montgomery(_ a: UInt32) -> UInt32 {
        multiply(a, squareOfR)
    }

    /// a^exponent R, for `a` given as a R.
    func power(_ a: UInt32, _ exponent: UInt32) -> UInt32 {
        var result = montgomery(1)
        for bit in stride(from: 31, through: 0, by: -1) {
            result = multiply(result, result)
            if exponent >> UInt32(bit) & 1 == 1 {
                result = multiply(result, a)
            }
        }
        return result
    }
}
