import LibP2P
import Primitives
import Testing

@Suite("Yamux frames")
struct YamuxFrameTests {
    @Test("Every vector is read and written back", arguments: MuxingVectors.yamux.frames)
    func vectors(_ vector: MuxingVectors.YamuxFile.Frame) throws {
        let encoding = try bytes(vector.hex)
        let frame = try YamuxFrame(header: encoding[..<12])
        #expect(frame.header == Array(encoding[..<12]))
        #expect(encoding.count == 12 + (frame.kind == .data ? Int(frame.length) : 0))
    }

    @Test("The fields stand where the specification puts them")
    func fields() throws {
        let open = YamuxFrame(.windowUpdate, .synchronize, stream: 3, length: 0x00FC_0000)
        #expect(open.header.hex == "000100010000000300fc0000")
        let reset = try YamuxFrame(header: bytes("000100080000000100001001")[...])
        #expect(reset == YamuxFrame(.windowUpdate, .reset, stream: 1, length: 0x1001))
        #expect(YamuxLimits.windowByteCount == MuxingVectors.yamux.initial_window)
    }

    @Test("Any header of version 0 and type 0 to 3 survives the round trip", arguments: [UInt64(1)])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            var header = generator.bytes(count: 12)
            header[0] = 0
            header[1] &= 3
            #expect(try YamuxFrame(header: header[...]).header == header, "seed \(seed)")
        }
    }

    @Test("Other versions and types are refused")
    func malformed() {
        for version in UInt8(1)...255 {
            #expect(throws: YamuxViolation.unknownVersion(version)) {
                try YamuxFrame(header: ([version] + [UInt8](repeating: 0, count: 11))[...])
            }
        }
        for kind in UInt8(4)...255 {
            #expect(throws: YamuxViolation.unknownFrameType(kind)) {
                try YamuxFrame(header: ([0, kind] + [UInt8](repeating: 0, count: 10))[...])
            }
        }
    }

    @Test("No invalid vector leaves a session alive", arguments: MuxingVectors.yamux.invalid)
    func invalid(_ vector: MuxingVectors.YamuxFile.Invalid) throws {
        var session = YamuxSession.at(.server)
        let violation: YamuxViolation =
            switch vector.why {
            case "version 1": .unknownVersion(1)
            case "unknown type": .unknownFrameType(4)
            case "client used an even id": .foreignIdentifier(2)
            case "data on the session id": .streamFrameOnSession
            default: .windowExceeded(stream: 1, length: 0x4_0001)
            }
        #expect(session.feed(try bytes(vector.hex)) == [.protocolError(violation)])
        #expect(session.isClosed)
        #expect(session.pull().hex == "000300000000000000000001")
    }
}

@Suite("Yamux building blocks")
struct YamuxBuildingBlockTests {
    @Test("Ids may come out of order, not twice, and not more than 1,024 late")
    func identifiers() {
        var used = UsedIdentifiers()
        for ordinal in [UInt32(5), 3, 4, 1_000, 999, 6] { #expect(used.insert(ordinal) == true) }
        for ordinal in [UInt32(5), 3, 4, 1_000, 999, 6] { #expect(used.insert(ordinal) == false) }
        #expect(used.insert(1_030) == true)
        #expect(used.insert(6) == false)
        #expect(used.insert(7) == true)
        #expect(used.insert(0x7FFF_FFFF) == true)
        #expect(used.insert(1_031) == false)
        #expect(used.insert(0x7FFF_FFFF - 1_023) == true)
        #expect(used.insert(0x7FFF_FFFF - 1_024) == false)
    }

    @Test("Id bookkeeping agrees with a set of all ids", arguments: [UInt64(1), 2])
    func identifierModel(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var used = UsedIdentifiers()
        var model: Set<UInt32> = []
        var highest: UInt32 = 0
        for _ in 0..<20_000 {
            let low = highest > 1_500 ? highest - 1_500 : 0
            let ordinal = UInt32.random(in: low...(highest + 40), using: &generator)
            let isNew = !model.contains(ordinal) && (ordinal > highest || highest - ordinal < 1_024)
            #expect(used.insert(ordinal) == isNew, "seed \(seed)")
            if isNew { model.insert(ordinal) }
            highest = max(highest, ordinal)
        }
    }

    @Test("A queue gives back what it took, in order", arguments: [UInt64(3)])
    func queue(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = FIFO<Int>()
        var model: [Int] = []
        for number in 0..<5_000 {
            switch generator.next() % 5 {
            case 0, 1, 2:
                queue.append(number)
                model.append(number)
            case 3: #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            default: #expect(queue.popLast() == model.popLast())
            }
            #expect(queue.count == model.count && queue.first == model.first, "seed \(seed)")
        }
        queue.removeAll()
        #expect(queue.isEmpty && queue.popLast() == nil && queue.popFirst() == nil)
    }

    @Test("A bucket allows its burst, then its rate, and never saves up more")
    func bucket() {
        var bucket = TokenBucket(RateLimit(burst: 3, perSecond: 2), now: .zero)
        let taken = [0, 0, 0, 0, 499, 500, 501, 1_000, 1_400, 9_000, 9_000, 9_000, 9_000]
            .map { bucket.take(now: .milliseconds($0)) }
        #expect(
            taken == [
                true, true, true, false, false, true, false, true, false, true, true, true, false,
            ])
        #expect(bucket.take(now: .zero) == false, "a clock that goes backwards refills nothing")
        #expect(bucket.take(now: .distantFuture) == true)
    }
}
