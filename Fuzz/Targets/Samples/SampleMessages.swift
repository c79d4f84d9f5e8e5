import BlockSync
import Chain
import Coherence
import Primitives
import SCALE
import VoteGossip

/// Messages of every kind about the sample chain.
extension SampleChain {
    /// One gossip message of each kind at least.
    func gossipMessages() throws -> [GossipMessage] {
        let (first, second) = (blocks[0].header.ref, blocks[1].header.ref)
        var missing = Bits(validatorCount: set.count)
        missing.insert(ValidatorIndex(1))
        return [
            .vote(try vote(1, .prevote, round: 0, for: first)),
            .vote(try vote(2, .precommit, round: 0, for: nil)),
            .voteRequest(blockHash: first.hash),
            .certificate(try certificate(round: 0, for: first)),
            .status(status(round: 0, holding: missing)),
            .voteBundle(
                VoteBundle(
                    setID: set.id, round: RoundNumber(0), phase: .prevote,
                    target: VoteTarget(second),
                    entries: try entries([3, 0], .prevote, round: 0, for: second))),
            .roundRequest(
                RoundRequest(
                    setID: set.id, round: RoundNumber(0), phase: .prevote, missing: missing)),
            .quorumCertificate(try quorumCertificate(round: 0, for: first)),
            .certificateRequest(number: BlockNumber(1)),
        ]
    }

    private func status(round: UInt64, holding bits: Bits) -> GossipStatus {
        GossipStatus(
            setID: set.id, round: RoundNumber(round), finalisedNumber: BlockNumber(0),
            finalisedHash: genesis.hash, lockRound: nil, highestQuorumRound: RoundNumber(0),
            have: [.init(round: RoundNumber(round), phase: .prevote, validators: bits)])
    }

    var gossipHandshake: GossipHandshake {
        GossipHandshake(
            role: .authority, genesisHash: genesis.hash, setID: set.id, round: RoundNumber(0),
            finalisedNumber: BlockNumber(0), finalisedHash: genesis.hash)
    }

    func announcement(of block: Block) -> BlockAnnouncement {
        BlockAnnouncement(header: block.header, isBest: true)
    }

    /// The handshake of a peer whose best head is the newest block.
    var announcesHandshake: BlockAnnouncesHandshake {
        BlockAnnouncesHandshake(
            roles: .authority, best: blocks[blocks.count - 1].header.ref,
            genesisHash: genesis.hash)
    }

    func request(from start: BlockStart, count: UInt32) throws -> [UInt8] {
        try BlockRequest(
            fields: .everything, start: start, direction: .descending, maximumCount: count
        ).encoded()
    }

    /// Blocks as a response has them, the first with a justification.
    func response(with blocks: [Block]) throws -> [UInt8] {
        try BlockResponse(
            blocks: blocks.enumerated().map { position, block in
                BlockData(
                    hash: block.header.hash, header: block.header, extrinsics: block.extrinsics,
                    justifications: position > 0
                        ? []
                        : [
                            Justification(
                                engine: .coherence,
                                bytes: try certificate(round: 0, for: block.header.ref).scaleBytes)
                        ])
            }
        ).encoded()
    }
}
