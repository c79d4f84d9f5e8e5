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
    /// By ascending handle.
    private var peers: [SyncPeer] = []
    /// Ascending.
    private(set) var handles: [PeerHandle] = []

    subscript(handle: PeerHandle) -> SyncPeer? { place(of: handle).map { peers[$0] } }

    mutating func insert(_ peer: SyncPeer) {
        let (place, isPresent) = handles.position(of: peer.handle)
        if isPresent {
            peers[place] = peer
        } else {
            peers.insert(peer, at: place)
            handles.insert(peer.handle, at: place)
        }
    }

    mutating func remove(_ handle: PeerHandle) {
        guard let place = place(of: handle) else { return }
        peers.remove(at: place)
        handles.remove(at: place)
    }

    /// Changes a peer; nil when it is not there.
    @discardableResult
    mutating func update<Result>(
        _ handle: PeerHandle, _ body: (inout SyncPeer) -> Result
    ) -> Result? {
        guard let place = place(of: handle) else { return nil }
        return body(&peers[place])
    }

    /// Looks at every peer, by ascending handle.
    func forEach(_ body: (SyncPeer) -> Void) {
        for place in peers.indices { body(peers[place]) }
    }

    /// The peer to be asked next among those that may be asked and satisfy a condition: the one
    /// with the fewest failures, then the one that was not asked for longest.
    func next(at now: Instant, where isSuitable: (SyncPeer) -> Bool) -> PeerHandle? {
        var choice: Int?
        for place in peers.indices
        where peers[place].isIdle(at: now) && isSuitable(peers[place]) {
            if let best = choice,
                (peers[best].failureCount, peers[best].lastRequest)
                    <= (peers[place].failureCount, peers[place].lastRequest)
            {
                continue
            }
            choice = place
        }
        return choice.map { handles[$0] }
    }

    /// The greatest height claimed by a peer that satisfies a condition.
    func highestClaim(where isSuitable: (SyncPeer) -> Bool) -> BlockNumber? {
        peers.indices.filter { isSuitable(peers[$0]) }.map { peers[$0].best.number }.max()
    }

    /// The greatest height that any peer claims.
    var highestClaim: BlockNumber? {
        // Read in place, here and below: a peer copied is a dozen references counted.
        peers.indices.lazy.map { peers[$0].best.number }.max()
    }

    /// What the peer at a place of `handles` claims, if that is above a height and the peer may be
    /// asked now.
    func idleClaim(at place: Int, above number: BlockNumber, _ now: Instant) -> BlockRef? {
        peers[place].best.number > number && peers[place].isIdle(at: now)
            ? peers[place].best : nil
    }

    private func place(of handle: PeerHandle) -> Int? {
        let (place, isPresent) = handles.position(of: handle)
        return isPresent ? place : nil
    }
}
