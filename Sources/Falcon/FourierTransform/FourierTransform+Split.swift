extension FourierTransform {
    /// Writes the transforms of f0 and f1, f = f0(X^2) + X f1(X^2), to `f0` and `f1`: n / 2 values
    /// each. n >= 2.
    @inline(__always)
    static func split(
        _ f0: Polynomial, _ f1: Polynomial, _ f: UnsafePointer<Double>, _ n: Int,
        _ rootsReal: UnsafePointer<Double>, _ rootsImaginary: UnsafePointer<Double>
    ) {
        let half = n / 2
        let quarter = half / 2
        if quarter == 0 {
            f0[0] = f[0]
            f1[0] = f[1]
            return
        }
        for index in 0..<quarter {
            let (aReal, aImaginary) = (f[2 &* index], f[2 &* index &+ half])
            let (bReal, bImaginary) = (f[2 &* index &+ 1], f[2 &* index &+ 1 &+ half])
            f0[index] = (aReal + bReal) * 0.5
            f0[index &+ quarter] = (aImaginary + bImaginary) * 0.5
            let (dReal, dImaginary) = (aReal - bReal, aImaginary - bImaginary)
            let (real, imaginary) = (rootsReal[index &+ half], rootsImaginary[index &+ half])
            f1[index] = (dReal * real + dImaginary * imaginary) * 0.5
            f1[index &+ quarter] = (dImaginary * real - dReal * imaginary) * 0.5
        }
    }

    /// Undoes `split`.
    @inline(__always)
    static func merge(
        _ f: Polynomial, _ f0: UnsafePointer<Double>, _ f1: UnsafePointer<Double>, _ n: Int,
        _ rootsReal: UnsafePointer<Double>, _ rootsImaginary: UnsafePointer<Double>
    ) {
        let half = n / 2
        let quarter = half / 2
        if quarter == 0 {
            f[0] = f0[0]
            f[1] = f1[0]
            return
        }
        for index in 0..<quarter {
            let (aReal, aImaginary) = (f0[index], f0[index &+ quarter])
            let (cReal, cImaginary) = (f1[index], f1[index &+ quarter])
            let (real, imaginary) = (rootsReal[index &+ half], rootsImaginary[index &+ half])
            let bReal = cReal * real - cImaginary * imaginary
            let bImaginary = cReal * imaginary + cImaginary * real
            f[2 &* index] = aReal + bReal
            f[2 &* index &+ half] = aImaginary + bImaginary
            f[2 &* index &+ 1] = aReal - bReal
            f[2 &* index &+ 1 &+ half] = aImaginary - bImaginary
        }
    }
}
