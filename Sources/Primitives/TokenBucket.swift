/// How often something may happen: a bucket of `burst` tokens that refills evenly.
public struct RateLimit: Sendable, Hashable {
    /// How many at once.
    public var burst: Int
    /// How many a second in the long run.
    public var perSecond: Int

    public init(burst: Int, perSecond: Int) {
        precondition(burst > 0 && perSecond > 0)
        self.burst = burst
        self.perSecond = perSecond
    }
}

/// A budget that refills with time: a burst, then a steady rate.
///
/// Integer arithmetic on the caller's clock; a clock that stands still or jumps far ahead neither
/// traps nor gives more than the burst.
package struct TokenBucket: Sendable, Equatable {
    /// The most tokens that can be saved up.
    package private(set) var burst: UInt64
    /// Tokens gained per second.
    package private(set) var perSecond: UInt64
    /// What is left, in billionths of a token.
    private var level: UInt64
    private var refilledAt: Instant

    private static let unit: UInt64 = 1_000_000_000
    /// Keeps `burst * unit` and a refill within 64 bits.
    private static let largest: UInt64 = 1_000_000

    /// A full bucket; both numbers are clamped to 1...1,000,000.
    package init(burst: Int, perSecond: Int, now: Instant) {
        self.burst = UInt64(clamping: max(1, burst)).clamped(to: Self.largest)
        self.perSecond = UInt64(clamping: max(1, perSecond)).clamped(to: Self.largest)
        level = self.burst * Self.unit
        refilledAt = now
    }

    /// A full bucket.
    package init(_ limit: RateLimit, now: Instant) {
        self.init(burst: limit.burst, perSecond: limit.perSecond, now: now)
    }

    /// Takes `count` tokens if there are that many; otherwise takes none.
    package mutating func take(_ count: Int = 1, now: Instant) -> Bool {
        precondition(count >= 0)
        refill(now: now)
        let (price, overflow) = UInt64(count).multipliedReportingOverflow(by: Self.unit)
        guard !overflow, price <= level else { return false }
        level -= price
        return true
    }

    /// How many whole tokens there are.
    package mutating func available(now: Instant) -> Int {
        refill(now: now)
        return Int(level / Self.unit)
    }

    /// Changes the numbers; what was saved beyond the new burst is lost.
    package mutating func reshape(burst: Int, perSecond: Int, now: Instant) {
        refill(now: now)
        let saved = level
        self = TokenBucket(burst: burst, perSecond: perSecond, now: now)
        level = min(level, saved)
    }

    private mutating func refill(now: Instant) {
        guard now > refilledAt else { return }
        let elapsed = now.nanoseconds - refilledAt.nanoseconds
        refilledAt = now
        // What overflows 64 bits is more than any burst.
        let (gain, overflow) = elapsed.multipliedReportingOverflow(by: perSecond)
        let full = burst * Self.unit
        level = overflow || gain >= full - level ? full : level + gain
    }
}

extension UInt64 {
    fileprivate func clamped(to largest: UInt64) -> UInt64 { self < largest ? self : largest }
}
