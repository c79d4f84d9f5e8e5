import Primitives
import Testing

struct TimeTests {
    @Test func `instants move by durations of either sign`() {
        let start = Instant(nanoseconds: 1_000_000_000)
        #expect(start + .milliseconds(500) == Instant(nanoseconds: 1_500_000_000))
        #expect(start + .milliseconds(-500) == Instant(nanoseconds: 500_000_000))
        #expect(start + .seconds(-1) == .zero)
        #expect((start + .seconds(2)) - start == .seconds(2))
        #expect(start - (start + .seconds(2)) == .seconds(-2))
    }

    @Test func `arithmetic saturates at the ends of the clock`() {
        let start = Instant(nanoseconds: 5)
        #expect(start + .seconds(-1) == .zero)
        #expect(start + .nanoseconds(-6) == .zero)
        #expect(Instant.distantFuture + .nanoseconds(1) == .distantFuture)
        #expect(start + .seconds(Int64.min) == .zero)
        #expect(
            start + .seconds(Int64.max) == Instant(nanoseconds: 5 + UInt64(Int64.max)))
        #expect(Instant.distantFuture - .zero == .nanoseconds(Int64.max))
        #expect(Instant.zero - .distantFuture == .nanoseconds(-Int64.max))
    }

    @Test func `durations are clamped to what an Int64 of nanoseconds holds`() {
        #expect(Duration.nanoseconds(-1).clampedNanoseconds == -1)
        #expect(Duration.milliseconds(-1_500).clampedNanoseconds == -1_500_000_000)
        #expect(Duration.nanoseconds(Int64.max).clampedNanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).clampedNanoseconds == .min)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).clampedNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).clampedNanoseconds == .min)
        #expect(Duration.seconds(Int64.max).clampedNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).clampedNanoseconds == .min)
        #expect(
            Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).clampedNanoseconds == 0
        )
    }

    // The sequence of the published SplitMix64 program for the seed 1234567.
    @Test func `the seeded generator gives the published sequence`() {
        var generator = SeededGenerator(seed: 1_234_567)
        let values = (0..<5).map { _ in generator.next() }
        #expect(
            values == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }
}
