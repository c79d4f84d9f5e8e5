package import LibP2P

/// How a swarm listens, whom it admits and how long it waits.
package struct NetworkConfiguration: Sendable {
    /// The key that proves who this node is.
    package var identity: NodeIdentity
    /// Where to listen: `/ip4/…/tcp/…` or `/ip6/…/tcp/…`; port 0 takes a free one.
    package var listenAddresses: [Multiaddr] = []
    /// Addresses to announce in addition to the ones listened on (behind address translation).
    package var publicAddresses: [Multiaddr] = []
    /// Whether peers are told the addresses listened on; if not, only the public ones.
    package var announcesListenAddresses = true
    /// What identify says about the protocols' version.
    package var protocolVersion = "/quantumharmony/1.0"
    /// What identify says about the program: `name/version (node name)`.
    package var agentVersion = "quantumharmony-node/0.1.0"
    /// Bounds on what peers may take.
    package var limits = ConnectionLimits()
    /// How long things may last.
    package var timings = NetworkTimings()
    /// How connections may be encrypted.
    package var security = SecurityPolicy.preferHybrid
    /// Whether only reserved peers are admitted and dialled.
    package var reservedOnly = false
    /// What a peer has to support that was found, not asked for: others are disconnected, because
    /// multicast finds nodes of all networks. Nil: nothing.
    package var requiredProtocol: String?
    /// The DHT that peers are found by; nil: none.
    package var kademlia: KademliaSettings?
    /// How peers on the local network are found; nil: not at all.
    package var multicast: MulticastSettings?
    /// Who is asked for the records of `/dnsaddr`; nil: the servers that the system is set to.
    package var nameServer: NameServer?

    package init(identity: NodeIdentity) { self.identity = identity }
}

/// Bounds on connections, streams and memory; what exceeds them is refused, never queued.
package struct ConnectionLimits: Sendable {
    /// Peers that dialled this node, reserved ones not counted.
    package var inboundSlots = 25
    /// Peers that this node dialled, reserved ones not counted.
    package var outboundSlots = 25
    /// Accepted connections whose peer has not proved who it is.
    package var unauthenticated = 64
    /// Accepted connections from one IP address, authenticated or not.
    package var perAddress = 16
    /// Whether `perAddress` holds for loopback addresses too, where a whole test network lives.
    package var limitsLoopback = false
    /// Connections of all kinds.
    package var connections = 512
    /// Dials under way at one time.
    package var concurrentDials = 16
    /// Peers whose addresses are remembered.
    package var knownPeers = 1_024
    /// Peers among them that others told of and that were never connected.
    package var hearsayPeers = 256
    /// Failed dials in a row after which such a peer is forgotten.
    package var hearsayFailures = 5
    /// Addresses remembered for one peer.
    package var addressesPerPeer = 8
    /// Bans remembered at one time.
    package var bans = 4_096
    /// Streams that one peer may hold open on one connection.
    package var inboundStreams = 256
    /// Plaintext bytes that one stream buffers towards the socket before its writer waits.
    package var streamSendBuffer = 64 * 1_024
    /// Ping streams of one peer that are answered.
    package var inboundPingStreams = 2

    package init() {}
}

/// Time-outs and intervals.
package struct NetworkTimings: Sendable {
    /// From the TCP connection to the muxer: all of security and negotiation together.
    package var handshake = Duration.seconds(10)
    /// The negotiation of one stream's protocol.
    package var streamNegotiation = Duration.seconds(10)
    /// The addresses of a name.
    package var resolve = Duration.seconds(5)
    /// An answer to identify.
    package var identify = Duration.seconds(5)
    /// A TCP connection to a peer that is not urgent.
    package var connect = Duration.seconds(5)
    /// A TCP connection to an urgent (reserved or validating) peer.
    package var urgentConnect = Duration.milliseconds(500)
    /// Least time between two dials of an urgent peer.
    package var urgentRedial = Duration.milliseconds(500)
    /// The first pause before a peer that is not urgent is dialled again; doubles each time.
    package var firstRedial = Duration.seconds(1)
    /// The longest pause before a peer that is not urgent is dialled again.
    package var longestRedial = Duration.seconds(60)
    /// Between two pings of an urgent peer.
    package var urgentPing = Duration.seconds(1)
    /// Silence that ends the connection to an urgent peer.
    package var urgentSilence = Duration.seconds(3)
    /// Between two pings of any other peer.
    package var ping = Duration.seconds(15)
    /// Silence that ends the connection to any other peer.
    package var silence = Duration.seconds(20)
    /// How often it is looked whether the better of two connections to one peer works, so that
    /// the other one can end.
    package var duplicateCheck = Duration.milliseconds(100)
    /// The first pause before a lost notification stream is opened again; doubles each time.
    package var firstReopen = Duration.milliseconds(250)
    /// The longest pause before a lost notification stream is opened again.
    package var longestReopen = Duration.seconds(30)
    /// What shutting down may take before connections are cut.
    package var shutdown = Duration.milliseconds(500)

    package init() {}
}
