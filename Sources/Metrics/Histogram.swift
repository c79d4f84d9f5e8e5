/// Observations counted by size, in the buckets of a Prometheus histogram.
package struct Histogram: Sendable, Hashable {
    /// The buckets' upper bounds, inclusive and ascending; the one without a bound comes after them.
    package let bounds: [Double]
    /// How many observations fell into each bucket, the one without a bound last.
    package private(set) var counts: [UInt64]
    /// The sum of all observations.
    package private(set) var sum = 0.0

    /// - Parameter bounds: finite and strictly ascending, at least one.
    package init(bounds: [Double]) {
        precondition(!bounds.isEmpty && bounds.allSatisfy(\.isFinite))
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    /// How many observations there were.
    package var count: UInt64 { counts.reduce(0, &+) }

    /// Counts an observation; one that is no number is left out.
    package mutating func observe(_ value: Double) {
        guard value.isFinite else { return }
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] &+= 1
        sum += value
    }

    /// Counts a duration, in seconds.
    package mutating func observe(_ duration: Duration) { observe(duration / .seconds(1)) }
}
