/// Why bytes are not a Falcon key, or why a signature could not be made.
public enum FalconError: Error, Sendable, Equatable {
    /// A public key has the wrong number of bytes.
    case publicKeyLength(actual: Int, expected: Int)
    /// A public key does not start with the header byte of its parameter set.
    case publicKeyHeader(actual: UInt8, expected: UInt8)
    /// A public key holds a coefficient that is not below q = 12289.
    case publicKeyCoefficientOutOfRange(index: Int)
    /// A secret key has the wrong number of bytes.
    case secretKeyLength(actual: Int, expected: Int)
    /// A secret key does not start with the header byte of its parameter set.
    case secretKeyHeader(actual: UInt8, expected: UInt8)
    /// A secret key holds the forbidden least value of a coefficient's range. Which one is secret.
    case secretKeyCoefficientOutOfRange
    /// The three polynomials do not make a Falcon key: f is not invertible modulo q, or
    /// G = g F / f mod q does not fit in -127...127, or f G - g F is not q, or the lattice basis is
    /// too long to sample from.
    case secretKeyInconsistent
}
