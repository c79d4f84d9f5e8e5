import Crypto
import LibP2P
import Primitives
import Testing

@Suite("Secured channel")
struct SecuredChannelTests {
    static let limit = SecuredChannel.maximumPlaintextByteCount

    @Test(
        "Plaintext of any length comes out as it went in",
        arguments: [0, 1, 2, 15, 16, 17, 1_000, 65_518, 65_519, 65_520, 131_038, 200_000])
    func roundTrip(byteCount: Int) throws {
        var generator = SeededGenerator(seed: UInt64(byteCount))
        var (sender, receiver) = NoiseFixture.channels()
        let plaintext = generator.bytes(count: byteCount)
        var records: [UInt8] = [0xAA]
        try sender.seal(plaintext, into: &records)
        let count = (byteCount + Self.limit - 1) / Self.limit
        #expect(records.count == 1 + byteCount + count * SecuredChannel.recordOverhead)
        #expect(records[0] == 0xAA)
        #expect(try receiver.open(Array(records.dropFirst())) == plaintext)
    }

    @Test("Records open however the stream is cut", arguments: [1, 2, 3, 17, 1_000, .max])
    func segmentation(step: Int) throws {
        var generator = SeededGenerator(seed: 3)
        var (sender, receiver) = NoiseFixture.channels()
        var sent: [UInt8] = []
        var stream: [UInt8] = []
        for byteCount in [1, 5_000, 3, 65_519, 16, 70_000] {
            let plaintext = generator.bytes(count: byteCount)
            sent += plaintext
            try sender.seal(plaintext, into: &stream)
        }
        var received: [UInt8] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(step))
            rest = rest.dropFirst(step)
            try receiver.open(part.span, into: &received)
        }
        #expect(received == sent)
    }

    @Test("An altered byte fails the channel for good, and spares what came before it")
    func alteration() throws {
        let (sender, receiver) = NoiseFixture.channels()
        var records: [UInt8] = []
        var writer = sender
        try writer.seal([1, 2, 3], into: &records)
        let firstCount = records.count
        try writer.seal([4, 5], into: &records)
        for position in firstCount..<records.count {
            var altered = records
            altered[position] ^= 1 << (position % 8)
            var reader = receiver
            var plaintext: [UInt8] = []
            var failure: NoiseError?
            do throws(NoiseError) {
                try reader.open(altered.span, into: &plaintext)
            } catch {
                failure = error
            }
            #expect(plaintext == [1, 2, 3], "byte \(position)")
            if position >= firstCount + 2 {
                #expect(failure == .decryptionFailed, "byte \(position)")
                #expect(throws: NoiseError.decryptionFailed) { try reader.open([]) }
            }
        }
    }

    @Test("Replayed, dropped and reordered records are refused")
    func order() throws {
        let (sender, receiver) = NoiseFixture.channels()
        var writer = sender
        var first: [UInt8] = []
        var second: [UInt8] = []
        try writer.seal([1], into: &first)
        try writer.seal([2], into: &second)
        for stream in [first + first, second, second + first] {
            var reader = receiver
            #expect(throws: NoiseError.decryptionFailed) { try reader.open(stream) }
        }
    }

    @Test("A side cannot read its own records back")
    func reflection() throws {
        var (sender, _) = NoiseFixture.channels()
        var record: [UInt8] = []
        try sender.seal([1, 2, 3], into: &record)
        #expect(throws: NoiseError.decryptionFailed) { try sender.open(record) }
    }

    @Test("Lengths below a tag's are refused as soon as they are read", arguments: 0..<16)
    func tooShort(length: UInt8) {
        var (_, receiver) = NoiseFixture.channels()
        #expect(throws: NoiseError.messageTooShort(byteCount: Int(length))) {
            try receiver.open([0, length])
        }
    }

    /// Records without content from the first end of the fixture; `seal` does not make them.
    private func emptyRecords(count: Int) throws -> [UInt8] {
        let key = SymmetricKey(data: [UInt8](repeating: 5, count: 32))
        var stream: [UInt8] = []
        for number in 0..<UInt64(count) {
            let counter = withUnsafeBytes(of: number.littleEndian) { Array($0) }
            let box = try ChaChaPoly.seal(
                [UInt8](), using: key, nonce: ChaChaPoly.Nonce(data: [0, 0, 0, 0] + counter))
            stream += [0, 16] + box.tag
        }
        return stream
    }

    @Test("Records without content are legal, too many in a row are not")
    func emptyRecords() throws {
        let limit = SecuredChannel.maximumEmptyRecordCount
        var (_, receiver) = NoiseFixture.channels()
        #expect(try receiver.open(try emptyRecords(count: limit)) == [])
        var (_, victim) = NoiseFixture.channels()
        #expect(throws: NoiseError.tooManyEmptyRecords) {
            try victim.open(try emptyRecords(count: limit + 1))
        }
        var (sender, _) = NoiseFixture.channels(recordNumber: UInt64(limit))
        var record: [UInt8] = []
        try sender.seal([7], into: &record)
        #expect(try receiver.open(record) == [7])
    }

    @Test("The last record number is never used")
    func exhaustion() throws {
        var (sender, receiver) = NoiseFixture.channels(recordNumber: .max - 1)
        var records: [UInt8] = []
        try sender.seal([1], into: &records)
        #expect(try receiver.open(records) == [1])
        #expect(throws: NoiseError.nonceExhausted) { try sender.seal([2], into: &records) }
        #expect(throws: NoiseError.nonceExhausted) { try receiver.open(records) }
    }

    @Test(
        "Random bytes never trap, and cuts do not matter", arguments: 1...10 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var (sender, receiver) = NoiseFixture.channels()
            var stream: [UInt8] = []
            for _ in 0..<3 {
                try sender.seal(generator.bytes(count: Int(generator.next() % 40)), into: &stream)
                if generator.next().isMultiple(of: 4) {
                    stream += generator.bytes(count: Int(generator.next() % 20))
                }
            }
            var cut = receiver
            var whole: [UInt8] = []
            try? receiver.open(stream.span, into: &whole)
            var pieces: [UInt8] = []
            let step = Int.random(in: 1...9, using: &generator)
            for start in stride(from: 0, to: stream.count, by: step) {
                let part = Array(stream[start..<min(start + step, stream.count)])
                try? cut.open(part.span, into: &pieces)
            }
            #expect(pieces == whole, "seed \(seed)")
        }
    }
}
