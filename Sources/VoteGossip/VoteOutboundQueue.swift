package import Primitives

/// The queue of gossip messages that wait for one peer's socket.
///
/// Bounded in bytes and messages. A full queue never closes the stream and never blocks: what has
/// been superseded gives way first, by round and phase, then what matters least; every drop is
/// counted by kind. A status or certificate replaces the older one that still waits. Own votes go
/// first and are the last to be dropped; the newest own vote of a phase is never dropped for an
/// older one.
package struct VoteOutboundQueue: OutboundQueue {
    /// Messages of one priority, first in, first out.
    private struct Lane {
        let priority: UInt8
        var entries: [Entry] = []
        var head = 0

        var waiting: ArraySlice<Entry> { entries[head...] }
    }

    private struct Entry {
        let message: OutboundMessage
        let order: UInt64
    }

    /// Where a waiting message is.
    private struct Place {
        let lane: Int
        let index: Int
    }

    /// By descending priority; the sender uses a handful.
    private var lanes: [Lane] = []
    private let maximumCount: Int
    private let maximumByteCount: Int
    private var nextOrder: UInt64 = 0

    package private(set) var queuedByteCount = 0
    package private(set) var count = 0
    package private(set) var droppedCount: UInt64 = 0
    /// Messages dropped for want of room, by kind.
    package private(set) var dropped = CountByKind()
    /// Messages replaced by a newer one of their stream or by their equal: nothing was lost.
    package private(set) var coalescedCount: UInt64 = 0

    /// A queue of at most that many messages and bytes.
    package init(maximumCount: Int = 512, maximumByteCount: Int) {
        precondition(maximumCount > 0 && maximumByteCount > 0)
        self.maximumCount = maximumCount
        self.maximumByteCount = maximumByteCount
    }

    /// Takes a message; what has to give way to keep the bounds is dropped and counted.
    package mutating func enqueue(_ message: OutboundMessage) {
        guard message.bytes.count <= maximumByteCount else { return countDrop(of: message) }
        guard !coalesce(message) else { return }
        append(message)
        while count > maximumCount || queuedByteCount > maximumByteCount {
            guard let place = victim() else { break }
            countDrop(of: remove(at: place))
        }
    }

    /// The message to be written next: of the highest priority, the one that waits longest.
    package mutating func dequeue() -> OutboundMessage? {
        for index in lanes.indices where lanes[index].head < lanes[index].entries.count {
            return remove(at: Place(lane: index, index: lanes[index].head))
        }
        return nil
    }

    // MARK: Coalescing

    /// Whether the queue is right without appending the message: its equal waits already, or a
    /// newer one of its replacing stream does. Removes the older one that it replaces.
    private mutating func coalesce(_ message: OutboundMessage) -> Bool {
        guard let supersession = message.supersession else { return false }
        let replaces = supersession.stream & OutboundStream.replacingBit != 0
        for lane in lanes.indices {
            for index in lanes[lane].waiting.indices {
                let other = lanes[lane].entries[index].message
                guard let waiting = other.supersession, waiting.stream == supersession.stream else {
                    continue
                }
                if waiting.position == supersession.position && other.bytes == message.bytes {
                    coalescedCount += 1
                    return true
                }
                guard replaces else { continue }
                coalescedCount += 1
                if waiting.position > supersession.position { return true }
                _ = remove(at: Place(lane: lane, index: index))
                return false
            }
        }
        return false
    }

    // MARK: Dropping

    /// What gives way next: superseded messages by position; then, of the lowest priority, the one
    /// of the lowest position, the oldest of equals.
    private func victim() -> Place? {
        let newest = newestPositions()
        var best: (place: Place, rank: Rank)?
        for lane in lanes.indices {
            for index in lanes[lane].waiting.indices {
                let entry = lanes[lane].entries[index]
                let position = entry.message.supersession?.position ?? 0
                let isSuperseded = entry.message.supersession.map { supersession in
                    newest.contains {
                        $0.stream == supersession.stream && $0.position > supersession.position
                    }
                }
                let rank = Rank(
                    superseded: isSuperseded ?? false, priority: lanes[lane].priority,
                    position: position, order: entry.order)
                if best.map({ rank < $0.rank }) ?? true {
                    best = (Place(lane: lane, index: index), rank)
                }
            }
        }
        return best?.place
    }

    /// The highest waiting position of each stream; streams are few.
    private func newestPositions() -> [OutboundMessage.Supersession] {
        var newest: [OutboundMessage.Supersession] = []
        for lane in lanes {
            for entry in lane.waiting {
                guard let supersession = entry.message.supersession else { continue }
                if let known = newest.firstIndex(where: { $0.stream == supersession.stream }) {
                    newest[known].position = max(newest[known].position, supersession.position)
                } else {
                    newest.append(supersession)
                }
            }
        }
        return newest
    }

    /// Lower gives way first.
    private struct Rank: Comparable {
        let superseded: Bool
        let priority: UInt8
        let position: UInt128
        let order: UInt64

        static func < (left: Rank, right: Rank) -> Bool {
            if left.superseded != right.superseded { return left.superseded }
            if left.superseded {
                return (left.position, left.order) < (right.position, right.order)
            }
            return (left.priority, left.position, left.order)
                < (right.priority, right.position, right.order)
        }
    }

    private mutating func countDrop(of message: OutboundMessage) {
        droppedCount += 1
        if let kind = message.bytes.first.flatMap(GossipMessageKind.init) { dropped[kind] += 1 }
    }

    // MARK: Lanes

    private mutating func append(_ message: OutboundMessage) {
        let index: Int
        if let known = lanes.firstIndex(where: { $0.priority <= message.priority }) {
            index = known
            if lanes[index].priority != message.priority {
                lanes.insert(Lane(priority: message.priority), at: index)
            }
        } else {
            index = lanes.count
            lanes.append(Lane(priority: message.priority))
        }
        lanes[index].entries.append(Entry(message: message, order: nextOrder))
        nextOrder += 1
        count += 1
        queuedByteCount += message.bytes.count
    }

    private mutating func remove(at place: Place) -> OutboundMessage {
        let message = lanes[place.lane].entries[place.index].message
        if place.index == lanes[place.lane].head && place.index < 64 {
            // The usual way out: leave the gap and close it once in a while.
            lanes[place.lane].entries[place.index] = Entry(
                message: OutboundMessage(bytes: []), order: 0)
            lanes[place.lane].head += 1
        } else {
            lanes[place.lane].entries.remove(at: place.index)
        }
        if lanes[place.lane].head == lanes[place.lane].entries.count {
            lanes[place.lane].entries.removeAll(keepingCapacity: true)
            lanes[place.lane].head = 0
        } else if lanes[place.lane].head == 64 {
            lanes[place.lane].entries.removeFirst(64)
            lanes[place.lane].head = 0
        }
        count -= 1
        queuedByteCount -= message.bytes.count
        return message
    }
}

/// The streams and priorities of gossip messages, as outbound queues tell them apart.
package enum OutboundStream {
    /// Set in streams whose newest message replaces the one that waits, however much room there is.
    package static let replacingBit: UInt64 = 1 << 63

    /// The own node's view: only the newest is of use.
    package static let status = replacingBit | 1
    /// Certificates: the newest finalises all that older ones do.
    package static let certificate = replacingBit | 2
    /// Quorum certificates: only the one of the highest round is of use.
    package static let quorumCertificate = replacingBit | 3
    /// Own votes of phase 0 (prevote) and 1 (precommit).
    package static func ownVotes(phase: UInt8) -> UInt64 { 16 + UInt64(phase) }
    /// Others' votes of a phase, in bundles.
    package static func bundles(phase: UInt8) -> UInt64 { 32 + UInt64(phase) }
    /// Requests: none replaces another.
    package static let request: UInt64 = 48

    /// The position of a round's votes: a set's rounds come after all of an older set's.
    package static func position(set: SetID, round: RoundNumber) -> UInt128 {
        UInt128(set.rawValue) << 64 | UInt128(round.rawValue)
    }
}

/// Priorities of gossip messages, by descending urgency.
package enum OutboundPriority {
    package static let ownVote: UInt8 = 250
    package static let certificate: UInt8 = 200
    package static let bundle: UInt8 = 150
    package static let request: UInt8 = 100
    package static let status: UInt8 = 50
}
