/// The two parameter sets of Falcon 1.2 (round-3 submission, 1 October 2020, table 3.3).
///
/// Everything in this module is written for a degree n = 2^`logDegree`; the chain uses
/// ``falcon1024`` only.
public enum FalconParameters: Sendable, Hashable, CaseIterable {
    /// n = 512, NIST security level 1.
    case falcon512
    /// n = 1024, NIST security level 5.
    case falcon1024

    /// The modulus of the ring Z_q[X]/(X^n + 1).
    public static let modulus = 12289

    /// Bytes of the nonce that is hashed before the message.
    public static let nonceByteCount = 40

    /// The binary logarithm of the degree: 9 or 10.
    public var logDegree: Int { self == .falcon512 ? 9 : 10 }

    /// The degree n of the ring: 512 or 1024.
    public var degree: Int { 1 << logDegree }

    /// One header byte and n coefficients of 14 bits: 897 or 1793.
    public var publicKeyByteCount: Int { 1 + degree * 14 / 8 }

    /// One header byte, then f and g at ``smallCoefficientBits`` and F at 8 bits: 1281 or 2305.
    public var secretKeyByteCount: Int { 1 + degree * (2 * smallCoefficientBits + 8) / 8 }

    /// Bytes of a padded signature, header and nonce included: 666 or 1280.
    public var paddedSignatureByteCount: Int { self == .falcon512 ? 666 : 1280 }

    /// Most bytes a variable-length signature made by this module has: 752 or 1462.
    public var maximumSignatureByteCount: Int { self == .falcon512 ? 752 : 1462 }

    /// Bits of a coefficient of f and g in an encoded secret key: 6 or 5.
    var smallCoefficientBits: Int { self == .falcon512 ? 6 : 5 }

    /// The greatest squared norm of (s1, s2) that a signature may have (specification, table 3.3).
    var squaredNormBound: UInt64 { self == .falcon512 ? 34_034_726 : 70_265_242 }

    /// First byte of an encoded public key: 0000nnnn, nnnn being `logDegree`.
    var publicKeyHeader: UInt8 { UInt8(logDegree) }

    /// First byte of an encoded secret key: 0101nnnn.
    var secretKeyHeader: UInt8 { 0x50 | UInt8(logDegree) }

    /// First byte of a signature with compressed s2: 0011nnnn.
    var signatureHeader: UInt8 { 0x30 | UInt8(logDegree) }
}

/// The sizes of Falcon-1024, the chain's signature scheme, as constants.
public enum Falcon1024 {
    /// Header 0x0A and 1024 coefficients of 14 bits.
    public static let publicKeyByteCount = 1793
    /// Header 0x5A, f and g at 5 bits a coefficient, F at 8 bits.
    public static let secretKeyByteCount = 2305
    /// Header 0x3A, nonce, compressed s2, zeros: the only form a vote may carry.
    public static let paddedSignatureByteCount = 1280
    /// Most bytes a variable-length signature made by this module has.
    public static let maximumSignatureByteCount = 1462
    /// Bytes of the nonce that is hashed before the message.
    public static let nonceByteCount = 40
}
