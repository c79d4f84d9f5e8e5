/// The polynomials of a secret key while it is made: f, g, F, G, and h = g / f.
///
/// The memory is an arena's, which erases it.
struct KeyPolynomials {
    let parameters: FalconParameters
    let f, g, bigF, bigG: UnsafeMutablePointer<Int8>
    /// h, coefficients in 0..<q.
    let h: UnsafeMutablePointer<UInt16>

    /// Room for the polynomials and for what `completeAndCheck` and `ExpandedKey` take besides.
    static func arenaByteCount(_ parameters: FalconParameters) -> Int {
        (4 + 2) * parameters.degree + ExpandedKey.arenaByteCount(parameters)
            + 64 * SecretBuffer.alignment
    }

    /// Takes room for the polynomials from `arena`.
    init(arena: inout SecretArena, _ parameters: FalconParameters) {
        self.parameters = parameters
        let degree = parameters.degree
        f = arena.take(Int8.self, degree)
        g = arena.take(Int8.self, degree)
        bigF = arena.take(Int8.self, degree)
        bigG = arena.take(Int8.self, degree)
        h = arena.take(UInt16.self, degree)
    }

    /// Decodes f, g and F from an encoded key of the right length.
    ///
    /// - Returns: false if a coefficient has a forbidden value.
    func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = bytes.baseAddress.unsafelyUnwrapped + 1
        let bits = parameters.smallCoefficientBits
        let stride = SmallPolynomialEncoding.byteCount(count: parameters.degree, bits: bits)
        let count = parameters.degree
        let isValidF = SmallPolynomialEncoding.decode(start, bits: bits, to: f, count: count)
        let isValidG = SmallPolynomialEncoding.decode(
            start + stride, bits: bits, to: g, count: count)
        let isValidBigF = SmallPolynomialEncoding.decode(
            start + 2 * stride, bits: 8, to: bigF, count: count)
        return isValidF && isValidG && isValidBigF
    }

    /// Encodes header, f, g and F to `output`, `secretKeyByteCount` bytes.
    func encode(to output: UnsafeMutablePointer<UInt8>) {
        let bits = parameters.smallCoefficientBits
        let stride = SmallPolynomialEncoding.byteCount(count: parameters.degree, bits: bits)
        let count = parameters.degree
        output[0] = parameters.secretKeyHeader
        let start = output + 1
        SmallPolynomialEncoding.encode(f, count: count, bits: bits, to: start)
        SmallPolynomialEncoding.encode(g, count: count, bits: bits, to: start + stride)
        SmallPolynomialEncoding.encode(bigF, count: count, bits: 8, to: start + 2 * stride)
    }

    /// Computes G and h from f, g and F.
    ///
    /// - Returns: false if they do not make a key: f is not invertible, G does not fit, or
    ///   f G - g F is not q.
    func completeAndCheck(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let scratch = KeyCompletion.Scratch(arena: &arena, degree: parameters.degree)
        return KeyCompletion.completingPolynomial(
            f: f, g: g, bigF: bigF, to: bigG, parameters, scratch)
            && KeyCompletion.publicPolynomial(f: f, g: g, to: h, parameters, scratch)
            && NTRUEquation.holds(
                f: f, g: g, bigF: bigF, bigG: bigG, logDegree: parameters.logDegree,
                arena: &arena)
    }
}
