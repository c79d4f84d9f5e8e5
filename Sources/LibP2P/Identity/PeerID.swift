internal import Crypto

/// Why bytes or a text are no peer id.
public enum PeerIDError: Error, Sendable, Equatable {
    /// No multihash of the announced length.
    case malformedMultihash
    /// Neither an embedded key (code 0) nor SHA-256 (code 0x12).
    case unsupportedHash(code: UInt64)
    /// A SHA-256 digest has 32 bytes, an embedded key 1 to 42.
    case invalidDigestLength(Int)
    /// The text is in no known base or has characters outside its base.
    case malformedText
    /// A content identifier of another version or kind than a libp2p key's.
    case notPeerCID
}

/// The name of a peer: the multihash of its serialised public key (libp2p peer id specification).
///
/// A key whose message has at most 42 bytes (Ed25519, secp256k1) is embedded; of others there is
/// the SHA-256. Equality, order and everything on the wire are by the multihash bytes; texts are
/// for people and configuration.
public struct PeerID: Sendable, Hashable {
    private static let identityCode: UInt64 = 0x00
    private static let sha256Code: UInt64 = 0x12
    package static let maximumEmbeddedByteCount = 42

    /// The multihash: 38 bytes for an Ed25519 peer, 44 at most.
    public let bytes: [UInt8]

    /// The id of the peer with that key.
    public init(publicKey: PublicKey) {
        let message = publicKey.protobuf
        let isEmbedded = message.count <= Self.maximumEmbeddedByteCount
        let digest = isEmbedded ? message : Array(SHA256.hash(data: message))
        var bytes: [UInt8] = []
        UnsignedVarint.append(isEmbedded ? Self.identityCode : Self.sha256Code, to: &bytes)
        UnsignedVarint.appendLengthPrefixed(digest, to: &bytes)
        self.bytes = bytes
    }

    /// Takes the multihash bytes; nothing may follow them.
    public init(bytes multihash: some Collection<UInt8>) throws(PeerIDError) {
        guard multihash.count <= Self.maximumEmbeddedByteCount + 2 else {
            throw .malformedMultihash
        }
        let bytes = Array(multihash)
        guard let (code, codeCount) = Self.varint(bytes[...]),
            let (length, lengthCount) = Self.varint(bytes[codeCount...]),
            length == UInt64(bytes.count - codeCount - lengthCount)
        else { throw .malformedMultihash }
        switch code {
        case Self.identityCode:
            guard length > 0, length <= UInt64(Self.maximumEmbeddedByteCount) else {
                throw .invalidDigestLength(Int(length))
            }
        case Self.sha256Code:
            guard length == 32 else { throw .invalidDigestLength(Int(length)) }
        default: throw .unsupportedHash(code: code)
        }
        self.bytes = bytes
    }

    private static func varint(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, byteCount: Int)? {
        guard case .complete(let value, let byteCount)? = try? UnsignedVarint.decode(bytes) else {
            return nil
        }
        return (value, byteCount)
    }

    /// The key inside an id that embeds one; nil when there is only a hash, or no key in it.
    public var embeddedPublicKey: PublicKey? {
        guard bytes.first == UInt8(Self.identityCode) else { return nil }
        return try? PublicKey(protobuf: bytes.dropFirst(2))
    }
}

extension PeerID: Comparable {
    /// Orders ids as byte strings.
    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
