/// Key generation: specification, algorithm 4, drawing its random bytes as the reference does.
struct KeyGenerator {
    private let polynomials: KeyPolynomials
    private let random: UnsafeMutablePointer<Shake256>

    /// Working space, besides that of the polynomials.
    static func arenaByteCount(_ parameters: FalconParameters) -> Int {
        max(
            NTRUSolver.arenaByteCount(logDegree: parameters.logDegree),
            8 * 3 * parameters.degree + 4096)
    }

    /// Fills `polynomials` with keys, from the output of `random`.
    init(_ polynomials: KeyPolynomials, _ random: UnsafeMutablePointer<Shake256>) {
        self.polynomials = polynomials
        self.random = random
    }

    /// Generates the next key. Whatever fails (about every second candidate) it starts over with new
    /// f and g, so that the failure tells nothing about the key it returns with.
    mutating func generate(arena: inout SecretArena) {
        let (f, g) = (polynomials.f, polynomials.g)
        let parameters = polynomials.parameters
        let logDegree = parameters.logDegree
        repeat {
            SecretGaussian.fill(f, logDegree: logDegree, random)
            SecretGaussian.fill(g, logDegree: logDegree, random)
        } while !(coefficientsFit() && normFits() && orthogonalisedNormFits(arena: &arena)
            && computePublicPolynomial(arena: &arena) && solve(arena: &arena))
    }

    /// Whether all coefficients of f and g can be encoded.
    private func coefficientsFit() -> Bool {
        let limit = Int8(1) << Int8(polynomials.parameters.smallCoefficientBits - 1)
        return (0..<polynomials.parameters.degree).allSatisfy {
            polynomials.f[$0] < limit && polynomials.f[$0] > -limit
                && polynomials.g[$0] < limit && polynomials.g[$0] > -limit
        }
    }

    /// Whether |(f, g)|^2 <= 1.17^2 q = 16822.4121.
    private func normFits() -> Bool {
        var norm = 0
        for index in 0..<polynomials.parameters.degree {
            let (f, g) = (Int(polynomials.f[index]), Int(polynomials.g[index]))
            norm += f * f + g * g
        }
        return norm < 16823
    }

    /// Whether the vector (q adj(f), q adj(g)) / (f adj(f) + g adj(g)), the last but one of the
    /// orthogonalised basis to be long, is as short.
    private func orthogonalisedNormFits(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let n = polynomials.parameters.degree
        let logDegree = polynomials.parameters.logDegree
        let f = arena.take(Double.self, n)
        let g = arena.take(Double.self, n)
        let inverseNorm = arena.take(Double.self, n)
        for index in 0..<n {
            f[index] = Double(polynomials.f[index])
            g[index] = Double(polynomials.g[index])
        }
        FourierTransform.forward(f, logDegree: logDegree)
        FourierTransform.forward(g, logDegree: logDegree)
        FourierTransform.inverseNorm(inverseNorm, f, g, n)
        for polynomial in [f, g] {
            FourierTransform.adjoin(polynomial, n)
            FourierTransform.scale(polynomial, by: 12289, n)
            FourierTransform.multiplyReal(polynomial, inverseNorm, n)
            FourierTransform.inverse(polynomial, logDegree: logDegree)
        }
        var norm = 0.0
        for index in 0..<n {
            norm += f[index] * f[index]
            norm += g[index] * g[index]
        }
        return norm < 16822.4121
    }

    /// h = g / f, if f is invertible.
    private func computePublicPolynomial(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let parameters = polynomials.parameters
        let scratch = KeyCompletion.Scratch(arena: &arena, degree: parameters.degree)
        return KeyCompletion.publicPolynomial(
            f: polynomials.f, g: polynomials.g, to: polynomials.h, parameters, scratch)
    }

    /// F and G.
    private func solve(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let solver = NTRUSolver(
            f: polynomials.f, g: polynomials.g, logDegree: polynomials.parameters.logDegree,
            arena: &arena)
        return solver.solve(bigF: polynomials.bigF, bigG: polynomials.bigG, arena: &arena)
    }
}
