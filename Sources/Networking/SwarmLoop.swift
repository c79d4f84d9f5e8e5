internal import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Primitives

/// What a swarm's event loop owns: listeners, dials, the table of connections, the protocols. All
/// of it is touched on that loop only; `Swarm` is the way in from elsewhere.
final class SwarmLoop {
    let configuration: NetworkConfiguration
    let logger: Logger
    let gate: LoopGate
    let eventLoop: any EventLoop
    let isolatedLoop: NIOIsolatedEventLoop
    let events: EventQueue<SwarmEvent>
    let jobs: JobRunner
    let localPeer: PeerID
    var peerSet: PeerSet
    var totals = ConnectionCounters()
    var generator = SystemRandomNumberGenerator()
    /// What this node shows in its handshakes; the static key is fresh for every run.
    let credentials: NoiseCredentials
    /// All connections, ready or not.
    var connections: [UInt64: Connection] = [:]
    /// The connections to each connected peer: one, briefly two; the first is the one to use.
    var connectionsByPeer: [PeerID: [Connection]] = [:]
    /// How many connections came from one address.
    var inboundByNetwork: [IPAddress: Int] = [:]
    /// Accepted connections whose peer is not authenticated.
    var unauthenticatedInbound = 0
    /// What is spoken inbound, by each of its names.
    var protocols: [String: ProtocolEntry] = [:]
    /// The names in `protocols`, in the order of registration.
    var supportedProtocols: [String] = []
    /// The notifications protocols, in the order of registration.
    var notificationHubs: [NotificationHub] = []
    /// GossipSub, if it is registered.
    var pubSub: PubSubHub?
    /// All of these.
    var hubs: [any ProtocolHub] { notificationHubs + (pubSub.map { [$0] } ?? []) }
    let resolver: NameResolver
    private(set) var kademlia: KademliaDriver?
    private(set) var multicast: MulticastDriver?
    var listeners: [any Channel] = []
    var listenAddresses: [Multiaddr] = []
    var isRunning = false
    private var nextConnectionID: UInt64 = 0
    private var dialTimer: (deadline: Instant, task: Scheduled<Void>)?

    init(
        configuration: NetworkConfiguration, logger: Logger, gate: LoopGate,
        events: EventQueue<SwarmEvent>, jobs: JobRunner
    ) {
        self.configuration = configuration
        self.logger = logger
        self.gate = gate
        eventLoop = gate.loop
        self.events = events
        self.jobs = jobs
        isolatedLoop = gate.loop.assumeIsolated()
        localPeer = configuration.identity.peerID
        credentials = NoiseCredentials(
            identity: configuration.identity, staticKey: NoisePrivateKey(using: &generator),
            security: configuration.security)
        peerSet = PeerSet(
            localPeer: localPeer, limits: configuration.limits, timings: configuration.timings,
            reservedOnly: configuration.reservedOnly)
        resolver = NameResolver(
            gate: gate, timeout: configuration.timings.resolve,
            server: configuration.nameServer)
        kademlia = configuration.kademlia.map { KademliaDriver($0, swarm: self) }
        multicast = configuration.multicast.map { MulticastDriver($0, swarm: self) }
        registerBuiltInProtocols()
    }

    /// The monotonic clock that all deadlines here refer to.
    var now: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

    func deadline(_ instant: Instant) -> NIODeadline {
        .uptimeNanoseconds(instant.nanoseconds)
    }

    func makeConnectionID() -> UInt64 {
        nextConnectionID += 1
        return nextConnectionID
    }

    /// Tells the owner. What it may miss gives way when it is slow.
    func emit(_ event: SwarmEvent) {
        let isVital =
            switch event {
            case .connected, .disconnected: true
            case .identified, .reported: false
            }
        if !events.offer(event, isVital: isVital) { totals.lostEvents += 1 }
    }

    /// All listeners are up: peers are looked for.
    func begin() {
        kademlia?.start()
        multicast?.start()
        runDials()
    }

    /// Somebody says where a peer is.
    func heardOf(_ addresses: [Multiaddr], of peer: PeerID) {
        peerSet.hear(addresses, of: peer)
        runDials()
    }

    // MARK: Dial timer

    /// Starts the dials that are due and comes back when the next ones are.
    func runDials() {
        guard isRunning else { return }
        for order in peerSet.nextDials(now: now, using: &generator) { dial(order) }
        kademlia?.setWantsPeers(peerSet.hasFreeSlot)
        guard let deadline = peerSet.nextDeadline else { return }
        if let dialTimer, dialTimer.deadline <= deadline { return }
        dialTimer?.task.cancel()
        let task = isolatedLoop.scheduleTask(deadline: self.deadline(deadline)) {
            self.dialTimer = nil
            self.runDials()
        }
        dialTimer = (deadline, task)
    }

    // MARK: End

    /// Ends everything at once, in an orderly way where that takes no waiting.
    func stop() {
        isRunning = false
        dialTimer?.task.cancel()
        dialTimer = nil
        kademlia?.stop()
        multicast?.stop()
        (kademlia, multicast) = (nil, nil)
        resolver.stop()
        for listener in listeners { listener.close(promise: nil) }
        listeners = []
        for id in connections.keys.sorted() { connections[id]?.close(.shutdown) }
        for hub in hubs { hub.stop() }
        pubSub = nil
        (notificationHubs, protocols, supportedProtocols) = ([], [:], [])
        events.finish()
    }
}
