internal import Primitives

/// Decides when a peer is dialled again: a steady beat for urgent peers, doubling pauses for the
/// others, each with jitter so that two nodes do not dial each other in step for ever.
struct RedialBackoff: Sendable, Equatable {
    /// When the next dial may start.
    private(set) var nextDial = Instant.zero
    /// Dials that failed, or led to a connection that did not last, in a row.
    private(set) var failureCount = 0

    /// A connection that lasted this long clears the failures.
    static let lastingConnection = Duration.seconds(10)

    /// Takes note of a dial that starts now.
    mutating func dialStarted(
        now: Instant, isUrgent: Bool, timings: NetworkTimings,
        using generator: inout some RandomNumberGenerator
    ) {
        let pause =
            isUrgent
            ? Self.jittered(timings.urgentRedial, by: 0...20, using: &generator)
            : pause(timings: timings, using: &generator)
        nextDial = now + pause
    }

    /// Takes note of a dial that failed.
    mutating func dialFailed(
        now: Instant, isUrgent: Bool, timings: NetworkTimings,
        using generator: inout some RandomNumberGenerator
    ) {
        failureCount += 1
        guard !isUrgent else { return }
        nextDial = max(nextDial, now + pause(timings: timings, using: &generator))
    }

    /// Takes note of a connection that ended after `lifetime`.
    mutating func connectionLost(
        now: Instant, lifetime: Duration, isUrgent: Bool, timings: NetworkTimings,
        using generator: inout some RandomNumberGenerator
    ) {
        if lifetime >= Self.lastingConnection {
            failureCount = 0
            nextDial = now
        } else if !isUrgent {
            failureCount += 1
            nextDial = max(nextDial, now + pause(timings: timings, using: &generator))
        }
        // Both ends notice a lost connection at the same time: a small random pause lets one of
        // them come first.
        nextDial =
            max(nextDial, now)
            + .nanoseconds(Int64.random(in: 0...100_000_000, using: &generator))
    }

    private func pause(
        timings: NetworkTimings, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        var pause = timings.firstRedial
        for _ in 0..<min(failureCount, 16) where pause < timings.longestRedial { pause *= 2 }
        return Self.jittered(min(pause, timings.longestRedial), by: -25...25, using: &generator)
    }

    /// `duration` changed by a random share within `percent`.
    static func jittered(
        _ duration: Duration, by percent: ClosedRange<Int>,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        duration * (100 + Int.random(in: percent, using: &generator)) / 100
    }
}
