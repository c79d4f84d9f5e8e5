import BlockSync
import Chain
import Primitives
import SCALE
import TestSupport
import Testing

@Suite("The block protocols' examples in docs/protocol.md")
struct ProtocolExampleTests {
    let vectors: ProtocolExamples
    let header: Header
    let extrinsics: [Extrinsic]
    let genesisHash: Hash256
    let certificate: [UInt8]

    init() throws {
        let chain = try ProtocolExamples.load("chain")
        vectors = try ProtocolExamples.load("sync")
        header = try SCALEDecoder.decode(from: try chain.bytes("Header"))
        extrinsics = try ["Extrinsic", "second Extrinsic"].map {
            try SCALEDecoder.decode(from: try chain.bytes($0))
        }
        genesisHash = try SCALEDecoder.decode(from: try chain.bytes("genesis hash"))
        certificate = try ProtocolExamples.load("coherence").bytes("FinalityCertificate")
    }

    private var byNumber: BlockRequest {
        BlockRequest(
            fields: .everything, start: .number(BlockNumber(1)), direction: .ascending,
            maximumCount: 64)
    }

    private var byHash: BlockRequest {
        BlockRequest(
            fields: [.header, .body], start: .hash(header.hash), direction: .descending,
            maximumCount: 1)
    }

    private var response: BlockResponse {
        BlockResponse(blocks: [
            BlockData(
                hash: header.hash, header: header, extrinsics: extrinsics,
                justifications: [Justification(engine: .coherence, bytes: certificate)])
        ])
    }

    @Test("the code makes the examples byte for byte")
    func made() throws {
        let handshake = BlockAnnouncesHandshake(
            roles: .authority, best: header.ref, genesisHash: genesisHash)
        let announcement = BlockAnnouncement(header: header, isBest: true)
        let transactions = TransactionsMessage([extrinsics[0]])
        var justifications = SCALEEncoder()
        justifications.appendItems(response.blocks[0].justifications)
        #expect(
            vectors.differences(from: [
                ("block-announces handshake", handshake.scaleBytes),
                ("block announcement", announcement.scaleBytes),
                ("transactions", transactions.scaleBytes),
                ("BlockRequest by number", try byNumber.encoded()),
                ("BlockRequest by hash", try byHash.encoded()),
                ("justifications", justifications.bytes),
                ("BlockResponse", try response.encoded()),
            ]) == [])
    }

    @Test("the examples decode to what they were made of")
    func decoded() throws {
        #expect(
            try BlockRequest(decoding: try vectors.bytes("BlockRequest by number")) == byNumber)
        #expect(try BlockRequest(decoding: try vectors.bytes("BlockRequest by hash")) == byHash)
        #expect(
            try BlockResponse(decoding: try vectors.bytes("BlockResponse"), limit: 1) == response)
    }
}
