internal import LibP2P
internal import NIOCore
internal import Primitives

/// What the owner of a request-response protocol registered, and what goes on there.
final class RequestEntry {
    typealias Handler = @Sendable (PeerID, [UInt8]) async -> [UInt8]?

    let configuration: RequestProtocol
    let handler: Handler
    var running = 0
    var counters = ProtocolCounters()

    init(configuration: RequestProtocol, handler: @escaping Handler) {
        self.configuration = configuration
        self.handler = handler
    }
}

/// What keeps streams of a protocol with every peer: it opens its own when there is a connection, and
/// takes those of the peer.
protocol ProtocolHub: AnyObject {
    /// The protocol's main name.
    var name: String { get }
    var counters: ProtocolCounters { get }
    /// The connection to a peer that streams shall use: its first, or a better one.
    func connected(_ connection: Connection)
    /// A connection is gone; with `isLast` so is the peer.
    func disconnected(_ connection: Connection, isLast: Bool)
    /// Makes the handler of a stream that the peer opened.
    func accept(_ stream: ConnectionStream) -> any StreamHandler
    func stop()
}

/// Something that peers may open streams for.
struct ProtocolEntry {
    typealias StreamHandlerClosure = @Sendable (NetworkStream) async -> Void

    enum Kind {
        case ping
        case identify
        case identifyPush
        case hub(any ProtocolHub)
        case requests(RequestEntry)
        case streams(StreamHandlerClosure)
        case kademlia(KademliaDriver)
    }

    let kind: Kind
    /// How many streams one connection may have open.
    let maximumInboundStreams: Int
}

extension SwarmLoop {
    /// Streams of one custom protocol that a peer may have open.
    private static let maximumCustomStreams = 32

    func registerBuiltInProtocols() {
        let limits = configuration.limits
        register(
            [PingProtocol.name],
            ProtocolEntry(kind: .ping, maximumInboundStreams: limits.inboundPingStreams))
        register(
            [IdentifyMessage.protocolName],
            ProtocolEntry(kind: .identify, maximumInboundStreams: 2))
        register(
            [IdentifyMessage.pushProtocolName],
            ProtocolEntry(kind: .identifyPush, maximumInboundStreams: 2))
        if let kademlia, kademlia.settings.configuration.mode == .server {
            register(
                kademlia.settings.names,
                ProtocolEntry(kind: .kademlia(kademlia), maximumInboundStreams: 8))
        }
    }

    func register(_ service: NotificationService) {
        let hub = NotificationHub(service: service, swarm: self)
        notificationHubs.append(hub)
        register([service.name] + service.registration.fallbackNames, hub)
    }

    /// Registers GossipSub, once.
    func register(_ service: PubSubService) {
        precondition(pubSub == nil, "GossipSub is registered already")
        let hub = PubSubHub(service: service, swarm: self)
        pubSub = hub
        register(GossipSubVersion.protocolNames, hub)
    }

    /// Registers a hub's protocols, and tells it of the peers that are there.
    private func register(_ names: [String], _ hub: any ProtocolHub) {
        // One stream is in use while the one after it may already be under way.
        register(names, ProtocolEntry(kind: .hub(hub), maximumInboundStreams: 4))
        for peer in connectionsByPeer.keys.sorted() {
            if let connection = connectionsByPeer[peer]?.first { hub.connected(connection) }
        }
    }

    func register(_ requests: RequestEntry) {
        register(
            [requests.configuration.name] + requests.configuration.fallbackNames,
            ProtocolEntry(
                kind: .requests(requests),
                maximumInboundStreams: requests.configuration.maximumConcurrentPerConnection))
    }

    func register(_ name: String, streams handler: @escaping ProtocolEntry.StreamHandlerClosure) {
        register(
            [name],
            ProtocolEntry(
                kind: .streams(handler), maximumInboundStreams: Self.maximumCustomStreams))
    }

    private func register(_ names: [String], _ entry: ProtocolEntry) {
        for name in names {
            precondition(protocols[name] == nil, "\(name) is registered already")
            protocols[name] = entry
            supportedProtocols.append(name)
        }
        pushIdentity()
    }

    /// Makes the handler of a stream that a peer opened; nil refuses it.
    func makeHandler(for entry: ProtocolEntry, on stream: ConnectionStream) -> (any StreamHandler)?
    {
        switch entry.kind {
        case .ping: return PingEchoStream(now: now)
        case .identify: return IdentifyWriter()
        case .identifyPush: return IdentifyReader(isPush: true)
        case .hub(let hub): return hub.accept(stream)
        case .requests(let requests): return RequestReceiver(entry: requests, swarm: self)
        case .kademlia(let kademlia): return KademliaResponder(driver: kademlia)
        case .streams(let handler):
            let jobs = jobs
            return RawStreamHandler(gate: gate) { result in
                guard case .success(let stream) = result else { return }
                if !jobs.start({ await handler(stream) }) { stream.reset() }
            }
        }
    }

    /// The connection to use for a new stream: of two the better one, unless it is ending.
    func connection(to peer: PeerID) throws(StreamError) -> Connection {
        guard let connections = connectionsByPeer[peer], let best = connections.first else {
            throw .notConnected
        }
        return connections.first(where: \.isOpen) ?? best
    }

    /// What went over each protocol, by its main name.
    var protocolCounters: [String: ProtocolCounters] {
        var counters: [String: ProtocolCounters] = [:]
        for hub in hubs { counters[hub.name] = hub.counters }
        for entry in protocols.values {
            if case .requests(let requests) = entry.kind {
                counters[requests.configuration.name] = requests.counters
            }
        }
        return counters
    }
}
