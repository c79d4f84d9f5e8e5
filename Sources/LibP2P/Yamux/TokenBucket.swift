package import Primitives

/// Counts events against a rate limit. Times are arguments; a time that goes backwards refills
/// nothing.
package struct TokenBucket: Sendable {
    private static let second: Int64 = 1_000_000_000

    private let limit: RateLimit
    private var tokens: Int
    private var refilledAt: Instant

    /// A full bucket.
    package init(_ limit: RateLimit, now: Instant) {
        self.limit = limit
        tokens = limit.burst
        refilledAt = now
    }

    /// Takes a token; false when there is none.
    package mutating func take(now: Instant) -> Bool {
        if tokens < limit.burst { refill(now: now) }
        guard tokens > 0 else { return false }
        if tokens == limit.burst { refilledAt = max(refilledAt, now) }
        tokens -= 1
        return true
    }

    private mutating func refill(now: Instant) {
        guard now > refilledAt else { return }
        let interval = max(1, Self.second / Int64(limit.perSecond))
        let earned = (now - refilledAt).clampedNanoseconds / interval
        guard earned < Int64(limit.burst - tokens) else {
            tokens = limit.burst
            refilledAt = now
            return
        }
        tokens += Int(earned)
        refilledAt = refilledAt + .nanoseconds(earned * interval)
    }
}
