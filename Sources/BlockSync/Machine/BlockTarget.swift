internal import Chain
internal import Primitives

/// A block that is fetched by its hash, with the ancestors that are missing.
struct BlockTarget: Sendable {
    /// The block.
    let ref: BlockRef
    /// The block's parent, if its header is known.
    let parent: Hash256?
    /// Whether votes or a certificate name it; else a peer announced it.
    var isWanted: Bool
    /// The peer whose announcement made it a target, for the bound per peer.
    let announcer: PeerHandle?
    /// Peers that should have it.
    var sources: [PeerHandle]
    /// Blocks fetched so far: the block itself, then ancestor after ancestor, as far as memory
    /// allows.
    var collected: [CollectedBlock] = []
    /// Bytes of `collected`.
    var byteCount = 0
    /// The next block to ask for; the block itself at first.
    var next: BlockRef
    /// Our request for it.
    var request: RequestID?
    /// Requests that brought nothing good.
    var failureCount = 0
    /// Not asked for before this time.
    var notBefore: Instant

    /// At most this many sources are remembered.
    static let maximumSourceCount = 8

    init(
        ref: BlockRef, parent: Hash256?, isWanted: Bool, announcer: PeerHandle?,
        sources: [PeerHandle], now: Instant
    ) {
        self.ref = ref
        self.parent = parent
        self.isWanted = isWanted
        self.announcer = announcer
        self.sources = Array(sources.prefix(Self.maximumSourceCount))
        next = ref
        notBefore = now
    }

    mutating func addSource(_ peer: PeerHandle) {
        guard !sources.contains(peer), sources.count < Self.maximumSourceCount else { return }
        sources.append(peer)
    }
}

/// A block that came in a response, with its certificate and the peer it came from.
struct CollectedBlock: Sendable {
    let block: Block
    let justification: [UInt8]?
    let source: PeerHandle
}
