import LibP2P
import Primitives
import Testing

@Suite("Yamux session")
struct YamuxSessionTests {
    let one = YamuxStreamID(1)
    let hello: [UInt8] = Array("hello".utf8)

    @Test("A stream's life, as the dialer sees it")
    func dialer() throws {
        var session = YamuxSession.at(.client)
        let stream = try session.openStream()
        #expect(stream == one)
        #expect(try session.write(stream, hello) == 5)
        #expect(session.unsentByteCount(of: stream) == 5)
        #expect(
            session.pull().hex == "000100010000000100000000" + "000000000000000100000005"
                + hello.hex)
        #expect(session.unsentByteCount == 0)
        #expect(session.feed([.accept(1)]) == [.streamAccepted(one)])
        #expect(session.feed(YamuxFrame.data(1, 2).header + [7, 8]) == [.data(one, [7, 8])])
        session.shutdown(stream)
        #expect(session.pull().hex == "000000040000000100000000")
        #expect(throws: YamuxError.shutDown(one)) { try session.write(stream, hello) }
        #expect(session.feed([.finish(1)]) == [.halfClosed(one)])
        session.consumed(stream, 2)
        #expect(session.drain() == [.closed(one)])
        #expect(session.streamCount == 0)
        #expect(throws: YamuxError.unknownStream(one)) { try session.write(stream, hello) }
        #expect(try session.openStream() == YamuxStreamID(3))
    }

    @Test("A stream's life, as the listener sees it")
    func listener() throws {
        var session = YamuxSession.at(.server)
        #expect(
            session.feed(YamuxFrame.data(1, 5, .synchronize).header + hello)
                == [.streamOpened(one), .data(one, hello)])
        #expect(session.pull().hex == "000100020000000100000000")
        #expect(try session.write(one, [1]) == 1)
        session.shutdown(one)
        session.shutdown(one)
        #expect(session.pull().hex == "00000000000000010000000101" + "000000040000000100000000")
        #expect(session.feed([.finish(1), .finish(1)]) == [.halfClosed(one)])
        #expect(session.drain() == [])
        session.consumed(one, 5)
        #expect(session.drain() == [.closed(one)])
        #expect(session.pull() == [])
        #expect(try session.openStream() == YamuxStreamID(2))
    }

    @Test("The end of a stream may come with data, with credit, or on a frame of its own")
    func ends() {
        for (frames, expected) in [
            ([.open(1), .data(1, 1, .finish)], [.data(one, [0]), .halfClosed(one)]),
            ([.open(1), YamuxFrame(.windowUpdate, .finish, stream: 1)], [.halfClosed(one)]),
            ([.open(1), .finish(1)], [.halfClosed(one)]),
            ([.data(1, 0, [.synchronize, .finish])], [.halfClosed(one)]),
            ([.data(1, 1, [.synchronize, .finish])], [.data(one, [0]), .halfClosed(one)]),
        ] as [([YamuxFrame], [YamuxEvent])] {
            var session = YamuxSession.at(.server)
            #expect(session.feed(frames) == [.streamOpened(one)] + expected)
        }
    }

    @Test("Resets are told apart from credit, in every form other implementations send")
    func resets() throws {
        for (frame, code) in [
            (YamuxFrame.abort(1), 0), (YamuxFrame(.windowUpdate, .reset, stream: 1), 0),
            (YamuxFrame(.windowUpdate, .reset, stream: 1, length: 0x1001), 0x1001),
            (YamuxFrame(.windowUpdate, .reset, stream: 1, length: .max), .max),
        ] as [(YamuxFrame, UInt32)] {
            var session = YamuxSession.at(.client)
            let stream = try session.openStream()
            try session.write(stream, hello)
            _ = session.pull()
            #expect(session.feed([frame]) == [.reset(one, .byPeer(code: code))])
            #expect(session.streamCount == 0 && session.unsentByteCount == 0)
        }
    }

    @Test("A local reset is told once, only if the peer knows the stream, and late data is dropped")
    func localReset() throws {
        var session = YamuxSession.at(.client)
        let secret = try session.openStream()
        session.reset(secret)
        #expect(session.pull() == [], "the peer never heard of the stream")
        let stream = try session.openStream()
        _ = session.pull()
        #expect(session.feed(YamuxFrame.data(3, 8).header + [1, 2]).last == .data(stream, [1, 2]))
        session.reset(stream)
        session.reset(stream)
        #expect(YamuxFrame.list(session.pull()) == [.abort(3)])
        #expect(session.feed([3, 4, 5, 6, 7, 8] + YamuxFrame.data(3, 9).bytes) == [])
        #expect(session.unconsumedByteCount == 0)
        session.consumed(stream, 2)
    }

    @Test("Refusing an inbound stream before anything was sent needs no acknowledgement")
    func refusal() {
        var session = YamuxSession.at(.server)
        #expect(session.feed([.open(1)]) == [.streamOpened(one)])
        session.reset(one)
        #expect(YamuxFrame.list(session.pull()) == [.abort(1)])
    }

    @Test("A ping is echoed with its value")
    func pingEcho() {
        var session = YamuxSession.at(.server)
        let ping = YamuxFrame(.ping, .synchronize, length: 0xDEAD_BEEF)
        #expect(session.feed([ping]) == [])
        #expect(session.pull() == YamuxFrame(.ping, .acknowledge, length: 0xDEAD_BEEF).header)
    }

    @Test("Any go-away ends the session, whatever its code", arguments: [0, 1, 2, 77] as [UInt32])
    func goAwayReceived(code: UInt32) throws {
        var session = YamuxSession.at(.client)
        let stream = try session.openStream()
        _ = try session.write(stream, hello)
        #expect(session.feed([YamuxFrame(.goAway, length: code)]) == [.goAway(code: code)])
        #expect(session.isClosed && session.streamCount == 0 && session.unsentByteCount == 0)
        #expect(session.pull() == [])
        #expect(session.feed([.open(2)]) == [])
        #expect(session.nextDeadline == nil)
        #expect(throws: YamuxError.sessionClosed) { try session.openStream() }
        #expect(throws: YamuxError.sessionClosed) { try session.write(stream, hello) }
    }

    @Test("A go-away of this side's is the last that is sent")
    func goAwaySent() throws {
        var session = YamuxSession.at(.client)
        let stream = try session.openStream()
        try session.write(stream, hello)
        session.goAway(.internalError)
        session.goAway(.normal)
        #expect(session.pull() == YamuxFrame(.goAway, length: 2).header)
        #expect(session.isClosed && session.drain() == [])
    }

    @Test("Keep-alive: a ping at once, the next after ten seconds, the end after silence")
    func keepAlive() {
        var session = YamuxSession.at(.client)
        #expect(session.nextDeadline == .zero)
        session.handleDeadline(.zero)
        #expect(session.pull().hex == "000200010000000000000000")
        #expect(session.nextDeadline == .milliseconds(20_000))
        session.handleDeadline(.milliseconds(10))
        #expect(session.pull() == [], "one ping at a time")
        let pong = YamuxFrame(.ping, .acknowledge)
        #expect(session.feed([pong], at: 30) == [.pong(roundTrip: .milliseconds(30))])
        #expect(session.nextDeadline == .milliseconds(10_000))
        session.handleDeadline(.milliseconds(9_999))
        #expect(session.pull() == [])
        session.handleDeadline(.milliseconds(10_000))
        #expect(session.pull().hex == "000200010000000000000001")
        #expect(session.feed([.open(2)], at: 15_000) == [.streamOpened(YamuxStreamID(2))])
        #expect(session.nextDeadline == .milliseconds(35_000), "any byte is a sign of life")
        session.handleDeadline(.milliseconds(30_000))
        #expect(session.drain() == [])
        session.handleDeadline(.milliseconds(35_000))
        #expect(session.drain() == [.timedOut])
        #expect(session.isClosed && session.nextDeadline == nil && session.pull() == [])
    }

    @Test("Frames cut anywhere mean the same as frames at once")
    func dripFeed() throws {
        var transcript: [UInt8] = []
        for frame in [
            .open(1), .data(1, 300), .credit(1, 5_000), .data(3, 2, .synchronize), .finish(3),
            YamuxFrame(.ping, .synchronize, length: 9), .data(1, 77), .abort(3),
            .data(1, 1, .finish), YamuxFrame(.goAway),
        ] as [YamuxFrame] { transcript += frame.bytes }
        var whole = YamuxSession.at(.server)
        let expected = whole.feed(transcript)
        #expect(expected.last == .goAway(code: 0) && expected.count == 10)
        for size in [1, 2, 3, 5, 11, 12, 13, 100] {
            var session = YamuxSession.at(.server)
            var start = 0
            while start < transcript.count {
                let end = min(transcript.count, start + size)
                session.receive(Array(transcript[start..<end]), now: .zero)
                start = end
            }
            #expect(session.drain() == expected, "pieces of \(size)")
        }
        for length in transcript.indices {
            var session = YamuxSession.at(.server)
            let before = session.feed(Array(transcript[..<length]))
            #expect(!session.isClosed && before.count < expected.count, "\(length) bytes")
            let after = session.feed(Array(transcript[length...]))
            #expect(before.joined(after) == expected.joined([]), "cut at \(length)")
        }
    }
}

extension [YamuxEvent] {
    /// Both lists with the data of each stream as one string of bytes, and the other events.
    func joined(_ rest: [YamuxEvent]) -> [String] {
        var data: [UInt32: [UInt8]] = [:]
        var others: [String] = []
        for event in self + rest {
            if case .data(let id, let bytes) = event {
                data[id.rawValue, default: []] += bytes
            } else {
                others.append("\(event)")
            }
        }
        return others + data.keys.sorted().map { "\($0): \(data[$0]?.hex ?? "")" }
    }
}
