/// The Fourier transform of R[X]/(X^n + 1) over `Double`, n = 2^`logDegree` <= 1024.
///
/// A transformed real polynomial is given by its values at half of the roots of X^n + 1, the others
/// being their conjugates: n / 2 complex numbers, real parts first, then imaginary parts, in
/// bit-reversed order. See the specification, section 3.3, and for the order of values the
/// round-3 reference code, with which every result agrees to the last bit: no multiplication may be
/// fused with an addition, and no sum may be reordered.
package enum FourierTransform {
    /// exp(i pi rev(k) / 1024) for k in 0..<1024, rev being the reversal of ten bits. The first 2^l
    /// entries serve a polynomial of degree 2^l.
    struct Roots: Sendable {
        let real: [Double]
        let imaginary: [Double]

        fileprivate init() {
            let sines = SineTable.bitPatterns.map { Double(bitPattern: $0) }
            var real: [Double] = []
            var imaginary: [Double] = []
            for index in 0..<1024 {
                var angle = 0
                for bit in 0..<10 {
                    angle |= (index >> bit & 1) << (9 - bit)
                }
                real.append(angle <= 512 ? sines[512 - angle] : -sines[angle - 512])
                imaginary.append(angle <= 512 ? sines[angle] : sines[1024 - angle])
            }
            self.real = real
            self.imaginary = imaginary
        }
    }

    static let roots = Roots()

    /// Calls `body` with the real and the imaginary parts of the roots.
    @inline(__always)
    static func withRoots<Result>(
        _ body: (UnsafePointer<Double>, UnsafePointer<Double>) -> Result
    ) -> Result {
        roots.real.withUnsafeBufferPointer { real in
            roots.imaginary.withUnsafeBufferPointer { imaginary in
                body(
                    real.baseAddress.unsafelyUnwrapped, imaginary.baseAddress.unsafelyUnwrapped)
            }
        }
    }

    /// Transforms the 2^`logDegree` coefficients at `f` in place.
    package static func forward(_ f: UnsafeMutablePointer<Double>, logDegree: Int) {
        let half = (1 << logDegree) >> 1
        // The first level, with the root i, is how real and imaginary parts are laid out.
        withRoots { rootsReal, rootsImaginary in
            var distance = half / 2
            var blocks = 1
            while distance >= 2 {
                for block in 0..<blocks {
                    let root = 2 &* blocks &+ block
                    forwardBlock(
                        f + 2 &* block &* distance, half, distance,
                        rootsReal[root], rootsImaginary[root])
                }
                distance /= 2
                blocks *= 2
            }
            if distance == 1 {
                forwardPairs(f, half, rootsReal + half, rootsImaginary + half)
            }
        }
    }

    /// Undoes ``forward(_:logDegree:)``.
    package static func inverse(_ f: UnsafeMutablePointer<Double>, logDegree: Int) {
        let half = (1 << logDegree) >> 1
        guard half > 0 else { return }
        withRoots { rootsReal, rootsImaginary in
            if half >= 2 {
                inversePairs(f, half, rootsReal + half, rootsImaginary + half)
            }
            var distance = 2
            var blocks = half / 4
            while blocks >= 1 {
                for block in 0..<blocks {
                    let root = 2 &* blocks &+ block
                    inverseBlock(
                        f + 2 &* block &* distance, half, distance,
                        rootsReal[root], rootsImaginary[root])
                }
                distance *= 2
                blocks /= 2
            }
        }
        // The level left out is a multiplication by 2, hence n / 2 and not n.
        let scale = 1 / Double(half)
        for index in 0..<(2 * half) {
            f[index] *= scale
        }
    }

    // MARK: Levels

    /// (x, y) <- (x + s y, x - s y) for the complex numbers x at `f` and y `distance` >= 2 on, an
    /// even number of them; imaginary parts are `half` on.
    @inline(__always)
    private static func forwardBlock(
        _ f: UnsafeMutablePointer<Double>, _ half: Int, _ distance: Int,
        _ real: Double, _ imaginary: Double
    ) {
        let view = PairView(f)
        var index = 0
        while index < distance {
            let (xReal, xImaginary) = (view[index], view[index &+ half])
            let yReal = view[index &+ distance]
            let yImaginary = view[index &+ distance &+ half]
            let tReal = yReal * real - yImaginary * imaginary
            let tImaginary = yReal * imaginary + yImaginary * real
            view[index] = xReal + tReal
            view[index &+ half] = xImaginary + tImaginary
            view[index &+ distance] = xReal - tReal
            view[index &+ distance &+ half] = xImaginary - tImaginary
            index &+= 2
        }
    }

    /// (x, y) <- (x + y, conj(s) (x - y)), laid out as for `forwardBlock`.
    @inline(__always)
    private static func inverseBlock(
        _ f: UnsafeMutablePointer<Double>, _ half: Int, _ distance: Int,
        _ real: Double, _ imaginary: Double
    ) {
        let view = PairView(f)
        var index = 0
        while index < distance {
            let (xReal, xImaginary) = (view[index], view[index &+ half])
            let yReal = view[index &+ distance]
            let yImaginary = view[index &+ distance &+ half]
            view[index] = xReal + yReal
            view[index &+ half] = xImaginary + yImaginary
            let dReal = xReal - yReal
            let dImaginary = xImaginary - yImaginary
            view[index &+ distance] = dReal * real + dImaginary * imaginary
            view[index &+ distance &+ half] = dImaginary * real - dReal * imaginary
            index &+= 2
        }
    }

    /// The level at distance 1: x and y are neighbours, and each pair has its own root.
    @inline(__always)
    private static func forwardPairs(
        _ f: UnsafeMutablePointer<Double>, _ half: Int,
        _ rootsReal: UnsafePointer<Double>, _ rootsImaginary: UnsafePointer<Double>
    ) {
        for block in 0..<(half / 2) {
            let index = 2 &* block
            let (real, imaginary) = (rootsReal[block], rootsImaginary[block])
            let (xReal, xImaginary) = (f[index], f[index &+ half])
            let (yReal, yImaginary) = (f[index &+ 1], f[index &+ half &+ 1])
            let tReal = yReal * real - yImaginary * imaginary
            let tImaginary = yReal * imaginary + yImaginary * real
            f[index] = xReal + tReal
            f[index &+ half] = xImaginary + tImaginary
            f[index &+ 1] = xReal - tReal
            f[index &+ half &+ 1] = xImaginary - tImaginary
        }
    }

    @inline(__always)
    private static func inversePairs(
        _ f: UnsafeMutablePointer<Double>, _ half: Int,
        _ rootsReal: UnsafePointer<Double>, _ rootsImaginary: UnsafePointer<Double>
    ) {
        for block in 0..<(half / 2) {
            let index = 2 &* block
            let (real, imaginary) = (rootsReal[block], rootsImaginary[block])
            let (xReal, xImaginary) = (f[index], f[index &+ half])
            let (yReal, yImaginary) = (f[index &+ 1], f[index &+ half &+ 1])
            f[index] = xReal + yReal
            f[index &+ half] = xImaginary + yImaginary
            let dReal = xReal - yReal
            let dImaginary = xImaginary - yImaginary
            f[index &+ 1] = dReal * real + dImaginary * imaginary
            f[index &+ half &+ 1] = dImaginary * real - dReal * imaginary
        }
    }
}
