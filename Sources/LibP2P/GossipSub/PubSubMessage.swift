internal import Crypto

/// The name of a message among routers: two messages of one name are taken for one.
public struct MessageID: Sendable, Hashable {
    /// No name in use is longer; longer ones of peers are passed over.
    public static let maximumByteCount = 64

    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The name of a signed message: author, then sequence number, as go and py have it.
    static func signed(author: [UInt8], sequenceNumber: [UInt8]) -> MessageID {
        MessageID(author + sequenceNumber)
    }

    /// The name of a message without author: the first 20 bytes of SHA-256 over the topic's length
    /// (eight bytes, lowest first), the topic and the data.
    static func content(topic: String, data: [UInt8]) -> MessageID {
        var hash = SHA256()
        let count = UInt64(topic.utf8.count)
        hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
        hash.update(data: Array(topic.utf8))
        hash.update(data: data)
        return MessageID(Array(hash.finalize().prefix(20)))
    }
}

/// A published message (libp2p pubsub specification, `Message`). What is optional on the wire is
/// optional here, because signatures cover which fields are there.
public struct PubSubMessage: Sendable, Hashable {
    /// The bytes of a sequence number.
    public static let sequenceNumberByteCount = 8
    private static let signaturePrefix = Array("libp2p-pubsub:".utf8)

    /// `from`: the peer id of who published it.
    public var author: [UInt8]?
    /// The content; absent counts as empty.
    public var data: [UInt8]?
    /// `seqno`: the author's number for it, eight bytes, highest first.
    public var sequenceNumber: [UInt8]?
    public var topic: String
    /// The author's signature over `signedBytes`.
    public var signature: [UInt8]?
    /// The author's serialised `PublicKey`; needed only when the peer id does not embed it.
    public var key: [UInt8]?

    public init(
        topic: String, data: [UInt8]?, author: [UInt8]? = nil, sequenceNumber: [UInt8]? = nil
    ) {
        self.topic = topic
        self.data = data
        self.author = author
        self.sequenceNumber = sequenceNumber
    }

    /// A message of `identity`'s, signed: key absent, because the peer id embeds it.
    public init(topic: String, data: [UInt8], sequenceNumber: UInt64, identity: NodeIdentity) {
        self.init(
            topic: topic, data: data, author: identity.peerID.bytes,
            sequenceNumber: sequenceNumber.bigEndianBytes)
        signature = identity.sign(signedBytes)
    }

    /// What the author signs: a fixed text, then the message without signature and key.
    public var signedBytes: [UInt8] {
        var unsigned = self
        unsigned.signature = nil
        unsigned.key = nil
        return Self.signaturePrefix + unsigned.protobuf
    }

    /// About how much memory and bandwidth the message takes.
    var footprint: Int {
        64 + topic.utf8.count + (data?.count ?? 0) + (author?.count ?? 0) + (signature?.count ?? 0)
            + (key?.count ?? 0)
    }
}

/// Which messages a router makes and takes (libp2p pubsub specification, "Message signing").
public enum PubSubSigning: Sendable {
    /// Author, sequence number and signature are there and right. Own messages are signed with
    /// `identity` and numbered from `firstSequenceNumber` on, which must rise from run to run.
    case strictSign(NodeIdentity, firstSequenceNumber: UInt64)
    /// Author, sequence number, signature and key are absent.
    case strictNoSign
}

/// What is wrong with a message before anybody looks at its content.
public enum PubSubMessageFault: Error, Sendable, Equatable {
    /// Author, sequence number or signature is missing.
    case unsigned
    /// A field is there that must be absent.
    case notAnonymous
    /// The author is no peer id.
    case malformedAuthor
    /// The sequence number has not eight bytes.
    case malformedSequenceNumber(byteCount: Int)
    /// The key is missing, is none, or is another peer's than the author's.
    case wrongKey
    /// The author's key is of a kind whose signatures cannot be checked here: nobody's fault.
    case unsupportedKey(KeyError)
    /// The author did not sign it.
    case invalidSignature
}

extension PubSubMessage {
    /// The name of a message of the form that `signing` wants.
    func identifier(under signing: PubSubSigning) throws(PubSubMessageFault) -> MessageID {
        switch signing {
        case .strictNoSign:
            guard author == nil, sequenceNumber == nil, signature == nil, key == nil else {
                throw .notAnonymous
            }
            return .content(topic: topic, data: data ?? [])
        case .strictSign:
            guard let author, let sequenceNumber, signature != nil else { throw .unsigned }
            guard (try? PeerID(bytes: author)) != nil else { throw .malformedAuthor }
            guard sequenceNumber.count == Self.sequenceNumberByteCount else {
                throw .malformedSequenceNumber(byteCount: sequenceNumber.count)
            }
            return .signed(author: author, sequenceNumber: sequenceNumber)
        }
    }

    /// Checks the signature of a message that has an `identifier`; its author's peer id.
    func verifySignature() throws(PubSubMessageFault) -> PeerID {
        guard let author, let signature else { throw .unsigned }
        guard let id = try? PeerID(bytes: author) else { throw .malformedAuthor }
        let authorKey: PublicKey
        if let key {
            guard let given = try? PublicKey(protobuf: key), given.peerID == id else {
                throw .wrongKey
            }
            authorKey = given
        } else {
            guard let embedded = id.embeddedPublicKey else { throw .wrongKey }
            authorKey = embedded
        }
        let isValid: Bool
        do {
            isValid = try authorKey.isValidSignature(signature, for: signedBytes)
        } catch .unsupportedKeyType(let type) {
            throw .unsupportedKey(.unsupportedKeyType(type))
        } catch {
            throw .wrongKey
        }
        guard isValid else { throw .invalidSignature }
        return id
    }
}
