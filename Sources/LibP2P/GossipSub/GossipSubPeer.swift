internal import Primitives

/// What a router remembers about one peer.
struct GossipSubPeer: Sendable {
    /// The stream on which this node speaks.
    enum Stream: Sendable, Equatable {
        /// Being opened: what is sent waits for it.
        case opening
        case open(GossipSubVersion)
        /// It was refused or lost, and is not open again yet.
        case unavailable
    }

    let id: PeerID
    var isConnected = false
    /// Whether this node dialled.
    var isOutbound = false
    var isDirect = false
    /// Its network address, as far as it is counted with others.
    var network: [UInt8]?
    var stream = Stream.unavailable
    /// Topics that the peer takes part in, sorted.
    var topics: [String] = []
    var score = PeerScore()
    /// When a peer that is gone is forgotten.
    var forgetAt = Instant.zero
    /// Until when there is no GRAFT between this node and the peer; sorted by topic.
    private(set) var backoffs: [(topic: String, until: Instant)] = []
    /// When this node pruned the peer last, for GRAFT floods; sorted by topic.
    private(set) var prunes: [(topic: String, at: Instant)] = []
    /// IHAVEs, names asked for, and names in IDONTWANT since the last heartbeat.
    var advertisementCount = 0
    var requestCount = 0
    var unwantedCount = 0
    var unwanted = UnwantedMessages()
    var messageBudget: TokenBucket

    init(id: PeerID, messageRate: RateLimit, now: Instant) {
        self.id = id
        messageBudget = TokenBucket(messageRate, now: now)
    }

    /// Whether the peer may be put into a mesh on this node's initiative.
    var canBeGrafted: Bool {
        if case .open = stream { isConnected && !isDirect } else { false }
    }

    /// Whether something can be said to the peer.
    var isReachable: Bool { isConnected && stream != .unavailable }

    var knowsUnwanted: Bool {
        if case .open(let version) = stream { version.hasUnwanted } else { false }
    }

    func isSubscribed(to topic: String) -> Bool { topics.containsSorted(topic) }

    // MARK: Back-off

    func backoff(_ topic: String) -> Instant? {
        let (index, isPresent) = backoffs.position(of: topic) { $0.topic }
        return isPresent ? backoffs[index].until : nil
    }

    /// Keeps the later of the present end and `until`.
    mutating func setBackoff(_ topic: String, until: Instant) {
        let (index, isPresent) = backoffs.position(of: topic) { $0.topic }
        if isPresent {
            backoffs[index].until = max(backoffs[index].until, until)
        } else {
            backoffs.insert((topic, until), at: index)
        }
    }

    /// Ends back-offs that were over at that time.
    mutating func expireBackoffs(before time: Instant) {
        backoffs.removeAll { $0.until <= time }
        prunes.removeAll { prune in !backoffs.contains { $0.topic == prune.topic } }
    }

    func prunedAt(_ topic: String) -> Instant? {
        let (index, isPresent) = prunes.position(of: topic) { $0.topic }
        return isPresent ? prunes[index].at : nil
    }

    mutating func notePrune(_ topic: String, at time: Instant) {
        let (index, isPresent) = prunes.position(of: topic) { $0.topic }
        if isPresent { prunes[index].at = time } else { prunes.insert((topic, time), at: index) }
    }
}

/// The messages that a peer said it has (IDONTWANT), for some heartbeats.
struct UnwantedMessages: Sendable {
    private var ids: Set<MessageID> = []
    private var order = FIFO<(id: MessageID, heartbeat: UInt64)>()

    init() {}

    var count: Int { ids.count }

    func contains(_ id: MessageID) -> Bool { ids.contains(id) }

    mutating func insert(_ id: MessageID, heartbeat: UInt64) {
        if ids.insert(id).inserted { order.append((id, heartbeat)) }
    }

    /// Forgets what came before that heartbeat.
    mutating func expire(before heartbeat: UInt64) {
        while let first = order.first, first.heartbeat < heartbeat {
            ids.remove(first.id)
            _ = order.popFirst()
        }
    }
}
