import Chain
import Coherence
import Foundation
import Primitives
import Storage
import Testing

/// What storage keeps over changes of the validator set: states are made again from bodies, each
/// set's newest certificate stays, and each set has its own records.
@Suite struct HandOffStorageTests {
    private let directory: TemporaryDirectory
    private let chain: TestChain
    private let genesis: (state: ChainState, header: Header)

    init() throws {
        directory = try TemporaryDirectory()
        chain = try TestChain()
        let constants = try ChainConstants(
            specVersion: 1, chainID: "sets", slotDurationMilliseconds: 6_000, policy: .twoThirds,
            sessionLength: 4)
        genesis = try ChainState.genesis(constants: constants, validators: chain.validators)
    }

    private func open(snapshots: UInt32 = 256) throws -> NodeStore {
        var options = NodeStore.Options()
        options.snapshotInterval = snapshots
        options.recentCertificateCount = 4
        options.certificateInterval = 16
        return try NodeStore(
            try BasePath(root: directory.path, chainID: "sets"), genesis: genesis.header,
            state: genesis.state, options: options)
    }

    /// Blocks of which every fourth from the second on rotates the first validator's key, so that
    /// every session ends with a hand-off.
    private func blocks(_ count: Int) throws -> [(block: Block, state: ChainState)] {
        var (parent, state) = (genesis.header, genesis.state)
        var blocks: [(Block, ChainState)] = []
        for number in 1...count {
            var body: [Extrinsic] = []
            if number % 4 == 2 {
                let key = [UInt8](repeating: UInt8(100 + number / 4), count: 1_793)
                let account = chain.validators[0].account
                body = [
                    try #require(
                        Extrinsic(
                            call: .rotateKey(
                                newKey: key, proof: TestChain.signatureBytes(1)),
                            signer: account, nonce: state.nonces[account],
                            signature: TestChain.signatureBytes(1)))
                ]
            }
            let builder = try BlockBuilder(
                parent: parent, parentState: state, slot: SlotNumber(UInt64(number)),
                extrinsics: body, evidence: .noEvidence)
            let block = builder.seal(TestChain.signatureBytes(2))
            (parent, state) = (block.header, builder.state)
            blocks.append((block, state))
        }
        return blocks
    }

    @Test(arguments: [2, 5, 256] as [UInt32])
    func `states are made again over hand-offs, from whatever snapshot`(snapshots: UInt32) throws {
        let blocks = try blocks(24)
        #expect(blocks[23].state.setInForce.id == SetID(6))
        var store = try open(snapshots: snapshots)
        try store.apply(blocks.map { .block($0.block) })
        for finalised in 1...20 {
            try store.apply([.finalised([blocks[finalised - 1].block.ref], pruned: [])])
            guard finalised % 3 != 1 else { continue }
            try store.close()
            store = try open(snapshots: snapshots)
            let loaded = try store.load()
            #expect(loaded.state == blocks[finalised - 1].state, "block \(finalised)")
            // The blocks above it are executed again, over two hand-offs.
            let tree = try loaded.makeTree()
            #expect(tree.best == blocks[23].block.ref)
            #expect(tree.state(of: tree.best.hash) == blocks[23].state)
            for (block, _) in blocks[finalised...] {
                let parent = blocks[Int(block.number.rawValue) - 2].state
                #expect(tree.votingSet(of: block.hash) == parent.setInForce)
            }
            let root = tree.votingSet(of: loaded.finalised.hash)
            let before = finalised == 1 ? genesis.state : blocks[finalised - 2].state
            #expect(root == before.setInForce, "block \(finalised)")
        }
        try store.close()
    }

    @Test func `the newest certificate of every set stays, however old`() throws {
        let store = try open()
        let blocks = try blocks(160)
        try store.apply(blocks.map { .block($0.block) })
        for (block, _) in blocks {
            let set = (UInt64(block.number.rawValue) - 1) / 4
            try store.apply([
                .voting(
                    .certificate(
                        chain.certificate(
                            for: block.ref, round: UInt64(block.number.rawValue), set: set))),
                .finalised([block.ref], pruned: []),
            ])
        }
        #expect(try store.counts().certificates < 60)
        for set in UInt64(0)..<40 {
            let newest = try store.newestCertificate(of: SetID(set))
            #expect(newest?.target.number == BlockNumber(UInt32(set + 1) * 4), "set \(set)")
            #expect(newest?.setID == SetID(set))
            let next = blocks[Int(set) * 4 + 3].state.setInForce
            #expect(try store.validatorSet(SetID(set + 1)) == next)
        }
        #expect(try store.validatorSet(SetID(0)) == genesis.state.setInForce)
        #expect(try store.validatorSet(SetID(41)) == nil)
        #expect(try store.newestCertificate(of: SetID(40)) == nil)
        try store.close()
    }

    @Test func `each set has its own votes, lock and alarm`() throws {
        let blocks = try blocks(8)
        var store = try open()
        try store.beginSigning()
        try store.apply(blocks.map { .block($0.block) })
        let old = VoteTarget(blocks[3].block.ref)
        let alarm = SafetyAlarm.ownKeyUsedElsewhere(chain.vote(old, round: 1, phase: .prevote))
        try store.apply([
            try chain.record(old, round: 7, phase: .prevote).asRecord,
            .voting(.lock(setID: SetID(0), try chain.lock(on: blocks[3].block.ref, round: 7))),
            .voting(.certificate(chain.certificate(for: blocks[3].block.ref, round: 7))),
        ])
        // Certificate and votes are there, the root has not moved: the old set goes on.
        #expect(try store.load().voting.signRecords.count == 1)
        #expect(try store.load().voting.certificate?.target == old)
        try store.apply([
            .voting(.halt(setID: SetID(1), alarm)),
            .finalised(blocks[...3].map(\.block.ref), pruned: []),
        ])
        try store.close()
        store = try open()
        let loaded = try store.load()
        #expect(loaded.state.setInForce.id == SetID(1))
        #expect(loaded.voting.signRecords.isEmpty && loaded.voting.lock == nil)
        #expect(loaded.voting.certificate == nil && loaded.voting.halt == alarm)
        // The first vote of the new set closes the old one for good.
        let next = VoteTarget(blocks[7].block.ref)
        try store.apply([try chain.record(next, round: 0, phase: .prevote, set: 1).asRecord])
        #expect(try store.signedVoteCount() == 1)
        let late = try chain.record(old, round: 8, phase: .prevote)
        #expect(throws: StorageError.slotForgotten(late.slot)) {
            try store.apply([late.asRecord])
        }
        #expect(try store.load().voting.signRecords.map(\.slot.setID) == [SetID(1)])
        try store.close()
    }
}
