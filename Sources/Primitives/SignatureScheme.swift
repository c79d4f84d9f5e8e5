/// Checks signatures of validators, so that the consensus modules need not know the scheme.
///
/// The node's implementation is Falcon-1024; the simulator has a cheap one of the same sizes.
public protocol SignatureVerifier: Sendable {
    /// Whether `signature` is valid for `message` under the key of validator `index` of `set`.
    ///
    /// False, never a trap, for a signature of any other length and an index out of range.
    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool

    /// Whether `signature` is valid for `message` under a public key that need not be in any set.
    ///
    /// False, never a trap, for a signature of any other length and bytes that are no key.
    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool
}

/// The sizes of the signature scheme's values, in bytes.
public enum SignatureFormat {
    /// A Falcon-1024 signature in the padded detached form.
    public static let byteCount = 1280
    /// The first byte of every such signature.
    public static let firstByte: UInt8 = 0x3A
}
