import Chain
import Coherence
import Foundation
import Primitives
import SCALE
import Testing

/// The published vectors, `Vectors/coherence/vote.json`: every type of the protocol as bytes, what
/// is signed, and messages that must be refused. The file is made by this code (set
/// `WRITE_VECTORS=1` to make it anew) and by nothing else, so that a change of any byte shows.
@Suite struct VectorTests {
    static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors/coherence/vote.json")

    static let genesisHash = BLAKE2b256.hash(Array("vector genesis".utf8))
    static let blockHash = BLAKE2b256.hash(Array("vector block".utf8))
    static let otherHash = BLAKE2b256.hash(Array("other block".utf8))

    /// Four validators: account i is 32 bytes of i, its key 1,793 bytes of 16 + i.
    static func domain() throws -> VotingDomain {
        let validators = try (UInt8(0)..<4).map { index in
            let account = try #require(AccountID(Array(repeating: index, count: 32)))
            return try #require(
                ValidatorIdentity(
                    account: account,
                    falconPublicKey: Array(repeating: 16 + index, count: 1_793)))
        }
        return VotingDomain(
            genesisHash: genesisHash,
            set: try ValidatorSet(
                id: SetID(3), validators: validators, policy: .moreThanTwoThirds))
    }

    static let state = QuantumState(
        validProofs: 12, rejectedProofs: 1, averageQBER: 50,
        entropyPoolHash: BLAKE2b256.hash(Array("entropy".utf8)), reporterCount: 3,
        minimumQBER: 10, maximumQBER: 90)

    static func vote(
        _ domain: VotingDomain, _ index: Int, _ phase: VotePhase, _ target: VoteTarget
    ) throws -> CoherenceVote {
        let validator = domain.set.validators[index]
        let state = target.isNil ? QuantumState.zero : Self.state
        let score: UInt64 = target.isNil ? 0 : 95
        let message = domain.signedBytes(
            round: RoundNumber(258), phase: phase, validator: validator.account, target: target,
            coherenceScore: score, quantumState: state)
        let signature = VectorSignatures().sign(message, publicKey: validator.falconPublicKey)
        return CoherenceVote(
            validator: validator.account, target: target, coherenceScore: score,
            quantumState: state, signature: try #require(VoteSignature(signature)), phase: phase,
            round: RoundNumber(258), setID: domain.set.id)
    }

    static func entries(
        _ domain: VotingDomain, _ phase: VotePhase, _ target: VoteTarget
    ) throws -> [VoteEntry] {
        try [0, 2, 3].map {
            VoteEntry(
                try vote(domain, $0, phase, target).verify(in: domain, using: VectorSignatures()))
        }
    }

    static func target(_ hash: Hash256) throws -> VoteTarget {
        try #require(VoteTarget(hash: hash, number: BlockNumber(77)))
    }

    /// The whole document, keys sorted.
    static func document() throws -> [String: String] {
        let domain = try domain()
        let target = try target(blockHash)
        let vote = try vote(domain, 2, .precommit, target)
        let nothing = try Self.vote(domain, 1, .prevote, .nothing)
        let quorum = QuorumCertificate(
            setID: domain.set.id, round: RoundNumber(258), target: target,
            entries: try entries(domain, .prevote, target))
        let certificate = FinalityCertificate(
            setID: domain.set.id, setHash: domain.set.hash, round: RoundNumber(258),
            target: target, policy: domain.set.policy,
            precommits: try entries(domain, .precommit, target))
        let pair = DoubleVote(
            vote, try Self.vote(domain, 2, .precommit, try Self.target(otherHash)))
        let record = SignRecord(try vote.verify(in: domain, using: VectorSignatures()))
        return [
            "about":
                "Set 3 of four validators, policy 1; account i is 32 bytes of i, its key 1,793"
                + " bytes of 16 + i. Signature: 0x3A, then BLAKE2b-256(key || u32le i || message)"
                + " for i = 0, 1, ..., cut to 1,280 bytes. Round 258.",
            "certificate": certificate.scaleBytes.hex,
            "certificate.quorum": "\(domain.set.quorum)",
            "double_vote": pair.scaleBytes.hex,
            "genesis_hash": genesisHash.bytes.hex,
            "nil_vote": nothing.scaleBytes.hex,
            "nil_vote.signed_bytes": domain.signedBytes(of: nothing).hex,
            "quantum_state": state.scaleBytes.hex,
            "quorum_certificate": quorum.scaleBytes.hex,
            "set_hash": domain.set.hash.bytes.hex,
            "sign_record": record.scaleBytes.hex,
            "vote": vote.scaleBytes.hex,
            "vote.block_hash": blockHash.bytes.hex,
            "vote.block_number": "77",
            "vote.coherence_score": "95",
            "vote.round": "258",
            "vote.set_id": "3",
            "vote.signature": vote.signature.bytes.hex,
            "vote.signed_bytes": domain.signedBytes(of: vote).hex,
            "vote.validator": vote.validator.bytes.hex,
            "vote.vote_type": "1",
        ]
    }

    static func published() throws -> [String: String] {
        let document = try document()
        if ProcessInfo.processInfo.environment["WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try (try encoder.encode(document) + Data("\n".utf8)).write(to: file)
        }
        return try JSONDecoder().decode([String: String].self, from: Data(contentsOf: file))
    }

    @Test func `the code makes the published bytes`() throws {
        #expect(try Self.published() == Self.document())
    }

    func bytes(_ key: String) throws -> [UInt8] {
        let digits = try #require(try Self.published()[key])
        return try #require([UInt8](hex: digits))
    }

    /// What stands at which byte of a vote, read without the decoder.
    @Test func `every field of a vote is where it is said to be`() throws {
        let vote = try bytes("vote")
        #expect(vote.count == 1_431)
        #expect(Array(vote[0..<32]) == Array(repeating: 2, count: 32))
        #expect(Array(vote[32..<64]) == (try bytes("vote.block_hash")))
        #expect(Array(vote[64..<68]) == [77, 0, 0, 0])
        #expect(Array(vote[68..<76]) == [95, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(vote[76..<132]) == (try bytes("quantum_state")))
        // 1,280 as a compact integer of two bytes.
        #expect(Array(vote[132..<134]) == [0x01, 0x14])
        #expect(Array(vote[134..<1_414]) == (try bytes("vote.signature")))
        #expect(vote[1_414] == 1)
        #expect(Array(vote[1_415..<1_423]) == [2, 1, 0, 0, 0, 0, 0, 0])
        #expect(Array(vote[1_423..<1_431]) == [3, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `every field of the quantum state is where it is said to be`() throws {
        let state = try bytes("quantum_state")
        #expect(Array(state[0..<12]) == [12, 0, 0, 0, 1, 0, 0, 0, 50, 0, 0, 0])
        #expect(Array(state[12..<44]) == BLAKE2b256.hash(Array("entropy".utf8)).bytes)
        #expect(Array(state[44..<56]) == [3, 0, 0, 0, 10, 0, 0, 0, 90, 0, 0, 0])
    }

    @Test func `what is signed is the concatenation of the specification`() throws {
        var expected = Array("quantumharmony/coherence/vote/1".utf8)
        expected += try bytes("genesis_hash")
        expected += [3, 0, 0, 0, 0, 0, 0, 0]
        expected += try bytes("set_hash")
        expected += [2, 1, 0, 0, 0, 0, 0, 0]
        expected += [1]
        expected += try bytes("vote.validator")
        expected += [77, 0, 0, 0]
        expected += try bytes("vote.block_hash")
        expected += [95, 0, 0, 0, 0, 0, 0, 0]
        expected += try bytes("quantum_state")
        #expect(try bytes("vote.signed_bytes") == expected)
        #expect(expected.count == 31 + 213)
        let signature = VectorSignatures().sign(
            expected, publicKey: Array(repeating: 18, count: 1_793))
        #expect(try bytes("vote.signature") == signature)
    }

    @Test func `certificates are headers and entries`() throws {
        let set = try Self.domain().set
        var header: [UInt8] = [1, 3, 0, 0, 0, 0, 0, 0, 0] + set.hash.bytes
        header += [2, 1, 0, 0, 0, 0, 0, 0] + Self.blockHash.bytes + [77, 0, 0, 0, 1, 12]
        let certificate = try bytes("certificate")
        #expect(Array(certificate.prefix(header.count)) == header)
        #expect(certificate.count == header.count + 3 * 1_346)
        // The second entry is of validator 2: the precommit of the vote above.
        let entry = Array(certificate[header.count + 1_346..<header.count + 2 * 1_346])
        #expect(Array(entry.prefix(2)) == [2, 0])
        #expect(Array(entry[2..<10]) == [95, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(entry[10..<66]) == (try bytes("quantum_state")))
        #expect(Array(entry[66...]) == (try bytes("vote.signature")))
        var quorumHeader: [UInt8] = [3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0]
        quorumHeader += Self.blockHash.bytes + [77, 0, 0, 0, 12]
        let quorum = try bytes("quorum_certificate")
        #expect(Array(quorum.prefix(quorumHeader.count)) == quorumHeader)
        #expect(quorum.count == quorumHeader.count + 3 * 1_346)
    }

    @Test func `the published bytes decode and verify`() throws {
        let domain = try Self.domain()
        for key in ["vote", "nil_vote"] {
            let vote = try SCALEDecoder.decode(CoherenceVote.self, from: try bytes(key))
            _ = try vote.verify(in: domain, using: VectorSignatures())
        }
        let certificate = try SCALEDecoder.decode(
            FinalityCertificate.self, from: try bytes("certificate"))
        try certificate.verify(
            set: domain.set, genesisHash: domain.genesisHash, verifier: VectorSignatures())
        let quorum = try SCALEDecoder.decode(
            QuorumCertificate.self, from: try bytes("quorum_certificate"))
        _ = try quorum.verify(in: domain, using: VectorSignatures())
        let pair = try SCALEDecoder.decode(DoubleVote.self, from: try bytes("double_vote"))
        _ = try pair.verify(in: domain, using: VectorSignatures())
        let record = try SCALEDecoder.decode(SignRecord.self, from: try bytes("sign_record"))
        #expect(record.vote.scaleBytes == (try bytes("vote")))
    }
}
