import LibP2P
import Primitives
import Testing

@Suite("Unsigned varint")
struct UnsignedVarintTests {
    @Test("Every valid vector reads and writes", arguments: SecurityVectors.varint.valid)
    func valid(_ vector: SecurityVectors.VarintFile.Valid) throws {
        let value = try #require(UInt64(vector.value))
        let encoding = try bytes(vector.hex)
        #expect(UnsignedVarint.encode(value) == encoding)
        #expect(UnsignedVarint.byteCount(of: value) == encoding.count)
        let whole = UnsignedVarint.Decoding.complete(value: value, byteCount: encoding.count)
        #expect(try UnsignedVarint.decode(encoding) == whole)
        #expect(try UnsignedVarint.decode(encoding + [0xFF, 0x00]) == whole)
        for length in 0..<encoding.count {
            #expect(try UnsignedVarint.decode(encoding[..<length]) == .incomplete)
        }
    }

    @Test("No invalid vector reads as a value", arguments: SecurityVectors.varint.invalid)
    func invalid(_ vector: SecurityVectors.VarintFile.Invalid) throws {
        let encoding = try bytes(vector.hex)
        if vector.why == "truncated" {
            #expect(try UnsignedVarint.decode(encoding) == .incomplete)
        } else {
            let error: VarintError = encoding.count > 9 ? .tooLong : .notMinimal
            #expect(throws: error) { try UnsignedVarint.decode(encoding) }
        }
    }

    @Test("Nine continuation bytes are too long, eight are incomplete")
    func longest() throws {
        let ones = [UInt8](repeating: 0xFF, count: 9)
        #expect(throws: VarintError.tooLong) { try UnsignedVarint.decode(ones) }
        #expect(try UnsignedVarint.decode(ones[..<8]) == .incomplete)
        #expect(throws: VarintError.notMinimal) {
            try UnsignedVarint.decode([UInt8](repeating: 0x80, count: 8) + [0])
        }
    }

    @Test("Random values survive the round trip", arguments: [UInt64(1), 2, 3])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let value = generator.next() >> UInt64.random(in: 1...63, using: &generator)
            let encoding = UnsignedVarint.encode(value)
            let expected = UnsignedVarint.Decoding.complete(
                value: value, byteCount: UnsignedVarint.byteCount(of: value))
            #expect(try UnsignedVarint.decode(encoding) == expected, "seed \(seed), \(value)")
        }
    }

    @Test("What reads as a value is its one encoding, whatever the bytes", arguments: [UInt64(7)])
    func garbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let input = generator.bytes(count: Int.random(in: 0...12, using: &generator))
            guard case .complete(let value, let count)? = try? UnsignedVarint.decode(input) else {
                continue
            }
            #expect(
                UnsignedVarint.encode(value) == Array(input[..<count]), "seed \(seed), \(input)")
        }
    }
}

@Suite("Length-prefixed frames")
struct LengthPrefixedDecoderTests {
    static func stream(_ frames: [[UInt8]]) -> [UInt8] {
        var stream: [UInt8] = []
        for frame in frames {
            stream += UnsignedVarint.encode(UInt64(frame.count)) + frame
        }
        return stream
    }

    static func frames(_ decoder: inout LengthPrefixedDecoder) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        while let frame = try decoder.nextFrame() { frames.append(frame) }
        return frames
    }

    @Test("Frames come out whole however the stream is cut", arguments: [1, 2, 3, 7, 64, 100_000])
    func segmentation(_ step: Int) throws {
        var generator = SeededGenerator(seed: 11)
        let sent = [0, 1, 2, 127, 128, 300, 16_383, 16_384, 0, 5].map { generator.bytes(count: $0) }
        let stream = Self.stream(sent)
        var decoder = LengthPrefixedDecoder(maximumByteCount: 16_384)
        var received: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: step) {
            decoder.receive(stream[start..<min(start + step, stream.count)])
            received += try Self.frames(&decoder)
        }
        #expect(received == sent)
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("A length above the limit fails as soon as it is read, and for good")
    func tooLong() throws {
        var decoder = LengthPrefixedDecoder(maximumByteCount: 300)
        decoder.receive([0xAC])
        #expect(try decoder.nextFrame() == nil)
        decoder.receive([0x03])
        let error = FramingError.frameTooLong(byteCount: 428, limit: 300)
        #expect(throws: error) { try decoder.nextFrame() }
        decoder.receive([0x01, 0x01])
        #expect(throws: error) { try decoder.nextFrame() }
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("The largest length is refused without a trap")
    func largestLength() {
        var decoder = LengthPrefixedDecoder(maximumByteCount: Int.max)
        decoder.receive(UnsignedVarint.encode(UnsignedVarint.maximumValue))
        #expect(throws: Never.self) { try decoder.nextFrame() }
        #expect(decoder.bufferedByteCount == 9)
    }

    @Test("A malformed length is an error")
    func malformedLength() {
        var decoder = LengthPrefixedDecoder(maximumByteCount: 300)
        decoder.receive([0x80, 0x00])
        #expect(throws: FramingError.malformedLength(.notMinimal)) { try decoder.nextFrame() }
    }

    @Test("What follows the last frame is handed on as it came")
    func remaining() throws {
        var decoder = LengthPrefixedDecoder(maximumByteCount: 300)
        decoder.receive([0x02, 0x61, 0x62, 0xFF, 0xFF, 0x00])
        #expect(try decoder.nextFrame() == [0x61, 0x62])
        #expect(decoder.takeRemaining() == [0xFF, 0xFF, 0x00])
        #expect(decoder.takeRemaining() == [])
    }

    @Test(
        "Random bytes never trap and leave no more than arrived", arguments: [UInt64(1), 2, 3, 4])
    func garbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            var decoder = LengthPrefixedDecoder(maximumByteCount: 64)
            var arrived = 0
            for _ in 0..<8 {
                let input = generator.bytes(count: Int.random(in: 0...40, using: &generator))
                arrived += input.count
                decoder.receive(input)
                while let frame = try? decoder.nextFrame() {
                    #expect(frame.count <= 64, "seed \(seed)")
                }
                #expect(decoder.bufferedByteCount <= arrived, "seed \(seed)")
            }
        }
    }
}
