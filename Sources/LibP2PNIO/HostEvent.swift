public import LibP2P
internal import Networking

/// What a host tells its owner.
public enum HostEvent: Sendable, Hashable {
    /// The first connection to a peer is up: who it is, is proven, and streams can be opened.
    /// `address` is the peer's, without its id.
    case connected(PeerID, side: ConnectionRole, address: Multiaddr)
    /// The last connection to a peer ended.
    case disconnected(PeerID, ConnectionEnd)
    /// The peer said what it is; again whenever it pushes news.
    case identified(PeerID, IdentifiedPeer)
}

/// What a peer says about itself (libp2p identify specification). None of it is proven.
public struct IdentifiedPeer: Sendable, Hashable {
    /// The program, at most 256 characters.
    public let agentVersion: String
    /// The family of protocols, at most 256 characters.
    public let protocolVersion: String
    /// The protocols that it accepts streams for.
    public let protocols: [String]
    /// Where it says that it listens, without its id; at most eight addresses.
    public let listenAddresses: [Multiaddr]
    /// This host's address as the peer sees it.
    public let observedAddress: Multiaddr?

    init(_ information: PeerInformation) {
        agentVersion = information.agentVersion
        protocolVersion = information.protocolVersion
        protocols = information.protocols
        listenAddresses = information.listenAddresses
        observedAddress = information.observedAddress
    }
}

/// Why a connection ended, or did not come up.
public enum ConnectionEnd: Error, Sendable, Hashable {
    /// The peer or the network ended it.
    case closedByPeer
    /// This host ended it: as asked, at its shutdown, or because a better connection to the same
    /// peer exists.
    case closedHere
    /// Reading or writing failed.
    case transport(String)
    /// Security or negotiation failed, or took too long.
    case handshake(String)
    /// Somebody else answered than was dialled.
    case wrongPeer(PeerID)
    /// The peer broke the multiplexer's rules, or ended its session.
    case multiplexer(String)
    /// The peer said nothing for 20 seconds.
    case silence
    /// A limit left no room, or the peer is this host itself.
    case refused

    init(_ reason: DisconnectReason) {
        switch reason {
        case .closedByPeer: self = .closedByPeer
        case .duplicate, .requested, .shutdown: self = .closedHere
        case .transport(let text): self = .transport(text)
        case .handshake(let text): self = .handshake(text)
        case .wrongPeer(let peer): self = .wrongPeer(peer)
        case .muxer(let text): self = .multiplexer(text)
        case .silence: self = .silence
        case .refused, .otherNetwork: self = .refused
        }
    }
}

/// What happens to a host, in order, for one task. Ends after `shutdown`, or when the task is
/// cancelled.
///
/// Who does not read loses nothing but events: those of identify after 4,096 unread ones, all
/// after 8,192.
public struct HostEvents: AsyncSequence, Sendable {
    public typealias Element = HostEvent
    public typealias Failure = Never

    let swarm: Swarm

    /// Where the sequence stands: all iterators of one host share one place.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let swarm: Swarm

        /// The next event; nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(Never) -> HostEvent? {
            while let event = await swarm.nextEvent() {
                if let event = HostEvent(event) { return event }
            }
            return nil
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(swarm: swarm) }
}

extension HostEvent {
    /// Nil for what only the driver's own protocols say.
    init?(_ event: SwarmEvent) {
        switch event {
        case .connected(let peer, let direction, let address):
            self = .connected(peer, side: ConnectionRole(direction), address: address)
        case .disconnected(let peer, let reason): self = .disconnected(peer, ConnectionEnd(reason))
        case .identified(let peer, let information):
            self = .identified(peer, IdentifiedPeer(information))
        case .reported: return nil
        }
    }
}

extension ConnectionRole {
    init(_ direction: ConnectionDirection) {
        switch direction {
        case .inbound: self = .listener
        case .outbound: self = .dialer
        }
    }
}
