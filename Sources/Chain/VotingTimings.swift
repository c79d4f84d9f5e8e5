package import SCALE

/// How long a voting round waits, a constant of the chain: D = min(maximum, base x growth^k)
/// after k failed rounds. See docs/protocol.md, "Rules".
package struct VotingTimings: Sendable, Hashable {
    /// D for k = 0, in milliseconds.
    package let baseMilliseconds: UInt32
    /// The growth per failed round is this over `growthDenominator`.
    package let growthNumerator: UInt32
    /// See `growthNumerator`.
    package let growthDenominator: UInt32
    /// D's upper end, in milliseconds.
    package let maximumMilliseconds: UInt32

    /// 500 ms, growing by one half, at most 30 s.
    package static let standard = VotingTimings(unchecked: 500, 3, 2, 30_000)

    private init(
        unchecked base: UInt32, _ numerator: UInt32, _ denominator: UInt32, _ maximum: UInt32
    ) {
        baseMilliseconds = base
        growthNumerator = numerator
        growthDenominator = denominator
        maximumMilliseconds = maximum
    }

    /// Timings of a chain; nil unless 1 <= base <= maximum and the growth is 1 or at least 1.01
    /// (slower growth would make `roundDuration` slow).
    package init?(
        baseMilliseconds: UInt32, growthNumerator: UInt32, growthDenominator: UInt32,
        maximumMilliseconds: UInt32
    ) {
        guard baseMilliseconds >= 1, baseMilliseconds <= maximumMilliseconds,
            growthDenominator >= 1, growthNumerator >= growthDenominator
        else { return nil }
        let excess = UInt64(growthNumerator - growthDenominator)
        guard excess == 0 || excess * 100 >= UInt64(growthDenominator) else { return nil }
        self.init(
            unchecked: baseMilliseconds, growthNumerator, growthDenominator, maximumMilliseconds)
    }

    /// D after `failedRounds` failed rounds: the same on every machine, as it is integer arithmetic
    /// in nanoseconds, rounded down at each step.
    package func roundDuration(failedRounds: UInt64) -> Duration {
        let limit = UInt128(maximumMilliseconds) * 1_000_000
        var nanoseconds = UInt128(baseMilliseconds) * 1_000_000
        var remaining = failedRounds
        while remaining > 0 && nanoseconds < limit {
            let grown = nanoseconds * UInt128(growthNumerator) / UInt128(growthDenominator)
            guard grown > nanoseconds else { break }
            nanoseconds = grown
            remaining -= 1
        }
        return .nanoseconds(Int64(min(nanoseconds, limit)))
    }
}

extension VotingTimings: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(baseMilliseconds)
        encoder.append(growthNumerator)
        encoder.append(growthDenominator)
        encoder.append(maximumMilliseconds)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let timings = VotingTimings(
            baseMilliseconds: try decoder.readInteger(),
            growthNumerator: try decoder.readInteger(),
            growthDenominator: try decoder.readInteger(),
            maximumMilliseconds: try decoder.readInteger())
        guard let timings else { throw .invalidValue(offset: start, reason: "timings") }
        self = timings
    }
}
