internal import BlockSync
package import Chain
package import Primitives
package import Validator

/// Compares this node's clock with those of the others, which show in the slots of their blocks.
///
/// A clock that is ahead sees blocks of others arrive long after their slots have begun. Only blocks
/// with a valid seal count, and only those that came no faster than slots pass: old blocks that are
/// fetched come faster than that. The delay that is told is one of an author among the f + 1 with
/// the longest, so that f authors who hold their blocks back cannot feign it.
///
/// A clock that is behind, or that was set back, sees announcements of slots that have not begun
/// here, which nothing proves; so they count only while no block of another author is imported in
/// time, which an honest majority's would be.
package struct ClockWatch: Sendable {
    /// What the operator has to know.
    package enum Notice: Sendable, Equatable {
        /// This clock is ahead of the others' by that much; behind them when it is negative.
        case wrong(milliseconds: Int64)
        /// It agrees with the others' again.
        case right
    }

    private struct Sample: Sendable {
        let milliseconds: Int64
        let taken: Instant
    }

    /// Peers whose announcements are remembered. There are fewer than that connected.
    private static let peerLimit = 256
    /// A skew below this is not told of, nor is one of less than a slot. Milliseconds.
    private static let leastMilliseconds: UInt64 = 2_000
    /// Between two notices of a clock that stays wrong.
    private static let repetition = Duration.seconds(60)

    private let constants: ChainConstants
    private let slot: Duration
    private let threshold: Int64
    /// How long after its slot's start the newest block of each other author came.
    private var delays: [AccountID: Sample] = [:]
    /// How long before its slot's start the newest too early announcement of each peer came.
    private var leads: [PeerHandle: Sample] = [:]
    private var leadsSince: Instant?
    /// The newest block of another author.
    private var newest: (slot: SlotNumber, imported: Instant)?
    private var noticed: Instant?
    /// How far this clock is ahead of the others' (negative: behind), in milliseconds; nil while
    /// nothing speaks against it.
    package private(set) var skewMilliseconds: Int64?

    package init(constants: ChainConstants) {
        self.constants = constants
        let milliseconds = constants.slotDurationMilliseconds
        slot = .milliseconds(milliseconds)
        threshold = Int64(clamping: max(Self.leastMilliseconds, milliseconds))
    }

    /// Takes an event into account.
    ///
    /// - Parameters:
    ///   - validators: how many the set in force has.
    ///   - now: monotonic time.
    ///   - unixMilliseconds: wall time.
    package mutating func note(
        _ event: ValidatorEvent, validators: Int, now: Instant, unixMilliseconds: UInt64
    ) -> Notice? {
        switch event {
        case .imported(let block, let author, _, false):
            guard let slot = block.header.slot, isInTime(slot, now) else { return nil }
            leads.removeAll()
            leadsSince = nil
            delays[author] = Sample(
                milliseconds: distance(from: slot, to: unixMilliseconds), taken: now)
        case .sync(.farAhead(_, let slot, let peer?)):
            guard leads[peer] != nil || leads.count < Self.peerLimit else { return nil }
            leadsSince = leadsSince ?? now
            leads[peer] = Sample(
                milliseconds: distance(from: slot, to: unixMilliseconds), taken: now)
        default: return nil
        }
        return judge(validators: validators, now)
    }

    /// Whether a block is newer than those before, and did not come faster than slots pass.
    private mutating func isInTime(_ slot: SlotNumber, _ now: Instant) -> Bool {
        guard let before = newest else {
            newest = (slot, now)
            return false
        }
        guard slot > before.slot else { return false }
        newest = (slot, now)
        let slots = Int64(clamping: slot.rawValue - before.slot.rawValue)
        return (now - before.imported) / self.slot * 2 >= Double(slots)
    }

    /// From a slot's start to a moment, in milliseconds.
    private func distance(from slot: SlotNumber, to unixMilliseconds: UInt64) -> Int64 {
        Int64(clamping: unixMilliseconds)
            - Int64(clamping: constants.unixMillisecondsOfStart(of: slot))
    }

    private mutating func judge(validators: Int, _ now: Instant) -> Notice? {
        // Each author has a turn within as many slots as there are validators.
        let window = slot * max(8, 2 * validators)
        delays = delays.filter { now - $0.value.taken <= window }
        leads = leads.filter { now - $0.value.taken <= window }
        if let since = leadsSince, now - since >= slot * 2, !leads.isEmpty {
            let early = leads.values.map(\.milliseconds).sorted()
            return tell(early[early.count / 2], now)
        }
        let faulty = max(0, validators - 1) / 3
        let late = delays.values.map(\.milliseconds).sorted()
        guard late.count > faulty else { return nil }
        let (longest, shortest) = (late[late.count - 1 - faulty], late[faulty])
        if longest > threshold { return tell(longest, now) }
        if shortest < -threshold { return tell(shortest, now) }
        guard skewMilliseconds != nil else { return nil }
        skewMilliseconds = nil
        noticed = nil
        return .right
    }

    private mutating func tell(_ milliseconds: Int64, _ now: Instant) -> Notice? {
        skewMilliseconds = milliseconds
        if let noticed, now - noticed < Self.repetition { return nil }
        noticed = now
        return .wrong(milliseconds: milliseconds)
    }
}
