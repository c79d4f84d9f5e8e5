import Chain
import Coherence
import Primitives
import SCALE
import TestSupport
import Testing
import VoteGossip

@Suite("The gossip's examples in docs/protocol.md")
struct ProtocolExampleTests {
    let chain: ProtocolExamples
    let votes: ProtocolExamples
    let vectors: ProtocolExamples

    init() throws {
        chain = try ProtocolExamples.load("chain")
        votes = try ProtocolExamples.load("coherence")
        vectors = try ProtocolExamples.load("gossip")
    }

    private func read<Value: SCALEDecodable>(
        _ name: String, of file: ProtocolExamples
    ) throws -> Value { try SCALEDecoder.decode(from: try file.bytes(name)) }

    private func messages() throws -> [(name: String, message: GossipMessage)] {
        let genesis: Hash256 = try read("genesis hash", of: chain)
        let block: Hash256 = try read("block hash", of: chain)
        let (set, round) = (SetID(0), RoundNumber(5))
        func bits(_ members: Int...) -> Bits {
            Bits(validatorCount: 3, members: members.map { ValidatorIndex(UInt16($0)) })
        }
        let status = GossipStatus(
            setID: set, round: round, finalisedNumber: BlockNumber(0), finalisedHash: genesis,
            lockRound: nil, highestQuorumRound: RoundNumber(4),
            have: [
                .init(round: round, phase: .prevote, validators: bits(0, 1)),
                .init(round: round, phase: .precommit, validators: bits()),
            ])
        let bundle = VoteBundle(
            setID: set, round: round, phase: .precommit, target: .nothing,
            entries: [
                try VoteEntry(
                    validator: ValidatorIndex(2), vote: read("nil CoherenceVote", of: votes))
            ])
        return [
            ("0 Vote", .vote(try read("CoherenceVote", of: votes))),
            ("1 VoteRequest", .voteRequest(blockHash: block)),
            ("2 Certificate", .certificate(try read("FinalityCertificate", of: votes))),
            ("3 Status", .status(status)),
            ("4 VoteBundle", .voteBundle(bundle)),
            (
                "5 RoundRequest",
                .roundRequest(
                    RoundRequest(
                        setID: set, round: round, phase: .precommit, missing: bits(0, 2)))
            ),
            ("6 QuorumCertificate", .quorumCertificate(try read("QuorumCertificate", of: votes))),
            ("7 Equivocation", .equivocation(try read("DoubleVote", of: votes))),
            ("8 CertificateRequest", .certificateRequest(number: BlockNumber(1))),
        ]
    }

    @Test("the code makes the examples byte for byte")
    func made() throws {
        let genesis: Hash256 = try read("genesis hash", of: chain)
        let handshake = GossipHandshake(
            role: .authority, genesisHash: genesis, setID: SetID(0), round: RoundNumber(5),
            finalisedNumber: BlockNumber(0), finalisedHash: genesis)
        #expect(
            vectors.differences(
                from: [("coherence handshake", handshake.scaleBytes)]
                    + (try messages()).map { ($0.name, $0.message.scaleBytes) }) == [])
    }

    @Test("the examples decode to what they were made of")
    func decoded() throws {
        for (name, message) in try messages() {
            #expect(try GossipMessage.decode(try vectors.bytes(name)) == message, "\(name)")
        }
        let handshake = try GossipHandshake.decode(try vectors.bytes("coherence handshake"))
        #expect(handshake.role == .authority && handshake.round == RoundNumber(5))
    }
}
