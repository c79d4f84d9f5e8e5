package import LibP2P
package import Primitives

/// What a swarm tells its owner.
package enum SwarmEvent: Sendable {
    /// The first connection to a peer is up: security and muxer are agreed.
    case connected(PeerID, direction: ConnectionDirection, address: Multiaddr)
    /// The last connection to a peer ended.
    case disconnected(PeerID, reason: DisconnectReason)
    /// The peer said who it is; again whenever it pushes news.
    case identified(PeerID, PeerInformation)
    /// A protocol's owner judged a peer.
    case reported(PeerID, protocolName: String, ReputationChange)
}

/// What identify says about a peer.
package struct PeerInformation: Sendable, Hashable {
    /// The program: `name/version (node name)`; at most 256 characters are kept.
    package var agentVersion: String
    /// The version of the protocols.
    package var protocolVersion: String
    /// What the peer supports inbound.
    package var protocols: [String]
    /// Where it says that it listens.
    package var listenAddresses: [Multiaddr]
    /// This node's address as the peer sees it.
    package var observedAddress: Multiaddr?
}

/// Why a connection ended.
package enum DisconnectReason: Error, Sendable, Hashable {
    /// The TCP connection was ended by the peer or the network.
    case closedByPeer
    /// Reading or writing failed.
    case transport(String)
    /// Security or negotiation failed, or took too long.
    case handshake(String)
    /// Somebody else answered than was dialled.
    case wrongPeer(PeerID)
    /// The muxer found its rules broken, or the peer ended the session.
    case muxer(String)
    /// The peer said nothing for too long.
    case silence
    /// A better connection to the same peer exists.
    case duplicate
    /// The peer may not be connected: banned, no slot, not reserved, this node itself.
    case refused(PeerSet.Refusal)
    /// The peer speaks nothing of this node's network.
    case otherNetwork
    /// The owner asked for it.
    case requested
    /// The node stops.
    case shutdown
}

/// Why a peer could not be connected.
package enum DialError: Error, Sendable, Hashable {
    /// No address that a TCP connection can be made to.
    case noAddress
    /// The peer may not be connected.
    case refused(PeerSet.Refusal)
    /// The TCP connection failed: refused, unreachable, timed out, name not found.
    case unreachable(String)
    /// Connected, but the connection ended before it was ready.
    case failed(DisconnectReason)
    /// The swarm is not running, or has no room for another connection.
    case notRunning
    /// The asking task was cancelled.
    case cancelled
}

/// Why a stream cannot be opened or went away.
package enum StreamError: Error, Sendable, Hashable {
    /// No connection to the peer.
    case notConnected
    /// The peer speaks none of the protocols.
    case unsupported
    /// Negotiating the protocol failed, or took too long.
    case negotiationFailed(String)
    /// The peer, or this side, cut the stream off.
    case reset
    /// The connection ended.
    case connectionLost
    /// As many streams as allowed are open.
    case tooManyStreams
    /// The stream was already ended, on this side or before what was asked for.
    case finished
    /// The asking task was cancelled.
    case cancelled
}

/// A connected peer, for RPC and metrics.
package struct PeerSnapshot: Sendable, Hashable {
    package var peer: PeerID
    package var direction: ConnectionDirection
    package var address: Multiaddr
    /// What identify said, nil before it did.
    package var information: PeerInformation?
    /// How the connection is encrypted.
    package var security: SecurityProtocol
    package var isReserved: Bool
    package var isUrgent: Bool
    /// The last ping's round trip, nil before the first.
    package var roundTrip: Duration?
    /// When the connection came up.
    package var since: Instant
    /// Bytes on the socket, in and out.
    package var bytesIn: UInt64
    package var bytesOut: UInt64
}

/// The state of a swarm, for RPC and metrics.
package struct NetworkSnapshot: Sendable {
    /// The connected peers, in order.
    package var peers: [PeerSnapshot] = []
    /// Where this node listens, wildcards resolved, without peer id.
    package var listenAddresses: [Multiaddr] = []
    /// Connections whose peer is not authenticated yet.
    package var pendingConnections = 0
    /// Peers whose addresses are known.
    package var knownPeers = 0
    /// Peers in the DHT's routing table.
    package var routingPeers = 0
    /// The bans in force.
    package var bans: [PeerID: Instant] = [:]
    /// What went over each protocol, by its main name.
    package var protocols: [String: ProtocolCounters] = [:]
    /// Totals since the start.
    package var totals = ConnectionCounters()
}

/// What happened to connections since the start.
package struct ConnectionCounters: Sendable, Hashable {
    package var openedInbound: UInt64 = 0
    package var openedOutbound: UInt64 = 0
    package var closed: UInt64 = 0
    /// Accepted connections that were closed at once: too many.
    package var refusedByLimits: UInt64 = 0
    /// Connections refused after authentication: banned, no slot, not reserved.
    package var refusedPeers: UInt64 = 0
    /// Connections that failed between TCP and the muxer.
    package var failedHandshakes: UInt64 = 0
    /// Dials that found nobody.
    package var failedDials: UInt64 = 0
    /// Connections ended because a better one to the same peer exists.
    package var duplicates: UInt64 = 0
    /// Bytes on all sockets.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Events that the owner was too slow for and that could be lost.
    package var lostEvents: UInt64 = 0
}
