import Chain
import Coherence
import Primitives
import SCALE

/// A signature scheme in which most changed messages stay valid, so that mutations get past the
/// signatures: whoever wrote it, a signature is good when its second byte is even.
struct LenientVerifier: SignatureVerifier {
    /// A good signature.
    static let good: [UInt8] =
        [SignatureFormat.firstByte, 0]
        + [UInt8](repeating: 0x55, count: SignatureFormat.byteCount - 2)

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        signature.count == SignatureFormat.byteCount && signature[1] & 1 == 0
            && Int(index.rawValue) < set.count
    }
}

/// The chain that valid inputs are about: four validators, six blocks, some with a remark.
struct SampleChain: Sendable {
    let set: ValidatorSet
    let domain: VotingDomain
    let constants: ChainConstants
    let state: ChainState
    let genesis: Header
    /// On top of genesis, one after the other.
    let blocks: [Block]
    let extrinsic: Extrinsic

    private static let made = Result { try SampleChain() }

    /// The one chain of all samples.
    static func shared() throws -> SampleChain { try made.get() }

    private init() throws {
        let validators = (UInt8(0)..<4).compactMap { number in
            AccountID([UInt8](repeating: number + 1, count: 32)).flatMap {
                ValidatorIdentity(
                    account: $0,
                    falconPublicKey: [0x0A] + [UInt8](repeating: 0x11 + number, count: 1_792))
            }
        }
        constants = try ChainConstants(
            specVersion: 1, chainID: "fuzz", slotDurationMilliseconds: 6_000,
            policy: .moreThanTwoThirds)
        (state, genesis) = try ChainState.genesis(constants: constants, validators: validators)
        set = state.activeSet
        domain = VotingDomain(genesisHash: genesis.hash, set: set)
        guard
            let extrinsic = Extrinsic(
                kind: .remark, signer: validators[0].account, nonce: 0,
                payload: Array("remark".utf8), signature: LenientVerifier.good)
        else { throw FuzzFinding("a remark of six bytes is none") }
        self.extrinsic = extrinsic
        var blocks: [Block] = []
        var parent = genesis
        var current = state
        for slot in UInt64(1)...6 {
            let builder = try BlockBuilder(
                parent: parent, parentState: current, slot: SlotNumber(slot),
                extrinsics: slot == 2 ? [extrinsic] : [])
            let block = builder.seal(LenientVerifier.good)
            blocks.append(block)
            (parent, current) = (block.header, builder.state)
        }
        self.blocks = blocks
    }

    /// A tree of the genesis block only.
    var tree: BlockTree { BlockTree(finalisedHeader: genesis, state: state) }

    static let measured = QuantumState(
        validProofs: 12, rejectedProofs: 1, averageQBER: 50, entropyPoolHash: .zero,
        reporterCount: 3, minimumQBER: 10, maximumQBER: 90)

    func vote(
        _ validator: Int, _ phase: VotePhase, round: UInt64, for block: BlockRef?
    ) throws -> CoherenceVote {
        let target = block.map { VoteTarget($0) } ?? .nothing
        guard let signature = VoteSignature(LenientVerifier.good) else {
            throw FuzzFinding("a good signature has a wrong form")
        }
        return CoherenceVote(
            validator: set.validators[validator].account, target: target,
            coherenceScore: block == nil ? 0 : 95,
            quantumState: block == nil ? .zero : Self.measured, signature: signature,
            phase: phase, round: RoundNumber(round), setID: set.id)
    }

    func entries(
        _ validators: [Int], _ phase: VotePhase, round: UInt64, for block: BlockRef?
    ) throws -> [VoteEntry] {
        try validators.map { index in
            let vote = try vote(index, phase, round: round, for: block)
            return VoteEntry(
                validator: ValidatorIndex(UInt16(index)), coherenceScore: vote.coherenceScore,
                quantumState: vote.quantumState, signature: vote.signature)
        }
    }

    func quorumCertificate(
        round: UInt64, for block: BlockRef, by validators: [Int] = [0, 1, 2]
    ) throws -> QuorumCertificate {
        QuorumCertificate(
            setID: set.id, round: RoundNumber(round), target: VoteTarget(block),
            entries: try entries(validators, .prevote, round: round, for: block))
    }

    func certificate(
        round: UInt64, for block: BlockRef, by validators: [Int] = [0, 1, 3]
    ) throws -> FinalityCertificate {
        FinalityCertificate(
            setID: set.id, setHash: set.hash, round: RoundNumber(round),
            target: VoteTarget(block), policy: set.policy,
            precommits: try entries(validators, .precommit, round: round, for: block))
    }

    func doubleVote() throws -> DoubleVote {
        DoubleVote(
            try vote(1, .prevote, round: 4, for: blocks[0].header.ref),
            try vote(1, .prevote, round: 4, for: blocks[1].header.ref))
    }

    func signRecord() throws -> SignRecord {
        SignRecord(
            try vote(0, .precommit, round: 4, for: blocks[0].header.ref)
                .verify(in: domain, using: LenientVerifier()))
    }
}
