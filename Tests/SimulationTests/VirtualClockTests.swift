import Primitives
import Simulation
import Testing

struct VirtualClockTests {
    @Test(arguments: [Int64(-500), -100, -1, 0, 1, 100, 500])
    func `A timer set on a drifting clock fires when the clock shows its time, not before`(
        drift: Int64
    ) {
        var random = SeededGenerator(seed: UInt64(drift.magnitude) + 7)
        let clock = VirtualClock(origin: 5_000_000_000, driftPartsPerMillion: drift, wallOffset: 0)
        for _ in 0..<500 {
            let now = Instant(nanoseconds: UInt64.random(in: 0...3_600_000_000_000, using: &random))
            let wait = UInt64.random(in: 0...40_000_000_000, using: &random)
            let deadline = clock.monotonic(at: now) + .nanoseconds(Int64(wait))
            let time = clock.time(of: deadline)
            #expect(clock.monotonic(at: time) >= deadline)
            let before = Instant(nanoseconds: time.nanoseconds - min(time.nanoseconds, 2_000_000))
            #expect(before == .zero || clock.monotonic(at: before) < deadline)
        }
    }

    @Test func `A slot begins when the node's own wall clock says so`() {
        let early = VirtualClock(origin: 0, driftPartsPerMillion: 0, wallOffset: 250_000_000)
        let now = Instant(nanoseconds: 10_000_000_000)
        let shown = early.unixMilliseconds(at: now)
        #expect(shown == 1_600_000_010_250)
        #expect(early.time(ofUnixMilliseconds: shown + 750) == now + .milliseconds(750))
    }
}
