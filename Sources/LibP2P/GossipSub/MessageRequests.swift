internal import Primitives

/// What was asked for with IWANT and has not come: who promised it, and of how many it is asked
/// (GossipSub 1.1, "Spam Protection Measures"). Bounded.
struct MessageRequests: Sendable {
    private struct Request: Sendable {
        let id: MessageID
        let peer: PeerID
        let deadline: Instant
        /// The one of an IWANT whose absence counts against the peer.
        let isPromise: Bool
    }

    private let maximumCount: Int
    private var order = FIFO<Request>()
    /// Of how many peers each message is asked.
    private var open: [MessageID: Int] = [:]

    init(maximumCount: Int) { self.maximumCount = maximumCount }

    var count: Int { order.count }

    /// Whether one more peer may be asked for a message, with `pending` requests to be added before.
    func mayAsk(for id: MessageID, atMost limit: Int, pending: Int) -> Bool {
        order.count + pending < maximumCount && (open[id] ?? 0) < limit
    }

    mutating func add(
        _ id: MessageID, of peer: PeerID, isPromise: Bool, deadline: Instant
    ) {
        open[id, default: 0] += 1
        order.append(Request(id: id, peer: peer, deadline: deadline, isPromise: isPromise))
    }

    /// The message came, from whomever.
    mutating func fulfil(_ id: MessageID) { open[id] = nil }

    /// Ends requests whose time is up; who broke a promise, once for each.
    mutating func expire(now: Instant) -> [PeerID] {
        var broken: [PeerID] = []
        while let first = order.first, first.deadline <= now {
            _ = order.popFirst()
            guard let count = open[first.id] else { continue }
            open[first.id] = count > 1 ? count - 1 : nil
            if first.isPromise { broken.append(first.peer) }
        }
        return broken
    }
}
