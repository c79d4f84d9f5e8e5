internal import DequeModule
package import LibP2P
package import Primitives

/// The queues between one notifications protocol's owner and the event loop: per peer an outbound
/// queue, and a lane of undelivered events. Both are bounded; lanes are emptied in turn, so that a
/// peer that floods delays nobody but itself.
package struct NotificationMailbox: Sendable {
    private struct Lane: Sendable {
        var events: Deque<NotificationEvent> = []
        var byteCount = 0
        var isPaused = false
    }

    private struct Outbound: Sendable {
        var queue: any OutboundQueue
        var isWakePending = false
    }

    private var lanes: [PeerID: Lane] = [:]
    /// Peers whose lane holds events, in the order in which they have their turn.
    private var turns: Deque<PeerID> = []
    private var outbound: [PeerID: Outbound] = [:]
    private let byteLimit: Int
    private let countLimit: Int
    private(set) var isFinished = false
    var counters = ProtocolCounters()
    private var droppedBefore: UInt64 = 0

    package init(byteLimit: Int, countLimit: Int) {
        precondition(byteLimit > 0 && countLimit > 2)
        self.byteLimit = byteLimit
        self.countLimit = countLimit
    }

    // MARK: From the event loop to the owner

    /// Whether the lane of a peer is full: its stream shall not be read until the owner took some.
    package func isFull(_ peer: PeerID) -> Bool {
        guard let lane = lanes[peer] else { return false }
        return lane.byteCount >= byteLimit || lane.events.count >= countLimit
    }

    /// Makes a note that the event loop waits for room in a peer's lane.
    package mutating func pause(_ peer: PeerID) { lanes[peer]?.isPaused = true }

    /// Queues an event behind the others of its peer.
    package mutating func deliver(_ event: NotificationEvent) {
        guard !isFinished else { return }
        if case .notification(_, let bytes) = event { counters.received(bytes.count) }
        let peer = event.peer
        var lane = lanes.removeValue(forKey: peer) ?? Lane()
        if lane.events.isEmpty { turns.append(peer) }
        lane.events.append(event)
        lane.byteCount += event.byteCount
        lanes[peer] = lane
    }

    /// The next event, and the peer whose stream may be read on because of that.
    package mutating func next() -> (event: NotificationEvent, resumed: PeerID?)? {
        guard let peer = turns.popFirst(), var lane = lanes.removeValue(forKey: peer),
            let event = lane.events.popFirst()
        else { return nil }
        lane.byteCount -= event.byteCount
        let hasRoom = lane.byteCount <= byteLimit / 2 && lane.events.count <= countLimit / 2
        let resumed = lane.isPaused && hasRoom ? peer : nil
        if hasRoom { lane.isPaused = false }
        if !lane.events.isEmpty {
            turns.append(peer)
            lanes[peer] = lane
        }
        return (event, resumed)
    }

    /// Nothing is delivered any more, beyond what is queued.
    package mutating func finish() { isFinished = true }

    // MARK: From the owner to the event loop

    /// The peers that notifications can be sent to, in order.
    package var openPeers: [PeerID] { outbound.keys.sorted() }

    /// A peer's stream is open: its queue begins empty.
    package mutating func open(_ peer: PeerID, queue: any OutboundQueue) {
        outbound[peer] = Outbound(queue: queue)
    }

    /// A peer's stream is gone, and what was queued for it.
    package mutating func close(_ peer: PeerID) {
        guard let lost = outbound.removeValue(forKey: peer) else { return }
        droppedBefore += lost.queue.droppedCount + UInt64(lost.queue.count)
    }

    /// Queues a message for each peer whose stream is open; the rest is not counted. Gives the
    /// peers of which the event loop has to be told.
    package mutating func enqueue(_ message: OutboundMessage, to peers: [PeerID]) -> [PeerID] {
        var woken: [PeerID] = []
        for peer in peers {
            guard outbound[peer] != nil else { continue }
            outbound[peer]?.queue.enqueue(message)
            if outbound[peer]?.isWakePending == false {
                outbound[peer]?.isWakePending = true
                woken.append(peer)
            }
        }
        return woken
    }

    /// The next message for a peer. With nil the event loop stops asking until it is told again.
    package mutating func dequeue(_ peer: PeerID) -> OutboundMessage? {
        guard let message = outbound[peer]?.queue.dequeue() else {
            outbound[peer]?.isWakePending = false
            return nil
        }
        counters.sent(message.bytes.count)
        return message
    }

    /// Bytes that wait for slow peers, in all queues together.
    package var queuedByteCount: Int {
        outbound.values.reduce(0) { $0 + $1.queue.queuedByteCount }
    }

    /// What went over the protocol, with the drops of all queues.
    package var totals: ProtocolCounters {
        var totals = counters
        totals.drops = outbound.values.reduce(droppedBefore) { $0 + $1.queue.droppedCount }
        return totals
    }
}
