import LibP2P
import Primitives
import Testing

@Suite("GossipSub RPCs")
struct GossipRPCTests {
    private static let vectors = MuxingVectors.protobuf.gossipsub
    private static let id = MessageID(
        [UInt8](hex: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c") ?? [])

    /// Each vector with what it says.
    private static let examples: [(hex: String, rpc: GossipRPC)] = [
        (vectors.subscribe, Gossip.subscribing(vectors.topic)),
        (
            vectors.publish_strict_no_sign,
            Gossip.carrying(PubSubMessage(topic: vectors.topic, data: Array("hello".utf8)))
        ),
        (vectors.ihave, Gossip.rpc { $0.advertisements = [.init(vectors.topic, [id])] }),
        (vectors.iwant, Gossip.rpc { $0.wanted = [id] }),
        (vectors.graft, Gossip.rpc { $0.grafts = [vectors.topic] }),
        (
            vectors.prune_backoff_60,
            Gossip.rpc { $0.prunes = [.init(vectors.topic, backoffSeconds: 60)] }
        ),
        (vectors.idontwant, Gossip.rpc { $0.unwanted = [id] }),
    ]

    /// An RPC with something in every field.
    private static var full: GossipRPC {
        Gossip.rpc { rpc in
            rpc.subscriptions = [.init("a", isSubscribed: true), .init("b", isSubscribed: false)]
            rpc.messages = [Gossip.message(by: 1, 5), Gossip.message(by: 2, 6, [])]
            rpc.messages[1].key = Gossip.identity(2).publicKey.protobuf
            rpc.advertisements = [.init("a", [id, Gossip.id(1, 2)]), .init("b", [])]
            rpc.wanted = [id]
            rpc.grafts = ["a", "b"]
            rpc.prunes = [.init("c", peers: [Gossip.peer(3)], backoffSeconds: 10), .init("d")]
            rpc.unwanted = [id, Gossip.id(1, 3)]
        }
    }

    private func decode(_ bytes: [UInt8]) throws -> GossipRPC { try GossipRPC(protobuf: bytes) }

    @Test(
        "Every vector is written as what it says, and read as that", arguments: 0..<7)
    func vectors(number: Int) throws {
        let (hex, rpc) = Self.examples[number]
        #expect(rpc.framed.hex == hex)
        var decoder = LengthPrefixedDecoder(maximumByteCount: 1_024)
        decoder.receive(try bytes(hex))
        let frame = try decoder.nextFrame()
        #expect(try decode(try #require(frame)) == rpc)
    }

    @Test("A frame comes byte by byte, and is there with its last byte")
    func byteByByte() throws {
        let framed = Self.full.framed
        var decoder = LengthPrefixedDecoder(maximumByteCount: 4_096)
        for byte in framed.dropLast() {
            decoder.receive([byte])
            #expect(try decoder.nextFrame() == nil)
        }
        decoder.receive(framed.suffix(1))
        let frame = try decoder.nextFrame()
        #expect(try decode(try #require(frame)) == Self.full)
    }

    @Test("The signed vector: bytes, signature, name")
    func signed() throws {
        let vector = Self.vectors.strict_sign
        let author = Gossip.identity(1)
        let message = PubSubMessage(
            topic: Self.vectors.topic, data: Array("hello".utf8), sequenceNumber: 1,
            identity: author)
        #expect(message.signedBytes.hex == vector.signed_bytes)
        #expect(message.signature?.hex == vector.signature)
        #expect(message.protobuf.hex == vector.message)
        #expect(Gossip.carrying(message).framed.hex == vector.rpc_framed)
        #expect(Gossip.id(1, 1).bytes.hex == vector.default_message_id)
        // What go and py send is taken, with the key attached or without.
        var router = Gossip.router()
        _ = router.handle(.subscribe(Self.vectors.topic), at: 0)
        router.join([2], subscribed: false)
        var withKey = message
        withKey.key = author.publicKey.protobuf
        let delivery = try #require(
            router.receive(Gossip.carrying(withKey), from: 2).deliveries.first)
        #expect(delivery.id == Gossip.id(1, 1))
        #expect(delivery.author == Gossip.peer(1))
        #expect(delivery.data == Array("hello".utf8))
    }

    @Test("Unknown fields are skipped, wherever they are")
    func unknownFields() throws {
        // Field 4 of the RPC (a sender's record), and field 15 as a varint and as eight bytes.
        let strange: [UInt8] = [0x22, 3, 1, 2, 3, 0x78, 0xFF, 1, 0x79, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(try decode(strange + Self.full.protobuf + strange) == Self.full)
        // Inside of control: field 6, the extensions of version 1.3.
        var rpc = Gossip.rpc { $0.grafts = ["a"] }
        #expect(try decode([0x1A, 7, 0x32, 0, 0x1A, 3, 0x0A, 1, 0x61]) == rpc)
        rpc.grafts = []
        #expect(try decode([0x1A, 2, 0x32, 0]) == rpc)
    }

    @Test("No truncation and no changed byte does more than fail or mean something else")
    func damage() throws {
        let bytes = Self.full.protobuf
        for count in bytes.indices {
            if let rpc = try? decode(Array(bytes[..<count])) { #expect(rpc != Self.full) }
        }
        let seed: UInt64 = 0x6055
        var generator = SeededGenerator(seed: seed)
        var failures = 0
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: changed.indices, using: &generator)
                changed[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let rpc = try? decode(changed) else {
                failures += 1
                continue
            }
            // What was read can be written and read again.
            #expect(try decode(rpc.protobuf).isEmpty == rpc.isEmpty, "seed \(seed)")
        }
        #expect(failures > 1_000)
    }

    @Test("Random bytes never trap")
    func noise() {
        let seed: UInt64 = 0x6056
        var generator = SeededGenerator(seed: seed)
        var decoded = 0
        for _ in 0..<50_000 {
            let count = Int.random(in: 0...64, using: &generator)
            if (try? decode(generator.bytes(count: count))) != nil { decoded += 1 }
        }
        #expect(decoded > 0, "seed \(seed)")
    }

    @Test("A frame above the limit is refused before it is read")
    func oversize() throws {
        let limits = GossipRPCLimits()
        #expect(
            throws: GossipRPCError.tooLong(
                byteCount: limits.maximumByteCount + 1, limit: limits.maximumByteCount)
        ) { try decode([UInt8](repeating: 0, count: limits.maximumByteCount + 1)) }
    }

    @Test("What is too much in a frame is passed over and counted")
    func surplus() throws {
        let limits = GossipRPCLimits()
        let ids = (0..<limits.maximumMessageIDs + 7).map { Gossip.shortID($0) }
        let rpc = Gossip.rpc { rpc in
            rpc.subscriptions = (0..<limits.maximumSubscriptions + 3).map {
                .init("\($0)", isSubscribed: true)
            }
            rpc.messages = Array(
                repeating: PubSubMessage(topic: "t", data: []), count: limits.maximumMessages + 2)
            rpc.grafts = Array(repeating: "t", count: limits.maximumControlEntries + 1)
            rpc.prunes = Array(repeating: .init("t"), count: limits.maximumControlEntries + 1)
            rpc.advertisements = [.init("t", ids), .init("u", [Gossip.shortID(1)])]
            rpc.wanted = ids
            rpc.unwanted = ids
        }
        let read = try decode(rpc.protobuf)
        #expect(read.subscriptions.count == limits.maximumSubscriptions)
        #expect(read.messages.count == limits.maximumMessages)
        #expect(read.grafts.count == limits.maximumControlEntries)
        #expect(read.prunes.count == limits.maximumControlEntries)
        #expect(read.advertisements[0].messages.count == limits.maximumMessageIDs)
        #expect(read.advertisements[1].messages.isEmpty)
        #expect(read.wanted.count == limits.maximumMessageIDs)
        #expect(read.unwanted.count == limits.maximumMessageIDs)
        #expect(read.surplusCount == 3 + 2 + 1 + 1 + 8 + 7 + 7)
    }

    @Test(
        "Names and topics that are too long are passed over; a topic that is no text is malformed")
    func longNames() throws {
        let topic = String(repeating: "t", count: GossipRPCLimits().maximumTopicByteCount + 1)
        let name = MessageID([UInt8](repeating: 1, count: MessageID.maximumByteCount + 1))
        let rpc = Gossip.rpc { rpc in
            rpc.subscriptions = [.init(topic, isSubscribed: true)]
            rpc.grafts = [topic]
            rpc.prunes = [.init(topic)]
            rpc.advertisements = [.init(topic, [])]
            rpc.messages = [PubSubMessage(topic: topic, data: [])]
            rpc.wanted = [name]
        }
        let read = try decode(rpc.protobuf)
        #expect(read.isEmpty)
        #expect(read.surplusCount == 6)
        #expect(throws: GossipRPCError.malformed) { try decode([0x0A, 3, 0x12, 1, 0xFF]) }
    }
}

extension Gossip {
    static func shortID(_ number: Int) -> MessageID {
        MessageID([UInt8(number >> 8), UInt8(number & 0xFF)])
    }
}
