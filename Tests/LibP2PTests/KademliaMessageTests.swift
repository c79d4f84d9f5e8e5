import LibP2P
import Primitives
import Testing

@Suite("Kademlia: keys and messages")
struct KademliaMessageTests {
    static let one = "0024080112204cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29"
    static let two = "0024080112207422b9887598068e32c4448a949adb290d0f4e35b9e01b0ee5f1a1e600fe2674"
    private let vectors = MuxingVectors.protobuf

    private func frame(_ hex: String) throws -> [UInt8] {
        var decoder = LengthPrefixedDecoder(maximumByteCount: KademliaMessageLimits.received)
        decoder.receive(try bytes(hex))
        let frame = try #require(try decoder.nextFrame())
        #expect(decoder.bufferedByteCount == 0)
        return frame
    }

    /// The digests are those that sha256sum prints.
    @Test("Keys are the SHA-256 of the id's bytes, distances their exclusive or")
    func keys() throws {
        let first = KademliaKey(try PeerID(bytes: bytes(Self.one)))
        let second = KademliaKey(try PeerID(bytes: bytes(Self.two)))
        #expect(
            first.bytes.hex == "f4cf5cc4377365b84d4f9172569a62122133ca8ec0b1be616740b678325544a4")
        #expect(
            second.bytes.hex == "737f90afb7b3402c6cbf0bc9f1ab8cbd88615ca3968167a06a4c6369b3cbf130")
        let distance = first.distance(to: second)
        #expect(distance == second.distance(to: first))
        #expect(distance.bucket == 255)
        #expect(first.distance(to: first).bucket == nil)
        #expect(first.distance(to: first) < distance)
    }

    @Test("The vectors read as what they say, and are written as they are")
    func read() throws {
        let request = try KademliaMessage(protobuf: frame(vectors.kad_find_node_request))
        #expect(request == KademliaMessage(.findNode, key: try bytes(Self.two)))
        #expect(try request.protobuf == frame(vectors.kad_find_node_request))
        let response = try KademliaMessage(protobuf: frame(vectors.kad_find_node_response))
        let peer = KademliaPeer(
            id: try PeerID(bytes: bytes(Self.two)),
            addresses: [try Multiaddr("/ip4/127.0.0.1/tcp/30334")], connection: .connected)
        #expect(response == KademliaMessage(.findNode, closerPeers: [peer]))
        #expect(try response.protobuf == frame(vectors.kad_find_node_response))
    }

    @Test("Bytes may come one at a time; no truncation of a message reads as the whole")
    func pieces() throws {
        let framed = try bytes(vectors.kad_find_node_response)
        let whole = try KademliaMessage(protobuf: frame(vectors.kad_find_node_response))
        var decoder = LengthPrefixedDecoder(maximumByteCount: KademliaMessageLimits.received)
        for byte in framed.dropLast() {
            decoder.receive([byte])
            #expect(try decoder.nextFrame() == nil)
        }
        decoder.receive([framed[framed.count - 1]])
        #expect(try KademliaMessage(protobuf: try #require(try decoder.nextFrame())) == whole)
        let content = try frame(vectors.kad_find_node_response)
        for length in content.indices {
            let read = try? KademliaMessage(protobuf: Array(content[..<length]))
            #expect(read != whole)
        }
    }

    @Test("A message without a type is a PUT_VALUE, an unknown type is refused")
    func kinds() throws {
        #expect(try KademliaMessage(protobuf: []) == KademliaMessage(.putValue))
        for kind in 0...5 as ClosedRange<UInt8> {
            #expect(try KademliaMessage(protobuf: [8, kind]).kind.rawValue == UInt64(kind))
        }
        #expect(throws: KademliaMessageError.unknownKind(6)) {
            try KademliaMessage(protobuf: [8, 6])
        }
        #expect(throws: KademliaMessageError.malformed) { try KademliaMessage(protobuf: [10, 0]) }
        #expect(throws: KademliaMessageError.malformed) { try KademliaMessage(protobuf: [8]) }
    }

    @Test("Unknown fields and records are passed over, what cannot be read is left out")
    func tolerance() throws {
        let known = try frame(vectors.kad_find_node_response)
        // clusterLevelRaw, a record, an unknown field.
        let more = try KademliaMessage(
            protobuf: known + bytes("500a" + "1a03010203" + "fa3e0141"))
        #expect(try more == KademliaMessage(protobuf: known))
        // A peer with a bad id, one with a bad address and a good one.
        let good = try bytes("0a26" + Self.two + "12021234" + "1208047f00000106767e")
        let bad = try bytes("0a0299991208047f00000106767e")
        let message = try KademliaMessage(
            protobuf: [8, 4, 0x42, UInt8(bad.count)] + bad + [0x42, UInt8(good.count)] + good)
        #expect(message.closerPeers.map(\.id.bytes.hex) == [Self.two])
        #expect(message.closerPeers[0].addresses.map(\.description) == ["/ip4/127.0.0.1/tcp/30334"])
    }

    @Test("Everything is bounded, received and sent")
    func bounds() throws {
        #expect(throws: KademliaMessageError.tooLong(byteCount: 65_537)) {
            try KademliaMessage(protobuf: [UInt8](repeating: 0, count: 65_537))
        }
        let key = [UInt8](repeating: 7, count: 1_025)
        let long = KademliaMessage(.getValue, key: key).protobuf
        #expect(throws: KademliaMessageError.keyTooLong(byteCount: 1_025)) {
            try KademliaMessage(protobuf: long)
        }
        let address = try Multiaddr("/dns4/\(String(repeating: "a", count: 250))/tcp/1")
        let peers = try (0..<100).map { number in
            KademliaPeer(
                id: try PeerID(bytes: [0, 2, 1, UInt8(number)]),
                addresses: Array(repeating: address, count: 40))
        }
        let sent = KademliaMessage(.findNode, closerPeers: peers).protobuf
        #expect(sent.count <= KademliaMessageLimits.sent)
        let read = try KademliaMessage(protobuf: sent)
        #expect(read.closerPeers.count == 3)
        #expect(read.closerPeers[0].addresses.count == KademliaMessageLimits.addresses)
        let small = peers.map { KademliaPeer(id: $0.id, addresses: []) }
        let many = KademliaMessage(.getProviders, closerPeers: small, providerPeers: small)
        let kept = try KademliaMessage(protobuf: many.protobuf)
        #expect(kept.closerPeers.count == 20 && kept.providerPeers.count == 20)
        // An address above 512 bytes is passed over, the peer is not.
        let wide = try Multiaddr(
            (0..<3).map { _ in "/dns4/\(String(repeating: "b", count: 200))" }.joined() + "/tcp/1")
        let wideRead = try KademliaMessage(
            protobuf: KademliaMessage(
                .findNode, closerPeers: [KademliaPeer(id: small[0].id, addresses: [wide])]
            ).protobuf)
        #expect(wideRead.closerPeers == [small[0]])
    }

    @Test("Altered and random messages are refused or read back the same", arguments: 1...5)
    func mutation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try frame(vectors.kad_find_node_response)
        for _ in 0..<2_000 {
            var input = whole
            if Bool.random(using: &generator) {
                input = generator.bytes(count: Int.random(in: 0...80, using: &generator))
            } else {
                let place = Int.random(in: input.indices, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let message = try? KademliaMessage(protobuf: input) else { continue }
            let copy = try KademliaMessage(protobuf: message.protobuf)
            #expect(copy == message, "seed \(seed): \(input.hex)")
        }
    }
}
