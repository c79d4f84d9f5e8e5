/// A Falcon public key in its encoded form, known to be canonical.
///
/// Encoding (specification, section 3.11.4): a header byte, then the n coefficients of
/// h = g / f mod q, 14 bits each, most significant bit first. There is exactly one encoding of a
/// key, so equal keys have equal bytes. To verify, make a ``FalconVerifyingKey`` of it once.
public struct FalconPublicKey: Sendable, Hashable {
    /// The parameter set of the key.
    public let parameters: FalconParameters
    /// The encoded key, `parameters.publicKeyByteCount` bytes.
    public let bytes: [UInt8]

    /// Checks that `bytes` is a canonical encoding: exact length, header byte, and every
    /// coefficient below q.
    ///
    /// - Throws: ``FalconError/publicKeyLength(actual:expected:)``,
    ///   ``FalconError/publicKeyHeader(actual:expected:)`` or
    ///   ``FalconError/publicKeyCoefficientOutOfRange(index:)``.
    public init(
        bytes: [UInt8], parameters: FalconParameters = .falcon1024
    ) throws(FalconError) {
        guard bytes.count == parameters.publicKeyByteCount else {
            throw .publicKeyLength(
                actual: bytes.count, expected: parameters.publicKeyByteCount)
        }
        guard bytes[0] == parameters.publicKeyHeader else {
            throw .publicKeyHeader(actual: bytes[0], expected: parameters.publicKeyHeader)
        }
        if let index = PublicPolynomialEncoding.firstUnreducedCoefficient(in: bytes) {
            throw .publicKeyCoefficientOutOfRange(index: index)
        }
        self.parameters = parameters
        self.bytes = bytes
    }

    /// Encodes h, whose n coefficients must be in 0..<q.
    init(h: UnsafePointer<UInt16>, parameters: FalconParameters) {
        self.parameters = parameters
        self.bytes = PublicPolynomialEncoding.encode(h, parameters: parameters)
    }

    /// The coefficients of h, each in 0..<q.
    var coefficients: [UInt16] {
        PublicPolynomialEncoding.decode(bytes, count: parameters.degree)
    }
}
