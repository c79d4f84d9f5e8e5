public import Primitives

/// Finds peers through the peers that are known: the libp2p DHT as Substrate's networks use it,
/// for peer routing only (libp2p specification "kad-dht").
///
/// A decider without sockets and clocks: `handle` takes what happened and returns what is to be
/// done. It keeps the routing table, answers peers that ask, and searches: for its own key, so that
/// its neighbours know it, and for random keys, so that all buckets fill. Records are not stored:
/// requests for them are answered with closer peers, and storing is refused.
///
/// Against lies: a peer enters the table only by a connection that proved its name, results are
/// peers that answered themselves, addresses are told and believed by the rule of
/// `Multiaddr.isUsable(seenFrom:)`, and everything is bounded.
public struct Kademlia: Sendable {
    /// Why a search is made.
    enum Purpose: Sendable {
        case ownKey
        case random
        case owner(KademliaSearchID)
    }

    struct Search: Sendable {
        let purpose: Purpose
        let deadline: Instant
        var lookup: KademliaLookup
    }

    /// A request that awaits its answer.
    struct Pending: Sendable {
        let peer: PeerID
        let deadline: Instant
        /// The search that asks; nil when the peer shall only show that it is alive.
        let search: UInt64?
        /// Time is up, but the answer may still come.
        var isOverdue = false
    }

    let configuration: KademliaConfiguration
    let localPeer: PeerID
    var generator: SeededGenerator
    package internal(set) var table: RoutingTable
    private(set) var bootnodes: [(peer: PeerID, addresses: [Multiaddr])] = []
    var searches: [UInt64: Search] = [:]
    var pending: [UInt64: Pending] = [:]
    private var budgets: [PeerID: TokenBucket] = [:]
    private var isStarted = false
    private var wantsPeers = true
    private var nextOwnSearch = Instant.distantFuture
    private var nextRandomSearch = Instant.distantFuture
    private var searchPause: Duration
    /// How many random searches there were: they visit the far buckets in turn.
    var randomSearchCount = 0
    private var nextNumber: UInt64 = 0
    private var timer: Instant?
    var effects: [Effect] = []

    /// - Parameter seed: decides the random targets and pauses.
    public init(
        localPeer: PeerID, configuration: KademliaConfiguration = KademliaConfiguration(),
        seed: UInt64
    ) {
        self.localPeer = localPeer
        self.configuration = configuration
        generator = SeededGenerator(seed: seed)
        searchPause = configuration.firstSearchPause
        var limits = RoutingTable.Limits()
        limits.capacity = configuration.replication
        table = RoutingTable(localPeer: localPeer, limits: limits)
    }

    /// Peers in the routing table.
    public var peerCount: Int { table.count }

    /// Takes what happened; returns what is to be done.
    public mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        switch input {
        case .start: start(now: now)
        case .bootnode(let peer, let addresses): addBootnode(peer, addresses, now: now)
        case .identified(let peer, let addresses, let speaksProtocol, let connection):
            identified(peer, addresses, speaksProtocol, connection, now: now)
        case .disconnected(let peer):
            table.disconnected(peer, now: now)
        case .request(let id, let peer, let connection, let bytes):
            answer(id, peer, connection, bytes, now: now)
        case .answered(.outbound(let number), let connection, let bytes):
            answered(number, connection, bytes, now: now)
        case .failed(.outbound(let number)): failed(number, now: now)
        case .answered(.inbound, _, _), .failed(.inbound): break
        case .search(let id, let target): beginOwners(id, target, now: now)
        case .wantsPeers(let wantsPeers):
            let wantedNone = !self.wantsPeers
            self.wantsPeers = wantsPeers
            if wantsPeers, wantedNone { plan(\.nextRandomSearch, now, now: now) }
        case .timer: runTimers(now: now)
        }
        setTimer()
        defer { effects = [] }
        return effects
    }

    mutating func makeNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber
    }

    private mutating func start(now: Instant) {
        guard !isStarted else { return }
        isStarted = true
        if table.count > 0 || !bootnodes.isEmpty { beginRoutine(now: now) }
    }

    /// Whom to begin with is known: the first searches start.
    private mutating func beginRoutine(now: Instant) {
        guard isStarted, nextOwnSearch == .distantFuture else { return }
        (nextOwnSearch, nextRandomSearch) = (now, now)
        runTimers(now: now)
    }

    /// Moves a search forward in time.
    private mutating func plan(
        _ search: WritableKeyPath<Kademlia, Instant>, _ time: Instant, now: Instant
    ) {
        guard isStarted, self[keyPath: search] != .distantFuture else { return }
        self[keyPath: search] = min(self[keyPath: search], time)
        runTimers(now: now)
    }

    private mutating func addBootnode(_ peer: PeerID, _ addresses: [Multiaddr], now: Instant) {
        guard peer != localPeer, bootnodes.count < configuration.maximumBootnodes else { return }
        bootnodes.append((peer, Array(addresses.prefix(table.limits.addresses))))
        beginRoutine(now: now)
    }

    private mutating func identified(
        _ peer: PeerID, _ addresses: [Multiaddr], _ speaksProtocol: Bool, _ connection: Multiaddr,
        now: Instant
    ) {
        guard speaksProtocol, let scope = connection.scope else { return table.remove(peer) }
        let isFirst = table.count == 0
        let insertion = table.insert(
            peer, addresses: addresses.filter { $0.isUsable(seenFrom: scope) },
            network: AddressGroup(connection), isConnected: true, now: now)
        switch insertion {
        case .added:
            // The first peer's neighbours are this node's way into the network.
            if nextOwnSearch == .distantFuture {
                beginRoutine(now: now)
            } else if isFirst {
                plan(\.nextOwnSearch, now, now: now)
            }
        case .waiting(let doubtful?): check(doubtful, now: now)
        case .updated, .waiting(nil), .refused: break
        }
    }

    /// Asks a peer for itself, to see whether it is alive.
    private mutating func check(_ peer: PeerID, now: Instant) {
        guard let entry = table.entry(of: peer),
            !pending.keys.sorted().contains(where: { pending[$0]?.peer == peer })
        else { return }
        ask(peer, entry.addresses, target: peer.bytes, search: nil, now: now)
    }

    mutating func ask(
        _ peer: PeerID, _ addresses: [Multiaddr], target: [UInt8], search: UInt64?, now: Instant
    ) {
        let number = makeNumber()
        pending[number] = Pending(
            peer: peer, deadline: now + configuration.requestTimeout, search: search)
        effects.append(
            .ask(
                .outbound(number), peer, addresses,
                KademliaMessage(.findNode, key: target).protobuf))
    }

    // MARK: Answers to peers

    private mutating func answer(
        _ id: KademliaRequestID, _ peer: PeerID, _ connection: Multiaddr, _ bytes: [UInt8],
        now: Instant
    ) {
        guard configuration.mode == .server, takeBudget(of: peer, now: now),
            let message = try? KademliaMessage(protobuf: bytes), let scope = connection.scope
        else { return effects.append(.refuse(id)) }
        table.seen(peer, now: now)
        switch message.kind {
        case .findNode, .getValue, .getProviders:
            let closer = closerPeers(to: message.key, for: peer, seenFrom: scope)
            effects.append(.answer(id, KademliaMessage(message.kind, closerPeers: closer).protobuf))
        case .ping: effects.append(.answer(id, KademliaMessage(.ping).protobuf))
        case .putValue, .addProvider: effects.append(.refuse(id))
        }
    }

    /// What a peer is told: members close to the key with the addresses that are of use to it.
    private func closerPeers(
        to key: [UInt8], for peer: PeerID, seenFrom scope: AddressScope
    ) -> [KademliaPeer] {
        table.closest(
            to: KademliaKey(of: key),
            count: min(configuration.replication, KademliaMessageLimits.peers)
        ) { entry in
            entry.peer != peer && entry.addresses.contains { $0.isUsable(seenFrom: scope) }
        }
        .map { entry in
            KademliaPeer(
                id: entry.peer, addresses: entry.addresses.filter { $0.isUsable(seenFrom: scope) },
                connection: entry.isConnected ? .connected : .notConnected)
        }
    }

    private mutating func takeBudget(of peer: PeerID, now: Instant) -> Bool {
        if budgets[peer] == nil, budgets.count >= configuration.maximumCountedPeers {
            // Who has a full budget again has been quiet: forgetting it gives nothing away.
            for peer in budgets.keys.sorted()
            where budgets[peer]?.available(now: now) == configuration.inboundRequests.burst {
                budgets[peer] = nil
            }
            guard budgets.count < configuration.maximumCountedPeers else { return false }
        }
        return budgets[peer, default: TokenBucket(configuration.inboundRequests, now: now)]
            .take(now: now)
    }

    // MARK: Time

    private mutating func setTimer() {
        var next = min(nextOwnSearch, nextRandomSearch)
        for number in pending.keys.sorted() {
            guard let request = pending[number], !request.isOverdue else { continue }
            next = min(next, request.deadline)
        }
        for number in searches.keys.sorted() {
            next = min(next, searches[number]?.deadline ?? .distantFuture)
        }
        guard next != timer, next != .distantFuture else { return }
        timer = next
        effects.append(.setTimer(next))
    }

    private mutating func runTimers(now: Instant) {
        timer = nil
        expire(now: now)
        if nextOwnSearch <= now {
            nextOwnSearch = now + jittered(configuration.ownSearchInterval)
            begin(.ownKey, target: localPeer.bytes, now: now)
        }
        if nextRandomSearch <= now {
            nextRandomSearch = now + jittered(searchPause)
            searchPause = min(searchPause * 2, configuration.longestSearchPause)
            if wantsPeers { begin(.random, target: randomTarget(), now: now) }
        }
    }

    /// `duration`, a quarter longer or shorter.
    private mutating func jittered(_ duration: Duration) -> Duration {
        duration * Int.random(in: 75...125, using: &generator) / 100
    }
}
