internal import LibP2P
internal import Primitives

/// GossipSub on the event loop: runs what the router decides on the streams of the connections. One
/// stream to each peer carries what this node says; what the peer says comes on a stream of its own.
final class PubSubHub: ProtocolHub {
    let service: PubSubService
    let swarm: SwarmLoop
    private var router: GossipSubRouter
    /// Every connected peer: what waits for it, and the stream that takes it.
    private var links: [PeerID: PubSubLink] = [:]
    /// The stream on which each peer speaks, the newest only.
    private var readers: [PeerID: PubSubReader] = [:]
    private let driver: MachineDriver<GossipSubRouter.Input>

    init(service: PubSubService, swarm: SwarmLoop) {
        self.service = service
        self.swarm = swarm
        driver = MachineDriver(swarm: swarm)
        let registration = service.registration
        router = GossipSubRouter(
            signing: registration.signing, configuration: registration.configuration,
            seed: swarm.generator.next())
    }

    var name: String { GossipSubVersion.v1_2.protocolName }
    var counters: ProtocolCounters { service.counters }

    // MARK: From the swarm

    func connected(_ connection: Connection) {
        let peer = connection.peer
        if let link = links[peer] {
            link.move(to: connection)
            handle(.streamOpening(peer))
        } else {
            let registration = service.registration
            links[peer] = PubSubLink(
                peer: peer, hub: self, connection: connection,
                queue: GossipOutboundQueue(
                    signing: registration.signing,
                    maximumMessages: registration.maximumQueuedMessages,
                    maximumByteCount: registration.maximumQueuedByteCount))
            handle(
                .connected(
                    peer, isOutbound: connection.direction == .outbound,
                    network: countedNetwork(of: connection)))
        }
        links[peer]?.open()
    }

    /// A connection that was replaced before is none of ours.
    func disconnected(_ connection: Connection, isLast: Bool) {
        let peer = connection.peer
        guard isLast, let link = links.removeValue(forKey: peer) else { return }
        link.end()
        readers[peer] = nil
        handle(.disconnected(peer))
    }

    func accept(_ stream: ConnectionStream) -> any StreamHandler {
        PubSubReader(peer: stream.peer, hub: self)
    }

    func stop() {
        driver.stop()
        for link in links.values { link.end() }
        (links, readers) = ([:], [:])
        service.finish()
    }

    var snapshot: PubSubSnapshot {
        var snapshot = PubSubSnapshot()
        snapshot.topics = router.subscriptions.map { topic in
            PubSubSnapshot.Topic(
                name: topic, mesh: router.mesh(of: topic),
                subscribers: router.subscribers(of: topic))
        }
        for peer in links.keys { snapshot.scores[peer] = router.score(of: peer, now: swarm.now) }
        snapshot.counters = router.counters
        return snapshot
    }

    /// What peers are counted by for the score: loopback only where it is limited too.
    private func countedNetwork(of connection: Connection) -> [UInt8]? {
        let address: IPAddress? =
            switch connection.address.tcpEndpoint?.host {
            case .ip4(let address): .v4(address)
            case .ip6(let address, _): .v6(address)
            case .dns, .dns4, .dns6, nil: nil
            }
        guard let address, !address.isLoopback || swarm.configuration.limits.limitsLoopback else {
            return nil
        }
        return switch address.countedNetwork {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    // MARK: From the streams

    func handle(_ input: GossipSubRouter.Input) {
        driver.handle(input) { input in
            let before = router.counters.duplicates
            for effect in router.handle(input, now: swarm.now) { run(effect) }
            let copies = router.counters.duplicates - before
            if copies > 0 { service.count { $0.duplicates += copies } }
        }
    }

    /// A frame of a peer's.
    func received(_ frame: [UInt8], from peer: PeerID) throws(GossipRPCError) {
        let rpc = try GossipRPC(
            protobuf: frame, limits: service.registration.configuration.limits)
        service.count { counters in
            counters.bytesIn += UInt64(frame.count)
            counters.messagesIn += UInt64(rpc.messages.count)
        }
        handle(.received(peer, rpc))
    }

    /// A stream of a peer's takes the place of an earlier one.
    func opened(_ reader: PubSubReader) {
        let earlier = readers.updateValue(reader, forKey: reader.peer)
        earlier?.replace()
    }

    func ended(_ reader: PubSubReader) {
        if readers[reader.peer] === reader { readers[reader.peer] = nil }
    }

    // MARK: Effects

    private func run(_ effect: GossipSubRouter.Effect) {
        switch effect {
        case .send(let peer, let rpc): links[peer]?.send(rpc)
        case .withdraw(let peer, let ids): links[peer]?.withdraw(ids)
        case .validate(let delivery):
            if !service.deliver(.message(delivery)) { handle(.validated(delivery.id, .ignore)) }
        case .subscriptionChanged(let peer, let topic, let isSubscribed):
            _ = service.deliver(
                .subscriptionChanged(peer, topic: topic, isSubscribed: isSubscribed))
        // Known ones are dialled when there is a slot; of others there is no address.
        case .connect: swarm.runDials()
        case .published: break
        case .publishFailed: service.count { $0.failures += 1 }
        case .setTimer(let deadline): driver.setTimer(deadline) { self.handle(.timer) }
        }
    }
}
