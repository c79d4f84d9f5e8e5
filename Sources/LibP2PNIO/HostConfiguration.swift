public import LibP2P

/// Who a host is, where it listens, and what its peers may take.
public struct HostConfiguration: Sendable {
    /// The key that proves who the host is.
    public var identity: NodeIdentity
    /// Where to listen: `/ip4/…/tcp/…` or `/ip6/…/tcp/…`; port 0 takes a free one. With none the
    /// host only dials.
    public var listenAddresses: [Multiaddr] = []
    /// Addresses that peers are told besides those listened on, for hosts behind address
    /// translation.
    public var announcedAddresses: [Multiaddr] = []
    /// What identify says about the program, `name/version`; at most 256 characters are kept by
    /// peers of this kind.
    public var agentVersion = "swift-libp2p-nio/1"
    /// What identify says about the family of protocols; empty: nothing.
    public var protocolVersion = ""
    /// How connections may be encrypted: Noise, or Noise with ML-KEM-768.
    public var security = SecurityPolicy.preferHybrid
    /// From the TCP connection to a proven peer and an agreed multiplexer. Above zero.
    public var handshakeTimeout = Duration.seconds(10)
    /// A TCP connection to a peer. Above zero.
    public var dialTimeout = Duration.seconds(5)
    /// Bounds on what peers may take; what exceeds them is refused, never queued.
    public var limits = HostLimits()

    /// A configuration that listens nowhere.
    public init(identity: NodeIdentity) { self.identity = identity }
}

/// Bounds on connections and streams. All are at least zero.
public struct HostLimits: Sendable, Hashable {
    /// Peers that dialled this host.
    public var inboundPeers = 128
    /// While fewer peers than this are connected that the host dialled, it dials lost peers again,
    /// and those whose addresses it was told by themselves. Zero: only `LibP2PHost.connect(to:)`
    /// dials, which this does not bound.
    public var automaticDials = 0
    /// Accepted connections whose peer has not proved who it is.
    public var unauthenticatedConnections = 64
    /// Accepted connections from one IP address (IPv6: /64 network); loopback does not count.
    public var connectionsPerAddress = 16
    /// Connections of all kinds.
    public var connections = 512
    /// Streams that one peer may hold open on a connection. Of one protocol at most 32.
    public var streamsPerPeer = 256

    /// The bounds above.
    public init() {}
}
