/// Why received bytes are no message of the DHT.
public enum KademliaMessageError: Error, Sendable, Hashable {
    /// Longer than `KademliaMessageLimits.received`.
    case tooLong(byteCount: Int)
    /// Not a protobuf message of this kind.
    case malformed
    /// A type that is not in the table.
    case unknownKind(UInt64)
    /// A key longer than `KademliaMessageLimits.key`.
    case keyTooLong(byteCount: Int)
}

/// The bounds of messages of the DHT.
public enum KademliaMessageLimits {
    /// The most bytes of a message that is read.
    public static let received = 64 * 1_024
    /// The most bytes of a message that is sent: others accept 16 KiB.
    public static let sent = 16 * 1_024
    /// The most bytes of a key.
    public static let key = 1_024
    /// The most peers in a message, of either list; what exceeds it is not looked at.
    public static let peers = 20
    /// The most addresses of one peer; what exceeds it is not looked at.
    public static let addresses = 16
    /// The most bytes of one address; a longer one is passed over.
    public static let address = 512
}

/// A peer as messages of the DHT describe it.
public struct KademliaPeer: Sendable, Hashable {
    /// What the sender has to do with the peer. Nobody relies on it.
    public enum Connection: UInt64, Sendable, Hashable {
        case notConnected = 0
        case connected = 1
        case canConnect = 2
        case cannotConnect = 3
    }

    public var id: PeerID
    public var addresses: [Multiaddr]
    public var connection: Connection

    public init(
        id: PeerID, addresses: [Multiaddr], connection: Connection = .notConnected
    ) {
        self.id = id
        self.addresses = addresses
        self.connection = connection
    }
}

/// A message of the DHT (libp2p specification "kad-dht", `Message`), without its length prefix.
///
/// Records are passed over: this node stores none. Peers whose id cannot be read, and addresses
/// that cannot be read, are left out one by one.
public struct KademliaMessage: Sendable, Hashable {
    /// What is asked, and what an answer answers.
    public enum Kind: UInt64, Sendable, Hashable {
        case putValue = 0
        case getValue = 1
        case addProvider = 2
        case getProviders = 3
        case findNode = 4
        case ping = 5
    }

    public var kind: Kind
    /// What is looked for: a peer id's bytes with `findNode`. Empty in most answers.
    public var key: [UInt8]
    public var closerPeers: [KademliaPeer]
    public var providerPeers: [KademliaPeer]

    public init(
        _ kind: Kind, key: [UInt8] = [], closerPeers: [KademliaPeer] = [],
        providerPeers: [KademliaPeer] = []
    ) {
        self.kind = kind
        self.key = key
        self.closerPeers = closerPeers
        self.providerPeers = providerPeers
    }
}

/// The numbers of the protobuf fields.
private enum Field {
    static let kind: UInt64 = 1
    static let key: UInt64 = 2
    static let closerPeers: UInt64 = 8
    static let providerPeers: UInt64 = 9
    static let peerID: UInt64 = 1
    static let peerAddresses: UInt64 = 2
    static let peerConnection: UInt64 = 3
}

extension KademliaMessage {
    /// Reads a protobuf message; unknown fields are skipped.
    public init(protobuf bytes: [UInt8]) throws(KademliaMessageError) {
        guard bytes.count <= KademliaMessageLimits.received else {
            throw .tooLong(byteCount: bytes.count)
        }
        // proto3 leaves a zero out, so a message without a kind is a `putValue`.
        self.init(.putValue)
        var reader = ProtobufFieldReader(bytes[...])
        while let field = try Self.next(&reader) {
            switch (field.number, field.integer, field.content) {
            case (Field.kind, let value?, _):
                guard let kind = Kind(rawValue: value) else { throw .unknownKind(value) }
                self.kind = kind
            case (Field.key, _, let content?):
                guard content.count <= KademliaMessageLimits.key else {
                    throw .keyTooLong(byteCount: content.count)
                }
                key = Array(content)
            case (Field.closerPeers, _, let content?):
                try Self.append(content, to: &closerPeers)
            case (Field.providerPeers, _, let content?):
                try Self.append(content, to: &providerPeers)
            case (Field.kind, nil, _), (Field.key, _, nil), (Field.closerPeers, _, nil),
                (Field.providerPeers, _, nil):
                throw .malformed
            default: continue
            }
        }
    }

    private static func append(
        _ content: ArraySlice<UInt8>, to peers: inout [KademliaPeer]
    ) throws(KademliaMessageError) {
        guard peers.count < KademliaMessageLimits.peers else { return }
        if let peer = try peer(content) { peers.append(peer) }
    }

    /// The peer in a field; nil when its id is none.
    private static func peer(
        _ content: ArraySlice<UInt8>
    ) throws(KademliaMessageError) -> KademliaPeer? {
        var id: PeerID?
        var addresses: [Multiaddr] = []
        var connection = KademliaPeer.Connection.notConnected
        var reader = ProtobufFieldReader(content)
        while let field = try next(&reader) {
            switch (field.number, field.integer, field.content) {
            case (Field.peerID, _, let content?): id = try? PeerID(bytes: content)
            case (Field.peerAddresses, _, let content?):
                guard addresses.count < KademliaMessageLimits.addresses,
                    content.count <= KademliaMessageLimits.address,
                    let address = try? Multiaddr(bytes: content)
                else { continue }
                addresses.append(address)
            case (Field.peerConnection, let value?, _):
                connection = KademliaPeer.Connection(rawValue: value) ?? .notConnected
            case (Field.peerID...Field.peerConnection, _, _): throw .malformed
            default: continue
            }
        }
        return id.map { KademliaPeer(id: $0, addresses: addresses, connection: connection) }
    }

    private static func next(
        _ reader: inout ProtobufFieldReader
    ) throws(KademliaMessageError) -> ProtobufFieldReader.Field? {
        do { return try reader.next() } catch { throw .malformed }
    }

    /// The protobuf message, of at most 16 KiB: peers from the ends of the lists are left out of a
    /// longer one.
    public var protobuf: [UInt8] {
        var fitting = self
        var bytes = fitting.encoded
        while bytes.count > KademliaMessageLimits.sent {
            if fitting.providerPeers.popLast() == nil, fitting.closerPeers.popLast() == nil {
                preconditionFailure("a key of at most 1,024 bytes fits")
            }
            bytes = fitting.encoded
        }
        return bytes
    }

    private var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendProtobufField(Field.kind, integer: kind.rawValue)
        if !key.isEmpty { bytes.appendProtobufField(Field.key, key) }
        for peer in closerPeers {
            bytes.appendProtobufField(Field.closerPeers, Self.encode(peer))
        }
        for peer in providerPeers {
            bytes.appendProtobufField(Field.providerPeers, Self.encode(peer))
        }
        return bytes
    }

    private static func encode(_ peer: KademliaPeer) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendProtobufField(Field.peerID, peer.id.bytes)
        for address in peer.addresses.prefix(KademliaMessageLimits.addresses) {
            bytes.appendProtobufField(Field.peerAddresses, address.bytes)
        }
        if peer.connection != .notConnected {
            bytes.appendProtobufField(Field.peerConnection, integer: peer.connection.rawValue)
        }
        return bytes
    }
}
