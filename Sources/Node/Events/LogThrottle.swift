package import Primitives

/// Lets one line per key and second through and counts the rest.
package struct LogThrottle {
    private static let interval = Duration.seconds(1)
    private var last: [String: (instant: Instant, suppressed: UInt64)] = [:]

    package init() {}

    /// How many lines of the key were suppressed since the last one; nil when this one is, too.
    ///
    /// Keys are constants of the program, so the table is bounded.
    package mutating func admit(_ key: String, now: Instant) -> UInt64? {
        guard let entry = last[key] else {
            last[key] = (now, 0)
            return 0
        }
        guard now - entry.instant >= Self.interval else {
            last[key] = (entry.instant, entry.suppressed + 1)
            return nil
        }
        last[key] = (now, 0)
        return entry.suppressed
    }
}
