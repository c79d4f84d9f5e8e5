package import Chain
package import Coherence
package import Primitives
package import Validator

/// What happened, for people: the newest lines of it.
package struct Transcript: Sendable {
    /// A line.
    package struct Line: Sendable, Hashable {
        package let at: Instant
        /// The node; nil for the world.
        package let node: Int?
        package let what: Event
    }

    /// What a line tells.
    package enum Event: Sendable, Hashable {
        case started(BlockRef, RoundNumber)
        case crashed
        case authored(BlockRef, SlotNumber)
        case imported(BlockRef, isBest: Bool)
        case entered(RoundNumber)
        case voted(VoteSlot, VoteTarget)
        case counted(VoteSlot, VoteTarget, votes: Int)
        case locked(BlockRef, RoundNumber)
        case lockDropped(BlockRef, RoundNumber)
        case finalised(BlockRef, RoundNumber)
        case streamOpened(peer: Int, Channel)
        case streamClosed(peer: Int, Channel)
        case note(String)
        case fault(String)
    }

    private var lines: [Line] = []
    private var head = 0
    private let limit: Int
    /// How many lines there ever were.
    package private(set) var totalCount = 0

    package init(limit: Int) { self.limit = max(1, limit) }

    mutating func add(_ event: Event, node: Int? = nil, at now: Instant) {
        let line = Line(at: now, node: node, what: event)
        totalCount += 1
        if lines.count < limit {
            lines.append(line)
        } else {
            lines[head] = line
            head = (head + 1) % limit
        }
    }

    /// The lines that are kept, the oldest first.
    package var newest: [Line] { Array(lines[head...] + lines[..<head]) }
}

extension Transcript.Line: CustomStringConvertible {
    /// `   12.345678 n2 prevote of round 3 for #7 0x1234…cdef`
    package var description: String {
        let microseconds = at.nanoseconds / 1_000
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        let seconds = String(microseconds / 1_000_000)
        let padding = String(repeating: " ", count: max(0, 6 - seconds.count))
        return "\(padding)\(seconds).\(fraction) \(node.map { "n\($0)" } ?? "--") \(what)"
    }
}

extension Transcript.Event: CustomStringConvertible {
    package var description: String {
        switch self {
        case .started(let block, let round): "starts at F \(block), round \(round)"
        case .crashed: "crashes"
        case .authored(let block, let slot): "authors \(block) in slot \(slot)"
        case .imported(let block, let isBest): "imports \(block)\(isBest ? ", best" : "")"
        case .entered(let round): "enters round \(round)"
        case .voted(let slot, let target):
            "sends its \(slot.phase) of round \(slot.round) for \(target)"
        case .counted(let slot, let target, let votes):
            "counts n\(slot.validator)'s \(slot.phase) of round \(slot.round) for \(target): \(votes)"
        case .locked(let block, let round): "locks \(block) in round \(round)"
        case .lockDropped(let block, let round): "drops its lock of round \(round) on \(block)"
        case .finalised(let block, let round): "finalises \(block) by round \(round)"
        case .streamOpened(let peer, let channel): "hears n\(peer)'s \(channel)"
        case .streamClosed(let peer, let channel): "hears n\(peer)'s \(channel) no more"
        case .note(let text): text
        case .fault(let text): "*** \(text)"
        }
    }
}
