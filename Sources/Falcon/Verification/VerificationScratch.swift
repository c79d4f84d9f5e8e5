/// The working memory of one verification. Nothing in it is secret.
struct VerificationScratch {
    private let parameters: FalconParameters
    /// s2, n coefficients.
    private let s2: UnsafeMutablePointer<Int16>
    /// s2 h, n coefficients.
    private let product: UnsafeMutablePointer<Int16>
    /// The hashed message, n coefficients and room for `HashToPoint.slack` more.
    let point: UnsafeMutablePointer<Int16>
    /// The compressed s2 with zeros behind it.
    private let input: UnsafeMutablePointer<UInt8>

    private static func inputByteCount(_ parameters: FalconParameters) -> Int {
        3 * parameters.degree + CompressedPolynomialEncoding.inputPadding
    }

    private static func coefficientCount(_ parameters: FalconParameters) -> Int {
        3 * parameters.degree + HashToPoint.slack
    }

    static func byteCount(_ parameters: FalconParameters) -> Int {
        2 * coefficientCount(parameters) + inputByteCount(parameters)
    }

    /// Lays out `memory`, `byteCount(parameters)` bytes aligned for vectors.
    init(_ memory: UnsafeMutableRawBufferPointer, _ parameters: FalconParameters) {
        self.parameters = parameters
        let base = memory.baseAddress.unsafelyUnwrapped
        let count = Self.coefficientCount(parameters)
        s2 = base.bindMemory(to: Int16.self, capacity: count)
        product = s2 + parameters.degree
        point = product + parameters.degree
        input = UnsafeMutableRawPointer(s2 + count)
            .bindMemory(to: UInt8.self, capacity: Self.inputByteCount(parameters))
    }

    /// Decodes s2 from `compressed`, 1...3n bytes. Bytes behind it must be zero if `allowsPadding`,
    /// else there must be none.
    func decompress(_ compressed: UnsafeRawBufferPointer, allowsPadding: Bool) -> Bool {
        let start = UnsafeMutableRawPointer(input)
        start.copyMemory(
            from: compressed.baseAddress.unsafelyUnwrapped, byteCount: compressed.count)
        (start + compressed.count).initializeMemory(
            as: UInt8.self, repeating: 0, count: CompressedPolynomialEncoding.inputPadding)
        let used = CompressedPolynomialEncoding.decode(
            input, byteCount: compressed.count,
            to: s2, count: parameters.degree)
        guard let used else { return false }
        return allowsPadding
            ? compressed[used...].allSatisfy { $0 == 0 }
            : used == compressed.count
    }

    /// Whether (s1, s2) is short enough, s1 being the hashed message less s2 h.
    func isShort(multiplier: [ModQ.Lanes]) -> Bool {
        product.update(from: s2, count: parameters.degree)
        let transform = NumberTheoreticTransform.of(parameters)
        transform.forward(product)
        let lanes = LaneView(product)
        let inverse = ModQ.Lanes(repeating: ModQ.modulusInverse)
        for index in multiplier.indices {
            let factor = multiplier[index]
            lanes[index] = ModQ.multiply(lanes[index], factor, factor &* inverse)
        }
        transform.inverseTimesDegree(product)
        // The hashed message is in 0..<q and the product is centred, so the difference is within
        // -6144...18432, where `centred` is exact.
        let pointLanes = LaneView(point)
        for index in multiplier.indices {
            lanes[index] = ModQ.centred(pointLanes[index] &- lanes[index])
        }
        let norm =
            Self.squaredNorm(product, count: parameters.degree)
            + Self.squaredNorm(s2, count: parameters.degree)
        return norm <= parameters.squaredNormBound
    }

    /// The sum of the squares of `count` coefficients within ±6145, `count` a multiple of 32.
    private static func squaredNorm(_ polynomial: UnsafePointer<Int16>, count: Int) -> UInt64 {
        var norm: UInt64 = 0
        var start = 0
        while start < count {
            // 32 squares of at most 6145 are below 2^31.
            var partial: Int32 = 0
            for index in start..<(start &+ 32) {
                partial &+= Int32(polynomial[index]) &* Int32(polynomial[index])
            }
            norm &+= UInt64(UInt32(bitPattern: partial))
            start &+= 32
        }
        return norm
    }
}
