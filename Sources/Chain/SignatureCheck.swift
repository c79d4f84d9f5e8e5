package import Primitives

/// A signature that is still to be checked: a pure value, so that it can be run elsewhere.
package struct SignatureCheck: Sendable, Hashable {
    /// The signature.
    package let signature: [UInt8]
    /// What it must be a signature of.
    package let message: [UInt8]
    /// Whose key it must be made with.
    package let validator: ValidatorIndex
    /// The set that gives the index its meaning.
    package let set: ValidatorSet

    package init(
        signature: [UInt8], message: [UInt8], validator: ValidatorIndex, set: ValidatorSet
    ) {
        self.signature = signature
        self.message = message
        self.validator = validator
        self.set = set
    }

    /// Whether the signature holds.
    package func run(using verifier: some SignatureVerifier) -> Bool {
        verifier.verify(signature, message: message, by: validator, in: set)
    }
}
