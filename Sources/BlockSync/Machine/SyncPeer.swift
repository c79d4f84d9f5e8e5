internal import Chain
internal import Primitives

/// What the machine knows of a peer whose block-announces stream is open.
struct SyncPeer: Sendable {
    let handle: PeerHandle
    /// The highest block that it claims; lowered when it does not serve it.
    var best: BlockRef
    /// Blocks that it has.
    var knownBlocks: RecentHashes
    /// Transactions that it has.
    var knownTransactions: RecentHashes
    /// Our request to it, at most one at a time.
    var request: RequestID?
    /// Requests in a row that brought nothing good.
    var failureCount = 0
    /// Not asked before this time.
    var notBefore: Instant
    /// When it was asked last, by request number: the one that waited longest is asked next.
    var lastRequest: UInt64 = 0
    /// Its requests that are being served.
    var servedCount = 0
    /// Whether running over a budget was reported since it was last within.
    var reportedFlood = false
    var announcements: TokenBucket
    var requests: TokenBucket
    var transactions: TokenBucket

    init(handle: PeerHandle, best: BlockRef, configuration: SyncConfiguration, now: Instant) {
        self.handle = handle
        self.best = best
        notBefore = now
        knownBlocks = RecentHashes(capacity: configuration.maximumKnownCount)
        knownTransactions = RecentHashes(capacity: configuration.maximumKnownCount)
        announcements = TokenBucket(configuration.announcementBudget, now: now)
        requests = TokenBucket(configuration.requestBudget, now: now)
        transactions = TokenBucket(configuration.transactionBudget, now: now)
    }

    /// Whether it may be asked now.
    func isIdle(at now: Instant) -> Bool { request == nil && notBefore <= now }
}

/// The peers by handle. Their count is bounded by the shell's connection slots.
struct PeerTable: Sendable {
    private var peers: [PeerHandle: SyncPeer] = [:]
    /// Ascending.
    private(set) var handles: [PeerHandle] = []

    subscript(handle: PeerHandle) -> SyncPeer? { peers[handle] }

    mutating func insert(_ peer: SyncPeer) {
        if peers.updateValue(peer, forKey: peer.handle) == nil {
            handles.insert(
                peer.handle, at: handles.firstIndex { $0 > peer.handle } ?? handles.count)
        }
    }

    mutating func remove(_ handle: PeerHandle) {
        guard peers.removeValue(forKey: handle) != nil else { return }
        handles.removeAll { $0 == handle }
    }

    /// Changes a peer; nil when it is not there.
    @discardableResult
    mutating func update<Result>(
        _ handle: PeerHandle, _ body: (inout SyncPeer) -> Result
    ) -> Result? {
        guard let index = peers.index(forKey: handle) else { return nil }
        return body(&peers.values[index])
    }

    /// The peer to be asked next among those that may be asked and satisfy a condition: the one
    /// with the fewest failures, then the one that was not asked for longest.
    func next(at now: Instant, where isSuitable: (SyncPeer) -> Bool) -> PeerHandle? {
        var choice: SyncPeer?
        for handle in handles {
            guard let peer = peers[handle], peer.isIdle(at: now), isSuitable(peer) else { continue }
            if let best = choice,
                (best.failureCount, best.lastRequest) <= (peer.failureCount, peer.lastRequest)
            {
                continue
            }
            choice = peer
        }
        return choice?.handle
    }

    /// The greatest height claimed by a peer that satisfies a condition.
    func highestClaim(where isSuitable: (SyncPeer) -> Bool) -> BlockNumber? {
        handles.compactMap { peers[$0] }.filter(isSuitable).map(\.best.number).max()
    }
}
