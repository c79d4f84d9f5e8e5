import LibP2P
import Primitives
import Testing

@Suite("Identify")
struct IdentifyTests {
    private let vector = MuxingVectors.protobuf.identify

    private func example() throws -> IdentifyMessage {
        try IdentifyMessage(protobuf: bytes(vector.pb))
    }

    @Test("The vector reads as what it says")
    func read() throws {
        let message = try example()
        #expect(message.protocolVersion == "/substrate/1.0")
        #expect(message.agentVersion == "coherence-node/0.1.0 (alice)")
        #expect(message.protocols == ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"])
        #expect(message.listenAddresses.map(\.description) == ["/ip4/127.0.0.1/tcp/30333"])
        #expect(message.observedAddress?.description == "/ip4/10.0.0.1/tcp/40000")
        #expect(message.publicKey?.type == .ed25519)
        #expect(message.publicKey?.protobuf == message.publicKeyBytes)
        #expect(message.signedPeerRecord == nil)
    }

    @Test("The vector's values are written as the vector's bytes")
    func write() throws {
        let read = try example()
        let message = IdentifyMessage(
            protocolVersion: "/substrate/1.0", agentVersion: "coherence-node/0.1.0 (alice)",
            publicKey: try #require(read.publicKey), listenAddresses: read.listenAddresses,
            observedAddress: read.observedAddress, protocols: read.protocols)
        #expect(message == read)
        #expect(message.protobuf.hex == vector.pb)
        #expect(message.framed.hex == vector.framed)
    }

    @Test("Framed bytes may come in any pieces, and nothing less than all of them will do")
    func framing() throws {
        let framed = try bytes(vector.framed)
        for size in [1, 2, 7, framed.count] {
            var decoder = IdentifyDecoder()
            for start in stride(from: 0, to: framed.count, by: size) {
                #expect(decoder.message == nil)
                try decoder.receive(Array(framed[start..<min(framed.count, start + size)]))
            }
            #expect(decoder.message == (try example()))
            #expect(try decoder.finish() == example())
        }
        for length in framed.indices {
            var decoder = IdentifyDecoder()
            try decoder.receive(Array(framed[..<length]))
            #expect(throws: length == 0 ? IdentifyError.empty : .truncated) {
                try decoder.finish()
            }
        }
    }

    @Test("No truncation of the protobuf message traps, and few are messages")
    func truncation() throws {
        let whole = try bytes(vector.pb)
        var readable = 0
        for length in whole.indices
        where (try? IdentifyMessage(protobuf: Array(whole[..<length]))) != nil {
            readable += 1
        }
        #expect(readable == 7, "only cuts between the seven fields")
    }

    @Test("Absent fields are nil or empty, and absent on the wire as well")
    func empty() throws {
        let message = try IdentifyMessage(protobuf: [])
        #expect(message == IdentifyMessage())
        #expect(message.protobuf == [])
        #expect(message.publicKey == nil && message.observedAddress == nil)
        let present = try IdentifyMessage(protobuf: bytes("2a003200"))
        #expect(present.protocolVersion == "" && present.agentVersion == "")
    }

    @Test("Unknown fields are skipped; the signed record is kept")
    func unknownFields() throws {
        let message = try IdentifyMessage(protobuf: bytes("4a03010203" + "420401020304" + "5001"))
        #expect(message == IdentifyMessage(signedPeerRecord: [1, 2, 3, 4]))
        #expect(message.protobuf.hex == "420401020304")
    }

    @Test("Addresses and keys that cannot be read are left out one by one")
    func tolerance() throws {
        var message = try example()
        let good = message.listenAddressBytes[0]
        message.listenAddressBytes = [[0xFF, 0xFF], good, [], [4, 127]]
        message.observedAddressBytes = [9]
        message.publicKeyBytes = [8, 1]
        let read = try IdentifyMessage(protobuf: message.protobuf)
        #expect(read == message)
        #expect(read.listenAddresses.map(\.bytes) == [good])
        #expect(read.observedAddress == nil && read.publicKey == nil)
    }

    @Test("What is sent stays under 4,000 bytes whatever is put in")
    func sentSize() throws {
        var message = try example()
        let address = message.listenAddressBytes[0]
        message.listenAddressBytes = Array(repeating: address, count: 100)
        var sent = try IdentifyMessage(protobuf: message.protobuf)
        #expect(sent.listenAddressBytes.count == IdentifyLimits.maximumSentAddresses)
        message.listenAddressBytes = Array(repeating: address, count: 3)
        message.signedPeerRecord = [UInt8](repeating: 1, count: 3_900)
        sent = try IdentifyMessage(protobuf: message.protobuf)
        #expect(sent.signedPeerRecord == nil && sent.listenAddressBytes.count == 3)
        message.protocols = (0..<500).map { "/protocol/number/\($0)" }
        sent = try IdentifyMessage(protobuf: message.protobuf)
        #expect(sent.listenAddressBytes.isEmpty && sent.publicKeyBytes == message.publicKeyBytes)
        #expect(sent.protocols.count > 100 && message.protocols.starts(with: sent.protocols))
        message.agentVersion = String(repeating: "x", count: 5_000)
        #expect(message.framed.count <= IdentifyLimits.maximumSentByteCount + 2)
    }

    @Test("Parts are merged as go merges them: fields replace, lists grow")
    func parts() throws {
        let first = IdentifyMessage(
            protocolVersion: "a", agentVersion: "b", listenAddressBytes: [[1]], protocols: ["/x"])
        let second = IdentifyMessage(
            agentVersion: "c", publicKeyBytes: [5], listenAddressBytes: [[2]], protocols: ["/y"],
            signedPeerRecord: [7])
        var decoder = IdentifyDecoder()
        try decoder.receive(first.framed + second.framed.dropLast())
        #expect(decoder.message == first)
        try decoder.receive([7])
        #expect(
            try decoder.finish()
                == IdentifyMessage(
                    protocolVersion: "a", agentVersion: "c", publicKeyBytes: [5],
                    listenAddressBytes: [[1], [2]], protocols: ["/x", "/y"],
                    signedPeerRecord: [7]))
    }

    @Test("Received lists, parts and lengths are bounded")
    func bounds() throws {
        var decoder = IdentifyDecoder()
        let part: [UInt8] = (0..<2_000).flatMap { _ in [0x1A, 0x00] as [UInt8] }
        let addresses: [UInt8] = (0..<100).flatMap { _ in [0x12, 0x01, 0x09] as [UInt8] }
        let framed = Self.framed(part + addresses)
        for _ in 0..<10 { try decoder.receive(framed) }
        let message = try #require(decoder.message)
        #expect(message.protocols.count == IdentifyLimits.maximumProtocols)
        #expect(message.listenAddressBytes.count == IdentifyLimits.maximumAddresses)
        #expect(throws: IdentifyError.tooManyParts) { try decoder.receive(framed) }
        #expect(throws: IdentifyError.tooManyParts) { try decoder.finish() }
        var long = IdentifyDecoder()
        let error = IdentifyError.framing(.frameTooLong(byteCount: 8_193, limit: 8_192))
        #expect(throws: error) { try long.receive([0x81, 0x40]) }
        #expect(throws: error) { try long.receive([]) }
        var malformed = IdentifyDecoder()
        #expect(throws: IdentifyError.malformed) { try malformed.receive([1, 0xFF]) }
    }

    private static func framed(_ content: [UInt8]) -> [UInt8] {
        UnsignedVarint.encode(UInt64(content.count)) + content
    }

    @Test("A push changes what it names and leaves the rest")
    func push() throws {
        var message = try example()
        let before = message
        #expect(message.apply(push: IdentifyMessage()) == true)
        #expect(message == before)
        let push = IdentifyMessage(
            agentVersion: "new", publicKeyBytes: before.publicKeyBytes,
            listenAddressBytes: [[1], [2]], protocols: ["/z"])
        #expect(message.apply(push: push) == true)
        #expect(message.agentVersion == "new" && message.protocols == ["/z"])
        #expect(message.listenAddressBytes == [[1], [2]])
        #expect(message.protocolVersion == before.protocolVersion)
        #expect(message.observedAddressBytes == before.observedAddressBytes)
        let after = message
        #expect(
            message.apply(push: IdentifyMessage(agentVersion: "x", publicKeyBytes: [1])) == false)
        #expect(message == after)
    }

    @Test("Random bytes are refused or read, never more", arguments: 1...5)
    func garbage(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<2_000 {
            let input = generator.bytes(count: Int.random(in: 0...60, using: &generator))
            var decoder = IdentifyDecoder()
            if (try? decoder.receive(input)) != nil, let message = decoder.message {
                #expect(message.protocols.count <= input.count, "seed \(seed)")
            }
        }
    }

    @Test("Altered messages are refused or read, never more", arguments: 1...5)
    func mutation(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let whole = try bytes(vector.pb)
        for _ in 0..<2_000 {
            var input = whole
            for _ in 0...(generator.next() % 3) {
                let place = Int.random(in: input.indices, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let message = try? IdentifyMessage(protobuf: input) else { continue }
            let copy = try IdentifyMessage(protobuf: message.protobuf)
            #expect(copy == message, "seed \(seed): \(input.hex)")
            _ = (message.publicKey, message.listenAddresses, message.observedAddress)
        }
    }
}
