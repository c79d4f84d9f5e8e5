package import Primitives

/// One node's clocks, derived from the simulation's time: a monotonic one that starts anywhere and
/// runs a little too fast or too slow, and a wall clock that is wrong by an offset.
package struct VirtualClock: Sendable {
    /// What the monotonic clock showed when the simulation's time was zero, in nanoseconds.
    package var origin: UInt64
    /// How much too fast the monotonic clock runs, in parts per million.
    package let driftPartsPerMillion: Int64
    /// How much the wall clock is ahead, in nanoseconds.
    package var wallOffset: Int64

    package init(origin: UInt64, driftPartsPerMillion: Int64, wallOffset: Int64) {
        self.origin = origin
        self.driftPartsPerMillion = driftPartsPerMillion
        self.wallOffset = wallOffset
    }

    /// What the node reads from its monotonic clock.
    package func monotonic(at now: Instant) -> Instant {
        let elapsed = Int64(clamping: now.nanoseconds)
        let gained = elapsed / 1_000_000 * driftPartsPerMillion
        return Instant(nanoseconds: origin) + .nanoseconds(elapsed + gained)
    }

    /// The first point of the simulation's time at which the monotonic clock shows `local` or more.
    package func time(of local: Instant) -> Instant {
        guard local.nanoseconds > origin else { return .zero }
        let shown = Int64(clamping: local.nanoseconds - origin)
        var guess = shown - shown / 1_000_000 * driftPartsPerMillion
        // The inverse is exact up to rounding and the square of the drift; step to the point.
        while monotonic(at: Instant(nanoseconds: UInt64(max(0, guess)))) < local {
            let missing = local - monotonic(at: Instant(nanoseconds: UInt64(max(0, guess))))
            guess += max(1, missing.clampedNanoseconds)
        }
        return Instant(nanoseconds: UInt64(max(0, guess)))
    }

    /// What the node takes for Unix time, in milliseconds.
    package func unixMilliseconds(at now: Instant) -> UInt64 {
        UInt64(max(0, Self.epoch + Int64(clamping: now.nanoseconds) + wallOffset)) / 1_000_000
    }

    /// When the wall clock shows a time, in the simulation's time.
    package func time(ofUnixMilliseconds milliseconds: UInt64) -> Instant {
        let wanted = Int64(clamping: milliseconds) * 1_000_000
        return Instant(nanoseconds: UInt64(max(0, wanted - Self.epoch - wallOffset)))
    }

    /// Unix time at the simulation's start, in nanoseconds: 2020-09-13.
    private static let epoch: Int64 = 1_600_000_000_000_000_000
}
