internal import Primitives

/// Draws of the kinds that the simulator needs. Whole arithmetic only, so that a seed means the
/// same on every machine.
extension SeededGenerator {
    /// A generator of its own for one purpose, so that a change in one part of a run leaves the
    /// draws of the others as they were.
    init(seed: UInt64, purpose: UInt64) {
        var mixer = SeededGenerator(seed: seed &+ purpose &* 0xD6E8_FEB8_6659_FD93)
        self.init(seed: mixer.next() ^ purpose)
    }

    /// True so many times out of a thousand.
    mutating func chance(permille: Int) -> Bool {
        permille > 0 && Int.random(in: 0..<1000, using: &self) < permille
    }

    /// A number of a range.
    mutating func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// A duration of a range, every length equally likely.
    mutating func duration(_ range: ClosedRange<Duration>) -> Duration {
        let bounds = range.lowerBound.clampedNanoseconds...range.upperBound.clampedNanoseconds
        return .nanoseconds(Int64.random(in: bounds, using: &self))
    }

    /// A duration of a range, every order of magnitude about equally likely.
    mutating func scaledDuration(_ range: ClosedRange<Duration>) -> Duration {
        let low = max(1, range.lowerBound.clampedNanoseconds)
        let high = max(low, range.upperBound.clampedNanoseconds)
        let doublings = (high / low).bitWidth - (high / low).leadingZeroBitCount
        let base = low << Int64(draw(0...max(0, doublings - 1)))
        return .nanoseconds(min(high, Int64.random(in: base...(2 * base), using: &self)))
    }

    /// A delay that is usually short and sometimes very long: the range's width, halved or more
    /// most of the time.
    mutating func jitter(_ width: Duration) -> Duration {
        let whole = width.clampedNanoseconds
        guard whole > 0 else { return .zero }
        let shift = Int64(min(next().trailingZeroBitCount, 6))
        return .nanoseconds(Int64.random(in: 0...(whole >> 3), using: &self) << min(3, shift))
    }

    /// One of several things.
    mutating func pick<Element>(_ some: [Element]) -> Element? {
        some.isEmpty ? nil : some[Int.random(in: 0..<some.count, using: &self)]
    }

    /// An index, the likelier the greater its weight; nil when there are none.
    mutating func pick(weights: [Int]) -> Int? {
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        var rest = Int.random(in: 0..<total, using: &self)
        for (index, weight) in weights.enumerated() {
            if rest < weight { return index }
            rest -= weight
        }
        return nil
    }
}
