internal import Primitives

/// What waits to be written to one peer. Bounded: when there is no room, gossip gives way before
/// messages, and old messages before new ones; nothing that is full ever closes a stream.
///
/// Subscriptions, GRAFT and PRUNE go first and are never dropped: of each topic only the last word
/// is kept. Then IDONTWANT, which is of use only while it is early, then messages, then gossip.
public struct GossipOutboundQueue: Sendable {
    private enum MeshWord: Sendable {
        case graft
        case prune(GossipRPC.Prune)
    }

    private struct Waiting: Sendable {
        let id: MessageID?
        let message: PubSubMessage
    }

    private let maximumMessages: Int
    private let maximumByteCount: Int
    private let maximumGossip: Int
    /// A frame takes no more messages once it is that long.
    private static let frameByteCount = 16 * 1_024
    /// Names of IDONTWANT in one frame.
    private static let unwantedPerFrame = 128

    /// Sorted by topic, as the mesh words are.
    private var subscriptions: [(topic: String, isSubscribed: Bool)] = []
    private var meshWords: [(topic: String, word: MeshWord)] = []
    private var unwanted = FIFO<MessageID>()
    private var messages = FIFO<Waiting>()
    private var advertisements = FIFO<GossipRPC.Advertisement>()
    private var wanted = FIFO<MessageID>()
    private let signing: PubSubSigning
    /// Bytes of the messages that wait.
    public private(set) var queuedByteCount = 0
    /// Messages dropped so far.
    public private(set) var droppedMessages: UInt64 = 0
    /// IHAVE, and names of IWANT and IDONTWANT, dropped so far.
    public private(set) var droppedGossip: UInt64 = 0

    /// A queue of at most that many messages and bytes, and names asked for; `signing` says how
    /// messages are named.
    public init(
        signing: PubSubSigning, maximumMessages: Int = 1_024,
        maximumByteCount: Int = 4 * 1_024 * 1_024, maximumGossip: Int = 5_000
    ) {
        precondition(maximumMessages > 0 && maximumByteCount > 0 && maximumGossip > 0)
        self.signing = signing
        self.maximumMessages = maximumMessages
        self.maximumByteCount = maximumByteCount
        self.maximumGossip = maximumGossip
    }

    /// Messages that wait.
    public var messageCount: Int { messages.count }

    /// Whether nothing waits.
    public var isEmpty: Bool {
        subscriptions.isEmpty && meshWords.isEmpty && unwanted.isEmpty && messages.isEmpty
            && advertisements.isEmpty && wanted.isEmpty
    }

    /// Takes what is to be said, part by part.
    public mutating func enqueue(_ rpc: GossipRPC) {
        for subscription in rpc.subscriptions {
            let (index, isPresent) = subscriptions.position(of: subscription.topic) { $0.topic }
            if isPresent { subscriptions.remove(at: index) }
            subscriptions.insert((subscription.topic, subscription.isSubscribed), at: index)
        }
        for topic in rpc.grafts { setMeshWord(.graft, of: topic) }
        for prune in rpc.prunes { setMeshWord(.prune(prune), of: prune.topic) }
        for id in rpc.unwanted { droppedGossip += Self.append(id, to: &unwanted, maximumGossip) }
        for message in rpc.messages { append(message) }
        for id in rpc.wanted { droppedGossip += Self.append(id, to: &wanted, maximumGossip) }
        for advertisement in rpc.advertisements {
            // A slow peer has no use for the gossip of heartbeats long past.
            if advertisements.count >= GossipRPCLimits().maximumControlEntries {
                _ = advertisements.popFirst()
                droppedGossip += 1
            }
            advertisements.append(advertisement)
        }
    }

    /// The peer has these messages: they are not sent if they still wait.
    public mutating func withdraw(_ ids: [MessageID]) {
        var left = FIFO<Waiting>()
        let ids = Set(ids)
        while let waiting = messages.popFirst() {
            if let id = waiting.id, ids.contains(id) {
                queuedByteCount -= waiting.message.footprint
            } else {
                left.append(waiting)
            }
        }
        messages = left
    }

    /// The next frame to be written, nil when nothing waits.
    public mutating func dequeue() -> GossipRPC? {
        guard !isEmpty else { return nil }
        var rpc = GossipRPC()
        for (topic, isSubscribed) in subscriptions {
            rpc.subscriptions.append(.init(topic, isSubscribed: isSubscribed))
        }
        for (topic, word) in meshWords {
            switch word {
            case .graft: rpc.grafts.append(topic)
            case .prune(let prune): rpc.prunes.append(prune)
            }
        }
        (subscriptions, meshWords) = ([], [])
        while rpc.unwanted.count < Self.unwantedPerFrame, let id = unwanted.popFirst() {
            rpc.unwanted.append(id)
        }
        var byteCount = 0
        while byteCount < Self.frameByteCount, let waiting = messages.first {
            // A message longer than a frame's share goes alone: a frame has its limit too.
            let size = waiting.message.footprint
            if byteCount > 0, byteCount + size > Self.frameByteCount { return rpc }
            _ = messages.popFirst()
            byteCount += size
            queuedByteCount -= size
            rpc.messages.append(waiting.message)
        }
        guard messages.isEmpty, byteCount < Self.frameByteCount else { return rpc }
        while let id = wanted.popFirst() { rpc.wanted.append(id) }
        var names = 0
        while names < maximumGossip, let advertisement = advertisements.popFirst() {
            names += advertisement.messages.count
            rpc.advertisements.append(advertisement)
        }
        return rpc
    }

    private mutating func setMeshWord(_ word: MeshWord, of topic: String) {
        let (index, isPresent) = meshWords.position(of: topic) { $0.topic }
        if isPresent { meshWords.remove(at: index) }
        meshWords.insert((topic, word), at: index)
    }

    /// Adds a name; how many others gave way.
    private static func append(
        _ id: MessageID, to list: inout FIFO<MessageID>, _ limit: Int
    ) -> UInt64 {
        let gaveWay: UInt64 = list.count >= limit && list.popFirst() != nil ? 1 : 0
        list.append(id)
        return gaveWay
    }

    private mutating func append(_ message: PubSubMessage) {
        let size = message.footprint
        guard size <= maximumByteCount else {
            droppedMessages += 1
            return
        }
        if messages.count >= maximumMessages || queuedByteCount + size > maximumByteCount {
            dropGossip()
        }
        while messages.count >= maximumMessages || queuedByteCount + size > maximumByteCount,
            let oldest = messages.popFirst()
        {
            queuedByteCount -= oldest.message.footprint
            droppedMessages += 1
        }
        queuedByteCount += size
        messages.append(
            Waiting(id: try? message.identifier(under: signing), message: message))
    }

    /// A peer that messages pile up for has no use for gossip about more of them.
    private mutating func dropGossip() {
        droppedGossip += UInt64(advertisements.count + wanted.count)
        advertisements.removeAll()
        wanted.removeAll()
    }
}
