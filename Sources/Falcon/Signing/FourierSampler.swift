/// Fast Fourier sampling: specification, algorithm 11.
struct FourierSampler {
    typealias Polynomial = FourierTransform.Polynomial

    private let rootsReal: UnsafePointer<Double>
    private let rootsImaginary: UnsafePointer<Double>
    private(set) var sampler: GaussianSampler

    /// Numbers of working space for `sample`.
    static func scratchSize(logDegree: Int) -> Int { 4 << logDegree }

    init(
        _ sampler: GaussianSampler, _ rootsReal: UnsafePointer<Double>,
        _ rootsImaginary: UnsafePointer<Double>
    ) {
        self.sampler = sampler
        self.rootsReal = rootsReal
        self.rootsImaginary = rootsImaginary
    }

    /// Replaces the target (t0, t1), transformed polynomials of degree n = 2^`logDegree` >= 2, by a
    /// nearby integral vector, as likely as the lattice with this tree demands.
    mutating func sample(
        _ t0: Polynomial, _ t1: Polynomial, tree: UnsafePointer<Double>, logDegree: Int,
        scratch: Polynomial
    ) {
        if logDegree == 1 {
            samplePair(t0, t1, tree: tree)
            return
        }
        let n = 1 &<< logDegree
        let half = n / 2
        let subtreeSize = SigningTree.size(logDegree: logDegree - 1)
        let z = scratch
        let merged = scratch + n
        FourierTransform.split(z, z + half, t1, n, rootsReal, rootsImaginary)
        sample(z, z + half, tree: tree + n, logDegree: logDegree - 1, scratch: merged)
        FourierTransform.merge(merged, z, z + half, n, rootsReal, rootsImaginary)
        Self.advance(t0, t1, merged, tree, half)
        FourierTransform.split(z, z + half, t0, n, rootsReal, rootsImaginary)
        sample(
            z, z + half, tree: tree + n + subtreeSize, logDegree: logDegree - 1, scratch: merged)
        FourierTransform.merge(t0, z, z + half, n, rootsReal, rootsImaginary)
    }

    /// t0 += (t1 - z1) L10, then t1 = z1, for polynomials of degree 2 `half` >= 4.
    @inline(__always)
    private static func advance(
        _ t0: Polynomial, _ t1: Polynomial, _ z1: Polynomial, _ l10: UnsafePointer<Double>,
        _ half: Int
    ) {
        let (t0, t1, z1) = (PairView(t0), PairView(t1), PairView(z1))
        let l10 = PairView(reading: l10)
        var index = 0
        while index < half {
            let (zReal, zImaginary) = (z1[index], z1[index &+ half])
            let (dReal, dImaginary) = (t1[index] - zReal, t1[index &+ half] - zImaginary)
            let (lReal, lImaginary) = (l10[index], l10[index &+ half])
            t0[index] += lReal * dReal - lImaginary * dImaginary
            t0[index &+ half] += lReal * dImaginary + lImaginary * dReal
            (t1[index], t1[index &+ half]) = (zReal, zImaginary)
            index &+= 2
        }
    }

    /// Degree 2: a polynomial is one complex number, its two halves are real and imaginary part.
    @inline(__always)
    private mutating func samplePair(
        _ t0: Polynomial, _ t1: Polynomial, tree: UnsafePointer<Double>
    ) {
        let (lReal, lImaginary, rightLeaf, leftLeaf) = (tree[0], tree[1], tree[2], tree[3])
        let (real1, imaginary1) = (t1[0], t1[1])
        let z1Real = sampler.sample(center: real1, inverseDeviation: rightLeaf)
        let z1Imaginary = sampler.sample(center: imaginary1, inverseDeviation: rightLeaf)
        let dReal = real1 - z1Real
        let dImaginary = imaginary1 - z1Imaginary
        let real0 = t0[0] + (lReal * dReal - lImaginary * dImaginary)
        let imaginary0 = t0[1] + (lReal * dImaginary + lImaginary * dReal)
        t1[0] = z1Real
        t1[1] = z1Imaginary
        t0[0] = sampler.sample(center: real0, inverseDeviation: leftLeaf)
        t0[1] = sampler.sample(center: imaginary0, inverseDeviation: leftLeaf)
    }
}
