import Glibc

/// The clocks of this machine. The monotonic one is the same for all its processes, which is what
/// makes times of two nodes comparable.
enum MachineClock {
    /// Nanoseconds of the monotonic clock.
    static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    /// Microseconds of the monotonic clock, as `coherence_timings` gives them.
    static var microseconds: Int { Int(nanoseconds / 1_000) }

    /// What the wall clock is ahead of the monotonic one, in microseconds.
    static var wallOffsetMicroseconds: Int {
        Int(read(CLOCK_REALTIME) / 1_000) - microseconds
    }

    /// Calls `body` and returns how long it took, in microseconds.
    static func time<Value>(_ body: () throws -> Value) rethrows -> (Double, Value) {
        let start = nanoseconds
        let value = try body()
        return (Double(nanoseconds - start) / 1_000, value)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
