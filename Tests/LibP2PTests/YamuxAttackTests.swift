import LibP2P
import Primitives
import Testing

@Suite("Yamux under attack")
struct YamuxAttackTests {
    private static let window = YamuxLimits.windowByteCount

    struct Offence: Sendable, CustomTestStringConvertible {
        let name: String
        let frames: [YamuxFrame]
        let violation: YamuxViolation
        var testDescription: String { name }

        init(_ name: String, _ frames: [YamuxFrame], _ violation: YamuxViolation) {
            self.name = name
            self.frames = frames
            self.violation = violation
        }
    }

    static let offences = [
        Offence("credit for the session", [.credit(0, 1)], .streamFrameOnSession),
        Offence("a reset of the session", [.abort(0)], .streamFrameOnSession),
        Offence("an opening of the session", [.open(0)], .streamFrameOnSession),
        Offence(
            "a ping on a stream", [YamuxFrame(.ping, .synchronize, stream: 1)],
            .sessionFrameOnStream(1)),
        Offence(
            "a go-away on a stream", [YamuxFrame(.goAway, stream: 3)], .sessionFrameOnStream(3)),
        Offence("a pong unasked", [YamuxFrame(.ping, .acknowledge, length: 4)], .unexpectedPong(4)),
        Offence("the listener's ids", [.open(2)], .foreignIdentifier(2)),
        Offence("one id twice", [.open(1), .open(1)], .usedIdentifier(1)),
        Offence("an id again after its end", [.open(1), .abort(1), .open(1)], .usedIdentifier(1)),
        Offence("a very late id", [.open(4_095), .open(2_047)], .usedIdentifier(2_047)),
        Offence(
            "more than the window at once", [.open(1), .data(1, window), .data(1, 1)],
            .windowExceeded(stream: 1, length: 1)),
        Offence(
            "a huge body for nobody", [YamuxFrame(.windowUpdate, stream: 9), .data(9, window + 1)],
            .windowExceeded(stream: 9, length: window + 1)),
        Offence(
            "too much in the opening frame", [.data(1, window + 1, .synchronize)],
            .windowExceeded(stream: 1, length: window + 1)),
        Offence(
            "credit beyond 32 bits", [.open(1), .credit(1, .max - window), .credit(1, 1)],
            .creditOverflow(stream: 1)),
        Offence(
            "credit beyond 32 bits in the opening frame",
            [YamuxFrame(.windowUpdate, .synchronize, stream: 1, length: .max)],
            .creditOverflow(stream: 1)),
        Offence(
            "data after its end", [.open(1), .finish(1), .data(1, 1)],
            .dataAfterEnd(stream: 1)),
    ]

    @Test("Each offence ends the session with a go-away", arguments: offences)
    func offence(_ offence: Offence) {
        for isDripping in [false, true] {
            var session = YamuxSession.at(.server)
            var events: [YamuxEvent] = []
            // The body of the last frame need not come: its header is the offence.
            var input = offence.frames.dropLast().flatMap(\.bytes)
            input += offence.frames.last?.header ?? []
            if isDripping {
                for byte in input { events += session.feed([byte]) }
            } else {
                events = session.feed(input)
            }
            #expect(events.last == .protocolError(offence.violation))
            #expect(session.isClosed && session.streamCount == 0)
            #expect(session.pull() == YamuxFrame(.goAway, length: 1).header)
            #expect(session.feed([.open(5)]) == [])
        }
    }

    @Test("Window rules hold for streams that this side opened")
    func ownStream() throws {
        var session = YamuxSession.at(.client)
        _ = try session.openStream()
        for frame in [.accept(1), .data(1, 5), .credit(1, 5), .finish(1), .abort(1)] as [YamuxFrame]
        {
            #expect(session.feed([frame]) == [], "the peer cannot know the stream yet")
        }
        #expect(session.streamCount == 1 && session.unconsumedByteCount == 0)
        _ = session.pull()
        #expect(session.feed([.accept(1)]) == [.streamAccepted(YamuxStreamID(1))])
        #expect(
            session.feed([.data(1, Self.window), .data(1, 2)]).last
                == .protocolError(.windowExceeded(stream: 1, length: 2)))
    }

    @Test("The stream above the limit is reset, and one that ends makes room")
    func tooManyStreams() {
        var session = YamuxSession.at(.server) { $0.maximumInboundStreams = 3 }
        #expect(session.feed([.open(1), .open(3), .open(5)]).count == 3)
        _ = session.pull()
        #expect(session.feed(YamuxFrame.data(7, 40, .synchronize).bytes) == [])
        #expect(YamuxFrame.list(session.pull()) == [.abort(7)])
        #expect(session.feed([.abort(3), .open(9)]).last == .streamOpened(YamuxStreamID(9)))
        #expect(session.streamCount == 3)
    }

    @Test("By default 256 inbound streams fit")
    func defaultStreams() {
        var session = YamuxSession.at(.server)
        let frames = (0..<257).map { YamuxFrame.open(2 * $0 + 1) }
        #expect(session.feed(frames).count == 256)
        #expect(YamuxFrame.list(session.pull())?.first == .abort(513))
    }

    @Test("Streams that the peer does not acknowledge are bounded")
    func acknowledgements() throws {
        var session = YamuxSession.at(.client) { $0.maximumUnacknowledgedStreams = 2 }
        _ = try session.openStream()
        _ = try session.openStream()
        #expect(throws: YamuxError.acknowledgementBacklogFull) { try session.openStream() }
        _ = session.pull()
        _ = session.feed([.accept(3)])
        _ = try session.openStream()
        #expect(throws: YamuxError.acknowledgementBacklogFull) { try session.openStream() }
        _ = session.feed([.abort(1)])
        _ = try session.openStream()
    }

    @Test("Streams of this side are bounded")
    func ownStreams() throws {
        var session = YamuxSession.at(.client) { $0.maximumOutboundStreams = 1 }
        let stream = try session.openStream()
        #expect(throws: YamuxError.tooManyStreams) { try session.openStream() }
        session.reset(stream)
        _ = try session.openStream()
    }

    @Test("Opening and resetting at speed is cut off, at leisure it is not")
    func rapidReset() {
        var fast = YamuxSession.at(.server)
        var slow = YamuxSession.at(.server)
        var count = 0
        while !fast.isClosed, count < 10_000 {
            let id = UInt32(2 * count + 1)
            let events = fast.feed([.open(id), .abort(id)])
            if fast.isClosed { #expect(events == [.protocolError(.streamFlood)]) }
            count += 1
        }
        #expect(count == 513)
        for number in 0..<5_000 as Range<UInt32> {
            _ = slow.feed([.open(2 * number + 1), .abort(2 * number + 1)], at: UInt64(number) * 8)
            _ = slow.pull()
        }
        #expect(!slow.isClosed && slow.streamCount == 0)
    }

    @Test("Opening with a reset in the same frame counts as well")
    func resetOpenings() {
        var session = YamuxSession.at(.server)
        let frames = (0..<513 as Range<UInt32>).map {
            YamuxFrame(.data, [.synchronize, .reset], stream: 2 * $0 + 1)
        }
        #expect(session.feed(frames) == [.protocolError(.streamFlood)])
    }

    @Test(
        "Frames that move nothing are cut off",
        arguments: [
            .data(1, 0), .credit(1, 0), .credit(1, 1_023), .accept(1), .data(77, 5),
            .abort(99), .credit(5, 1_000_000),
        ] as [YamuxFrame])
    func frameFlood(_ frame: YamuxFrame) {
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1)])
        let first = session.feed(Array(repeating: frame, count: 4_096))
        #expect(first == [] && !session.isClosed)
        #expect(session.feed([frame]) == [.protocolError(.frameFlood)])
    }

    @Test("Frames with data or credit are no flood, however many")
    func busyTraffic() {
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1)])
        for _ in 0..<10_000 {
            _ = session.feed([.data(1, 20)])
            session.consumed(YamuxStreamID(1), 20)
            _ = session.pull()
        }
        for _ in 0..<10_000 { _ = session.feed([.credit(1, 1_024)]) }
        #expect(!session.isClosed)
    }

    @Test("Pings are answered at a bounded rate")
    func pingFlood() {
        var session = YamuxSession.at(.server)
        let ping = YamuxFrame(.ping, .synchronize, length: 1)
        #expect(session.feed(Array(repeating: ping, count: 64)) == [])
        #expect(session.pull().count == 64 * 12)
        #expect(session.feed([ping]) == [.protocolError(.pingFlood)])
    }

    @Test("A peer that does not read what it causes is cut off")
    func unreadAnswers() {
        var session = YamuxSession.at(.server) { $0.maximumQueuedControlFrames = 100 }
        var milliseconds: UInt64 = 0
        while !session.isClosed, milliseconds < 20_000 {
            let ping = YamuxFrame(.ping, .synchronize, length: 1)
            let events = session.feed([ping], at: milliseconds)
            if session.isClosed { #expect(events == [.protocolError(.unreadAnswers)]) }
            milliseconds += 70
        }
        #expect(milliseconds == 70 * 101)
        var second = YamuxSession.at(.server) { $0.maximumQueuedControlFrames = 100 }
        for number in 0..<101 as Range<UInt32> where !second.isClosed {
            _ = second.feed([.open(2 * number + 1), .abort(2 * number + 1)])
        }
        #expect(second.isClosed)
    }

    @Test("Unconsumed data of all streams is bounded: the one that holds most pays")
    func memory() {
        var session = YamuxSession.at(.server) { $0.maximumUnconsumedByteCount = 500_000 }
        _ = session.feed([
            .open(1), .open(3), .open(5), .data(1, 100_000), .data(3, 200_000), .data(5, 200_000),
        ])
        #expect(session.unconsumedByteCount == 500_000)
        _ = session.pull()
        let events = session.feed([.data(1, 1)])
        #expect(
            events == [
                .data(YamuxStreamID(1), [0]), .reset(YamuxStreamID(3), .tooManyUnconsumedBytes),
            ])
        #expect(session.unconsumedByteCount == 300_001)
        #expect(YamuxFrame.list(session.pull()) == [.abort(3)])
        session.consumed(YamuxStreamID(3), 5)
        #expect(session.unconsumedByteCount == 300_001)
    }

    @Test("Random bytes never trap and never leave more than the bounds", arguments: 1...20)
    func garbage(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<50 {
            var session = YamuxSession.at(seed % 2 == 0 ? .client : .server)
            for _ in 0..<40 where !session.isClosed {
                session.receive(
                    generator.bytes(count: Int.random(in: 0...40, using: &generator)), now: .zero)
            }
            _ = session.drain()
            #expect(session.pull().count <= 12 * 600, "seed \(seed)")
        }
    }

    @Test("Random frames keep the books straight", arguments: 1...20)
    func randomFrames(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<20 {
            var session = YamuxSession.at(.server)
            var held: [UInt32: Int] = [:]
            var opened: Set<UInt32> = []
            for step in 0..<400 where !session.isClosed {
                let frame = Self.randomFrame(using: &generator)
                for event in session.feed([frame], at: UInt64(step) * 5) {
                    switch event {
                    case .streamOpened(let id): #expect(opened.insert(id.rawValue).inserted)
                    case .data(let id, let bytes):
                        #expect(opened.contains(id.rawValue))
                        held[id.rawValue, default: 0] += bytes.count
                    case .reset(let id, _), .closed(let id):
                        #expect(opened.remove(id.rawValue) != nil)
                        held[id.rawValue] = nil
                    case .protocolError, .goAway: (held, opened) = ([:], [])
                    default: break
                    }
                }
                Self.act(on: &session, held: &held, opened: &opened, using: &generator)
                #expect(session.streamCount == opened.count, "seed \(seed)")
                #expect(session.unconsumedByteCount == held.values.reduce(0, +), "seed \(seed)")
            }
        }
    }

    /// A frame that is usually lawful.
    private static func randomFrame(using generator: inout SeededGenerator) -> YamuxFrame {
        let id = UInt32.random(in: 0...20, using: &generator) | 1
        return switch generator.next() % 16 {
        case 0...3: .open(id)
        case 4...8: .data(id, UInt32.random(in: 0...3_000, using: &generator))
        case 9, 10: .credit(id, UInt32.random(in: 0...90_000, using: &generator))
        case 11: .data(id, UInt32.random(in: 0...9, using: &generator), .finish)
        case 12: .abort(id)
        case 13: YamuxFrame(.ping, .synchronize, length: id)
        case 14: .data(id + 40, 9, .synchronize)
        default:
            YamuxFrame(
                .data, .init(rawValue: UInt16.random(in: 0...31, using: &generator)), stream: id,
                length: 3)
        }
    }

    /// What an application might do between two frames.
    private static func act(
        on session: inout YamuxSession, held: inout [UInt32: Int], opened: inout Set<UInt32>,
        using generator: inout SeededGenerator
    ) {
        guard let id = opened.sorted().randomElement(using: &generator) else { return }
        let name = YamuxStreamID(id)
        switch generator.next() % 6 {
        case 0:
            session.reset(name)
            opened.remove(id)
            held[id] = nil
        case 1: session.shutdown(name)
        case 2: _ = try? session.write(name, generator.bytes(count: 500))
        case 3: _ = session.pull(atMost: 100)
        default:
            session.consumed(name, held[id] ?? 0)
            held[id] = 0
        }
        for case .closed(let id) in session.drain() {
            opened.remove(id.rawValue)
            held[id.rawValue] = nil
        }
    }
}
