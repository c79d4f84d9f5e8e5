package import LibP2P
package import Logging
internal import NIOCore
internal import NIOPosix
internal import Primitives
internal import Synchronization

/// A node's connections to its peers: listens, dials, keeps the peers it shall have, and carries
/// notifications, requests and streams. See docs/networking.md.
///
/// Everything runs on one event loop of its own; this type is the way in from other threads. Calls
/// that do not wait take effect in the order in which they are made.
package final class Swarm: Sendable {
    /// This node's id.
    package let localPeer: PeerID
    private let configuration: NetworkConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let gate: LoopGate
    /// What lives on the loop; nil before the loop's first task and after `shutdown`.
    private let box: NIOLoopBoundBox<SwarmLoop?>
    private let events: EventQueue<SwarmEvent>
    private let jobs: JobRunner
    private let phase = Mutex(Phase.idle)

    private enum Phase { case idle, running, stopped }

    /// A swarm that does nothing before `start`.
    package init(configuration: NetworkConfiguration, logger: Logger = Logger(label: "libp2p")) {
        self.configuration = configuration
        localPeer = configuration.identity.peerID
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let gate = LoopGate(group.next())
        let events = EventQueue<SwarmEvent>(capacity: 4_096)
        let jobs = JobRunner()
        let box = NIOLoopBoundBox.makeEmptyBox(valueType: SwarmLoop.self, eventLoop: gate.loop)
        self.gate = gate
        self.events = events
        self.jobs = jobs
        self.box = box
        gate.execute {
            box.value = SwarmLoop(
                configuration: configuration, logger: logger, gate: gate, events: events,
                jobs: jobs)
        }
    }

    // MARK: Life

    /// Begins to listen and to dial.
    package func start() async throws(ListenError) {
        let isFirst = phase.withLock { phase in
            defer { if phase == .idle { phase = .running } }
            return phase == .idle
        }
        guard isFirst else { throw .alreadyStarted }
        await onLoop { $0.isRunning = true }
        for address in configuration.listenAddresses {
            let pending = PendingResult<Result<Void, ListenError>>()
            execute { swarm in swarm.listen(at: address) { pending.fulfil($0) } }
            try await pending.wait()?.get()
        }
        await onLoop { $0.begin() }
    }

    /// Ends all connections, handlers and event sequences, within a second.
    package func shutdown() async {
        let wasStopped = phase.withLock { phase in
            defer { phase = .stopped }
            return phase == .stopped
        }
        guard !wasStopped else { return }
        await onLoop { $0.stop() }
        await jobs.shutdown()
        gate.execute { [box] in box.value = nil }
        gate.close()
        do {
            try await group.shutdownGracefully()
        } catch {
            preconditionFailure("an event loop group is shut down once: \(error)")
        }
    }

    /// The next event; nil after `shutdown` or when the task is cancelled. For one task.
    package func nextEvent() async -> SwarmEvent? { await events.next() }

    // MARK: Protocols

    /// Registers a notifications protocol. Each name can be registered once.
    package func register(_ registration: NotificationRegistration) -> NotificationService {
        let onHub: @Sendable (String, @escaping @Sendable (NotificationHub) -> Void) -> Void = {
            [gate, box] name, body in
            gate.execute {
                if let hub = box.value?.notificationHubs.first(where: { $0.service.name == name }) {
                    body(hub)
                }
            }
        }
        let name = registration.name
        let service = NotificationService(
            registration,
            outlet: NotificationOutlet(
                wake: { peers in onHub(name) { hub in for peer in peers { hub.wake(peer) } } },
                resume: { peer in onHub(name) { $0.resume(peer) } },
                setHandshake: { handshake in onHub(name) { $0.setHandshake(handshake) } },
                disconnect: { peer in onHub(name) { $0.dismiss(peer) } },
                report: { [events] peer, change in
                    events.offer(.reported(peer, protocolName: name, change))
                }))
        execute { $0.register(service) }
        return service
    }

    /// Takes part in GossipSub, under all versions that are spoken. Can be registered once.
    package func register(_ registration: PubSubRegistration) -> PubSubService {
        let service = PubSubService(
            registration,
            outlet: PubSubOutlet(
                handle: { [gate, box] input in
                    gate.execute { box.value?.pubSub?.handle(input) }
                },
                snapshot: { [gate, box] completion in
                    let isTaken = gate.execute {
                        completion(box.value?.pubSub?.snapshot ?? PubSubSnapshot())
                    }
                    if !isTaken { completion(PubSubSnapshot()) }
                }))
        execute { $0.register(service) }
        return service
    }

    /// Answers requests: the handler's nil refuses. It runs in tasks of the swarm's.
    package func register(
        _ requests: RequestProtocol,
        handler: @escaping @Sendable (_ peer: PeerID, _ request: [UInt8]) async -> [UInt8]?
    ) {
        execute { $0.register(RequestEntry(configuration: requests, handler: handler)) }
    }

    /// Serves streams that peers open. The handler runs in tasks of the swarm's; a stream that it
    /// does not finish is cut off when it returns.
    package func register(
        streams name: String, handler: @escaping @Sendable (NetworkStream) async -> Void
    ) {
        execute { $0.register(name, streams: handler) }
    }

    /// Asks a connected peer, within `limits.timeout`.
    package func request(
        _ peer: PeerID, _ protocolNames: [String], _ request: [UInt8],
        limits: RequestLimits = RequestLimits()
    ) async throws(RequestError) -> [UInt8] {
        precondition(!protocolNames.isEmpty)
        let pending = PendingResult<Result<[UInt8], RequestError>>()
        let sender = PendingResult<NIOLoopBound<RequestSender>>()
        execute { swarm in
            let running = RequestSender { pending.fulfil($0) }
            sender.fulfil(NIOLoopBound(running, eventLoop: swarm.eventLoop))
            running.start(request, limits, to: peer, protocolNames, in: swarm)
        } orElse: {
            pending.fulfil(.failure(.stream(.notConnected)))
        }
        if let result = await pending.wait() { return try result.get() }
        gate.execute { sender.current?.value.cancel() }
        throw .cancelled
    }

    /// Opens a stream to a connected peer: the first of the protocols that it speaks.
    package func openStream(
        _ peer: PeerID, _ protocolNames: [String]
    ) async throws(StreamError) -> NetworkStream {
        precondition(!protocolNames.isEmpty)
        let pending = PendingResult<Result<NetworkStream, StreamError>>()
        execute { swarm in
            do throws(StreamError) {
                try swarm.connection(to: peer).openStream(
                    proposals: protocolNames,
                    handler: RawStreamHandler(gate: swarm.gate) { pending.fulfil($0) })
            } catch {
                pending.fulfil(.failure(error))
            }
        } orElse: {
            pending.fulfil(.failure(.notConnected))
        }
        guard let result = await pending.wait() else { throw .cancelled }
        return try result.get()
    }

    /// Pings a connected peer: the round trip.
    package func ping(_ peer: PeerID) async throws(StreamError) -> Duration {
        let pending = PendingResult<Result<Duration, StreamError>>()
        execute { swarm in
            do throws(StreamError) {
                try swarm.connection(to: peer).ping { pending.fulfil($0) }
            } catch {
                pending.fulfil(.failure(error))
            }
        } orElse: {
            pending.fulfil(.failure(.notConnected))
        }
        guard let result = await pending.wait() else { throw .cancelled }
        return try result.get()
    }

    // MARK: Peers

    /// Connects to an address, which may name the peer that must answer. Needs no free slot. With a
    /// connection to that peer there is nothing to do.
    @discardableResult
    package func connect(to address: Multiaddr) async throws(DialError) -> PeerID {
        let pending = PendingResult<Result<PeerID, DialError>>()
        execute { swarm in
            swarm.connect(to: address) { pending.fulfil($0) }
        } orElse: {
            pending.fulfil(.failure(.notRunning))
        }
        guard let result = await pending.wait() else { throw .cancelled }
        return try result.get()
    }

    /// Ends all connections to a peer; it may come back.
    package func disconnect(_ peer: PeerID) {
        execute { $0.disconnect(peer, reason: .requested) }
    }

    /// Remembers where a peer may be, as others say or as it was long ago; it is dialled when a
    /// slot is free, and forgotten when it cannot be reached.
    package func addCandidate(_ addresses: [Multiaddr], of peer: PeerID) {
        execute { $0.heardOf(addresses, of: peer) }
    }

    /// Searches the DHT for the peers closest to a peer, itself included: those that answered,
    /// closest first. Nil without a DHT, or when too many searches are under way.
    package func closestPeers(to peer: PeerID) async -> [KademliaPeer]? {
        let pending = PendingResult<[KademliaPeer]?>()
        execute { swarm in
            guard let kademlia = swarm.kademlia else { return pending.fulfil(nil) }
            kademlia.search(peer.bytes) { pending.fulfil($0) }
        } orElse: {
            pending.fulfil(nil)
        }
        return await pending.wait() ?? nil
    }

    /// Remembers addresses; the peer is dialled when a slot is free.
    package func addAddresses(_ addresses: [Multiaddr], of peer: PeerID) {
        execute { swarm in
            swarm.peerSet.learn(addresses, of: peer)
            swarm.runDials()
        }
    }

    /// Remembers a bootnode's address for good. One without peer id, or this node's, is ignored.
    package func addBootnode(_ address: Multiaddr) {
        guard let peer = address.peerID else { return }
        execute { swarm in
            swarm.peerSet.setPermanent(peer)
            swarm.peerSet.learn([address], of: peer, areConfigured: true)
            swarm.kademlia?.addBootnode(address, of: peer)
            swarm.runDials()
        }
    }

    /// Makes a peer reserved: outside the slots, always dialled, never banned.
    package func addReserved(_ peer: PeerID, addresses: [Multiaddr] = []) {
        execute { $0.setReserved(peer, true, addresses: addresses) }
    }

    /// Whether a peer is reserved; not after `shutdown`.
    package func isReserved(_ peer: PeerID) async -> Bool {
        await onLoop { $0.peerSet.isReserved(peer) } ?? false
    }

    /// Makes a reserved peer an ordinary one.
    package func removeReserved(_ peer: PeerID) {
        execute { $0.setReserved(peer, false, addresses: []) }
    }

    /// Pings and redials a peer at the urgent pace, or no longer: for validators.
    package func setUrgent(_ peer: PeerID, _ isUrgent: Bool) {
        execute { $0.setUrgent(peer, isUrgent) }
    }

    /// Whether only reserved peers are admitted and dialled; others are disconnected.
    package func setReservedOnly(_ reservedOnly: Bool) {
        execute { $0.setReservedOnly(reservedOnly) }
    }

    /// Disconnects a peer and refuses it for a while. Reserved peers are never banned.
    package func ban(_ peer: PeerID, for duration: Duration) {
        execute { $0.ban(peer, until: $0.now + duration) }
    }

    /// Ends a ban.
    package func unban(_ peer: PeerID) {
        execute { swarm in
            swarm.peerSet.unban(peer)
            swarm.runDials()
        }
    }

    /// The peers, addresses, bans and counters of this moment; empty after `shutdown`.
    package func snapshot() async -> NetworkSnapshot {
        await onLoop { $0.snapshot } ?? NetworkSnapshot()
    }

    /// The reserved peers, in order.
    package func reservedPeers() async -> [PeerID] {
        await onLoop { $0.peerSet.reservedPeers } ?? []
    }

    // MARK: To the event loop

    /// Runs `body` on the loop; after `shutdown`, `otherwise` here.
    private func execute(
        _ body: @escaping @Sendable (SwarmLoop) -> Void, orElse otherwise: () -> Void = {}
    ) {
        let isTaken = gate.execute { [box] in if let swarm = box.value { body(swarm) } }
        if !isTaken { otherwise() }
    }

    /// Runs `body` on the loop and waits for its result; nil after `shutdown`.
    @discardableResult
    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (SwarmLoop) -> Result
    ) async -> Result? {
        await withCheckedContinuation { continuation in
            execute { swarm in
                continuation.resume(returning: body(swarm))
            } orElse: {
                continuation.resume(returning: nil)
            }
        }
    }
}
