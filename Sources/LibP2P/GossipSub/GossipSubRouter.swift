public import Primitives

/// Decides what a GossipSub router says to its peers (libp2p specifications "pubsub", GossipSub 1.0,
/// 1.1 and 1.2): who is in the mesh of a topic, where messages go, what is advertised and asked for,
/// and how peers are scored.
///
/// A decider: no clock, and no randomness but the seed. A message goes no further before the
/// application has judged it. All tables are bounded; see `GossipSubConfiguration`. Where it differs
/// from the specifications stands in docs/deviations.md.
public struct GossipSubRouter: Sendable {
    /// A topic that this node takes part in.
    struct Topic: Sendable {
        let name: String
        /// Sorted.
        var mesh: [PeerID] = []
    }

    /// A topic that this node publishes to without taking part in it.
    struct Fanout: Sendable {
        let topic: String
        /// Sorted.
        var peers: [PeerID] = []
        var lastPublished: Instant
    }

    public let configuration: GossipSubConfiguration
    let signing: PubSubSigning
    var random: SeededGenerator
    /// Sorted by id.
    var peers: [GossipSubPeer] = []
    /// Peers that are direct whether they are connected or not; sorted.
    var directPeers: [PeerID] = []
    /// How many connected peers share a network address.
    var peersByNetwork: [[UInt8]: Int] = [:]
    /// Sorted by name.
    var topics: [Topic] = []
    var fanouts: [Fanout] = []
    var seen: SeenMessages
    var cache: MessageCache
    var pending: PendingMessages
    var requests: MessageRequests
    var authors: StruckAuthors
    var sequenceNumber: UInt64
    public internal(set) var counters = GossipSubCounters()

    var heartbeat: UInt64 = 0
    private var nextHeartbeat: Instant?
    var lastDecay: Instant?
    var effects: [Effect] = []
    /// What is said in answer to the present input, a frame for each peer.
    private var outgoing: [PeerID: GossipRPC] = [:]
    /// The peers in `outgoing`, as they came.
    private var addressees: [PeerID] = []

    /// A router that makes and takes messages as `signing` says; `seed` decides its choices.
    public init(
        signing: PubSubSigning, configuration: GossipSubConfiguration = .init(), seed: UInt64
    ) {
        precondition(configuration.isConsistent, "GossipSub parameters that do not fit together")
        self.signing = signing
        self.configuration = configuration
        random = SeededGenerator(seed: seed)
        seen = SeenMessages(
            lifetime: configuration.seenLifetime, maximumCount: configuration.maximumSeen)
        cache = MessageCache(configuration)
        pending = PendingMessages(configuration)
        requests = MessageRequests(maximumCount: configuration.maximumOpenRequests)
        authors = StruckAuthors(configuration)
        sequenceNumber =
            if case .strictSign(_, let first) = signing { first } else { 0 }
    }

    /// Takes an input and returns what is to be done about it.
    public mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        apply(input, now: now)
        flush()
        armTimer(now: now)
        defer { effects = [] }
        return effects
    }

    private mutating func apply(_ input: Input, now: Instant) {
        switch input {
        case .connected(let peer, let isOutbound, let network):
            connect(peer, isOutbound: isOutbound, network: network, now: now)
        case .disconnected(let peer): disconnect(peer, now: now)
        case .streamOpened(let peer, let version): openStream(peer, version, now: now)
        case .streamClosed(let peer): closeStream(peer, .unavailable, now: now)
        case .streamOpening(let peer): closeStream(peer, .opening, now: now)
        case .received(let peer, let rpc): receive(rpc, from: peer, now: now)
        case .malformed(let peer): receiveMalformed(from: peer)
        case .subscribe(let topic): subscribe(topic, now: now)
        case .unsubscribe(let topic): unsubscribe(topic, now: now)
        case .publish(let topic, let data): publish(data, to: topic, now: now)
        case .validated(let id, let verdict): judge(id, verdict, now: now)
        case .setDirect(let peer, let isDirect): setDirect(peer, isDirect, now: now)
        case .setApplicationScore(let peer, let score):
            if let index = index(of: peer), score.isFinite {
                peers[index].score.application = score
            }
        case .timer:
            guard let due = nextHeartbeat, due <= now else { return }
            nextHeartbeat = now + configuration.heartbeatInterval
            effects.append(.setTimer(now + configuration.heartbeatInterval))
            beat(now: now)
        }
    }

    /// The first input starts the heartbeat.
    private mutating func armTimer(now: Instant) {
        guard nextHeartbeat == nil else { return }
        let first = now + configuration.firstHeartbeat
        nextHeartbeat = first
        effects.append(.setTimer(first))
    }

    // MARK: What is said

    /// Adds to what is said to a peer in answer to the present input.
    mutating func say(to peer: PeerID, _ body: (inout GossipRPC) -> Void) {
        if outgoing[peer] == nil { addressees.append(peer) }
        body(&outgoing[peer, default: GossipRPC()])
    }

    private mutating func flush() {
        for peer in addressees {
            if let rpc = outgoing[peer], !rpc.isEmpty { effects.append(.send(peer, rpc)) }
        }
        addressees = []
        outgoing = [:]
    }

    // MARK: Look-ups

    func index(of peer: PeerID) -> Int? {
        let (index, isKnown) = peers.position(of: peer) { $0.id }
        return isKnown ? index : nil
    }

    func topicIndex(_ name: String) -> Int? {
        let (index, isKnown) = topics.position(of: name) { $0.name }
        return isKnown ? index : nil
    }

    func score(at index: Int, now: Instant) -> Double {
        let colocated = peers[index].network.flatMap { peersByNetwork[$0] } ?? 0
        return peers[index].score.value(configuration.scores, colocated: colocated, now: now)
    }

    // MARK: For the owner

    /// The topics that this node takes part in, in order.
    public var subscriptions: [String] { topics.map(\.name) }

    /// The peers in the mesh of a topic, in order.
    public func mesh(of topic: String) -> [PeerID] {
        topicIndex(topic).map { topics[$0].mesh } ?? []
    }

    /// The connected peers that take part in a topic, in order.
    public func subscribers(of topic: String) -> [PeerID] {
        peers.filter { $0.isConnected && $0.isSubscribed(to: topic) }.map(\.id)
    }

    /// A peer's score; nil when nothing is known about it.
    public func score(of peer: PeerID, now: Instant) -> Double? {
        index(of: peer).map { score(at: $0, now: now) }
    }

    /// The number of peers that are remembered.
    public var peerCount: Int { peers.count }
    /// Messages that wait for their verdict.
    public var pendingCount: Int { pending.count }
    /// Messages that are known again.
    public var seenCount: Int { seen.count }
    /// Messages that can be asked for.
    public var cachedCount: Int { cache.count }
}
