internal import Chain
internal import Primitives

/// Tells the core of every slot that the wall clock enters.
struct SlotClock: Sendable {
    let constants: ChainConstants

    /// The slot of the present moment.
    var current: SlotNumber {
        constants.slot(atUnixMilliseconds: NodeClock.unixMilliseconds())
    }

    /// Calls `enter` at each slot's start until the task is cancelled; once at once for the slot
    /// that has begun already. A clock that jumps back repeats no slot: the core ignores old ones.
    func run(_ enter: @Sendable (SlotNumber) async -> Void) async {
        while !Task.isCancelled {
            let slot = current
            await enter(slot)
            guard let next = slot.successor else { return }
            let start = constants.unixMillisecondsOfStart(of: next)
            let now = NodeClock.unixMilliseconds()
            // Never longer than a slot, so that a clock that was set back is noticed.
            let wait = min(start > now ? start - now : 0, constants.slotDurationMilliseconds)
            do {
                try await Task.sleep(for: .milliseconds(max(1, wait)), tolerance: .zero)
            } catch {
                return
            }
        }
    }
}
