import LibP2P
import Primitives
import Testing

@Suite("Request and response")
struct RequestResponseTests {
    private let limits = RequestLimits(
        maximumRequestByteCount: 100, maximumResponseByteCount: 1_000, timeout: .seconds(20))

    private func request(_ bytes: [UInt8] = [1, 2, 3]) throws -> OutboundRequest {
        try OutboundRequest(bytes, limits: limits, now: .zero)
    }

    @Test("A block request goes out as the vector says, and comes in as it was")
    func vector() throws {
        let vector = MuxingVectors.substrate.block_request_by_hash
        let outbound = try OutboundRequest(bytes(vector.pb), now: .zero)
        #expect(outbound.output.hex == vector.on_wire)
        var inbound = InboundRequest(now: .zero)
        #expect(inbound.receive(outbound.output) == .request(try bytes(vector.pb)))
    }

    @Test("One exchange, with empty messages too, whole or byte by byte", arguments: [0, 1, 100])
    func exchange(count: Int) throws {
        let content = [UInt8](repeating: 9, count: count)
        var outbound = try request(content)
        var inbound = InboundRequest(limits: limits, now: .zero)
        var events: [InboundRequest.Event] = []
        for byte in outbound.output { events += inbound.receive([byte]).map { [$0] } ?? [] }
        #expect(events == [.request(content)])
        #expect(inbound.receiveEnd() == nil)
        let answer = try inbound.respond(content + content)
        let reply = try #require(answer)
        #expect(try inbound.respond([1]) == nil, "one response only")
        #expect(inbound.receiveReset() == nil)
        var outcomes: [OutboundRequest.Outcome] = []
        for byte in reply { outcomes += outbound.receive([byte]).map { [$0] } ?? [] }
        #expect(outcomes == [.response(content + content)])
        #expect(outbound.receiveEnd() == nil && outbound.receiveReset() == nil)
        #expect(outbound.handleDeadline(.distantFuture) == nil)
    }

    @Test("An end before the first byte is a refusal, after it a failure")
    func refusal() throws {
        var ended = try request()
        #expect(ended.receive([]) == nil)
        #expect(ended.receiveEnd() == .refused)
        #expect(ended.receiveEnd() == nil)
        var reset = try request()
        #expect(reset.receiveReset() == .refused)
        for (length, response) in [(1, [0x80]), (2, [5, 1]), (3, [0x80, 0x01, 7])]
            as [(Int, [UInt8])]
        {
            var cut = try request()
            #expect(cut.receive(Array(response.prefix(length))) == nil)
            #expect(cut.receiveEnd() == .failed(.truncated))
            var aborted = try request()
            #expect(aborted.receive(response) == nil)
            #expect(aborted.receiveReset() == .failed(.reset))
        }
    }

    @Test("Lengths above the caps fail on the prefix, and are not sent either")
    func caps() throws {
        #expect(throws: RequestFailure.tooLong(byteCount: 101, limit: 100)) {
            try OutboundRequest(
                [UInt8](repeating: 0, count: 101), limits: limits, now: .zero)
        }
        var outbound = try request()
        let long = FramingError.frameTooLong(byteCount: 1_001, limit: 1_000)
        #expect(outbound.receive(UnsignedVarint.encode(1_001)) == .failed(.framing(long)))
        #expect(outbound.receive([1]) == nil)
        var inbound = InboundRequest(limits: limits, now: .zero)
        let hostile = FramingError.frameTooLong(byteCount: 1 << 62, limit: 100)
        #expect(inbound.receive(UnsignedVarint.encode(1 << 62)) == .failed(.framing(hostile)))
        #expect(inbound.receive([1]) == nil)
        var answering = InboundRequest(limits: limits, now: .zero)
        #expect(answering.receive([0]) == .request([]))
        #expect(throws: RequestFailure.tooLong(byteCount: 1_001, limit: 1_000)) {
            try answering.respond([UInt8](repeating: 0, count: 1_001))
        }
        #expect(try answering.respond([]) == [0], "a shorter answer may follow")
        var malformed = try request()
        #expect(malformed.receive([0x80, 0]) == .failed(.framing(.malformedLength(.notMinimal))))
    }

    @Test("More than one message is an offence on either side")
    func trailing() throws {
        var outbound = try request()
        #expect(outbound.receive([1, 7, 7]) == .failed(.trailingBytes))
        var inbound = InboundRequest(limits: limits, now: .zero)
        #expect(inbound.receive([1, 7, 7]) == .failed(.trailingBytes))
        var late = InboundRequest(limits: limits, now: .zero)
        #expect(late.receive([1, 7]) == .request([7]))
        #expect(late.receive([7]) == .failed(.trailingBytes))
        #expect(try late.respond([1]) == nil)
    }

    @Test("A requester that goes away before or after its request")
    func goneRequester() throws {
        var cut = InboundRequest(limits: limits, now: .zero)
        #expect(cut.receive([2, 1]) == nil)
        #expect(cut.receiveEnd() == .failed(.truncated))
        var reset = InboundRequest(limits: limits, now: .zero)
        #expect(reset.receive([1, 1]) == .request([1]))
        #expect(reset.receiveReset() == .failed(.reset))
        #expect(try reset.respond([1]) == nil)
    }

    @Test("Both sides give up after the time-out")
    func timeouts() throws {
        var outbound = try request()
        #expect(outbound.deadline == .milliseconds(20_000))
        #expect(outbound.handleDeadline(.milliseconds(19_999)) == nil)
        #expect(outbound.handleDeadline(.milliseconds(20_000)) == .failed(.timedOut))
        #expect(outbound.receive([1, 1]) == nil)
        var inbound = InboundRequest(limits: limits, now: .zero)
        #expect(inbound.receive([1, 1]) == .request([1]))
        #expect(inbound.handleDeadline(.milliseconds(20_000)) == .failed(.timedOut))
        #expect(try inbound.respond([1]) == nil)
    }

    @Test("A large response in small pieces costs no more than its size")
    func largeResponse() throws {
        var outbound = try OutboundRequest([1], now: .zero)
        let response = [UInt8](repeating: 7, count: 8 << 20)
        var output: [UInt8] = []
        UnsignedVarint.append(UInt64(response.count), to: &output)
        output += response
        var outcome: OutboundRequest.Outcome?
        for start in stride(from: 0, to: output.count, by: 1_000) {
            outcome = outbound.receive(Array(output[start..<min(output.count, start + 1_000)]))
        }
        #expect(outcome == .response(response))
    }

    @Test("Random bytes give one ending at most", arguments: 1...5)
    func garbage(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<1_000 {
            var outbound = try request()
            var inbound = InboundRequest(limits: limits, now: .zero)
            var outcomes = 0
            var failures = 0
            for _ in 0..<6 {
                let piece = generator.bytes(count: Int.random(in: 0...20, using: &generator))
                if outbound.receive(piece) != nil { outcomes += 1 }
                if case .failed? = inbound.receive(piece) { failures += 1 }
            }
            if outbound.receiveEnd() != nil { outcomes += 1 }
            if inbound.receiveReset() != nil { failures += 1 }
            #expect(outcomes == 1 && failures == 1, "seed \(seed)")
        }
    }
}
