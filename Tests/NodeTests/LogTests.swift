import Logging
import Node
import Primitives
import Testing

@Suite struct LogTests {
    @Test func `a filter has a default and levels per target, sub-targets included`() throws {
        let filter = try LogFilter("warn,coherence=debug,libp2p.yamux=trace")
        #expect(filter.level(for: "node") == .warning)
        #expect(filter.level(for: "coherence") == .debug)
        #expect(filter.level(for: "coherence.tally") == .debug)
        #expect(filter.level(for: "libp2p") == .warning)
        #expect(filter.level(for: "libp2p.yamux") == .trace)
    }

    @Test(arguments: ["loud", "coherence=loud", "=debug", "a=b=c"])
    func `an unknown level or an empty target is refused`(text: String) {
        #expect(throws: LogFilter.Invalid.self) { try LogFilter(text) }
    }

    @Test func `a hostile peer provokes at most one line a second and key`() {
        var throttle = LogThrottle()
        let start = Instant(nanoseconds: 5)
        #expect(throttle.admit("a", now: start) == 0)
        for step in 1...100 {
            #expect(throttle.admit("a", now: start + .milliseconds(step)) == nil)
        }
        #expect(throttle.admit("b", now: start) == 0)
        #expect(throttle.admit("a", now: start + .seconds(1)) == 100)
        #expect(throttle.admit("a", now: start + .seconds(3)) == 0)
    }
}
