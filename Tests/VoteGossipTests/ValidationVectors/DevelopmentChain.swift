import Chain
import Coherence
import Falcon
import Keystore
import Primitives
import SCALE
import Testing
import VoteGossip

/// A chain whose validators are //Alice, //Bob, //Charlie and //Dave, with their real Falcon-1024
/// keys. //Eve has a key and is not in the set.
///
/// Signing is randomised. Here its randomness is a function of the message, so that the vectors come
/// out the same each time; nobody must do that with a key that is worth something.
struct DevelopmentChain {
    static let names = ["//Alice", "//Bob", "//Charlie", "//Dave", "//Eve"]

    let toy: ToyChain
    let accounts: [AccountID]
    /// Of the chain: A on genesis, B on A, C on B, D on C; and X, another child of genesis.
    let blocks: [String: Block]
    private let signers: Signers

    var set: ValidatorSet { toy.set }
    var domain: VotingDomain { toy.domain }

    init() throws {
        let signers = Signers()
        self.signers = signers
        accounts = try Self.names.map { try DevelopmentAccount(uri: $0).account }
        let identities = try accounts.prefix(4).enumerated().map { index, account in
            try #require(
                ValidatorIdentity(account: account, falconPublicKey: signers.publicKey(index)))
        }
        toy = try ToyChain(
            identities: identities, policy: .moreThanTwoThirds, name: "validation-vectors")
        let line = try toy.blocks(4)
        blocks = [
            "A": line[0], "B": line[1], "C": line[2], "D": line[3],
            "X": try toy.block(on: toy.genesis, slot: 40),
        ]
    }

    func publicKey(_ index: Int) -> [UInt8] { signers.publicKey(index) }

    func ref(_ name: String) throws -> BlockRef {
        if name == "genesis" { return toy.genesis.ref }
        return try #require(blocks[name]).header.ref
    }

    static let state = QuantumState(
        validProofs: 12, rejectedProofs: 1, averageQBER: 50,
        entropyPoolHash: BLAKE2b256.hash(Array("entropy".utf8)), reporterCount: 3,
        minimumQBER: 10, maximumQBER: 90)

    /// A signed vote; by default of the current set, with the score that the state gives.
    func vote(
        _ validator: Int, _ phase: VotePhase, round: UInt64, for block: BlockRef?,
        state: QuantumState? = nil, score: UInt64? = nil, set: SetID? = nil, salt: UInt64 = 0,
        isForged: Bool = false
    ) throws -> CoherenceVote {
        let target = block.map { VoteTarget($0) } ?? .nothing
        let state = state ?? (target.isNil ? .zero : Self.state)
        let score = score ?? (target.isNil ? 0 : Self.state.coherenceScore ?? 0)
        let message = domain.signedBytes(
            round: RoundNumber(round), phase: phase, validator: accounts[validator],
            target: target, coherenceScore: score, quantumState: state)
        var bytes = signers.sign(message, by: validator, salt: salt)
        // The nonce is part of what is hashed: with another one it is no signature of the vote.
        if isForged { bytes[5] ^= 1 }
        return CoherenceVote(
            validator: accounts[validator], target: target, coherenceScore: score,
            quantumState: state, signature: try #require(VoteSignature(bytes)), phase: phase,
            round: RoundNumber(round), setID: set ?? self.set.id)
    }

    func entries(
        _ validators: [Int], _ phase: VotePhase, round: UInt64, for block: BlockRef?,
        forged: Int? = nil
    ) throws -> [VoteEntry] {
        try validators.map { index in
            VoteEntry(
                validator: ValidatorIndex(UInt16(index)),
                vote: try vote(
                    index, phase, round: round, for: block, isForged: index == forged))
        }
    }

    func bundle(
        _ validators: [Int], _ phase: VotePhase, round: UInt64, for block: BlockRef?
    ) throws -> GossipMessage {
        .voteBundle(
            VoteBundle(
                setID: set.id, round: RoundNumber(round), phase: phase,
                target: block.map { VoteTarget($0) } ?? .nothing,
                entries: try entries(validators, phase, round: round, for: block)))
    }

    func quorum(
        _ validators: [Int], round: UInt64, for block: BlockRef?, forged: Int? = nil
    ) throws -> QuorumCertificate {
        QuorumCertificate(
            setID: set.id, round: RoundNumber(round),
            target: block.map { VoteTarget($0) } ?? .nothing,
            entries: try entries(
                validators, .prevote, round: round, for: block, forged: forged))
    }

    func certificate(
        _ validators: [Int], round: UInt64, for block: BlockRef, forged: Int? = nil,
        setHash: Hash256? = nil, policy: QuorumPolicy? = nil
    ) throws -> FinalityCertificate {
        FinalityCertificate(
            setID: set.id, setHash: setHash ?? set.hash, round: RoundNumber(round),
            target: VoteTarget(block), policy: policy ?? set.policy,
            precommits: try entries(
                validators, .precommit, round: round, for: block, forged: forged))
    }
}

/// The development validators' keys, made once, and a verifier with the public ones.
private final class Signers: Sendable {
    private let keys: [Signing]

    /// A secret key that can be stored in an array.
    private final class Signing: Sendable {
        let key: FalconSecretKey

        init(_ uri: String) { key = FalconSecretKey(developmentURI: uri) }
    }

    init() { keys = DevelopmentChain.names.map(Signing.init) }

    func publicKey(_ index: Int) -> [UInt8] { keys[index].key.publicKey.bytes }

    func sign(_ message: [UInt8], by index: Int, salt: UInt64) -> [UInt8] {
        let seed = BLAKE2b256.hash(salt.scaleBytes + message).bytes.prefix(8)
        var random = SeededGenerator(seed: seed.reduce(0) { $0 << 8 | UInt64($1) })
        return keys[index].key.sign(message: message) { buffer in
            for place in buffer.indices {
                buffer[place] = UInt8(truncatingIfNeeded: random.next())
            }
        }
    }
}

/// Falcon-1024 under the keys of the set.
struct FalconSignatures: SignatureVerifier {
    private let keys: [FalconVerifyingKey]

    init(_ set: ValidatorSet) throws {
        keys = try set.validators.map {
            FalconVerifyingKey(try FalconPublicKey(bytes: $0.falconPublicKey))
        }
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        let place = Int(index.rawValue)
        return keys.indices.contains(place)
            && keys[place].verify(message: message, paddedSignature: signature)
    }
}
