package import Falcon

/// Signs with a validator's Falcon-1024 key: in this process, or wherever the key is kept.
package protocol Signer: Sendable {
    /// The public key that the signatures are checked with.
    var publicKey: FalconPublicKey { get }

    /// The signature of a message in padded form, 1,280 bytes. Each call gives another one.
    func sign(_ message: [UInt8]) async throws(KeystoreError) -> [UInt8]
}

/// A signer that holds its key in memory.
package final class InProcessSigner: Signer {
    private let key: FalconSecretKey

    /// Signs with `key` and the randomness of the operating system.
    package init(_ key: consuming FalconSecretKey) { self.key = key }

    package var publicKey: FalconPublicKey { key.publicKey }

    package func sign(_ message: [UInt8]) async throws(KeystoreError) -> [UInt8] {
        try signature(of: message)
    }

    /// The same for callers that may block for a millisecond.
    package func signature(of message: [UInt8]) throws(KeystoreError) -> [UInt8] {
        try key.sign(message: message) { (buffer) throws(KeystoreError) in
            try SystemRandomness.fill(buffer)
        }
    }
}
