import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// A signature scheme with Falcon's sizes and randomness and none of its cost: a hash of the public
/// key, a salt and the message.
struct ToyScheme: SignatureVerifier {
    static func sign(_ message: [UInt8], by index: Int, in set: ValidatorSet, salt: UInt64 = 0)
        -> [UInt8]
    {
        let key = set.validators[index].falconPublicKey
        let tag = BLAKE2b256.hash(key.prefix(64) + salt.scaleBytes + message).bytes
        let head = [SignatureFormat.firstByte] + salt.scaleBytes + tag
        return head + [UInt8](repeating: 0, count: SignatureFormat.byteCount - head.count)
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard signature.count == SignatureFormat.byteCount,
            Int(index.rawValue) < set.count
        else { return false }
        var salt: UInt64 = 0
        for place in (1...8).reversed() { salt = salt << 8 | UInt64(signature[place]) }
        return signature == Self.sign(message, by: Int(index.rawValue), in: set, salt: salt)
    }
}

/// A chain of empty blocks with n validators.
struct ToyChain {
    let set: ValidatorSet
    let domain: VotingDomain
    let genesis: Header
    let genesisState: ChainState

    init(validators count: Int, policy: QuorumPolicy? = nil, name: String = "toy") throws {
        let policy = policy ?? .standard(validatorCount: count)
        let identities = (0..<count).compactMap { index -> ValidatorIdentity? in
            let seed = UInt64(index).scaleBytes
            let account = AccountID([UInt8](repeating: 7, count: 24) + seed)
            let key = seed + [UInt8](repeating: 9, count: 1785)
            return account.flatMap { ValidatorIdentity(account: $0, falconPublicKey: key) }
        }
        try self.init(identities: identities, policy: policy, name: name)
    }

    /// A chain of these validators.
    init(identities: [ValidatorIdentity], policy: QuorumPolicy, name: String) throws {
        let constants = try ChainConstants(
            specVersion: 1, chainID: name, slotDurationMilliseconds: 6_000, policy: policy)
        (genesisState, genesis) = try ChainState.genesis(
            constants: constants, validators: identities)
        set = genesisState.activeSet
        domain = VotingDomain(genesisHash: genesis.hash, set: set)
    }

    /// A tree of the genesis block only.
    var tree: BlockTree { BlockTree(finalisedHeader: genesis, state: genesisState) }

    /// An empty block on top of another one; slots tell siblings apart.
    func block(on parent: Header, slot: UInt64? = nil) throws -> Block {
        let slot = slot ?? (parent.slot.map { $0.rawValue + 1 } ?? 1)
        return try BlockBuilder(
            parent: parent, parentState: genesisState, slot: SlotNumber(slot), extrinsics: []
        ).seal([1, 2, 3])
    }

    /// The first blocks of a chain, from height 1.
    func blocks(_ count: Int) throws -> [Block] {
        var blocks: [Block] = []
        for _ in 0..<count { blocks.append(try block(on: blocks.last?.header ?? genesis)) }
        return blocks
    }

    static let state = QuantumState(
        validProofs: 3, rejectedProofs: 1, averageQBER: 50, entropyPoolHash: .zero,
        reporterCount: 3, minimumQBER: 40, maximumQBER: 60)

    /// A signed vote; `salt` makes another signature of the same content.
    func vote(
        _ index: Int, _ phase: VotePhase, round: UInt64, for block: BlockRef?, set: SetID? = nil,
        salt: UInt64 = 0, state: QuantumState = Self.state, score: UInt64? = nil,
        badSignature: Bool = false
    ) throws -> CoherenceVote {
        let target = block.map { VoteTarget($0) } ?? .nothing
        let state = target.isNil ? .zero : state
        let score = score ?? (target.isNil ? 0 : state.coherenceScore ?? 0)
        let account = domain.set.validators[index].account
        let message = domain.signedBytes(
            round: RoundNumber(round), phase: phase, validator: account, target: target,
            coherenceScore: score, quantumState: state)
        var bytes = ToyScheme.sign(message, by: index, in: domain.set, salt: salt)
        if badSignature { bytes[20] ^= 1 }
        let signature = try #require(VoteSignature(bytes))
        return CoherenceVote(
            validator: account, target: target, coherenceScore: score, quantumState: state,
            signature: signature, phase: phase, round: RoundNumber(round),
            setID: set ?? domain.set.id)
    }

    func verified(_ vote: CoherenceVote) throws -> VerifiedVote {
        try vote.verify(in: domain, using: ToyScheme())
    }

    func entry(
        _ index: Int, _ phase: VotePhase, round: UInt64, for block: BlockRef?, salt: UInt64 = 0,
        badSignature: Bool = false
    ) throws -> VoteEntry {
        VoteEntry(
            validator: ValidatorIndex(UInt16(index)),
            vote: try vote(
                index, phase, round: round, for: block, salt: salt, badSignature: badSignature))
    }

    func bundle(
        _ indices: [Int], _ phase: VotePhase, round: UInt64, for block: BlockRef?,
        salt: UInt64 = 0, badSignatures: Bool = false
    ) throws -> VoteBundle {
        VoteBundle(
            setID: set.id, round: RoundNumber(round), phase: phase,
            target: block.map { VoteTarget($0) } ?? .nothing,
            entries: try indices.map {
                try entry(
                    $0, phase, round: round, for: block, salt: salt, badSignature: badSignatures)
            })
    }

    func quorumCertificate(
        _ indices: [Int], round: UInt64, for block: BlockRef, bad: Int? = nil
    ) throws -> QuorumCertificate {
        QuorumCertificate(
            setID: set.id, round: RoundNumber(round), target: VoteTarget(block),
            entries: try indices.map {
                try entry($0, .prevote, round: round, for: block, badSignature: $0 == bad)
            })
    }

    func certificate(
        _ indices: [Int], round: UInt64, for block: BlockRef, bad: Int? = nil
    ) throws -> FinalityCertificate {
        FinalityCertificate(
            setID: set.id, setHash: set.hash, round: RoundNumber(round),
            target: VoteTarget(block), policy: set.policy,
            precommits: try indices.map {
                try entry($0, .precommit, round: round, for: block, badSignature: $0 == bad)
            })
    }
}

extension VoteEntry {
    init(validator: ValidatorIndex, vote: CoherenceVote) {
        self.init(
            validator: validator, coherenceScore: vote.coherenceScore,
            quantumState: vote.quantumState, signature: vote.signature)
    }
}
