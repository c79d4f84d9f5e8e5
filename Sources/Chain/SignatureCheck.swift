package import Primitives

/// A signature that is still to be checked: a pure value, so that it can be run elsewhere.
package struct SignatureCheck: Sendable, Hashable {
    /// Whose key a signature must be made with.
    package enum Key: Sendable, Hashable {
        /// That of a member of a set, whose keys are prepared once for all.
        case member(ValidatorIndex, ValidatorSet)
        /// This public key, which may be in no set yet.
        case bytes([UInt8])
    }

    /// The signature.
    package let signature: [UInt8]
    /// What it must be a signature of.
    package let message: [UInt8]
    /// Whose key it must be made with.
    package let key: Key

    package init(signature: [UInt8], message: [UInt8], key: Key) {
        self.signature = signature
        self.message = message
        self.key = key
    }

    /// A check with the key of a member of a set.
    package init(
        signature: [UInt8], message: [UInt8], validator: ValidatorIndex, set: ValidatorSet
    ) {
        self.init(signature: signature, message: message, key: .member(validator, set))
    }

    /// Whether the signature holds.
    package func run(using verifier: some SignatureVerifier) -> Bool {
        switch key {
        case .member(let validator, let set):
            verifier.verify(signature, message: message, by: validator, in: set)
        case .bytes(let publicKey):
            verifier.verify(signature, message: message, publicKey: publicKey)
        }
    }
}
