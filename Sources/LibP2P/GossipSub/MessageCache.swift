/// The accepted messages of the last heartbeats: what is advertised, and what peers may ask for
/// (GossipSub 1.0, "Message Cache"). Bounded in time, number and bytes.
struct MessageCache: Sendable {
    private struct Entry: Sendable {
        let message: PubSubMessage
        /// How often each peer was given it.
        var given: [PeerID: Int] = [:]
    }

    private struct Place: Sendable {
        let id: MessageID
        let topic: String
        let heartbeat: UInt64
    }

    private let historyLength: UInt64
    private let historyGossip: UInt64
    private let maximumCount: Int
    private let maximumByteCount: Int
    private var entries: [MessageID: Entry] = [:]
    /// Oldest first.
    private var places = FIFO<Place>()
    private var heartbeat: UInt64 = 0
    private(set) var byteCount = 0

    init(_ configuration: GossipSubConfiguration) {
        historyLength = UInt64(configuration.historyLength)
        historyGossip = UInt64(configuration.historyGossip)
        maximumCount = configuration.maximumCached
        maximumByteCount = configuration.maximumCachedByteCount
    }

    var count: Int { entries.count }

    /// Keeps a message; the oldest give way when there is no room.
    mutating func insert(_ message: PubSubMessage, as id: MessageID) {
        guard entries[id] == nil else { return }
        entries[id] = Entry(message: message)
        byteCount += message.footprint
        places.append(Place(id: id, topic: message.topic, heartbeat: heartbeat))
        while entries.count > maximumCount || byteCount > maximumByteCount {
            guard dropOldest() else { return }
        }
    }

    /// The names to advertise in a topic, oldest first.
    func advertised(in topic: String) -> [MessageID] {
        places.elements.filter { $0.heartbeat + historyGossip > heartbeat && $0.topic == topic }
            .map(\.id)
    }

    /// Gives a peer a message that it asks for, so many times at most.
    mutating func take(_ id: MessageID, for peer: PeerID, atMost limit: Int) -> PubSubMessage? {
        guard let entry = entries[id] else { return nil }
        let count = entry.given[peer] ?? 0
        guard count < limit else { return nil }
        entries[id]?.given[peer] = count + 1
        return entry.message
    }

    /// A heartbeat passes.
    mutating func shift() {
        heartbeat += 1
        while let oldest = places.first, oldest.heartbeat + historyLength <= heartbeat {
            dropOldest()
        }
    }

    /// False when there is none.
    @discardableResult
    private mutating func dropOldest() -> Bool {
        guard let oldest = places.popFirst() else { return false }
        if let entry = entries.removeValue(forKey: oldest.id) {
            byteCount -= entry.message.footprint
        }
        return true
    }
}
