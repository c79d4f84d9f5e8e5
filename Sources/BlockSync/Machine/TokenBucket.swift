internal import Primitives

/// A budget that fills up over time, in whole arithmetic.
struct TokenBucket: Sendable {
    private let burst: UInt64
    private let nanosecondsPerToken: UInt64
    private var tokens: UInt64
    private var updated: Instant

    init(_ budget: SyncConfiguration.Budget, now: Instant) {
        burst = UInt64(budget.burst)
        nanosecondsPerToken = max(1, 1_000_000_000 / UInt64(budget.perSecond))
        tokens = burst
        updated = now
    }

    /// Takes tokens; false, and none is taken, when too few are left.
    mutating func take(_ count: Int = 1, now: Instant) -> Bool {
        if now > updated {
            let elapsed = now.nanoseconds - updated.nanoseconds
            let earned = elapsed / nanosecondsPerToken
            if earned >= burst - tokens {
                tokens = burst
                updated = now
            } else {
                tokens += earned
                updated.nanoseconds += earned * nanosecondsPerToken
            }
        }
        guard UInt64(count) <= tokens else { return false }
        tokens -= UInt64(count)
        return true
    }
}
