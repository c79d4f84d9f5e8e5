internal import Chain
internal import Coherence
internal import Primitives
internal import Synchronization

/// When votes were created, sent and counted, and when blocks were imported and final: the newest
/// few hundred of each, on the monotonic clock that all processes of a machine share.
///
/// Read by RPC (`coherence_timings`); the benchmark computes propagation and finality from it.
final class VoteTimings: Sendable {
    static let limit = 4_096

    struct VoteTiming: Sendable, Equatable {
        let slot: VoteSlot
        var created: Instant?
        var sent: Instant?
        var counted: Instant?
    }

    struct BlockTiming: Sendable, Equatable {
        let block: BlockRef
        var imported: Instant?
        var finalised: Instant?
    }

    private struct State {
        var votes = RecentTable<VoteSlot, VoteTiming>(limit: VoteTimings.limit)
        var blocks = RecentTable<BlockRef, BlockTiming>(limit: VoteTimings.limit)
    }

    private let state = Mutex(State())

    func created(_ slot: VoteSlot) { note(slot) { $0.created = $0.created ?? $1 } }

    func sent(_ slot: VoteSlot) { note(slot) { $0.sent = $0.sent ?? $1 } }

    func counted(_ slot: VoteSlot) { note(slot) { $0.counted = $0.counted ?? $1 } }

    func imported(_ block: BlockRef) { note(block) { $0.imported = $0.imported ?? $1 } }

    func finalised(_ block: BlockRef) { note(block) { $0.finalised = $0.finalised ?? $1 } }

    /// What is remembered of a block.
    func timing(of block: BlockRef) -> BlockTiming? { state.withLock { $0.blocks[block] } }

    /// The votes and blocks that are remembered, oldest first.
    var snapshot: (votes: [VoteTiming], blocks: [BlockTiming]) {
        state.withLock { ($0.votes.values, $0.blocks.values) }
    }

    private func note(_ slot: VoteSlot, _ change: (inout VoteTiming, Instant) -> Void) {
        let now = NodeClock.now()
        state.withLock { state in
            state.votes.update(slot, initial: VoteTiming(slot: slot)) { change(&$0, now) }
        }
    }

    private func note(_ block: BlockRef, _ change: (inout BlockTiming, Instant) -> Void) {
        let now = NodeClock.now()
        state.withLock { state in
            state.blocks.update(block, initial: BlockTiming(block: block)) { change(&$0, now) }
        }
    }
}

/// A table of the newest keys; older ones give way.
struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let limit: Int
    private var order: [Key] = []
    private var entries: [Key: Value] = [:]

    init(limit: Int) { self.limit = limit }

    /// The values, in the order in which their keys came.
    var values: [Value] { order.compactMap { entries[$0] } }

    subscript(key: Key) -> Value? { entries[key] }

    mutating func update(_ key: Key, initial: Value, _ change: (inout Value) -> Void) {
        if entries[key] == nil {
            order.append(key)
            if order.count > limit * 2 {
                for old in order.prefix(limit) { entries[old] = nil }
                order.removeFirst(limit)
            }
        }
        change(&entries[key, default: initial])
    }
}
