import LibP2P
import Primitives
import Testing

@Suite("Yamux flow control and fairness")
struct YamuxFlowTests {
    private let window = YamuxLimits.windowByteCount
    private let one = YamuxStreamID(1)

    @Test("No more is sent than was granted, and credit releases the rest")
    func sendWindow() throws {
        var session = YamuxSession.at(.client) { $0.maximumStreamSendByteCount = 400_000 }
        let stream = try session.openStream()
        try session.write(stream, [UInt8](repeating: 1, count: 300_000))
        let frames = try #require(YamuxFrame.list(session.pull()))
        #expect(frames.first == .open(1))
        #expect(frames.dropFirst().allSatisfy { $0.length == 16_384 })
        #expect(frames.count == 17)
        #expect(session.unsentByteCount(of: stream) == 300_000 - Int(window))
        #expect(session.feed([.credit(1, 0)]) == [.streamAccepted(stream)])
        #expect(session.pull() == [])
        #expect(session.feed([.credit(1, 10)]) == [])
        #expect(YamuxFrame.list(session.pull()) == [.data(1, 10)])
        session.shutdown(stream)
        #expect(session.pull() == [], "the end waits for the data")
        #expect(session.feed([.credit(1, window)]) == [])
        let rest = try #require(YamuxFrame.list(session.pull()))
        #expect(rest.map(\.length).reduce(0, +) == 300_000 - window - 10)
        #expect(rest.last == .finish(1))
    }

    @Test("Extra credit in the first frame counts")
    func creditOnOpening() throws {
        var session = YamuxSession.at(.server) { $0.maximumStreamSendByteCount = 1_000_000 }
        _ = session.feed([YamuxFrame(.windowUpdate, .synchronize, stream: 1, length: 100)])
        try session.write(one, [UInt8](repeating: 1, count: 300_000))
        let frames = try #require(YamuxFrame.list(session.pull()))
        #expect(frames.filter { $0.kind == .data }.map(\.length).reduce(0, +) == window + 100)
    }

    @Test("Credit returns when half a window is consumed, not when it is received")
    func receiveWindow() {
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1), .data(1, window)])
        #expect(YamuxFrame.list(session.pull()) == [.accept(1)])
        #expect(session.unconsumedByteCount == Int(window))
        session.consumed(one, Int(window / 2) - 1)
        #expect(session.pull() == [])
        session.consumed(one, 1)
        #expect(YamuxFrame.list(session.pull()) == [.credit(1, window / 2)])
        #expect(session.feed([.data(1, window / 2)]).count == 1)
        let excess = session.feed([.data(1, 1)])
        #expect(excess == [.protocolError(.windowExceeded(stream: 1, length: 1))])
    }

    @Test("A widened stream takes a mebibyte, and credit returns when half of that is consumed")
    func wideWindow() throws {
        let wide = YamuxLimits.wideWindowByteCount
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1), .data(1, window)])
        session.widen(one)
        session.widen(one)
        var accept = YamuxFrame.accept(1)
        accept.length = wide - window
        #expect(YamuxFrame.list(session.pull()) == [accept])
        #expect(session.feed([.data(1, wide - window)]).count == 1)
        session.consumed(one, Int(wide / 2) - 1)
        #expect(session.pull() == [])
        session.consumed(one, 1)
        #expect(YamuxFrame.list(session.pull()) == [.credit(1, wide / 2)])
        #expect(session.feed([.data(1, wide / 2)]).count == 1)
        let excess = session.feed([.data(1, 1)])
        #expect(excess == [.protocolError(.windowExceeded(stream: 1, length: 1))])

        var dialer = YamuxSession.at(.client)
        let stream = try dialer.openStream()
        dialer.widen(stream)
        let first = try #require(YamuxFrame.list(dialer.pull()))
        #expect(first.map(\.length) == [wide - window] && first[0].flags == .synchronize)
        dialer.widen(YamuxStreamID(99))
        dialer.reset(stream)
        dialer.widen(stream)
        #expect(!dialer.isClosed)

        var ended = YamuxSession.at(.server)
        _ = ended.feed([.open(1), .data(1, 10, .finish)])
        ended.widen(one)
        #expect(YamuxFrame.list(ended.pull()) == [.accept(1)])
    }

    @Test("A peer that ended its direction gets no more credit")
    func noCreditAfterEnd() {
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1), .data(1, window, .finish)])
        _ = session.pull()
        session.consumed(one, Int(window))
        #expect(session.pull() == [])
        var other = YamuxSession.at(.server)
        _ = other.feed([.open(1), .data(1, window)])
        _ = other.pull()
        other.consumed(one, Int(window))
        #expect(other.feed([.finish(1)]) == [.halfClosed(one)])
        #expect(other.pull() == [], "credit that was due before the end is of no use after it")
    }

    @Test("A full buffer cuts writes short and tells when half of it is free")
    func writable() throws {
        var session = YamuxSession.at(.client) { $0.maximumStreamSendByteCount = 100_000 }
        let stream = try session.openStream()
        #expect(try session.write(stream, [UInt8](repeating: 1, count: 70_000)) == 70_000)
        #expect(try session.write(stream, [UInt8](repeating: 2, count: 70_000)) == 30_000)
        #expect(try session.write(stream, [3]) == 0)
        var output: [UInt8] = []
        #expect(session.nextOutput(into: &output, atMost: 50_000) == true)
        #expect(session.drain() == [])
        #expect(session.nextOutput(into: &output, atMost: 20_000) == true)
        #expect(session.drain() == [.writable(stream)])
        #expect(session.nextOutput(into: &output, atMost: 100_000) == true)
        #expect(session.drain() == [], "told once")
        #expect(
            YamuxFrame.list(output)?.filter { $0.kind == .data }.map(\.length).reduce(0, +)
                == 100_000)
    }

    @Test("A full session cuts writes short on all streams and tells all of them")
    func sessionBuffer() throws {
        var session = YamuxSession.at(.client) {
            $0.maximumSendByteCount = 100_000
            $0.maximumStreamSendByteCount = 80_000
        }
        let first = try session.openStream()
        let second = try session.openStream()
        let third = try session.openStream()
        let block = [UInt8](repeating: 1, count: 90_000)
        #expect(try session.write(first, block) == 80_000)
        #expect(try session.write(second, block) == 20_000)
        #expect(try session.write(third, block) == 0)
        var output: [UInt8] = []
        #expect(session.nextOutput(into: &output, atMost: 40_000) == true)
        #expect(session.drain() == [])
        #expect(session.nextOutput(into: &output, atMost: 40_000) == true)
        #expect(session.drain() == [.writable(second), .writable(third), .writable(first)])
        #expect(session.unsentByteCount < 50_000)
    }

    @Test("A stream that ends makes room for the others of a full session")
    func roomAfterReset() throws {
        var session = YamuxSession.at(.client) { $0.maximumSendByteCount = 100_000 }
        let first = try session.openStream()
        let second = try session.openStream()
        #expect(try session.write(first, [UInt8](repeating: 1, count: 100_000)) == 100_000)
        #expect(try session.write(second, [1]) == 0)
        session.reset(first)
        #expect(session.drain() == [.writable(second)])
        #expect(session.unsentByteCount == 0)
        #expect(try session.write(second, [1]) == 1)
    }

    @Test("Streams of one class take turns of 16 KiB")
    func roundRobin() throws {
        var session = YamuxSession.at(.client)
        for _ in 0..<3 {
            try session.write(session.openStream(), [UInt8](repeating: 0, count: 40_000))
        }
        let data = try #require(YamuxFrame.list(session.pull())).filter { $0.kind == .data }
        #expect(data.map(\.stream) == [1, 3, 5, 1, 3, 5, 1, 3, 5])
        #expect(
            data.map(\.length) == [
                16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 7_232, 7_232, 7_232,
            ])
    }

    @Test("Urgent data overtakes what waits; bulk goes last")
    func priorities() throws {
        var session = YamuxSession.at(.client)
        let bulk = try session.openStream(priority: .bulk)
        let normal = try session.openStream()
        let urgent = try session.openStream(priority: .urgent)
        for stream in [bulk, normal, urgent] {
            try session.write(stream, [UInt8](repeating: 0, count: 20_000))
        }
        var output: [UInt8] = []
        #expect(session.nextOutput(into: &output, atMost: 24_000) == true)
        try session.write(urgent, [1, 2, 3])
        session.setPriority(.urgent, of: bulk)
        output += session.pull()
        let frames = try #require(YamuxFrame.list(output))
        #expect(frames.prefix(3) == [.open(1), .open(3), .open(5)], "ids are announced in order")
        let order = frames.filter { $0.kind == .data }.map(\.stream)
        #expect(order == [5, 5, 3, 5, 1, 1, 3])
        #expect(session.pull() == [])
    }

    @Test("Answers and credit go before data, and a small limit still makes progress")
    func controlFirst() throws {
        var session = YamuxSession.at(.server)
        _ = session.feed([.open(1)])
        try session.write(one, [UInt8](repeating: 7, count: 5))
        _ = session.feed([YamuxFrame(.ping, .synchronize, length: 3)])
        var output: [UInt8] = []
        var pieces: [Int] = []
        while session.nextOutput(into: &output, atMost: 13) {
            pieces.append(output.count - pieces.reduce(0, +))
        }
        #expect(pieces.allSatisfy { $0 <= 13 } && pieces.count == 7)
        #expect(
            YamuxFrame.list(output)
                == [YamuxFrame(.ping, .acknowledge, length: 3), .accept(1)]
                + Array(repeating: .data(1, 1), count: 5))
        try session.write(one, [1])
        #expect(session.nextOutput(into: &output, atMost: 12) == false)
    }

    @Test(
        "Megabytes both ways arrive exactly, under back-pressure and any cutting",
        arguments: [UInt64(1), 2, 3])
    func megabytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var pair = YamuxPair { $0.maximumStreamSendByteCount = 70_000 }
        var talks: [Talk] = []
        for number in 0..<4 {
            let priority = YamuxPriority.allCases[number % 3]
            let up = try pair.client.openStream(priority: priority)
            let down = try pair.server.openStream(priority: priority)
            talks.append(Talk(stream: up, count: 400_000 + 50_000 * number, seed: seed))
            talks.append(Talk(stream: down, count: 350_000 + 50_000 * number, seed: seed + 9))
        }
        var steps = 0
        while !talks.allSatisfy(\.isDone) {
            steps += 1
            try #require(steps < 50_000, "seed \(seed) does not come to an end")
            pair.step(capacity: 30_000, using: &generator)
            for event in pair.client.drain() { Talk.route(event, isClient: true, to: &talks) }
            for event in pair.server.drain() { Talk.route(event, isClient: false, to: &talks) }
            for index in talks.indices {
                try talks[index].work(&pair, using: &generator)
            }
            #expect(pair.client.unsentByteCount <= 8 * 70_000)
            #expect(pair.server.unconsumedByteCount <= 8 * Int(window))
        }
        #expect(talks.allSatisfy { $0.isExact }, "seed \(seed)")
        pair.settle()
        #expect(pair.client.streamCount == 0 && pair.server.streamCount == 0)
        #expect(pair.client.unsentByteCount == 0 && pair.server.unconsumedByteCount == 0)
    }
}

/// One stream on which both sides send a known text, read slowly and check.
private struct Talk {
    /// One side's half of the work.
    struct End {
        var written = 0
        var received = 0
        var unread = 0
        var isShut = false
        var hasEnded = false
        var isExact = true
    }

    let stream: YamuxStreamID
    let count: Int
    let seed: UInt64
    var client = End()
    var server = End()

    var isDone: Bool {
        [client, server].allSatisfy {
            $0.isShut && $0.hasEnded && $0.received == count && $0.unread == 0
        }
    }
    var isExact: Bool { client.isExact && server.isExact }

    /// The byte at a place of the text.
    private static func byte(_ place: Int, _ seed: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: (UInt64(place) &+ seed) &* 0x9E37_79B9_7F4A_7C15 >> 32)
    }

    static func route(_ event: YamuxEvent, isClient: Bool, to talks: inout [Talk]) {
        for index in talks.indices {
            if isClient {
                talks[index].client.take(event, of: talks[index])
            } else {
                talks[index].server.take(event, of: talks[index])
            }
        }
    }

    mutating func work(_ pair: inout YamuxPair, using generator: inout SeededGenerator) throws {
        try client.work(&pair.client, of: self, using: &generator)
        if server.received > 0 || stream.rawValue % 2 == 0 {
            try server.work(&pair.server, of: self, using: &generator)
        }
    }

    static func text(_ range: Range<Int>, seed: UInt64) -> [UInt8] {
        range.map { byte($0, seed) }
    }
}

extension Talk.End {
    fileprivate mutating func take(_ event: YamuxEvent, of talk: Talk) {
        switch event {
        case .data(talk.stream, let bytes):
            let expected = Talk.text(received..<(received + bytes.count), seed: talk.seed)
            isExact = isExact && bytes == expected && received + bytes.count <= talk.count
            received += bytes.count
            unread += bytes.count
        case .halfClosed(talk.stream): hasEnded = true
        case .reset, .protocolError, .goAway, .timedOut: isExact = false
        default: break
        }
    }

    fileprivate mutating func work(
        _ session: inout YamuxSession, of talk: Talk, using generator: inout SeededGenerator
    ) throws {
        let read = Int.random(in: 0...min(unread, 20_000), using: &generator)
        session.consumed(talk.stream, read)
        unread -= read
        guard !isShut, talk.stream.rawValue % 2 == 1 || session.streamCount > 0 else { return }
        let offer = min(talk.count - written, Int.random(in: 0...30_000, using: &generator))
        let text = Talk.text(written..<(written + offer), seed: talk.seed)
        do {
            written += try session.write(talk.stream, text)
        } catch .unknownStream {
            return  // The peer has not heard of it yet.
        }
        if written == talk.count {
            session.shutdown(talk.stream)
            isShut = true
        }
    }
}
