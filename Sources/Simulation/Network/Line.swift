internal import Primitives
internal import Validator
internal import VoteGossip

/// One direction of a connection: the sender's queues, and what is on its way.
///
/// Packets leave in the order votes, blocks, transactions, requests, one after the other; at most a
/// window's worth is on its way, the rest waits in the queues, where what is superseded gives way.
///
/// As in the other objects of the simulator, exclusive access to what is touched at every packet is
/// not checked at run time, which took a twentieth of all time: one thread runs it, and no access
/// calls anything that comes back to the same property.
final class Line {
    /// Bounds of the queues other than that of votes.
    static let queueCount = 1_024
    static let queueByteCount = 8 << 20

    @exclusivity(unchecked) private(set) var votes: VoteOutboundQueue
    @exclusivity(unchecked) private(set) var blocks: FIFOOutboundQueue
    @exclusivity(unchecked) private(set) var transactions: FIFOOutboundQueue
    @exclusivity(unchecked) private var exchanges: [Packet] = []
    let voteByteBudget: Int

    /// Whether the sender's side of each channel's stream is open.
    @exclusivity(unchecked) var isOpen = [Bool](repeating: false, count: Channel.allCases.count)
    /// When the receiver's side of each channel's stream opens: nothing is heard before.
    @exclusivity(unchecked) var heardFrom = [Instant](
        repeating: .zero, count: Channel.allCases.count)
    /// Nothing overtakes what was sent before it on the same stream.
    @exclusivity(unchecked) var lastArrival = [Instant](
        repeating: .zero, count: Channel.allCases.count + 1)
    /// What was sent last on each channel, in turns: message i of channel c at place
    /// c * keptCount + i % keptCount.
    @exclusivity(unchecked) private var kept = [[UInt8]](
        repeating: [], count: Channel.allCases.count * keptCount)
    @exclusivity(unchecked) private var sentCount = [Int](
        repeating: 0, count: Channel.allCases.count)
    private static let keptCount = 6
    /// Since when nothing arrives.
    var blockedSince = Instant.zero
    /// How many faults keep everything that is sent from arriving.
    @exclusivity(unchecked) var blockerCount = 0
    /// What was sent while the line was blocked.
    var stalled: [Packet] = []
    /// Bytes sent and not arrived.
    @exclusivity(unchecked) var inFlightByteCount = 0
    /// When the last packet has left the sender.
    @exclusivity(unchecked) var isFreeAt = Instant.zero
    /// The sender has an event coming that goes on sending.
    @exclusivity(unchecked) var isWaitingToSend = false

    init(voteByteBudget: Int) {
        self.voteByteBudget = voteByteBudget
        votes = VoteOutboundQueue(maximumByteCount: voteByteBudget)
        blocks = FIFOOutboundQueue(
            maximumCount: Self.queueCount, maximumByteCount: Self.queueByteCount)
        transactions = FIFOOutboundQueue(
            maximumCount: Self.queueCount, maximumByteCount: Self.queueByteCount)
    }

    /// The connection is gone, with everything on it.
    func reset() {
        for channel in Channel.allCases { drop(channel) }
        exchanges = []
        heardFrom = [Instant](repeating: .zero, count: heardFrom.count)
        lastArrival = [Instant](repeating: .zero, count: lastArrival.count)
        stalled = []
        inFlightByteCount = 0
        isFreeAt = .zero
        isWaitingToSend = false
    }

    func enqueue(_ message: OutboundMessage, on channel: Channel) {
        switch channel {
        case .votes: votes.enqueue(message)
        case .blocks: blocks.enqueue(message)
        case .transactions: transactions.enqueue(message)
        }
    }

    func enqueue(_ exchange: Packet) { exchanges.append(exchange) }

    /// Takes back a request or response that still waits.
    func withdraw(_ token: RequestToken) {
        if !exchanges.isEmpty { exchanges.removeAll { $0.token == token } }
    }

    /// Forgets what waits on a channel whose stream closed.
    func drop(_ channel: Channel) {
        isOpen[Int(channel.rawValue)] = false
        switch channel {
        case .votes: votes = VoteOutboundQueue(maximumByteCount: voteByteBudget)
        case .blocks: while blocks.dequeue() != nil {}
        case .transactions: while transactions.dequeue() != nil {}
        }
    }

    /// The packet that leaves next; `streams` are the numbers of the channels' present streams.
    func next(streams: [UInt32]) -> Packet? {
        if let message = votes.dequeue() { return notification(.votes, message, streams) }
        if let message = blocks.dequeue() { return notification(.blocks, message, streams) }
        if let message = transactions.dequeue() {
            return notification(.transactions, message, streams)
        }
        return exchanges.isEmpty ? nil : exchanges.removeFirst()
    }

    /// Whether nothing that is sent arrives.
    var isBlocked: Bool { blockerCount > 0 }

    /// Whether something waits to be sent.
    var hasWaiting: Bool {
        votes.count + blocks.count + transactions.count + exchanges.count > 0
    }

    /// The queue that exceeds its bounds; nil when all keep them. Of requests there is one at a
    /// time, and four at most are answered.
    var excess: String? {
        if exchanges.count > 8 { return "requests and responses for a peer: \(exchanges.count)" }
        if votes.queuedByteCount > voteByteBudget || votes.count > 512 {
            return "votes for a peer: \(votes.count), \(votes.queuedByteCount) bytes"
        }
        if blocks.queuedByteCount > Self.queueByteCount || blocks.count > Self.queueCount {
            return "blocks for a peer: \(blocks.count), \(blocks.queuedByteCount) bytes"
        }
        if transactions.queuedByteCount > Self.queueByteCount
            || transactions.count > Self.queueCount
        {
            return "transactions for a peer: \(transactions.count)"
        }
        return nil
    }

    /// What was sent last on a channel, the oldest first, for a second delivery.
    func recent(_ channel: Channel) -> [[UInt8]] {
        let index = Int(channel.rawValue)
        let sent = sentCount[index]
        return (max(0, sent - Self.keptCount)..<sent).map {
            kept[index * Self.keptCount + $0 % Self.keptCount]
        }
    }

    private func notification(
        _ channel: Channel, _ message: OutboundMessage, _ streams: [UInt32]
    ) -> Packet {
        let index = Int(channel.rawValue)
        kept[index * Self.keptCount + sentCount[index] % Self.keptCount] = message.bytes
        sentCount[index] += 1
        return .notification(channel, stream: streams[index], message.bytes)
    }
}
