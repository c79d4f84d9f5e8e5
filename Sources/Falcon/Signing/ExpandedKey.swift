/// A secret key in the form that signing uses, in one erasable block: the transformed basis, the
/// Falcon tree, and the encoded key.
struct ExpandedKey: ~Copyable {
    typealias Polynomial = FourierTransform.Polynomial

    private let buffer: SecretBuffer
    private let degree: Int
    private let encodedByteCount: Int

    /// The basis [[b00, b01], [b10, b11]] = [[g, -f], [G, -F]], transformed.
    var b00: UnsafePointer<Double> { UnsafePointer(numbers) }
    var b01: UnsafePointer<Double> { UnsafePointer(numbers + degree) }
    var b10: UnsafePointer<Double> { UnsafePointer(numbers + 2 * degree) }
    var b11: UnsafePointer<Double> { UnsafePointer(numbers + 3 * degree) }
    /// The Falcon tree, as ``SigningTree`` lays it out.
    var tree: UnsafePointer<Double> { UnsafePointer(numbers + 4 * degree) }

    private var numbers: Polynomial {
        buffer.bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
    }

    /// The encoded key.
    var encoded: UnsafeRawBufferPointer {
        let bytes = UnsafeRawBufferPointer(buffer.bytes)
        return UnsafeRawBufferPointer(
            rebasing: bytes[(bytes.count - (encodedByteCount + 7) & ~7)...].prefix(encodedByteCount)
        )
    }

    /// Working space `init` takes from its arena.
    static func arenaByteCount(_ parameters: FalconParameters) -> Int {
        let matrixAndScratch = 4 * parameters.degree
        return 8 * (matrixAndScratch + SigningTree.scratchSize(logDegree: parameters.logDegree))
    }

    /// Expands `polynomials`.
    ///
    /// - Returns: `nil` if a leaf of the tree is outside of what the sampler works for; that is no
    ///   Falcon key, for short enough f, g, F and G keep all within.
    init?(_ polynomials: KeyPolynomials, arena: inout SecretArena) {
        let parameters = polynomials.parameters
        let (degree, logDegree) = (parameters.degree, parameters.logDegree)
        let numberCount = 4 * degree + SigningTree.size(logDegree: logDegree)
        let buffer = SecretBuffer(
            byteCount: 8 * numberCount + (parameters.secretKeyByteCount + 7) & ~7)
        let base = buffer.bytes.baseAddress.unsafelyUnwrapped
        let numbers = base.bindMemory(to: Double.self, capacity: numberCount)
        polynomials.encode(
            to: (base + 8 * numberCount).bindMemory(
                to: UInt8.self, capacity: parameters.secretKeyByteCount))
        Self.transform(polynomials.g, to: numbers, logDegree, negated: false)
        Self.transform(polynomials.f, to: numbers + degree, logDegree, negated: true)
        Self.transform(polynomials.bigG, to: numbers + 2 * degree, logDegree, negated: false)
        Self.transform(polynomials.bigF, to: numbers + 3 * degree, logDegree, negated: true)

        let mark = arena.mark
        defer { arena.release(to: mark) }
        let tree = numbers + 4 * degree
        Self.buildTree(tree, basis: numbers, parameters, arena: &arena)
        guard Self.leavesAreInRange(tree, parameters) else { return nil }
        self.buffer = buffer
        self.degree = degree
        self.encodedByteCount = parameters.secretKeyByteCount
    }

    private static func transform(
        _ small: UnsafePointer<Int8>, to output: Polynomial, _ logDegree: Int, negated: Bool
    ) {
        for index in 0..<(1 << logDegree) {
            output[index] = Double(small[index])
        }
        FourierTransform.forward(output, logDegree: logDegree)
        if negated {
            FourierTransform.negate(output, 1 << logDegree)
        }
    }

    /// Builds the tree of the Gram matrix B adj(B).
    private static func buildTree(
        _ tree: Polynomial, basis: Polynomial, _ parameters: FalconParameters,
        arena: inout SecretArena
    ) {
        let n = parameters.degree
        let b00 = basis
        let (b01, b10, b11) = (basis + n, basis + 2 * n, basis + 3 * n)
        let g00 = arena.take(Double.self, n)
        let g01 = arena.take(Double.self, n)
        let g11 = arena.take(Double.self, n)
        let term = arena.take(Double.self, n)
        g00.update(from: b00, count: n)
        FourierTransform.multiplyOwnAdjoint(g00, n)
        term.update(from: b01, count: n)
        FourierTransform.multiplyOwnAdjoint(term, n)
        FourierTransform.add(g00, term, n)

        g01.update(from: b00, count: n)
        FourierTransform.multiplyAdjoint(g01, b10, n)
        term.update(from: b01, count: n)
        FourierTransform.multiplyAdjoint(term, b11, n)
        FourierTransform.add(g01, term, n)

        g11.update(from: b10, count: n)
        FourierTransform.multiplyOwnAdjoint(g11, n)
        term.update(from: b11, count: n)
        FourierTransform.multiplyOwnAdjoint(term, n)
        FourierTransform.add(g11, term, n)

        SigningTree.build(
            tree, g00, g01, g11, logDegree: parameters.logDegree,
            inverseDeviation: SigningTree.inverseDeviation(parameters),
            scratch: arena.take(
                Double.self, SigningTree.scratchSize(logDegree: parameters.logDegree)))
    }

    /// Whether 1 / sigma' of every leaf fits the sampler: sigma' between sigma_min and 1.8205, which
    /// is the deviation of the base sampler. Not a number is out of range.
    private static func leavesAreInRange(
        _ tree: UnsafePointer<Double>, _ parameters: FalconParameters
    ) -> Bool {
        let leastDeviation = GaussianSampler.leastDeviation(parameters)
        return SigningTree.allLeaves(tree, logDegree: parameters.logDegree) { leaf in
            leaf * leastDeviation < 1 && leaf * 1.8205 > 1
        }
    }
}
