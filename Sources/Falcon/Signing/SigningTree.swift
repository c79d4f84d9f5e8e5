/// The Falcon tree of a key: what fast Fourier sampling needs to know of the lattice.
///
/// A node of degree n holds the n values of L10 from the LDL* decomposition of its Gram matrix, then
/// its right subtree, then its left subtree; a leaf is 1 / sigma' for the sampler: specification,
/// algorithms 8 and 9, the leaves inverted. A tree of degree n takes (log2 n + 1) n numbers.
///
/// The reference code's signing with the bare key derives the same numbers anew while it samples;
/// none depends on the message. Here they are computed once, by the same operations, so signatures
/// come out the same to the last bit.
enum SigningTree {
    typealias Polynomial = FourierTransform.Polynomial

    /// Numbers in a tree of degree 2^`logDegree`.
    static func size(logDegree: Int) -> Int { (logDegree + 1) << logDegree }

    /// Numbers of working space for `build`.
    static func scratchSize(logDegree: Int) -> Int { 2 << logDegree }

    /// 1 / sigma, specification, table 3.3: sigma is 165.7366171829776 or 168.38857144654395.
    static func inverseDeviation(_ parameters: FalconParameters) -> Double {
        parameters == .falcon512 ? 0.006033669668157724 : 0.005938645309533116
    }

    /// Writes the tree of the self-adjoint matrix (g00, g01; adj(g01), g11), transformed polynomials
    /// of degree 2^`logDegree`, to `tree`. Overwrites the matrix.
    static func build(
        _ tree: Polynomial, _ g00: Polynomial, _ g01: Polynomial, _ g11: Polynomial,
        logDegree: Int, inverseDeviation: Double, scratch: Polynomial
    ) {
        if logDegree == 0 {
            tree[0] = g00[0].squareRoot() * inverseDeviation
            return
        }
        let n = 1 << logDegree
        let half = n / 2
        decompose(tree, g00, g01, g11, n)
        FourierTransform.withRoots { rootsReal, rootsImaginary in
            // D00 is g00, D11 has replaced g11, and g01 is free. Each of the two becomes the first
            // row of a matrix of half the degree whose diagonal is twice its first half.
            FourierTransform.split(g01, g01 + half, g00, n, rootsReal, rootsImaginary)
            FourierTransform.split(g00, g00 + half, g11, n, rootsReal, rootsImaginary)
        }
        let subtreeSize = size(logDegree: logDegree - 1)
        scratch.update(from: g00, count: half)
        build(
            tree + n, g00, g00 + half, scratch, logDegree: logDegree - 1,
            inverseDeviation: inverseDeviation, scratch: scratch + half)
        scratch.update(from: g01, count: half)
        build(
            tree + n + subtreeSize, g01, g01 + half, scratch, logDegree: logDegree - 1,
            inverseDeviation: inverseDeviation, scratch: scratch + half)
    }

    /// LDL*: L10 = adj(g01) / g00 goes to `l10`, D11 = g11 - L10 adj(L10) g00 replaces `g11`.
    private static func decompose(
        _ l10: Polynomial, _ g00: Polynomial, _ g01: Polynomial, _ g11: Polynomial, _ n: Int
    ) {
        let half = n / 2
        for index in 0..<half {
            let (aReal, aImaginary) = (g00[index], g00[index &+ half])
            let (bReal, bImaginary) = (g01[index], g01[index &+ half])
            // mu = g01 / g00
            let inverseNorm = 1 / (aReal * aReal + aImaginary * aImaginary)
            let inverseReal = aReal * inverseNorm
            let inverseImaginary = -aImaginary * inverseNorm
            let muReal = bReal * inverseReal - bImaginary * inverseImaginary
            let muImaginary = bReal * inverseImaginary + bImaginary * inverseReal
            // mu adj(g01)
            let productReal = muReal * bReal + muImaginary * bImaginary
            let productImaginary = muImaginary * bReal - muReal * bImaginary
            g11[index] -= productReal
            g11[index &+ half] -= productImaginary
            l10[index] = muReal
            l10[index &+ half] = -muImaginary
        }
    }
}

extension SigningTree {
    /// Whether `predicate` holds for every leaf of `tree`.
    static func allLeaves(
        _ tree: UnsafePointer<Double>, logDegree: Int, _ predicate: (Double) -> Bool
    ) -> Bool {
        if logDegree == 0 {
            return predicate(tree[0])
        }
        let right = tree + (1 << logDegree)
        return allLeaves(right, logDegree: logDegree - 1, predicate)
            && allLeaves(
                right + size(logDegree: logDegree - 1), logDegree: logDegree - 1, predicate)
    }
}
