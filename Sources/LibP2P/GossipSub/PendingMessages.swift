internal import Primitives

/// The messages whose verdict the application owes. Bounded in number, bytes, and for each peer.
struct PendingMessages: Sendable {
    struct Entry: Sendable {
        let message: PubSubMessage
        /// Who brought it first.
        let source: PeerID
        let deadline: Instant
    }

    private let configuration: GossipSubConfiguration
    private var entries: [MessageID: Entry] = [:]
    private var order = FIFO<(id: MessageID, deadline: Instant)>()
    private var countBySource: [PeerID: Int] = [:]
    private(set) var byteCount = 0

    init(_ configuration: GossipSubConfiguration) { self.configuration = configuration }

    var count: Int { entries.count }

    func contains(_ id: MessageID) -> Bool { entries[id] != nil }

    /// Whether another message of a peer's finds room.
    func hasRoom(for message: PubSubMessage, of source: PeerID) -> Bool {
        entries.count < configuration.maximumPending
            && (countBySource[source] ?? 0) < configuration.maximumPendingPerPeer
            && byteCount + message.footprint <= configuration.maximumPendingByteCount
    }

    mutating func insert(
        _ message: PubSubMessage, as id: MessageID, from source: PeerID, now: Instant
    ) {
        let deadline = now + configuration.validationTimeout
        entries[id] = Entry(message: message, source: source, deadline: deadline)
        order.append((id, deadline))
        countBySource[source, default: 0] += 1
        byteCount += message.footprint
        if order.count > 2 * configuration.maximumPending { compact() }
    }

    /// Takes out what was answered behind a message that waits: at most every `maximumPending`
    /// messages.
    private mutating func compact() {
        var waiting = FIFO<(id: MessageID, deadline: Instant)>()
        while let place = order.popFirst() {
            if entries[place.id]?.deadline == place.deadline { waiting.append(place) }
        }
        order = waiting
    }

    /// The verdict is there: takes the message out; nil when it is not waiting (any more).
    mutating func remove(_ id: MessageID) -> Entry? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        byteCount -= entry.message.footprint
        let count = countBySource[entry.source] ?? 0
        countBySource[entry.source] = count > 1 ? count - 1 : nil
        // Answers come about in order: what is answered at the front leaves at once.
        while let first = order.first, entries[first.id]?.deadline != first.deadline {
            _ = order.popFirst()
        }
        return entry
    }

    /// Gives up on what has waited too long; its names.
    mutating func expire(now: Instant) -> [MessageID] {
        var expired: [MessageID] = []
        while let first = order.first, first.deadline <= now {
            _ = order.popFirst()
            guard entries[first.id]?.deadline == first.deadline, remove(first.id) != nil else {
                continue
            }
            expired.append(first.id)
        }
        return expired
    }
}
