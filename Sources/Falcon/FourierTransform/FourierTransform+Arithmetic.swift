/// Arithmetic on transformed polynomials: value by value, complex numbers. `n` is the degree;
/// `half` = n / 2 is where imaginary parts start.
extension FourierTransform {
    package typealias Polynomial = UnsafeMutablePointer<Double>

    /// a += b, transformed or not.
    @inline(__always)
    static func add(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        for index in 0..<n {
            a[index] += b[index]
        }
    }

    /// a -= b, transformed or not.
    @inline(__always)
    static func subtract(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        for index in 0..<n {
            a[index] -= b[index]
        }
    }

    /// a = -a, transformed or not.
    @inline(__always)
    static func negate(_ a: Polynomial, _ n: Int) {
        for index in 0..<n {
            a[index] = -a[index]
        }
    }

    /// a *= x for a real number x, transformed or not.
    @inline(__always)
    static func scale(_ a: Polynomial, by x: Double, _ n: Int) {
        for index in 0..<n {
            a[index] *= x
        }
    }

    /// a = adj(a), the complex conjugates.
    @inline(__always)
    static func adjoin(_ a: Polynomial, _ n: Int) {
        for index in (n / 2)..<n {
            a[index] = -a[index]
        }
    }

    /// a *= b.
    @inline(__always)
    package static func multiply(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        let half = n / 2
        for index in 0..<half {
            let (aReal, aImaginary) = (a[index], a[index &+ half])
            let (bReal, bImaginary) = (b[index], b[index &+ half])
            a[index] = aReal * bReal - aImaginary * bImaginary
            a[index &+ half] = aReal * bImaginary + aImaginary * bReal
        }
    }

    /// a *= adj(b).
    @inline(__always)
    static func multiplyAdjoint(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        let half = n / 2
        for index in 0..<half {
            let (aReal, aImaginary) = (a[index], a[index &+ half])
            let (bReal, bImaginary) = (b[index], b[index &+ half])
            a[index] = aReal * bReal + aImaginary * bImaginary
            a[index &+ half] = aImaginary * bReal - aReal * bImaginary
        }
    }

    /// a *= adj(a), which is real.
    @inline(__always)
    static func multiplyOwnAdjoint(_ a: Polynomial, _ n: Int) {
        let half = n / 2
        for index in 0..<half {
            let (real, imaginary) = (a[index], a[index &+ half])
            a[index] = real * real + imaginary * imaginary
            a[index &+ half] = 0
        }
    }

    /// a *= b for a real b, of which only the n / 2 real parts are given.
    @inline(__always)
    static func multiplyReal(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        let half = n / 2
        for index in 0..<half {
            a[index] *= b[index]
            a[index &+ half] *= b[index]
        }
    }

    /// a /= b for a real b, of which only the n / 2 real parts are given.
    @inline(__always)
    static func divideReal(_ a: Polynomial, _ b: UnsafePointer<Double>, _ n: Int) {
        let half = n / 2
        for index in 0..<half {
            let inverse = 1 / b[index]
            a[index] *= inverse
            a[index &+ half] *= inverse
        }
    }

    /// The n / 2 real numbers 1 / (a adj(a) + b adj(b)), to `d`.
    @inline(__always)
    static func inverseNorm(
        _ d: Polynomial, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ n: Int
    ) {
        let half = n / 2
        for index in 0..<half {
            let (aReal, aImaginary) = (a[index], a[index &+ half])
            let (bReal, bImaginary) = (b[index], b[index &+ half])
            d[index] =
                1
                / ((aReal * aReal + aImaginary * aImaginary)
                    + (bReal * bReal + bImaginary * bImaginary))
        }
    }

    /// F adj(f) + G adj(g), to `d`.
    @inline(__always)
    static func addProductsWithAdjoints(
        _ d: Polynomial, _ bigF: UnsafePointer<Double>, _ bigG: UnsafePointer<Double>,
        _ f: UnsafePointer<Double>, _ g: UnsafePointer<Double>, _ n: Int
    ) {
        let half = n / 2
        for index in 0..<half {
            let (bigFReal, bigFImaginary) = (bigF[index], bigF[index &+ half])
            let (bigGReal, bigGImaginary) = (bigG[index], bigG[index &+ half])
            let (fReal, fImaginary) = (f[index], f[index &+ half])
            let (gReal, gImaginary) = (g[index], g[index &+ half])
            let aReal = bigFReal * fReal + bigFImaginary * fImaginary
            let aImaginary = bigFImaginary * fReal - bigFReal * fImaginary
            let bReal = bigGReal * gReal + bigGImaginary * gImaginary
            let bImaginary = bigGImaginary * gReal - bigGReal * gImaginary
            d[index] = aReal + bReal
            d[index &+ half] = aImaginary + bImaginary
        }
    }
}
