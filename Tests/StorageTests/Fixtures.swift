import Chain
import Coherence
import Foundation
import Primitives
import SCALE
import Storage

/// A directory of one test's own, removed when the test lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        // In memory where there is such a place: hundreds of stores are opened.
        let memory = "/dev/shm"
        let root =
            FileManager.default.isWritableFile(atPath: memory)
            ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        path = root.appending(path: "storage-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A chain of three validators, and what is made of it.
struct TestChain {
    let validators: [ValidatorIdentity]
    let state: ChainState
    let genesis: Header

    init(name: String = "test") throws {
        validators = (UInt8(1)...3).compactMap { number in
            AccountID([UInt8](repeating: number, count: 32)).flatMap {
                ValidatorIdentity(
                    account: $0, falconPublicKey: [UInt8](repeating: number, count: 1_793))
            }
        }
        let constants = try ChainConstants(
            specVersion: 1, chainID: name, slotDurationMilliseconds: 6_000, policy: .twoThirds)
        (state, genesis) = try ChainState.genesis(constants: constants, validators: validators)
    }

    static func signatureBytes(_ seed: UInt8) -> [UInt8] {
        [0x3A] + [UInt8](repeating: seed, count: 1_279)
    }

    static func signature(_ seed: UInt8) -> VoteSignature {
        guard let signature = VoteSignature(signatureBytes(seed)) else {
            preconditionFailure("the form is right")
        }
        return signature
    }

    /// A block and the state after it.
    func block(
        on parent: Header, _ parentState: ChainState, slot: UInt64, remarks: [UInt64] = []
    ) throws -> (block: Block, state: ChainState) {
        let extrinsics = remarks.compactMap { nonce in
            Extrinsic(
                kind: .remark, signer: validators[0].account, nonce: nonce,
                payload: [UInt8](repeating: UInt8(truncatingIfNeeded: nonce), count: 100),
                signature: Self.signatureBytes(1))
        }
        let builder = try BlockBuilder(
            parent: parent, parentState: parentState, slot: SlotNumber(slot),
            extrinsics: extrinsics, evidence: .noEvidence)
        return (builder.seal(Self.signatureBytes(2)), builder.state)
    }

    /// A chain of blocks on genesis; every third has a remark.
    func blocks(_ count: Int, fromSlot slot: UInt64 = 1) throws -> [Block] {
        var parent = genesis
        var state = state
        var nonce: UInt64 = 0
        var blocks: [Block] = []
        for index in 0..<count {
            var remarks: [UInt64] = []
            if index % 3 == 0 {
                remarks = [nonce]
                nonce += 1
            }
            let next = try block(on: parent, state, slot: slot + UInt64(index), remarks: remarks)
            blocks.append(next.block)
            parent = next.block.header
            state = next.state
        }
        return blocks
    }

    func entries(_ seed: UInt8 = 3) -> [VoteEntry] {
        [0, 1].map {
            VoteEntry(
                validator: ValidatorIndex($0), coherenceScore: 95, quantumState: Self.measured,
                signature: Self.signature(seed))
        }
    }

    static let measured = QuantumState(
        validProofs: 3, rejectedProofs: 1, averageQBER: 50, entropyPoolHash: .zero,
        reporterCount: 2, minimumQBER: 40, maximumQBER: 60)

    func certificate(
        for block: BlockRef, round: UInt64, set: UInt64 = 0
    ) -> FinalityCertificate {
        FinalityCertificate(
            setID: SetID(set), setHash: state.activeSet.hash, round: RoundNumber(round),
            target: VoteTarget(block), policy: .twoThirds, precommits: entries())
    }

    func quorumCertificate(
        for block: BlockRef, round: UInt64, set: UInt64 = 0
    ) -> QuorumCertificate {
        QuorumCertificate(
            setID: SetID(set), round: RoundNumber(round), target: VoteTarget(block),
            entries: entries())
    }

    func lock(on block: BlockRef, round: UInt64, set: UInt64 = 0) throws -> Lock {
        guard let lock = Lock(quorumCertificate(for: block, round: round, set: set)) else {
            throw CocoaError(.coderInvalidValue)
        }
        return lock
    }

    func vote(
        _ target: VoteTarget, round: UInt64, phase: VotePhase, set: UInt64 = 0,
        validator: UInt16 = 0, signature: UInt8 = 7
    ) -> CoherenceVote {
        CoherenceVote(
            validator: validators[Int(validator)].account, target: target,
            coherenceScore: target.isNil ? 0 : 95,
            quantumState: target.isNil ? .zero : Self.measured,
            signature: Self.signature(signature), phase: phase, round: RoundNumber(round),
            setID: SetID(set))
    }

    func record(
        _ target: VoteTarget, round: UInt64, phase: VotePhase, set: UInt64 = 0,
        validator: UInt16 = 0, signature: UInt8 = 7
    ) throws -> SignRecord {
        // Only the gadget makes sign records; storage gets them from it or reads them.
        let vote = vote(
            target, round: round, phase: phase, set: set, validator: validator,
            signature: signature)
        var encoder = SCALEEncoder()
        encoder.append(vote.setID)
        encoder.append(vote.round)
        encoder.append(vote.phase)
        encoder.append(ValidatorIndex(validator))
        encoder.append(vote.target)
        encoder.appendBytes(vote.scaleBytes)
        return try SCALEDecoder.decode(from: encoder.bytes)
    }
}

/// A base path with a store that can be closed and opened again.
final class StoreFixture {
    let directory: TemporaryDirectory
    let chain: TestChain
    let paths: BasePath
    let options: NodeStore.Options
    private(set) var store: NodeStore

    init(begins: Bool = true, options: NodeStore.Options = NodeStore.Options()) throws {
        directory = try TemporaryDirectory()
        chain = try TestChain()
        paths = try BasePath(root: directory.path, chainID: "test")
        self.options = options
        store = try NodeStore(
            paths, genesis: chain.genesis, state: chain.state, options: options)
        if begins { try store.beginSigning() }
    }

    deinit { try? store.close() }

    /// Closes the store and opens it again.
    func reopen(options: NodeStore.Options? = nil) throws {
        try store.close()
        store = try NodeStore(
            paths, genesis: chain.genesis, state: chain.state, options: options ?? self.options)
    }

    /// Opens the same chain at another place.
    func open(at root: String) throws -> NodeStore {
        try NodeStore(
            BasePath(root: root, chainID: "test"), genesis: chain.genesis, state: chain.state,
            options: options)
    }

    var databaseFile: String { paths.database + "/chain.sqlite" }
    var signLogFile: String { paths.signLog + "/votes.sqlite" }
    var markFile: String { paths.keystore + "/sign-log-mark" }
}

extension SignRecord {
    var asRecord: DurableRecord { .voting(.vote(self)) }
}

/// Changes files as accidents do.
enum Damage {
    static func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }
}
