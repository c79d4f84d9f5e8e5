import Chain
import Primitives
import SCALE
import TestSupport
import Testing

/// The chain of docs/protocol.md's examples: three validators with made-up keys, and a signature
/// scheme that is none, so that everybody can make the same bytes.
struct ExampleChain {
    let constants: ChainConstants
    let validators: [ValidatorIdentity]
    let state: ChainState
    let genesis: Header
    let builder: BlockBuilder
    let block: Block

    init() throws {
        constants = try ChainConstants(
            specVersion: 1, chainID: "example", slotDurationMilliseconds: 6_000,
            policy: .twoThirds, sessionLength: 10)
        let identities = try (1...3).map { (number: UInt8) in
            let account = try #require(AccountID([UInt8](repeating: number, count: 32)))
            let key = [0x0A] + [UInt8](repeating: 0x10 | number, count: 1_792)
            return try #require(ValidatorIdentity(account: account, falconPublicKey: key))
        }
        validators = identities
        let (state, genesis) = try ChainState.genesis(constants: constants, validators: identities)
        (self.state, self.genesis) = (state, genesis)
        func remark(_ text: String, by identity: ValidatorIdentity) throws -> Extrinsic {
            let message = Extrinsic.signingBytes(
                kind: .remark, signer: identity.account, nonce: 0, payload: Array(text.utf8),
                genesisHash: genesis.hash)
            return try #require(
                Extrinsic(
                    kind: .remark, signer: identity.account, nonce: 0, payload: Array(text.utf8),
                    signature: Self.sign(message, as: identity)))
        }
        builder = try BlockBuilder(
            parent: genesis, parentState: state, slot: SlotNumber(4),
            extrinsics: [
                try remark("hello", by: identities[0]), try remark("", by: identities[2]),
            ], evidence: .noEvidence)
        let author = identities[Int(builder.author.rawValue)]
        block = builder.seal(Self.sign(builder.message, as: author))
    }

    /// 0x3A, BLAKE2b-256(public key || message), 1,247 zeros: of Falcon's form, and no signature.
    static func sign(_ message: [UInt8], as validator: ValidatorIdentity) -> [UInt8] {
        let tag = BLAKE2b256.hash(validator.falconPublicKey + message)
        return [SignatureFormat.firstByte] + tag.bytes + [UInt8](repeating: 0, count: 1_247)
    }
}

@Suite("The chain's examples in docs/protocol.md")
struct ProtocolExampleTests {
    let chain: ExampleChain
    let vectors: ProtocolExamples

    init() throws {
        chain = try ExampleChain()
        vectors = try ProtocolExamples.load("chain")
    }

    private func signingBytes(_ position: Int) -> [UInt8] {
        chain.block.extrinsics[position].signingBytes(genesisHash: chain.genesis.hash)
    }

    @Test("the code makes the examples byte for byte")
    func made() {
        let (set, block) = (chain.state.activeSet, chain.block)
        #expect(
            vectors.differences(from: [
                ("VotingTimings", chain.constants.votingTimings.scaleBytes),
                ("ChainConstants", chain.constants.scaleBytes),
                ("ValidatorSet", set.scaleBytes),
                ("set hash", set.hash.bytes),
                ("ChainState", chain.state.scaleBytes),
                ("state root", chain.state.root.bytes),
                ("genesis header", chain.genesis.scaleBytes),
                ("genesis hash", chain.genesis.hash.bytes),
                ("extrinsic signing bytes", signingBytes(0)),
                ("Extrinsic", block.extrinsics[0].scaleBytes),
                ("extrinsic hash", block.extrinsics[0].hash.bytes),
                ("second Extrinsic", block.extrinsics[1].scaleBytes),
                ("empty extrinsics root", Block.emptyExtrinsicsRoot.bytes),
                ("extrinsics root", block.header.extrinsicsRoot.bytes),
                ("nonces after block 1", chain.builder.state.nonces.scaleBytes),
                ("state root after block 1", chain.builder.state.root.bytes),
                ("header without seal", chain.builder.unsealed.scaleBytes),
                ("pre-seal hash", block.header.preSealHash.bytes),
                ("Header", block.header.scaleBytes),
                ("block hash", block.hash.bytes),
            ]) == [])
    }

    @Test("the examples decode to what they were made of")
    func decoded() throws {
        func read<Value: SCALEDecodable>(_ name: String) throws -> Value {
            try SCALEDecoder.decode(from: try vectors.bytes(name))
        }
        #expect(try read("ChainConstants") == chain.constants)
        #expect(try read("ValidatorSet") == chain.state.activeSet)
        #expect(try read("ChainState") == chain.state)
        #expect(try read("Header") == chain.block.header)
        #expect(try read("Extrinsic") == chain.block.extrinsics[0])
        #expect(try read("nonces after block 1") == chain.builder.state.nonces)
    }

    @Test("the hashes are those of the bytes that docs/protocol.md names")
    func hashes() throws {
        func hash(_ name: String) throws -> [UInt8] {
            BLAKE2b256.hash(try vectors.bytes(name)).bytes
        }
        #expect(try hash("ValidatorSet") == vectors.bytes("set hash"))
        #expect(try hash("ChainState") == vectors.bytes("state root"))
        #expect(try hash("genesis header") == vectors.bytes("genesis hash"))
        #expect(try hash("header without seal") == vectors.bytes("pre-seal hash"))
        #expect(try hash("Header") == vectors.bytes("block hash"))
        let leaves = try ["Extrinsic", "second Extrinsic"].map {
            BLAKE2b256.hash([0] + (try vectors.bytes($0))).bytes
        }
        #expect(
            BLAKE2b256.hash([1] + leaves[0] + leaves[1]).bytes
                == (try vectors.bytes("extrinsics root")))
    }

    @Test("block 1 is a valid block")
    func valid() throws {
        let pending = try BlockChecker(
            genesisHash: chain.genesis.hash, evidence: .noEvidence
        ).check(
            chain.block, parent: chain.genesis, parentState: chain.state,
            currentSlot: SlotNumber(4))
        #expect(pending.author == ValidatorIndex(1))
        for check in pending.signatures {
            guard case .member(let index, _) = check.key else {
                Issue.record("a signature of a key outside the set")
                continue
            }
            let validator = chain.validators[Int(index.rawValue)]
            #expect(check.signature == ExampleChain.sign(check.message, as: validator))
        }
    }
}
