import Chain
import Coherence
import Primitives
import SCALE
import Testing

/// Round trips, truncations, trailing bytes and bounds of every type that goes over the wire or to
/// disk. The layouts themselves are checked against vectors in `VectorTests`.
@Suite struct EncodingTests {
    static let domain = Fixture.domain(4)
    static let chain = LetterChain("A B")
    static let block = chain.target("B")
    static let vote = Fixture.vote(domain, 2, round: 7, .precommit, block)
    static let other = Fixture.vote(domain, 2, round: 7, .precommit, chain.target("A"))
    static let quorum = Fixture.quorumCertificate(domain, [0, 1, 3], round: 7, block)
    static let certificate = Fixture.certificate(domain, [0, 1, 3], round: 7, block)
    static let lock = Lock(quorum)

    /// Decodes, encodes again, and tries every truncation and a byte too many.
    func check<Value: SCALECodable & Equatable>(_ value: Value) throws {
        let bytes = value.scaleBytes
        #expect(try SCALEDecoder.decode(Value.self, from: bytes) == value)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self, "\(Value.self) cut to \(count) bytes") {
                try SCALEDecoder.decode(Value.self, from: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            try SCALEDecoder.decode(Value.self, from: bytes + [0])
        }
    }

    @Test func `votes round trip and are refused when cut`() throws {
        try check(Self.vote)
        try check(Fixture.vote(Self.domain, 0, round: 0, .prevote, .nothing))
        #expect(Self.vote.scaleBytes.count == CoherenceVote.byteCount)
        #expect(CoherenceVote.byteCount == 1_431)
    }

    @Test func `parts of votes round trip and are refused when cut`() throws {
        try check(VotePhase.prevote)
        try check(VotePhase.precommit)
        try check(VoteTarget.nothing)
        try check(Self.block)
        try check(Fixture.state)
        #expect(Fixture.state.scaleBytes.count == QuantumState.byteCount)
        try check(Self.vote.signature)
        let entry = VoteEntry(
            validator: Fixture.index(3), coherenceScore: 95, quantumState: Fixture.state,
            signature: Self.vote.signature)
        try check(entry)
        #expect(entry.scaleBytes.count == VoteEntry.byteCount)
    }

    @Test func `certificates round trip and are refused when cut`() throws {
        try check(Self.quorum)
        try check(Self.certificate)
    }

    @Test func `evidence and records round trip and are refused when cut`() throws {
        try check(DoubleVote(Self.vote, Self.other))
        let own = Fixture.verified(Self.domain, 2, round: 7, .precommit, Self.block)
        try check(SignRecord(own))
        try check(try #require(Self.lock))
    }

    @Test func `alarms round trip and are refused when cut`() throws {
        let lock = try #require(Self.lock)
        try check(
            SafetyAlarm.conflictingCertificate(
                Self.certificate, finalised: Self.block, finalisedBy: nil))
        try check(
            SafetyAlarm.conflictingCertificate(
                Self.certificate, finalised: Self.block, finalisedBy: Self.certificate))
        try check(SafetyAlarm.conflictingLock(lock, Self.certificate))
        try check(SafetyAlarm.ownDoubleVote(DoubleVote(Self.vote, Self.other)))
        try check(SafetyAlarm.ownKeyUsedElsewhere(Self.vote))
        #expect(throws: SCALEError.invalidIndex(offset: 0, index: 4)) {
            try SCALEDecoder.decode(SafetyAlarm.self, from: [4])
        }
    }

    @Test func `every single byte that is changed gives another vote or a refusal`() throws {
        let bytes = Self.vote.scaleBytes
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 0x55
            if let vote = try? SCALEDecoder.decode(CoherenceVote.self, from: changed) {
                #expect(vote != Self.vote, "byte \(position)")
                #expect(vote.scaleBytes == changed, "byte \(position)")
            }
        }
    }

    @Test func `random bytes never decode to something that encodes otherwise`() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<200, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if let target = try? SCALEDecoder.decode(VoteTarget.self, from: bytes) {
                #expect(target.scaleBytes == bytes)
            }
            if let quorum = try? SCALEDecoder.decode(QuorumCertificate.self, from: bytes) {
                #expect(quorum.scaleBytes == bytes)
            }
            if let certificate = try? SCALEDecoder.decode(FinalityCertificate.self, from: bytes) {
                #expect(certificate.scaleBytes == bytes)
            }
        }
    }

    @Test func `a signature has 1,280 bytes and begins with 0x3A`() throws {
        let bytes = Self.vote.signature.bytes
        #expect(VoteSignature(bytes) != nil)
        #expect(VoteSignature(Array(bytes.dropLast())) == nil)
        #expect(VoteSignature(bytes + [0]) == nil)
        #expect(VoteSignature([0x39] + bytes.dropFirst()) == nil)
        // In a vote the signature stands behind a count, at byte 132.
        for (position, replacement) in [(132, [0xFC, 0x13]), (132, [0x04, 0x14]), (134, [0x3B])]
            as [(Int, [UInt8])]
        {
            var vote = Self.vote.scaleBytes
            vote.replaceSubrange(position..<position + replacement.count, with: replacement)
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(CoherenceVote.self, from: vote)
            }
        }
    }

    @Test func `a nil vote has height 0`() {
        #expect(VoteTarget(hash: .zero, number: BlockNumber(1)) == nil)
        let encoded = [UInt8](repeating: 0, count: 32) + [1, 0, 0, 0]
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(VoteTarget.self, from: encoded)
        }
        // Genesis has height 0 and a hash, and is no nil vote.
        #expect(VoteTarget(Self.chain.genesis.ref).isNil == false)
    }

    @Test func `unknown phases, versions and policies are refused`() {
        #expect(throws: SCALEError.invalidIndex(offset: 0, index: 2)) {
            try SCALEDecoder.decode(VotePhase.self, from: [2])
        }
        var quorum = Self.quorum.scaleBytes
        quorum[16] = 1
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(QuorumCertificate.self, from: quorum)
        }
        for (position, value) in [(0, 0), (0, 2), (85, 2)] as [(Int, UInt8)] {
            var certificate = Self.certificate.scaleBytes
            certificate[position] = value
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(FinalityCertificate.self, from: certificate)
            }
        }
    }

    @Test func `a certificate of more than 1,000 entries is refused before memory is reserved`() {
        let header = Self.certificate.scaleBytes.prefix(86)
        for count: [UInt8] in [
            [0xA5, 0x0F], [0xFE, 0xFF, 0xFF, 0xFF], [0x03, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(
                    FinalityCertificate.self, from: Array(header) + count + [0, 0, 0])
            }
        }
    }

    @Test func `evidence out of order is refused`() {
        let pair = DoubleVote(Self.vote, Self.other)
        #expect(DoubleVote(Self.other, Self.vote) == pair)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(
                DoubleVote.self, from: pair.second.scaleBytes + pair.first.scaleBytes)
        }
    }

    @Test func `a sign record that contradicts its vote is refused`() {
        let own = Fixture.verified(Self.domain, 2, round: 7, .precommit, Self.block)
        let bytes = SignRecord(own).scaleBytes
        // set_id, round, vote_type and block number; the validator's index is checked on recovery.
        for position in [0, 8, 16, 51] {
            var changed = bytes
            changed[position] ^= 1
            #expect(throws: SCALEError.self, "byte \(position)") {
                try SCALEDecoder.decode(SignRecord.self, from: changed)
            }
        }
    }
}
