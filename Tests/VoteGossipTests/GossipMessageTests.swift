import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

@Suite struct GossipMessageTests {
    static let chain = try? ToyChain(validators: 10)

    /// One message of every kind.
    static func examples() throws -> [GossipMessage] {
        let chain = try #require(chain)
        let block = try #require(try chain.blocks(1).first).header.ref
        let bits = Bits(validatorCount: 10, members: [0, 3, 9].map { ValidatorIndex($0) })
        return [
            .vote(try chain.vote(3, .precommit, round: 5, for: block)),
            .voteRequest(blockHash: block.hash),
            .certificate(try chain.certificate([0, 1, 2, 3, 4, 5, 6], round: 9, for: block)),
            .status(
                GossipStatus(
                    setID: SetID(1), round: RoundNumber(7), finalisedNumber: BlockNumber(4),
                    finalisedHash: block.hash, lockRound: RoundNumber(6),
                    highestQuorumRound: nil,
                    have: [.init(round: RoundNumber(7), phase: .prevote, validators: bits)])),
            .voteBundle(try chain.bundle([1, 4, 5], .prevote, round: 2, for: block)),
            .voteBundle(try chain.bundle([1, 4, 5], .precommit, round: 2, for: nil)),
            .roundRequest(
                RoundRequest(
                    setID: SetID(0), round: RoundNumber(3), phase: .prevote, missing: bits)),
            .quorumCertificate(
                try chain.quorumCertificate([0, 1, 2, 3, 4, 5, 6], round: 9, for: block)),
            .equivocation(
                DoubleVote(
                    try chain.vote(2, .prevote, round: 9, for: block),
                    try chain.vote(2, .prevote, round: 9, for: nil))),
            .certificateRequest(number: BlockNumber(0x0403_0201)),
        ]
    }

    @Test func `every kind of message survives encoding and decoding`() throws {
        for message in try Self.examples() {
            let bytes = message.scaleBytes
            #expect(bytes.first == message.kind.rawValue)
            #expect(try GossipMessage.decode(bytes) == message)
        }
    }

    @Test func `small messages have the bytes that the protocol says`() throws {
        let hash = Hash256(Array(0..<32)) ?? .zero
        let digits = hash.bytes.hex
        #expect(GossipMessage.voteRequest(blockHash: hash).scaleBytes.hex == "01" + digits)
        #expect(
            GossipMessage.certificateRequest(number: BlockNumber(0x0403_0201)).scaleBytes.hex
                == "0801020304")
        let bits = Bits(validatorCount: 10, members: [0, 3, 9].map { ValidatorIndex($0) })
        let request = RoundRequest(
            setID: SetID(1), round: RoundNumber(2), phase: .precommit, missing: bits)
        #expect(
            GossipMessage.roundRequest(request).scaleBytes.hex
                == "05" + "0100000000000000" + "0200000000000000" + "01" + "080902")
        let status = GossipStatus(
            setID: SetID(1), round: RoundNumber(2), finalisedNumber: BlockNumber(3),
            finalisedHash: hash, lockRound: nil, highestQuorumRound: RoundNumber(1),
            have: [.init(round: RoundNumber(2), phase: .prevote, validators: bits)])
        #expect(
            GossipMessage.status(status).scaleBytes.hex
                == "03" + "0100000000000000" + "0200000000000000" + "03000000" + digits + "00"
                + "010100000000000000" + "04" + "0200000000000000" + "00" + "080902")
    }

    @Test func `a bundle and a quorum certificate share one layout`() throws {
        let chain = try #require(Self.chain)
        let block = try #require(try chain.blocks(1).first).header.ref
        let indices = [0, 1, 2, 3, 4, 5, 6]
        let bundle = try chain.bundle(indices, .prevote, round: 9, for: block)
        let certificate = try chain.quorumCertificate(indices, round: 9, for: block)
        #expect(bundle.scaleBytes == certificate.scaleBytes)
        #expect(bundle.scaleBytes.count == 8 + 8 + 1 + 36 + 1 + 7 * VoteEntry.byteCount)
    }

    @Test func `every truncation and every extension of a message is refused`() throws {
        for message in try Self.examples() {
            let bytes = message.scaleBytes
            let cuts = bytes.count > 3_000 ? Array(stride(from: 0, to: bytes.count, by: 97)) : []
            for length in cuts.isEmpty ? Array(0..<bytes.count) : cuts + [bytes.count - 1] {
                let kind = length == 0 ? nil : message.kind
                #expect(throws: GossipMessage.Malformed.undecodable(kind)) {
                    try GossipMessage.decode(Array(bytes[..<length]))
                }
            }
            let isSmall = bytes.count + 1 <= message.kind.maximumByteCount
            let expected: GossipMessage.Malformed =
                isSmall ? .trailingBytes(message.kind) : .oversize(message.kind)
            #expect(throws: expected) { try GossipMessage.decode(bytes + [0]) }
        }
    }

    @Test(arguments: GossipMessageKind.allCases)
    func `a message above its kind's limit is refused before it is read`(
        kind: GossipMessageKind
    ) {
        let bytes =
            [kind.rawValue] + [UInt8](repeating: 0xFF, count: kind.maximumByteCount)
        #expect(throws: GossipMessage.Malformed.oversize(kind)) {
            try GossipMessage.decode(bytes)
        }
        // At the limit it is read, and found to be nonsense.
        #expect {
            try GossipMessage.decode(Array(bytes.dropLast()))
        } throws: {
            ($0 as? GossipMessage.Malformed) != .oversize(kind)
        }
    }

    @Test func `counts that no message can hold are refused`() {
        // A bundle that announces 2^30 entries.
        let header = [UInt8](repeating: 0, count: 8 + 8 + 1 + 36)
        let count: [UInt8] = [0xFE, 0xFF, 0xFF, 0xFF]
        #expect(throws: GossipMessage.Malformed.undecodable(.voteBundle)) {
            try GossipMessage.decode([4] + header + count)
        }
        // A status of seven bitmaps, and one that names a round and phase twice.
        let head = [UInt8](repeating: 0, count: 8 + 8 + 4 + 32 + 2)
        let holding = [UInt8](repeating: 0, count: 9) + [0]
        let seven = [3] + head + [7 << 2] + (0..<7).flatMap { _ in holding }
        #expect(throws: GossipMessage.Malformed.undecodable(.status)) {
            try GossipMessage.decode(seven)
        }
        #expect(throws: GossipMessage.Malformed.undecodable(.status)) {
            try GossipMessage.decode([3] + head + [2 << 2] + holding + holding)
        }
    }

    @Test func `unknown indices are told apart from errors`() {
        for index in UInt8.min...UInt8.max where GossipMessageKind(rawValue: index) == nil {
            #expect(throws: GossipMessage.Malformed.unknownIndex(index)) {
                try GossipMessage.decode([index, 1, 2, 3])
            }
        }
        #expect(throws: GossipMessage.Malformed.undecodable(nil)) {
            try GossipMessage.decode([])
        }
        #expect(throws: GossipMessage.Malformed.oversize(nil)) {
            try GossipMessage.decode([UInt8](repeating: 99, count: 1024 * 1024 + 1))
        }
    }

    @Test func `random and damaged bytes never trap`() throws {
        let seed: UInt64 = 0xC0DE
        var random = SeededGenerator(seed: seed)
        let examples = try Self.examples().map(\.scaleBytes)
        for round in 0..<4_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if !bytes.isEmpty { bytes[0] %= 9 }
            } else {
                bytes = examples[Int.random(in: 0..<examples.count, using: &random)]
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0..<min(bytes.count, 200), using: &random)
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            guard let message = try? GossipMessage.decode(bytes) else { continue }
            #expect(message.scaleBytes == bytes, "seed \(seed), round \(round)")
        }
    }

    // MARK: Handshake

    static func handshake() -> GossipHandshake {
        GossipHandshake(
            role: .authority, genesisHash: Hash256(Array(0..<32)) ?? .zero, setID: SetID(1),
            round: RoundNumber(2), finalisedNumber: BlockNumber(3),
            finalisedHash: Hash256(Array(32..<64)) ?? .zero)
    }

    @Test func `a handshake has 85 bytes in the order of the protocol`() throws {
        let handshake = Self.handshake()
        let bytes = handshake.scaleBytes
        #expect(bytes.count == 85)
        #expect(
            bytes.hex == "04" + handshake.genesisHash.bytes.hex + "0100000000000000"
                + "0200000000000000" + "03000000" + handshake.finalisedHash.bytes.hex)
        #expect(try GossipHandshake.decode(bytes) == handshake)
    }

    @Test func `truncated, extended and oversized handshakes are refused`() {
        let bytes = Self.handshake().scaleBytes
        for length in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try GossipHandshake.decode(Array(bytes[..<length]))
            }
        }
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            try GossipHandshake.decode(bytes + [0])
        }
        #expect(throws: SCALEError.self) {
            try GossipHandshake.decode([UInt8](repeating: 0, count: 1025))
        }
        var highRound = bytes
        highRound[48] = 0x80
        #expect(throws: SCALEError.self) { try GossipHandshake.decode(highRound) }
    }

    // MARK: Bitmaps

    @Test(arguments: [1, 7, 8, 9, 16, 100, 999, 1000])
    func `a bitmap holds exactly its members`(count: Int) throws {
        let seed = UInt64(count)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let members = (0..<count).filter { _ in Bool.random(using: &random) }
                .map { ValidatorIndex(UInt16($0)) }
            let bits = Bits(validatorCount: count, members: members)
            #expect(bits.members == members && bits.count == members.count, "seed \(seed)")
            #expect(bits.isEmpty == members.isEmpty)
            #expect(bits.fits(validatorCount: count))
            #expect(bits.bytes.count == (count + 7) / 8)
            #expect(try SCALEDecoder.decode(Bits.self, from: bits.scaleBytes) == bits)
            let others = (0..<count).filter { _ in Bool.random(using: &random) }
                .map { ValidatorIndex(UInt16($0)) }
            let other = Bits(validatorCount: count, members: others)
            #expect(bits.subtracting(other).members == members.filter { !others.contains($0) })
            #expect(bits.intersection(other).members == members.filter(others.contains))
            #expect(bits.intersection(other).isSubset(of: bits))
            var union = bits
            union.formUnion(other)
            #expect(union.count == Set(members + others).count)
            var without = bits
            for member in members { without.remove(member) }
            #expect(without.isEmpty)
        }
    }

    @Test func `spare bits and other lengths do not fit`() {
        #expect(!Bits(packed: [0, 4]).fits(validatorCount: 10))
        #expect(Bits(packed: [0, 3]).fits(validatorCount: 10))
        #expect(!Bits(packed: [0]).fits(validatorCount: 10))
        #expect(!Bits(packed: [0, 0, 0]).fits(validatorCount: 10))
        #expect(Bits(packed: [255]).fits(validatorCount: 8))
        var bits = Bits(packed: [0])
        bits.insert(ValidatorIndex(8))
        #expect(bits.isEmpty && !bits.contains(ValidatorIndex(8)))
        bits.formUnion(Bits(packed: [1, 1]))
        #expect(bits.isEmpty)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(Bits.self, from: [UInt8](repeating: 0, count: 127))
        }
    }
}
