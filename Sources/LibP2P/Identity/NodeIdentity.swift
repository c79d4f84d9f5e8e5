internal import Crypto

/// A node's own long-lived key: Ed25519, from a seed of 32 bytes (the "node key").
///
/// The secret lives in one reference-counted buffer of swift-crypto, shared by all copies of this
/// value and wiped when the last of them goes. Arrays that a caller passes in or takes out are the
/// caller's to wipe.
public struct NodeIdentity: Sendable {
    /// The bytes of a seed.
    public static let seedByteCount = 32

    private let privateKey: Curve25519.Signing.PrivateKey
    /// The public half.
    public let publicKey: PublicKey
    /// The id by which other peers know this node.
    public let peerID: PeerID

    /// Takes a seed of exactly 32 bytes; nil for any other count.
    public init?(seed: Span<UInt8>) {
        let privateKey = seed.withUnsafeBytes {
            try? Curve25519.Signing.PrivateKey(rawRepresentation: $0)
        }
        guard let privateKey,
            let publicKey = try? PublicKey(
                type: .ed25519, content: Array(privateKey.publicKey.rawRepresentation))
        else { return nil }
        self.privateKey = privateKey
        self.publicKey = publicKey
        peerID = publicKey.peerID
    }

    /// Takes a seed of exactly 32 bytes; nil for any other count.
    public init?(seed: [UInt8]) { self.init(seed: seed.span) }

    /// Reads a serialised `PrivateKey` message: Ed25519, the content being seed and public key, or
    /// in an older form seed and twice the public key, which must be the seed's own.
    public init(protobuf bytes: [UInt8]) throws(KeyError) {
        var message = try KeyMessage(bytes)
        defer { wipe(&message.content) }
        guard message.type == .ed25519 else { throw .unsupportedKeyType(message.type) }
        let content = message.content.span
        guard content.count == 64 || content.count == 96,
            let identity = NodeIdentity(seed: content.extracting(..<Self.seedByteCount))
        else { throw .malformedKey(.ed25519) }
        let expected = identity.publicKey.content
        for position in Self.seedByteCount..<content.count
        where content[position] != expected[position % expected.count] {
            throw .malformedKey(.ed25519)
        }
        self = identity
    }

    /// The serialised `PrivateKey` message, 68 bytes: a secret.
    public var protobuf: [UInt8] {
        var message = KeyMessage(
            type: .ed25519, content: Array(privateKey.rawRepresentation) + publicKey.content)
        defer { wipe(&message.content) }
        return message.encoding
    }

    /// The Ed25519 signature of a message, 64 bytes.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        do {
            return Array(try privateKey.signature(for: message))
        } catch {
            preconditionFailure("Ed25519 signs every message with every key: \(error)")
        }
    }
}

extension NodeIdentity: CustomStringConvertible, CustomDebugStringConvertible {
    /// The peer id: nothing of the secret gets into a log.
    public var description: String { "\(peerID)" }
    public var debugDescription: String { description }
}
