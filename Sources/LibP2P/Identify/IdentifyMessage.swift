/// What a peer tells of itself: the message of identify and identify-push (libp2p specification
/// "identify").
///
/// Addresses and the key are kept as they came; the typed views leave out what cannot be read.
/// A field that the peer did not send is nil or empty.
public struct IdentifyMessage: Sendable, Hashable {
    /// Names of the protocols.
    public static let protocolName = "/ipfs/id/1.0.0"
    public static let pushProtocolName = "/ipfs/id/push/1.0.0"

    /// The family of protocols, `/substrate/1.0` for instance. Nobody compares it.
    public var protocolVersion: String?
    /// The program and its version.
    public var agentVersion: String?
    /// The public key as a protobuf message. Compare it with the one that the handshake proved.
    public var publicKeyBytes: [UInt8]?
    /// Where the sender listens, as binary multiaddrs.
    public var listenAddressBytes: [[UInt8]]
    /// The address under which the sender sees the receiver.
    public var observedAddressBytes: [UInt8]?
    /// The protocols on which the sender accepts streams.
    public var protocols: [String]
    /// A signed envelope with the addresses.
    public var signedPeerRecord: [UInt8]?

    public init(
        protocolVersion: String? = nil, agentVersion: String? = nil,
        publicKeyBytes: [UInt8]? = nil, listenAddressBytes: [[UInt8]] = [],
        observedAddressBytes: [UInt8]? = nil, protocols: [String] = [],
        signedPeerRecord: [UInt8]? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.publicKeyBytes = publicKeyBytes
        self.listenAddressBytes = listenAddressBytes
        self.observedAddressBytes = observedAddressBytes
        self.protocols = protocols
        self.signedPeerRecord = signedPeerRecord
    }

    /// What this node tells a peer that it sees under `observedAddress`.
    public init(
        protocolVersion: String, agentVersion: String, publicKey: PublicKey,
        listenAddresses: [Multiaddr], observedAddress: Multiaddr?, protocols: [String]
    ) {
        self.init(
            protocolVersion: protocolVersion, agentVersion: agentVersion,
            publicKeyBytes: publicKey.protobuf, listenAddressBytes: listenAddresses.map(\.bytes),
            observedAddressBytes: observedAddress?.bytes, protocols: protocols)
    }

    /// The key, nil when there is none or it cannot be read.
    public var publicKey: PublicKey? {
        publicKeyBytes.flatMap { try? PublicKey(protobuf: $0) }
    }

    /// The listen addresses that can be read.
    public var listenAddresses: [Multiaddr] {
        listenAddressBytes.compactMap { try? Multiaddr(bytes: $0) }
    }

    /// The observed address, nil when there is none or it cannot be read.
    public var observedAddress: Multiaddr? {
        observedAddressBytes.flatMap { try? Multiaddr(bytes: $0) }
    }

    /// Takes over what a push changes: fields that are absent stay as they are. False, and nothing
    /// is changed, when the push names another key.
    public mutating func apply(push: IdentifyMessage) -> Bool {
        if let key = push.publicKeyBytes {
            guard publicKeyBytes == nil || publicKeyBytes == key else { return false }
            publicKeyBytes = key
        }
        protocolVersion = push.protocolVersion ?? protocolVersion
        agentVersion = push.agentVersion ?? agentVersion
        observedAddressBytes = push.observedAddressBytes ?? observedAddressBytes
        signedPeerRecord = push.signedPeerRecord ?? signedPeerRecord
        if !push.listenAddressBytes.isEmpty { listenAddressBytes = push.listenAddressBytes }
        if !push.protocols.isEmpty { protocols = push.protocols }
        return true
    }

    /// Adds the next part of a message that was sent in parts: single fields replace, lists grow.
    mutating func append(part: IdentifyMessage) {
        protocolVersion = part.protocolVersion ?? protocolVersion
        agentVersion = part.agentVersion ?? agentVersion
        publicKeyBytes = part.publicKeyBytes ?? publicKeyBytes
        observedAddressBytes = part.observedAddressBytes ?? observedAddressBytes
        signedPeerRecord = part.signedPeerRecord ?? signedPeerRecord
        listenAddressBytes += part.listenAddressBytes
        protocols += part.protocols
        keepBounds()
    }

    /// Leaves out what is beyond the bounds of a received message.
    mutating func keepBounds() {
        listenAddressBytes = Array(listenAddressBytes.prefix(IdentifyLimits.maximumAddresses))
        protocols = Array(protocols.prefix(IdentifyLimits.maximumProtocols))
    }
}

/// The bounds of identify messages.
public enum IdentifyLimits {
    /// The most bytes of a message that is sent: others accept 4,096 with the length prefix.
    public static let maximumSentByteCount = 4_000
    /// The most addresses in a message that is sent.
    public static let maximumSentAddresses = 16
    /// The most bytes of a received part.
    public static let maximumPartByteCount = 8 * 1024
    /// The most parts of a received message.
    public static let maximumParts = 10
    /// The most addresses that are kept of a received message.
    public static let maximumAddresses = 64
    /// The most protocols that are kept of a received message.
    public static let maximumProtocols = 256
}
