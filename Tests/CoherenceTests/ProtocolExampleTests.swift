import Chain
import Coherence
import Primitives
import SCALE
import TestSupport
import Testing

/// The scheme of docs/protocol.md's examples: 0x3A, BLAKE2b-256(public key || message), zeros.
/// It has Falcon's form and is no signature scheme.
struct ExampleSignatures: SignatureVerifier {
    static func sign(_ message: [UInt8], as validator: ValidatorIdentity) -> [UInt8] {
        sign(message, with: validator.falconPublicKey)
    }

    private static func sign(_ message: [UInt8], with key: [UInt8]) -> [UInt8] {
        let tag = BLAKE2b256.hash(key + message)
        return [SignatureFormat.firstByte] + tag.bytes + [UInt8](repeating: 0, count: 1_247)
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        set.validator(at: index).map { signature == Self.sign(message, as: $0) } ?? false
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        signature == Self.sign(message, with: publicKey)
    }
}

/// Votes of round 5 on the chain of `Vectors/protocol/chain.json`.
struct ExampleVotes {
    let domain: VotingDomain
    let block: VoteTarget
    let state = QuantumState(
        validProofs: 12, rejectedProofs: 1, averageQBER: 50,
        entropyPoolHash: BLAKE2b256.hash(Array("entropy".utf8)), reporterCount: 3,
        minimumQBER: 10, maximumQBER: 90)

    init() throws {
        let chain = try ProtocolExamples.load("chain")
        domain = VotingDomain(
            genesisHash: try #require(Hash256(try chain.bytes("genesis hash"))),
            set: try SCALEDecoder.decode(from: try chain.bytes("ValidatorSet")))
        let header: Header = try SCALEDecoder.decode(from: try chain.bytes("Header"))
        block = VoteTarget(header.ref)
    }

    func message(_ index: Int, _ phase: VotePhase, _ target: VoteTarget) -> [UInt8] {
        domain.signedBytes(
            round: RoundNumber(5), phase: phase, validator: domain.set.validators[index].account,
            target: target, coherenceScore: target.isNil ? 0 : 95,
            quantumState: target.isNil ? .zero : state)
    }

    func vote(_ index: Int, _ phase: VotePhase, _ target: VoteTarget) throws -> CoherenceVote {
        let validator = domain.set.validators[index]
        let bytes = ExampleSignatures.sign(message(index, phase, target), as: validator)
        return CoherenceVote(
            validator: validator.account, target: target, coherenceScore: target.isNil ? 0 : 95,
            quantumState: target.isNil ? .zero : state,
            signature: try #require(VoteSignature(bytes)), phase: phase, round: RoundNumber(5),
            setID: domain.set.id)
    }

    func verified(_ index: Int, _ phase: VotePhase, _ target: VoteTarget) throws -> VerifiedVote {
        try vote(index, phase, target).verify(in: domain, using: ExampleSignatures())
    }

    func quorumCertificate() throws -> QuorumCertificate {
        QuorumCertificate(
            setID: domain.set.id, round: RoundNumber(5), target: block,
            entries: try [0, 1].map { VoteEntry(try verified($0, .prevote, block)) })
    }

    func certificate() throws -> FinalityCertificate {
        FinalityCertificate(
            setID: domain.set.id, setHash: domain.set.hash, round: RoundNumber(5), target: block,
            policy: domain.set.policy,
            precommits: try [0, 2].map { VoteEntry(try verified($0, .precommit, block)) })
    }
}

@Suite("The votes' examples in docs/protocol.md")
struct ProtocolExampleTests {
    let votes: ExampleVotes
    let vectors: ProtocolExamples

    init() throws {
        votes = try ExampleVotes()
        vectors = try ProtocolExamples.load("coherence")
    }

    @Test("the code makes the examples byte for byte")
    func made() throws {
        let evidence = DoubleVote(
            try votes.vote(1, .prevote, votes.block), try votes.vote(1, .prevote, .nothing))
        #expect(
            vectors.differences(from: [
                ("QuantumState", votes.state.scaleBytes),
                ("signed bytes of a prevote", votes.message(0, .prevote, votes.block)),
                ("CoherenceVote", try votes.vote(0, .prevote, votes.block).scaleBytes),
                ("signed bytes of a nil precommit", votes.message(2, .precommit, .nothing)),
                ("nil CoherenceVote", try votes.vote(2, .precommit, .nothing).scaleBytes),
                ("VoteEntry", VoteEntry(try votes.verified(0, .prevote, votes.block)).scaleBytes),
                ("QuorumCertificate", try votes.quorumCertificate().scaleBytes),
                ("FinalityCertificate", try votes.certificate().scaleBytes),
                ("DoubleVote", evidence.scaleBytes),
            ]) == [])
        #expect(votes.state.coherenceScore == 95)
    }

    @Test("the examples decode and verify")
    func verified() throws {
        let scheme = ExampleSignatures()
        for name in ["CoherenceVote", "nil CoherenceVote"] {
            let vote: CoherenceVote = try SCALEDecoder.decode(from: try vectors.bytes(name))
            let verified = try vote.verify(in: votes.domain, using: scheme)
            #expect(verified.bytes == (try vectors.bytes(name)))
        }
        let quorum: QuorumCertificate = try SCALEDecoder.decode(
            from: try vectors.bytes("QuorumCertificate"))
        _ = try quorum.verify(in: votes.domain, using: scheme)
        let certificate: FinalityCertificate = try SCALEDecoder.decode(
            from: try vectors.bytes("FinalityCertificate"))
        try certificate.verify(
            set: votes.domain.set, genesisHash: votes.domain.genesisHash, verifier: scheme)
        let evidence: DoubleVote = try SCALEDecoder.decode(from: try vectors.bytes("DoubleVote"))
        _ = try evidence.verify(in: votes.domain, using: scheme)
    }

    @Test("an example with any one byte changed is refused", arguments: 0..<128)
    func changed(_ step: Int) throws {
        let original = try vectors.bytes("FinalityCertificate")
        var bytes = original
        // Every byte of the header, then steps through the entries.
        let position = step < 95 ? step : 95 + (step - 95) * (original.count - 95) / 33
        bytes[position] ^= 1
        let scheme = ExampleSignatures()
        #expect(throws: (any Error).self) {
            let certificate: FinalityCertificate = try SCALEDecoder.decode(from: bytes)
            try certificate.verify(
                set: votes.domain.set, genesisHash: votes.domain.genesisHash, verifier: scheme)
        }
    }
}
