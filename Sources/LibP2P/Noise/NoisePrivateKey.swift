internal import Crypto
internal import Primitives

/// An X25519 key for Noise: static or ephemeral.
///
/// The secret lives in a buffer of swift-crypto that is wiped when the last copy goes.
public struct NoisePrivateKey: Sendable {
    /// The bytes of a private key, a public key and a shared secret.
    public static let byteCount = 32

    private let key: Curve25519.KeyAgreement.PrivateKey
    /// The public half, 32 bytes.
    public let publicKey: [UInt8]

    /// Takes exactly 32 bytes of any value; nil for any other count.
    public init?(_ bytes: Span<UInt8>) {
        let key = bytes.withUnsafeBytes {
            try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0)
        }
        guard let key else { return nil }
        self.key = key
        publicKey = Array(key.publicKey.rawRepresentation)
    }

    /// Takes exactly 32 bytes of any value; nil for any other count.
    public init?(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// A fresh key from a generator, which for a real connection is the system's.
    public init(using generator: inout some RandomNumberGenerator) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        while bytes.count < Self.byteCount {
            bytes.append(contentsOf: generator.next().bigEndianBytes)
        }
        guard let key = NoisePrivateKey(bytes) else {
            preconditionFailure("32 bytes are a key")
        }
        wipe(&bytes)
        self = key
    }

    /// The Diffie-Hellman secret with a public key of 32 bytes.
    ///
    /// Throws `weakPublicKey` when it is all zeros, which the primitive lets pass: RFC 7748
    /// section 6.1 asks for the check, over all bytes whatever their values.
    func sharedSecret(with publicKey: [UInt8]) throws(NoiseError) -> SymmetricKey {
        let secret: SharedSecret
        do {
            secret = try key.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey))
        } catch {
            throw .weakPublicKey
        }
        let bits = secret.withUnsafeBytes { $0.reduce(0) { $0 | $1 } }
        guard bits != 0 else { throw .weakPublicKey }
        return SymmetricKey(data: secret)
    }
}

extension NoisePrivateKey: CustomStringConvertible, CustomDebugStringConvertible {
    /// The public half: nothing of the secret gets into a log.
    public var description: String { "X25519 key of \(publicKey.hex)" }
    public var debugDescription: String { description }
}

/// Overwrites a secret before its memory is given back. Not inlined, so that the compiler cannot
/// see that nobody reads the zeros.
@inline(never)
func wipe(_ bytes: inout [UInt8]) {
    for index in bytes.indices { bytes[index] = 0 }
}
