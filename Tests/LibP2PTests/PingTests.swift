import LibP2P
import Primitives
import Testing

@Suite("Ping")
struct PingTests {
    private let payload = [UInt8](0..<32)
    private let other = [UInt8](32..<64)

    @Test("A ping is echoed and timed, again and again on one stream")
    func roundTrips() throws {
        var initiator = PingInitiator()
        var responder = PingResponder(now: .zero)
        for (round, payload) in [payload, other, payload].enumerated() {
            let start = UInt64(round) * 1_000
            #expect(initiator.nextDeadline == nil)
            let started = initiator.start(payload: payload, now: .milliseconds(start))
            let sent = try #require(started)
            #expect(sent == payload)
            #expect(initiator.start(payload: other, now: .milliseconds(start)) == nil)
            #expect(initiator.nextDeadline == .milliseconds(start + 20_000))
            let echo = try responder.receive(sent, now: .milliseconds(start + 5))
            #expect(echo == payload)
            let roundTrip = try initiator.receive(echo, now: .milliseconds(start + 12))
            #expect(roundTrip == .milliseconds(12))
            #expect(!initiator.isWaiting)
        }
    }

    @Test("Bytes may come one at a time", arguments: [1, 3, 31])
    func dripFeed(size: Int) throws {
        var initiator = PingInitiator()
        var responder = PingResponder(now: .zero)
        let input = payload + other
        var echo: [UInt8] = []
        for start in stride(from: 0, to: input.count, by: size) {
            let piece = Array(input[start..<min(input.count, start + size)])
            let reply = try responder.receive(piece, now: .zero)
            #expect(reply.count % 32 == 0)
            echo += reply
        }
        #expect(echo == input)
        _ = initiator.start(payload: payload, now: .zero)
        for byte in payload.dropLast() {
            #expect(try initiator.receive([byte], now: .milliseconds(1)) == nil)
        }
        #expect(try initiator.receive([31], now: .milliseconds(2)) == .milliseconds(2))
    }

    @Test("An echo that differs, is too long or comes unasked ends the stream")
    func wrongEcho() {
        for echo in [other, payload + [0], [1]] {
            var initiator = PingInitiator()
            _ = initiator.start(payload: payload, now: .zero)
            #expect(throws: PingFailure.wrongEcho) { try initiator.receive(echo, now: .zero) }
            #expect(throws: PingFailure.wrongEcho) { try initiator.receive([], now: .zero) }
            #expect(initiator.start(payload: payload, now: .zero) == nil)
            #expect(initiator.nextDeadline == nil)
        }
        var idle = PingInitiator()
        #expect(throws: PingFailure.wrongEcho) { try idle.receive([0], now: .zero) }
    }

    @Test("No echo in time is a failure, and so is the end of the stream")
    func timeouts() {
        var initiator = PingInitiator(timeout: .seconds(3))
        #expect(initiator.handleDeadline(.distantFuture) == nil)
        _ = initiator.start(payload: payload, now: .milliseconds(500))
        #expect(initiator.handleDeadline(.milliseconds(3_499)) == nil)
        #expect(initiator.handleDeadline(.milliseconds(3_500)) == .timedOut)
        #expect(initiator.handleDeadline(.milliseconds(3_600)) == nil)
        #expect(throws: PingFailure.timedOut) { try initiator.receive(payload, now: .zero) }
        #expect(initiator.receiveEnd() == .timedOut)
        var second = PingInitiator()
        #expect(second.receiveEnd() == .streamEnded)
        #expect(second.start(payload: payload, now: .zero) == nil)
    }

    @Test("An idle stream is given up, a busy one is not")
    func idle() throws {
        var responder = PingResponder(now: .zero)
        #expect(responder.nextDeadline == .milliseconds(60_000))
        _ = try responder.receive(payload, now: .milliseconds(50_000))
        #expect(responder.handleDeadline(.milliseconds(60_000)) == nil)
        _ = try responder.receive([1], now: .milliseconds(70_000))
        #expect(responder.handleDeadline(.milliseconds(110_000)) == .timedOut)
        #expect(throws: PingFailure.timedOut) { try responder.receive(payload, now: .zero) }
    }

    @Test("A flood is cut off; the steady pings of any implementation are not")
    func flood() throws {
        var responder = PingResponder(now: .zero)
        let burst = Array(repeating: payload, count: 32).flatMap(\.self)
        #expect(try responder.receive(burst, now: .zero) == burst)
        #expect(throws: PingFailure.flood) { try responder.receive(payload, now: .zero) }
        #expect(throws: PingFailure.flood) {
            try responder.receive(payload, now: .milliseconds(90_000))
        }
        var steady = PingResponder(now: .zero)
        for second in 0..<1_000 as Range<UInt64> {
            _ = try steady.receive(payload, now: .milliseconds(second * 500))
        }
    }
}
