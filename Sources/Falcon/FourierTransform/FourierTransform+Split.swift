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
        if quarter == 1 {
            let (sumReal, sumImaginary) = (f[0] + f[1], f[2] + f[3])
            let (dReal, dImaginary) = (f[0] - f[1], f[2] - f[3])
            let (real, imaginary) = (rootsReal[2], rootsImaginary[2])
            f0[0] = sumReal * 0.5
            f0[1] = sumImaginary * 0.5
            f1[0] = (dReal * real + dImaginary * imaginary) * 0.5
            f1[1] = (dImaginary * real - dReal * imaginary) * 0.5
            return
        }
        let source = PairView(reading: f)
        let (even, odd) = (PairView(f0), PairView(f1))
        let rootReals = PairView(reading: rootsReal + half)
        let rootImaginaries = PairView(reading: rootsImaginary + half)
        var index = 0
        while index < quarter {
            let position = 2 &* index
            let (aReal, bReal) = PairView.transpose(source[position], source[position &+ 2])
            let (aImaginary, bImaginary) = PairView.transpose(
                source[position &+ half], source[position &+ half &+ 2])
            even[index] = (aReal + bReal) * 0.5
            even[index &+ quarter] = (aImaginary + bImaginary) * 0.5
            let (dReal, dImaginary) = (aReal - bReal, aImaginary - bImaginary)
            let (real, imaginary) = (rootReals[index], rootImaginaries[index])
            odd[index] = (dReal * real + dImaginary * imaginary) * 0.5
            odd[index &+ quarter] = (dImaginary * real - dReal * imaginary) * 0.5
            index &+= 2
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
        if quarter == 1 {
            let (real, imaginary) = (rootsReal[2], rootsImaginary[2])
            let (aReal, aImaginary) = (f0[0], f0[1])
            let bReal = f1[0] * real - f1[1] * imaginary
            let bImaginary = f1[0] * imaginary + f1[1] * real
            f[0] = aReal + bReal
            f[1] = aReal - bReal
            f[2] = aImaginary + bImaginary
            f[3] = aImaginary - bImaginary
            return
        }
        let target = PairView(f)
        let (even, odd) = (PairView(reading: f0), PairView(reading: f1))
        let rootReals = PairView(reading: rootsReal + half)
        let rootImaginaries = PairView(reading: rootsImaginary + half)
        var index = 0
        while index < quarter {
            let (aReal, aImaginary) = (even[index], even[index &+ quarter])
            let (cReal, cImaginary) = (odd[index], odd[index &+ quarter])
            let (real, imaginary) = (rootReals[index], rootImaginaries[index])
            let bReal = cReal * real - cImaginary * imaginary
            let bImaginary = cReal * imaginary + cImaginary * real
            let position = 2 &* index
            (target[position], target[position &+ 2]) = PairView.transpose(
                aReal + bReal, aReal - bReal)
            (target[position &+ half], target[position &+ half &+ 2]) = PairView.transpose(
                aImaginary + bImaginary, aImaginary - bImaginary)
            index &+= 2
        }
    }
}
