public import LibP2P
public import Logging
internal import Networking
internal import Synchronization

/// A libp2p node over TCP on SwiftNIO: listens and dials with Noise or Noise XXhfs and Yamux, says
/// who it is by identify, answers pings, and carries streams of any protocol.
///
/// Call `shutdown` before the last reference goes: the host has a thread and sockets. All calls may
/// be made from any task; those that do not wait take effect in the order in which they are made.
public final class LibP2PHost: Sendable {
    private static let builtInProtocols: Set<String> = [
        PingProtocol.name, IdentifyMessage.protocolName, IdentifyMessage.pushProtocolName,
    ]

    private let swarm: Swarm
    private let served = Mutex(LibP2PHost.builtInProtocols)

    /// A host that does nothing before `start`.
    public init(_ configuration: HostConfiguration, logger: Logger = Logger(label: "libp2p")) {
        swarm = Swarm(configuration: NetworkConfiguration(configuration), logger: logger)
    }

    /// The host's own id.
    public var peerID: PeerID { swarm.localPeer }

    // MARK: Life

    /// Begins to listen at all addresses; no connection is accepted or made before. Once.
    public func start() async throws(HostStartError) {
        do throws(ListenError) { try await swarm.start() } catch { throw HostStartError(error) }
    }

    /// Ends all connections, streams, handlers and event sequences, within a second. Handlers are
    /// cancelled and waited for.
    public func shutdown() async { await swarm.shutdown() }

    /// What happens, for one task.
    public var events: HostEvents { HostEvents(swarm: swarm) }

    /// Where the host listens, with its id: what others can dial. Empty before `start` and after
    /// `shutdown`.
    public func listenAddresses() async -> [Multiaddr] {
        await swarm.snapshot().listenAddresses.compactMap { try? $0.appending(peerID) }
    }

    // MARK: Peers

    /// Connects to an address, which may name the peer that must answer; with a connection to that
    /// peer there is nothing to do. Returns who answered.
    @discardableResult
    public func connect(to address: Multiaddr) async throws(HostDialError) -> PeerID {
        do throws(DialError) { return try await swarm.connect(to: address) } catch {
            throw HostDialError(error)
        }
    }

    /// Ends all connections to a peer. It may come back.
    public func disconnect(_ peer: PeerID) { swarm.disconnect(peer) }

    /// The connected peers, in the order of their ids.
    public func peers() async -> [HostPeer] { await swarm.snapshot().peers.map(HostPeer.init) }

    /// Pings a connected peer (libp2p ping specification): the round trip.
    public func ping(_ peer: PeerID) async throws(HostStreamError) -> Duration {
        do throws(StreamError) { return try await swarm.ping(peer) } catch {
            throw HostStreamError(error)
        }
    }

    // MARK: Streams

    /// Serves streams that peers open for a protocol. The handler runs in a task of the host's, one
    /// for each stream; a stream that it neither finishes nor keeps is cut off when it returns.
    public func serve(
        _ protocolName: String, handler: @escaping @Sendable (HostStream) async -> Void
    ) throws(HostRegistrationError) {
        guard MultistreamMessage.isProtocolName(protocolName) else {
            throw .invalidName(protocolName)
        }
        let isNew = served.withLock { $0.insert(protocolName).inserted }
        guard isNew else { throw .alreadyServed(protocolName) }
        swarm.register(streams: protocolName) { await handler(HostStream($0)) }
    }

    /// Opens a stream to a connected peer, for the first of the protocols that it speaks.
    public func openStream(
        to peer: PeerID, _ protocolNames: String...
    ) async throws(HostStreamError) -> HostStream {
        guard !protocolNames.isEmpty,
            protocolNames.allSatisfy(MultistreamMessage.isProtocolName)
        else { throw .invalidProposal }
        do throws(StreamError) {
            return HostStream(try await swarm.openStream(peer, protocolNames))
        } catch {
            throw HostStreamError(error)
        }
    }
}

/// A connected peer at one moment.
public struct HostPeer: Sendable, Hashable {
    /// Who it is: proven.
    public let peerID: PeerID
    /// Which side this host is on.
    public let side: ConnectionRole
    /// The peer's address, without its id.
    public let address: Multiaddr
    /// How the connection is encrypted.
    public let security: SecurityProtocol
    /// What it said about itself; nil before it did.
    public let identified: IdentifiedPeer?
    /// The last ping's round trip; nil before the first.
    public let roundTrip: Duration?

    init(_ peer: PeerSnapshot) {
        peerID = peer.peer
        side = ConnectionRole(peer.direction)
        address = peer.address
        security = peer.security
        identified = peer.information.map(IdentifiedPeer.init)
        roundTrip = peer.roundTrip
    }
}

extension NetworkConfiguration {
    /// The driver's configuration of a host: no reserved peers, no discovery.
    init(_ configuration: HostConfiguration) {
        self.init(identity: configuration.identity)
        listenAddresses = configuration.listenAddresses
        publicAddresses = configuration.announcedAddresses
        agentVersion = configuration.agentVersion
        protocolVersion = configuration.protocolVersion
        security = configuration.security
        timings.handshake = configuration.handshakeTimeout
        timings.connect = configuration.dialTimeout
        limits.inboundSlots = configuration.limits.inboundPeers
        limits.outboundSlots = configuration.limits.automaticDials
        limits.unauthenticated = configuration.limits.unauthenticatedConnections
        limits.perAddress = configuration.limits.connectionsPerAddress
        limits.connections = configuration.limits.connections
        limits.inboundStreams = configuration.limits.streamsPerPeer
    }
}
