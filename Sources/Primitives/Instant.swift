/// A point on a monotonic clock, in nanoseconds from an arbitrary start.
///
/// The pure modules receive it as an argument; only the shell reads a clock. Arithmetic saturates,
/// so a hostile or absurd duration never traps.
public struct Instant: Sendable, Hashable, Comparable {
    /// Nanoseconds since the clock's start.
    public var nanoseconds: UInt64

    /// A point `nanoseconds` after the clock's start.
    @inlinable
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The clock's start.
    public static let zero = Instant(nanoseconds: 0)
    /// A point that is never reached.
    public static let distantFuture = Instant(nanoseconds: .max)

    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The point `duration` later (earlier for a negative duration), clamped to the clock's range.
    @inlinable
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let distance = duration.clampedNanoseconds
        if distance >= 0 {
            let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(UInt64(distance))
            return overflow ? .distantFuture : Instant(nanoseconds: sum)
        }
        let (difference, underflow) =
            instant.nanoseconds.subtractingReportingOverflow(distance.magnitude)
        return underflow ? .zero : Instant(nanoseconds: difference)
    }

    /// The time from `earlier` to `later`; negative when `later` comes first.
    @inlinable
    public static func - (later: Instant, earlier: Instant) -> Duration {
        later >= earlier
            ? .nanoseconds(Int64(clamping: later.nanoseconds - earlier.nanoseconds))
            : .nanoseconds(-Int64(clamping: earlier.nanoseconds - later.nanoseconds))
    }
}

extension Duration {
    /// The duration in nanoseconds, clamped to what an `Int64` holds (about 292 years).
    @inlinable
    public var clampedNanoseconds: Int64 {
        // Below nine seconds, as nearly all are, 64 bits hold the attoseconds; `components` would
        // divide 128 bits, and this is asked several times for every message and timer.
        let whole = attoseconds
        let short = Int64(truncatingIfNeeded: whole)
        if Int128(short) == whole { return short / 1_000_000_000 }
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
