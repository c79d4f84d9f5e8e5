import LibP2P
import Primitives
import Testing

@Suite("DNS messages")
struct DNSMessageTests {
    private let vectors = MuxingVectors.mdns

    private static let header = "0000840000000001" + "00000000"

    private func name(_ text: String) throws -> DNSName { try #require(DNSName(text)) }

    @Test("The vectors read as what they say, and are written as they are")
    func vectorFiles() throws {
        let service = try name("_p2p._udp.local")
        let text = Array(vectors.txt.utf8)
        let label = String(repeating: "a", count: 32)
        let query = try DNSMessage(bytes: bytes(vectors.query))
        #expect(query == DNSMessage(questions: [DNSQuestion(service, type: DNSRecordType.ptr)]))
        #expect(query.bytes.hex == vectors.query)
        #expect(query == MulticastDiscovery.question)
        let long = DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [
                DNSRecord(
                    service, timeToLive: 360, .ptr(try name("\(label)._p2p._udp.local.")))
            ],
            additionals: [
                DNSRecord(
                    try name("\(label)._p2p._udp.local"), classCode: 0x8001, timeToLive: 360,
                    .txt([text]))
            ])
        #expect(try DNSMessage(bytes: bytes(vectors.response_spec_form)) == long)
        #expect(long.bytes.hex == vectors.response_spec_form)
        let rust = try DNSMessage(bytes: bytes(vectors.response_as_rust_libp2p_emits))
        #expect(rust.answers.map(\.content) == [.ptr(try name(label))])
        #expect(rust.additionals.map(\.name) == [try name(label)])
        #expect(rust.bytes.hex == vectors.response_as_rust_libp2p_emits)
        let meta = try DNSMessage(bytes: bytes(vectors.meta_response))
        #expect(meta.answers.map(\.name) == [try name("_services._dns-sd._udp.local")])
        #expect(meta.bytes.hex == vectors.meta_response)
    }

    @Test("No truncation of a message is a message")
    func truncations() throws {
        for vector in [vectors.query, vectors.response_spec_form, vectors.meta_response] {
            let whole = try bytes(vector)
            for length in whole.indices {
                #expect(throws: DNSError.truncated) {
                    try DNSMessage(bytes: Array(whole[..<length]))
                }
            }
        }
    }

    @Test("All record types are written and read")
    func records() throws {
        let owner = try name("host.example")
        let contents: [DNSRecord.Content] = [
            .a(IPv4Address(rawValue: 0x0A00_0001)), .aaaa(.loopback), .ptr(owner),
            .txt([[], [1, 2], [UInt8](repeating: 7, count: 255)]), .txt([]),
            .srv(priority: 1, weight: 2, port: 3, target: owner), .other(type: 41, [9, 9]),
        ]
        let message = DNSMessage(
            id: 7, flags: 0x8180, questions: [DNSQuestion(owner, type: DNSRecordType.any)],
            answers: contents.map { DNSRecord(owner, timeToLive: 60, $0) },
            authorities: [DNSRecord(owner, timeToLive: 1, .ptr(owner))],
            additionals: [DNSRecord(owner, classCode: 0x8001, timeToLive: .max, .ptr(owner))])
        #expect(try DNSMessage(bytes: message.bytes) == message)
        #expect(message.answers.map(\.type) == [1, 28, 12, 16, 16, 33, 41])
    }

    @Test("Compressed names are read, in owners and in records")
    func compression() throws {
        // "local" at 12, "_udp.local" at 19 and so on.
        let packet =
            "000000000001000200000000" + "045f703270045f756470056c6f63616c00" + "000c0001"
            + "c00c" + "000c0001" + "00000078" + "0004" + "0161" + "c00c"
            + "c011" + "000c0001" + "00000078" + "0002" + "c016"
        let message = try DNSMessage(bytes: bytes(packet))
        #expect(message.answers[0].name == (try name("_p2p._udp.local")))
        #expect(message.answers[0].content == .ptr(try name("a._p2p._udp.local")))
        #expect(message.answers[1].name == (try name("_udp.local")))
        #expect(message.answers[1].content == .ptr(try name("local")))
    }

    @Test(
        "Pointers that do not lead backwards, and labels of other kinds, are refused",
        arguments: [
            // To itself, forwards, and in a circle of two.
            "c00c", "c020", "0161c00c", "c00e" + "c00c",
            // Reserved kinds of labels.
            "4061", "8061",
        ])
    func loops(digits: String) throws {
        let packet = try bytes(Self.header + digits + "000c000100000000" + "0000")
        #expect(throws: DNSError.malformedName) { try DNSMessage(bytes: packet) }
    }

    @Test("Chains of pointers and long names end")
    func chains() throws {
        // Each record's name is a pointer to the one before it; sixteen jumps are followed.
        func packet(_ jumps: Int) throws -> [UInt8] {
            var packet = try bytes("000084000000" + "0002" + "00000000")
            var data: [UInt8] = [1, 0x61, 0]
            var target = 12 + 11
            for _ in 1..<jumps {
                let place = 12 + 11 + data.count
                data += [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)]
                target = place
            }
            // The first record holds the chain as data, the second one's name is its end.
            packet +=
                [0] + [0, 41, 0, 1, 0, 0, 0, 0] + [UInt8(data.count >> 8), UInt8(data.count)]
            packet += data
            packet += [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)]
            return packet + [0, 41, 0, 1, 0, 0, 0, 0, 0, 0]
        }
        #expect(try DNSMessage(bytes: packet(16)).answers[1].name == name("a"))
        #expect(throws: DNSError.malformedName) { try DNSMessage(bytes: packet(17)) }
        // Labels of 63 bytes: three fit, four are too long.
        for count in 1...5 {
            let label: [UInt8] = [63] + [UInt8](repeating: 0x61, count: 63)
            let long: [UInt8] = (0..<count).flatMap { _ in label } + [0]
            let whole = try bytes(Self.header) + long + bytes("000c0001000000000000")
            if count < 4 {
                // The record's PTR has no name.
                #expect(throws: DNSError.truncated) { try DNSMessage(bytes: whole) }
            } else {
                #expect(throws: DNSError.malformedName) { try DNSMessage(bytes: whole) }
            }
        }
    }

    @Test("Counts, lengths and record contents are checked")
    func bounds() throws {
        #expect(throws: DNSError.tooLong(byteCount: 9_001)) {
            try DNSMessage(bytes: [UInt8](repeating: 0, count: 9_001))
        }
        #expect(throws: DNSError.tooMany(count: 65_535)) {
            try DNSMessage(bytes: bytes("00000000ffff000000000000"))
        }
        #expect(throws: DNSError.tooMany(count: 3 * 65_535)) {
            try DNSMessage(bytes: bytes("000000000000ffffffffffff"))
        }
        let cases: [(String, DNSError)] = [
            ("0001" + "0001000000000003" + "010203", .malformedRecord(type: 1)),
            ("001c" + "0001000000000001" + "01", .malformedRecord(type: 28)),
            ("0010" + "0001000000000002" + "0261", .malformedRecord(type: 16)),
            ("0021" + "0001000000000006" + "000000000000", .malformedRecord(type: 33)),
            ("000c" + "0001000000000004" + "01610000", .malformedRecord(type: 12)),
            ("0010" + "00010000000000ff" + "00", .truncated),
        ]
        for (record, error) in cases {
            let packet = try bytes(Self.header + "00" + record)
            #expect(throws: error) { try DNSMessage(bytes: packet) }
        }
    }

    @Test("Names are compared without regard to case, and bounded")
    func names() throws {
        #expect(try name("_P2P._UDP.Local.") == name("_p2p._udp.local"))
        #expect(try name("a.b").description == "a.b.")
        #expect(DNSName("a..b") == nil && DNSName("") == nil)
        #expect(DNSName(String(repeating: "a", count: 64)) == nil)
        let label = String(repeating: "a", count: 63)
        #expect(
            DNSName([label, label, label, String(label.dropLast(2))].joined(separator: ".")) != nil)
        #expect(
            DNSName([label, label, label, String(label.dropLast())].joined(separator: ".")) == nil)
    }

    @Test("Altered and random packets are refused or read, never more", arguments: 1...5)
    func mutation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try bytes(vectors.response_spec_form)
        for _ in 0..<3_000 {
            var input = whole
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: input.indices, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
                input = generator.bytes(count: Int.random(in: 0...100, using: &generator))
            }
            guard let message = try? DNSMessage(bytes: input) else { continue }
            let copy = try? DNSMessage(bytes: message.bytes)
            #expect(copy == message, "seed \(seed): \(input.hex)")
        }
    }
}
