internal import LibP2P
internal import Primitives

/// One notifications protocol on the event loop: runs what `NotificationStreams` decides on the
/// streams of the connections, and moves notifications between them and the service's mailbox.
final class NotificationHub: ProtocolHub {
    let service: NotificationService
    let swarm: SwarmLoop
    private var machine: NotificationStreams
    private var substreams: [NotificationSubstreamID: NotificationSubstream] = [:]
    /// The pair of substreams of every open stream.
    private var open: [PeerID: (outbound: NotificationSubstream, inbound: NotificationSubstream)] =
        [:]
    /// Peers that the owner wants nothing of while the present connection lasts.
    private var dismissed: Set<PeerID> = []
    private let driver: MachineDriver<NotificationStreams.Input>
    private var nextInbound: UInt64 = 0

    init(service: NotificationService, swarm: SwarmLoop) {
        self.service = service
        self.swarm = swarm
        driver = MachineDriver(swarm: swarm)
        let timings = swarm.configuration.timings
        var configuration = NotificationConfiguration()
        configuration.phaseTimeout = timings.streamNegotiation
        configuration.backOff = .init(
            initial: timings.firstReopen, maximum: timings.longestReopen)
        configuration.reservedBackOff = configuration.backOff
        configuration.maximumPeers = swarm.configuration.limits.connections
        machine = NotificationStreams(
            handshake: service.registration.handshake, configuration: configuration,
            seed: swarm.generator.next())
    }

    var limits: NotificationLimits {
        NotificationLimits(
            maximumNotificationByteCount: service.registration.maximumNotificationByteCount)
    }

    var name: String { service.name }
    var counters: ProtocolCounters { service.counters }

    // MARK: From the swarm

    func connected(_ connection: Connection) {
        let peer = connection.peer
        handle(.connected(peer, ConnectionID(connection.id)))
        guard !dismissed.contains(peer) else { return }
        handle(.open(peer, isReserved: swarm.peerSet.isUrgent(peer)))
    }

    func disconnected(_ connection: Connection, isLast: Bool) {
        let peer = connection.peer
        handle(.disconnected(peer, ConnectionID(connection.id)))
        guard isLast else { return }
        dismissed.remove(peer)
        handle(.close(peer))
    }

    func accept(_ stream: ConnectionStream) -> any StreamHandler {
        nextInbound += 1
        let substream = NotificationSubstream(
            id: .inbound(nextInbound), peer: stream.peer, hub: self, stream: stream)
        substreams[substream.id] = substream
        return substream
    }

    func setHandshake(_ handshake: [UInt8]) { handle(.setHandshake(handshake)) }

    /// The owner wants no stream to a peer.
    func dismiss(_ peer: PeerID) {
        guard swarm.connectionsByPeer[peer] != nil else { return }
        dismissed.insert(peer)
        handle(.close(peer))
    }

    /// Messages wait in the mailbox.
    func wake(_ peer: PeerID) { open[peer]?.outbound.sendQueued() }

    /// The mailbox has room again.
    func resume(_ peer: PeerID) { open[peer]?.inbound.resume() }

    func stop() {
        driver.stop()
        service.finish()
    }

    // MARK: From the substreams

    func handle(_ input: NotificationStreams.Input) {
        driver.handle(input) { input in
            for effect in machine.handle(input, now: swarm.now) { run(effect) }
        }
    }

    func forget(_ substream: NotificationSubstream) { substreams[substream.id] = nil }

    // MARK: Effects

    private func run(_ effect: NotificationStreams.Effect) {
        switch effect {
        case .openSubstream(let peer, let connection, let id):
            openSubstream(peer, connection, id)
        case .sendHandshake(_, let id, let handshake): substreams[id]?.send(handshake: handshake)
        case .closeSubstream(_, let id): substreams[id]?.close()
        case .resetSubstream(_, let id): substreams[id]?.reset()
        case .validate(let peer, let id, let handshake):
            let isWelcome =
                !dismissed.contains(peer) && !service.pausesIfFull(peer)
                && service.registration.acceptsHandshake(peer, handshake)
            handle(isWelcome ? .accept(peer, id) : .refuse(peer, id))
        case .opened(let peer, let handshake, let outboundID, let inboundID):
            guard let outbound = substreams[outboundID], let inbound = substreams[inboundID] else {
                return
            }
            open[peer] = (outbound, inbound)
            service.opened(peer, handshake: handshake)
            outbound.becomeOpen()
            inbound.becomeOpen()
        case .closed(let peer, _):
            guard open.removeValue(forKey: peer) != nil else { return }
            service.closed(peer)
        case .openFailed: service.recordFailure()
        case .setTimer(let deadline): driver.setTimer(deadline) { self.handle(.timer) }
        }
    }

    private func openSubstream(
        _ peer: PeerID, _ connection: ConnectionID, _ id: NotificationSubstreamID
    ) {
        let registration = service.registration
        let substream = NotificationSubstream(id: id, peer: peer, hub: self, stream: nil)
        substreams[id] = substream
        guard let connection = swarm.connections[connection.rawValue] else {
            return substream.failedToOpen()
        }
        do {
            try connection.openStream(
                proposals: [registration.name] + registration.fallbackNames,
                priority: registration.priority, handler: substream)
        } catch {
            substream.failedToOpen()
        }
    }
}
