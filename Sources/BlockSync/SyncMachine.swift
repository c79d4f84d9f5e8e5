package import Chain
package import Primitives
internal import SCALE

/// Brings blocks into the tree and keeps peers informed: announcements, fetching by hash,
/// catching up by height, serving, and the transaction pool. See docs/protocol.md, "Blocks".
///
/// A deterministic machine: inputs come with the time, effects go out, the tree is the owner's.
/// Signatures are checked outside; only blocks that hold in everything reach the tree.
///
/// - A block that is announced and whose parent is known is fetched by its hash (not even that
///   when its body is empty). With an unknown parent it is fetched with its ancestors, backwards,
///   until they link to a known block.
/// - A peer far ahead is followed by height (`CatchUp`). The tree's depth bounds how far that goes
///   beyond the finalised block; certificates come with the blocks and move it.
/// - Every collection that peers feed is bounded; what does not fit is dropped and asked for
///   again when it is needed.
package struct SyncMachine: Sendable {
    /// Bounds and times.
    package let configuration: SyncConfiguration
    /// Transactions that wait for a block.
    package internal(set) var pool: TransactionPool
    /// The slot that the local clock is in.
    package internal(set) var currentSlot: SlotNumber

    var peers = PeerTable()
    var targets: [BlockTarget] = []
    var parked: [ParkedHeader] = []
    var verification = VerificationQueue()
    var catchUp: CatchUp?
    var requests: [RequestID: OutstandingRequest] = [:]
    /// The keys of `requests`, ascending.
    var requestOrder: [RequestID] = []
    var served: [ReadID: ServedRequest] = [:]
    var checkedTransactions: [CheckID: CheckedTransaction] = [:]
    /// The hashes of those, so that none is checked twice at a time.
    var checkedHashes: Set<Hash256> = []
    var stall = FinalityStall()
    /// Announcements and transactions that came last: every peer sends the same bytes.
    var announcements = RecentMessages<BlockAnnouncement>()
    var transactionMessages = RecentMessages<TransactionsMessage>()
    /// The best head that our handshake shows.
    var shownBest: BlockRef?
    /// When the best head is announced again.
    var reannounceAt = Instant.distantFuture
    var effects: [Effect] = []
    /// When the timer fires next.
    var armed: Instant?
    var lastID: UInt64 = 0

    let checker: BlockChecker

    /// A header of the next slot, kept until the slot begins.
    struct ParkedHeader: Sendable {
        let header: Header
        let source: PeerHandle
    }

    /// A request that waits for its response.
    struct OutstandingRequest: Sendable {
        let peer: PeerHandle
        let deadline: Instant
        let request: BlockRequest
        let purpose: Purpose

        enum Purpose: Sendable, Hashable {
            case target(Hash256)
            case window(UInt64)
            case justifications
        }
    }

    /// A transaction whose signatures are being checked; without a source it was submitted here.
    struct CheckedTransaction: Sendable {
        let extrinsic: Extrinsic
        let source: PeerHandle?
        let signatureCount: Int
        let basis: SignatureBasis
    }

    /// Asking for certificates while the tree's depth holds the import up.
    struct FinalityStall: Sendable {
        /// Whether it was noted.
        var isNoted = false
        /// Not asked before this time.
        var notBefore = Instant.zero
        /// The height to ask about next; the one above F when nil.
        var next: BlockNumber?
        var request: RequestID?
    }

    /// A machine without peers.
    ///
    /// - Parameters:
    ///   - currentSlot: the slot that the local clock is in.
    ///   - evidence: judges evidence of double votes, in blocks and in the pool.
    package init(
        configuration: SyncConfiguration, currentSlot: SlotNumber, evidence: EvidenceRules
    ) {
        self.configuration = configuration
        self.currentSlot = currentSlot
        pool = TransactionPool(limits: configuration.poolLimits, evidence: evidence)
        checker = BlockChecker(genesisHash: configuration.genesisHash, evidence: evidence)
    }

    /// The handshake for streams that are opened now.
    package func handshake(best: BlockRef) -> [UInt8] {
        BlockAnnouncesHandshake(
            roles: configuration.roles, best: best, genesisHash: configuration.genesisHash
        ).scaleBytes
    }

    /// Whether blocks are coming in by height: the node is far behind. A mere claim of a peer does
    /// not make it so.
    package var isCatchingUp: Bool { catchUp?.isLinked ?? false }

    /// How much waits, for metrics; each is bounded by the configuration.
    package var load: SyncLoad {
        SyncLoad(
            peers: peers.handles.count, requests: requests.count, targets: targets.count,
            collectedByteCount: collectedByteCount, parked: parked.count,
            verifying: verification.count, windows: catchUp?.windows.count ?? 0,
            served: served.count, checkedTransactions: checkedTransactions.count)
    }

    /// What holds more than it may; nil when everything keeps its bounds.
    package var excess: String? {
        if !pool.isWithinLimits { return "the transaction pool" }
        let isWithinBounds =
            targets.count <= configuration.maximumTargetCount
            && parked.count <= configuration.maximumParkedCount
            && catchUp?.windows.count ?? 0 <= configuration.maximumWindowCount
            && served.count <= configuration.maximumServedCount
            && checkedTransactions.count <= configuration.maximumCheckedTransactionCount
            && collectedByteCount <= configuration.maximumCollectedByteCount
        return isWithinBounds ? nil : "the block sync: \(load)"
    }

    private var collectedByteCount: Int { targets.reduce(0) { $0 + $1.byteCount } }

    /// The connected peers and the best block that each claims, ascending by handle.
    package var peerHeads: [(peer: PeerHandle, best: BlockRef)] {
        peers.handles.compactMap { handle in peers[handle].map { (handle, $0.best) } }
    }

    /// Handles one input.
    ///
    /// - Parameters:
    ///   - tree: blocks are inserted here; the owner finalises it and says so by `.finalised`.
    ///   - now: never earlier than at the input before.
    package mutating func handle(
        _ input: Input, tree: inout BlockTree, now: Instant
    ) -> [Effect] {
        expireRequests(now: now)
        switch input {
        case .streamOpened(let peer, let handshake):
            streamOpened(peer, handshake, tree: tree, now: now)
        case .streamClosed(let peer): streamClosed(peer, now: now)
        case .announcement(let peer, let bytes):
            announcement(peer, bytes, tree: tree, now: now)
        case .response(let id, let result): response(id, result, tree: tree, now: now)
        case .request(let id, let peer, let bytes): serve(id, peer, bytes, tree: tree, now: now)
        case .storedBlocks(let id, let blocks): storedBlocks(id, blocks, tree: tree)
        case .transactions(let peer, let bytes): transactions(peer, bytes, tree: tree, now: now)
        case .submit(let extrinsic): submit(extrinsic, tree: tree)
        case .checked(let id, let verdicts): checked(id, verdicts, tree: &tree, now: now)
        case .ownBlock(let block): ownBlock(block, tree: &tree)
        case .wanted(let ref, let sources): wanted(ref, sources, tree: tree, now: now)
        case .slotStarted(let slot): slotStarted(slot, tree: tree, now: now)
        case .finalised(let ref): finalised(ref, tree: tree)
        case .timer: armed = nil
        }
        showBest(of: tree, now: now)
        schedule(tree: tree, now: now)
        let result = effects
        effects = []
        return result
    }

    func isKnown(_ hash: Hash256, tree: BlockTree) -> Bool {
        tree.contains(hash) || verification.contains(hash)
    }

    mutating func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    mutating func report(_ peer: PeerHandle?, _ offence: SyncOffence) {
        if let peer { effects.append(.report(peer, offence)) }
    }

    /// Keeps our handshake and our peers up to date with the best head.
    private mutating func showBest(of tree: BlockTree, now: Instant) {
        if tree.best != shownBest {
            shownBest = tree.best
            reannounceAt = now + configuration.reannounceInterval
            effects.append(.handshakeChanged(handshake(best: tree.best)))
        } else if reannounceAt <= now {
            reannounceAt = now + configuration.reannounceInterval
            announceAgain(tree: tree)
        }
    }

    private mutating func slotStarted(_ slot: SlotNumber, tree: BlockTree, now: Instant) {
        guard slot > currentSlot else { return }
        currentSlot = slot
        let due = parked
        parked = []
        for item in due { announced(item.header, by: item.source, tree: tree, now: now) }
    }

    private mutating func finalised(_ ref: BlockRef, tree: BlockTree) {
        verification.removeOrphans(of: tree)
        for target in targets where target.ref.number <= ref.number {
            dropTarget(target.ref.hash)
        }
        parked.removeAll { $0.header.number <= ref.number }
        if let state = tree.state(of: tree.finalised.hash) {
            pool.prune(finalisedState: state, bestState: tree.state(of: tree.best.hash))
        }
        if let session = catchUp,
            session.windows.first?.start ?? session.next <= ref.number.rawValue
        {
            restartCatchUp()
        }
        stall = FinalityStall()
    }
}
