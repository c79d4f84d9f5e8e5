internal import Crypto
internal import CryptoExtras

/// Why bytes are no key, or why a key cannot be used.
public enum KeyError: Error, Sendable, Equatable {
    /// Not the one deterministic protobuf encoding of a key.
    case malformedEncoding
    /// A key type that the libp2p specification does not know.
    case unknownKeyType(UInt8)
    /// The content has another form than the key type's.
    case malformedKey(PublicKey.KeyType)
    /// The key's form is known, but this implementation cannot check its signatures.
    case unsupportedKeyType(PublicKey.KeyType)
}

/// A peer's identity key: its type and its bytes (libp2p peer id specification).
///
/// All four key types of libp2p are read and written; signatures are checked for Ed25519, secp256k1,
/// RSA from 2,048 bits on, and ECDSA over P-256.
public struct PublicKey: Sendable, Hashable {
    /// The key types with their numbers on the wire.
    public enum KeyType: UInt8, Sendable, Hashable {
        /// A PKIX structure in DER.
        case rsa = 0
        /// 32 bytes.
        case ed25519 = 1
        /// A compressed point, 33 bytes.
        case secp256k1 = 2
        /// A PKIX structure in DER.
        case ecdsa = 3
    }

    /// An RSA key of 8,192 bits, the largest that other implementations take, fits.
    package static let maximumContentByteCount = 2_048

    /// The key type.
    public let type: KeyType
    /// The key in the type's own form.
    public let content: [UInt8]

    /// A key of the given type and form; PKIX structures are not looked into.
    public init(type: KeyType, content: [UInt8]) throws(KeyError) {
        let isWellFormed =
            switch type {
            case .ed25519: content.count == 32
            case .secp256k1: content.count == 33 && (content[0] == 2 || content[0] == 3)
            case .rsa, .ecdsa: !content.isEmpty && content.count <= Self.maximumContentByteCount
            }
        guard isWellFormed else { throw .malformedKey(type) }
        self.type = type
        self.content = content
    }

    /// Reads a serialised `PublicKey` message. The encoding is deterministic: type, then content,
    /// minimal varints, nothing else.
    public init(protobuf bytes: some Collection<UInt8>) throws(KeyError) {
        let message = try KeyMessage(bytes)
        try self.init(type: message.type, content: message.content)
    }

    /// The serialised `PublicKey` message: for Ed25519 `08 01 12 20` and the 32 bytes.
    public var protobuf: [UInt8] { KeyMessage(type: type, content: content).encoding }

    /// The id of the peer that has this key.
    public var peerID: PeerID { PeerID(publicKey: self) }

    /// Whether the owner of this key signed the message. Ed25519 signs the message itself, the
    /// others its SHA-256: RSA with the padding of PKCS #1 version 1.5, the curves in DER.
    ///
    /// False for a malformed signature. Throws `malformedKey` for what is no point of the curve, no
    /// PKIX structure, or one of another curve, and `unsupportedKeyType` for an RSA key of less than
    /// 2,048 bits, which nobody should trust.
    public func isValidSignature(
        _ signature: [UInt8], for message: [UInt8]
    ) throws(KeyError) -> Bool {
        switch type {
        case .ed25519:
            guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: content) else {
                throw .malformedKey(type)
            }
            return signature.count == 64 && key.isValidSignature(signature, for: message)
        case .ecdsa:
            guard let key = try? P256.Signing.PublicKey(derRepresentation: content) else {
                throw .malformedKey(type)
            }
            guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature)
            else { return false }
            return key.isValidSignature(parsed, for: message)
        case .secp256k1:
            guard let key = Secp256k1PublicKey(compressed: content) else {
                throw .malformedKey(type)
            }
            return key.isValidSignature(signature, digest: Array(SHA256.hash(data: message)))
        case .rsa:
            return try rsaKey().isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
        }
    }

    private func rsaKey() throws(KeyError) -> _RSA.Signing.PublicKey {
        if let key = try? _RSA.Signing.PublicKey(derRepresentation: content) { return key }
        let isShort = (try? _RSA.Signing.PublicKey(unsafeDERRepresentation: content)) != nil
        throw isShort ? .unsupportedKeyType(type) : .malformedKey(type)
    }
}

/// The protobuf form that public and private keys share: `required KeyType Type = 1; required
/// bytes Data = 2`, always both, always in that order.
struct KeyMessage {
    private static let typeTag: UInt8 = 0x08
    private static let contentTag: UInt8 = 0x12

    let type: PublicKey.KeyType
    var content: [UInt8]

    init(type: PublicKey.KeyType, content: [UInt8]) {
        self.type = type
        self.content = content
    }

    init(_ encoded: some Collection<UInt8>) throws(KeyError) {
        let bytes = Array(encoded)
        guard bytes.count >= 4, bytes[0] == Self.typeTag, bytes[1] < 0x80,
            bytes[2] == Self.contentTag,
            case .complete(let length, let prefix)? = try? UnsignedVarint.decode(bytes[3...]),
            length == UInt64(bytes.count - 3 - prefix)
        else { throw .malformedEncoding }
        guard let type = PublicKey.KeyType(rawValue: bytes[1]) else {
            throw .unknownKeyType(bytes[1])
        }
        self.type = type
        content = Array(bytes[(3 + prefix)...])
    }

    var encoding: [UInt8] {
        var bytes = [Self.typeTag, type.rawValue, Self.contentTag]
        UnsignedVarint.appendLengthPrefixed(content, to: &bytes)
        return bytes
    }
}
