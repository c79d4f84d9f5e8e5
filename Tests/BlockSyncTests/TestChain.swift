import Chain
import Primitives
import SCALE

/// A signature scheme for tests: a tag over key and message in a signature of the real size.
struct TagScheme: SignatureVerifier {
    static func sign(_ message: [UInt8], as validator: ValidatorIdentity) -> [UInt8] {
        sign(message, with: validator.falconPublicKey)
    }

    static func sign(_ message: [UInt8], with key: [UInt8]) -> [UInt8] {
        let tag = BLAKE2b256.hash(Array(key.prefix(64)) + message)
        return [SignatureFormat.firstByte] + tag.bytes
            + [UInt8](repeating: 0, count: SignatureFormat.byteCount - 33)
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let validator = set.validator(at: index) else { return false }
        return signature == Self.sign(message, as: validator)
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        signature == Self.sign(message, with: publicKey)
    }
}

/// A validator of tests: account and key made of its number.
func validator(_ number: Int) -> ValidatorIdentity {
    let low = UInt8(truncatingIfNeeded: number)
    let high = UInt8(truncatingIfNeeded: number >> 8)
    guard let account = AccountID([UInt8](repeating: low, count: 31) + [high]),
        let identity = ValidatorIdentity(
            account: account,
            falconPublicKey: [UInt8](repeating: low, count: 1792) + [high])
    else { preconditionFailure("the lengths are right") }
    return identity
}

/// A chain of tests.
struct TestChain {
    let constants: ChainConstants
    let validators: [ValidatorIdentity]
    let state: ChainState
    let genesis: Header

    init(validatorCount: Int = 3, chainID: String = "test", sessionLength: UInt32 = 0) throws {
        constants = try ChainConstants(
            specVersion: 1, chainID: chainID, slotDurationMilliseconds: 6_000,
            policy: .standard(validatorCount: validatorCount), sessionLength: sessionLength)
        validators = (1...validatorCount).map { validator($0) }
        (state, genesis) = try ChainState.genesis(constants: constants, validators: validators)
    }

    var checker: BlockChecker {
        BlockChecker(genesisHash: genesis.hash, evidence: .noEvidence)
    }

    func tree(limits: TreeLimits = .standard) -> BlockTree {
        BlockTree(finalisedHeader: genesis, state: state, limits: limits)
    }

    /// A remark signed by a validator, counted from 0.
    func remark(_ bytes: [UInt8], by signer: Int, nonce: UInt64) -> Extrinsic {
        let identity = validators[signer]
        let message = Extrinsic.signingBytes(
            kind: .remark, signer: identity.account, nonce: nonce, payload: bytes,
            genesisHash: genesis.hash)
        guard
            let extrinsic = Extrinsic(
                kind: .remark, signer: identity.account, nonce: nonce, payload: bytes,
                signature: TagScheme.sign(message, as: identity))
        else { preconditionFailure("the lengths are right") }
        return extrinsic
    }

    /// A sealed block and the state after it.
    func block(
        on parent: Header, state: ChainState, slot: UInt64, _ extrinsics: [Extrinsic] = []
    ) throws -> (block: Block, state: ChainState) {
        let builder = try BlockBuilder(
            parent: parent, parentState: state, slot: SlotNumber(slot), extrinsics: extrinsics,
            evidence: .noEvidence)
        let author = validators[Int(builder.author.rawValue)]
        return (builder.seal(TagScheme.sign(builder.message, as: author)), builder.state)
    }

    /// Grows a tree by a block without extrinsics.
    @discardableResult
    func grow(_ tree: inout BlockTree, on parent: Hash256, slot: UInt64) throws -> Block {
        guard let header = tree.header(parent), let state = tree.state(of: parent) else {
            throw BlockTree.ImportError.unknownParent(parent)
        }
        let (block, next) = try block(on: header, state: state, slot: slot)
        _ = try tree.insert(block, state: next)
        return block
    }
}

extension TestChain {
    /// A chain on top of a block, one block per slot; every `remarkEvery`-th has a remark.
    func grow(
        count: Int, on parent: Header? = nil, state: ChainState? = nil, firstSlot: UInt64 = 1,
        remarkEvery: Int = 0, signer: Int = 0
    ) throws -> [Block] {
        var header = parent ?? genesis
        var current = state ?? self.state
        var blocks: [Block] = []
        for offset in 0..<count {
            var body: [Extrinsic] = []
            if remarkEvery > 0, offset % remarkEvery == 0 {
                let nonce = current.nonces[validators[signer].account]
                body = [remark(Array("\(offset)".utf8), by: signer, nonce: nonce)]
            }
            let (block, next) = try block(
                on: header, state: current, slot: firstSlot + UInt64(offset), body)
            blocks.append(block)
            (header, current) = (block.header, next)
        }
        return blocks
    }

    /// The state after blocks on top of genesis.
    func state(after blocks: [Block]) throws -> ChainState {
        var current = state
        for block in blocks { try current.apply(block.extrinsics) }
        return current
    }

    /// The same block with a seal that does not hold.
    func badlySealed(_ block: Block) -> Block {
        let header = block.header
        let forged =
            [SignatureFormat.firstByte]
            + [UInt8](repeating: 9, count: SignatureFormat.byteCount - 1)
        return Block(
            header: Header(
                parentHash: header.parentHash, number: header.number, stateRoot: header.stateRoot,
                extrinsicsRoot: header.extrinsicsRoot,
                digest: [header.digest[0], .seal(.falcon, forged)]),
            extrinsics: block.extrinsics)
    }
}

extension ChainState {
    /// Executes a body in the middle of a session.
    mutating func apply(_ extrinsics: [Extrinsic]) throws(TransitionError) {
        _ = try apply(extrinsics, at: BlockNumber(1), evidence: .noEvidence)
    }
}
