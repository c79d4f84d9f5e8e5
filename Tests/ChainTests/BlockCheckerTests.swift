import Chain
import Primitives
import SCALE
import Testing

struct BlockCheckerTests {
    let chain: TestChain
    let now = SlotNumber(100)

    init() throws { chain = try TestChain() }

    /// A child of genesis whose header was changed after building, sealed anew.
    private func altered(
        parentHash: Hash256? = nil, number: UInt32 = 1, stateRoot: Hash256? = nil,
        extrinsicsRoot: Hash256? = nil, digest: [DigestItem]? = nil,
        extrinsics: [Extrinsic] = []
    ) throws -> Block {
        let (block, _) = try chain.block(on: chain.genesis, state: chain.state, slot: 9)
        let header = block.header
        return Block(
            header: Header(
                parentHash: parentHash ?? header.parentHash, number: BlockNumber(number),
                stateRoot: stateRoot ?? header.stateRoot,
                extrinsicsRoot: extrinsicsRoot ?? header.extrinsicsRoot,
                digest: digest ?? header.digest),
            extrinsics: extrinsics)
    }

    private func check(_ block: Block) throws -> PendingBlock {
        try chain.checker.check(
            block, parent: chain.genesis, parentState: chain.state, currentSlot: now)
    }

    @Test func `a sound block leaves its seal and its extrinsics' signatures to be checked`() throws
    {
        let body = [chain.remark([1], by: 2, nonce: 0), chain.remark([2], by: 0, nonce: 0)]
        let (block, state) = try chain.block(
            on: chain.genesis, state: chain.state, slot: 100, body)
        let pending = try check(block)
        #expect(pending.block == block && pending.state == state)
        #expect(pending.author == ValidatorIndex(1))
        #expect(
            pending.signatures.map(\.key)
                == [1, 2, 0].map { .member(ValidatorIndex($0), chain.state.activeSet) })
        #expect(pending.signatures.allSatisfy { $0.run(using: TagScheme()) })
        #expect(pending.signatures[0].message == block.header.preSealHash.bytes)
        // The same block for another chain: its remarks are not signed for that.
        let other = BlockChecker(genesisHash: .zero, evidence: .noEvidence)
        let foreign = try other.check(
            block, parent: chain.genesis, parentState: chain.state, currentSlot: now)
        #expect(foreign.signatures.map { $0.run(using: TagScheme()) } == [true, false, false])
    }

    @Test func `a seal by another validator than the slot's does not hold`() throws {
        let builder = try BlockBuilder(
            parent: chain.genesis, parentState: chain.state, slot: SlotNumber(9), extrinsics: [],
            evidence: .noEvidence)
        let block = builder.seal(TagScheme.sign(builder.message, as: chain.validators[1]))
        #expect(try check(block).signatures.map { $0.run(using: TagScheme()) } == [false])
    }

    @Test func `a block elsewhere in the chain is refused`() throws {
        #expect(throws: BlockInvalid.wrongParent) { try check(altered(parentHash: .zero)) }
        #expect(throws: BlockInvalid.wrongNumber) { try check(altered(number: 0)) }
        #expect(throws: BlockInvalid.wrongNumber) { try check(altered(number: 2)) }
        #expect(throws: BlockInvalid.wrongNumber) { try check(altered(number: .max)) }
    }

    @Test func `a digest other than slot and seal is refused`() throws {
        let seal = DigestItem.seal(
            .falcon, [SignatureFormat.firstByte] + [UInt8](repeating: 0, count: 1_279))
        let slot = DigestItem.preRuntime(.aura, SlotNumber(9).scaleBytes)
        let digests: [[DigestItem]] = [
            [], [slot], [seal], [seal, slot], [slot, slot, seal], [slot, .other([]), seal],
            [slot, seal, seal], [.preRuntime(.aura, [1]), seal], [.consensus(.aura, [9]), seal],
            [slot, .seal(.aura, [UInt8](repeating: 0, count: 1_280))],
        ]
        for digest in digests {
            #expect(throws: BlockInvalid.malformedDigest) { try check(altered(digest: digest)) }
        }
        for bytes in [
            [], [0x3A], [UInt8](repeating: 0, count: 1_280),
            [0x3A] + [UInt8](repeating: 0, count: 1_280),
        ] {
            #expect(throws: BlockInvalid.malformedSeal) {
                try check(altered(digest: [slot, .seal(.falcon, bytes)]))
            }
        }
    }

    @Test func `slots only go forward and not beyond the clock`() throws {
        let (first, state) = try chain.block(on: chain.genesis, state: chain.state, slot: 50)
        for slot: UInt64 in [50, 49, 0] {
            #expect(throws: BlockInvalid.slotNotAfterParent) {
                try chain.block(on: first.header, state: state, slot: slot)
            }
        }
        let (second, _) = try chain.block(on: first.header, state: state, slot: 51)
        _ = try chain.checker.check(
            second, parent: first.header, parentState: state, currentSlot: SlotNumber(51))
        #expect(throws: BlockInvalid.slotAhead(SlotNumber(51), current: SlotNumber(50))) {
            try chain.checker.check(
                second, parent: first.header, parentState: state, currentSlot: SlotNumber(50))
        }
        // A header that takes its parent's slot, built past the builder.
        let header = second.header
        let slot = DigestItem.preRuntime(.aura, SlotNumber(50).scaleBytes)
        let same = Header(
            parentHash: header.parentHash, number: header.number, stateRoot: header.stateRoot,
            extrinsicsRoot: header.extrinsicsRoot, digest: [slot, header.digest[1]])
        #expect(throws: BlockInvalid.slotNotAfterParent) {
            try chain.checker.check(
                Block(header: same, extrinsics: []), parent: first.header, parentState: state,
                currentSlot: now)
        }
    }

    @Test func `a body that the header does not commit to is refused`() throws {
        let remark = chain.remark([1], by: 0, nonce: 0)
        #expect(throws: BlockInvalid.wrongExtrinsicsRoot) {
            try check(altered(extrinsics: [remark]))
        }
        #expect(throws: BlockInvalid.wrongExtrinsicsRoot) {
            try check(altered(extrinsicsRoot: .zero))
        }
        #expect(throws: BlockInvalid.wrongStateRoot) { try check(altered(stateRoot: .zero)) }
        // The body fits, the state does not know of it.
        #expect(throws: BlockInvalid.wrongStateRoot) {
            try check(
                altered(
                    extrinsicsRoot: Block.extrinsicsRoot(of: [remark]), extrinsics: [remark]))
        }
    }

    @Test func `a body that cannot be executed is refused`() throws {
        let gap = chain.remark([1], by: 0, nonce: 1)
        let error = ChainState.TransitionError.wrongNonce(position: 0, expected: 0, found: 1)
        #expect(throws: BlockInvalid.transition(error)) {
            try check(altered(extrinsicsRoot: Block.extrinsicsRoot(of: [gap]), extrinsics: [gap]))
        }
        #expect(throws: BlockInvalid.transition(error)) {
            try chain.block(on: chain.genesis, state: chain.state, slot: 9, [gap])
        }
    }

    @Test func `a body that is too large is refused`() throws {
        let large = [UInt8](repeating: 1, count: 4_000)
        let body = (0..<13).map { chain.remark(large, by: 0, nonce: $0) }
        let byteCount = Block.byteCount(of: body)
        #expect(throws: BlockInvalid.bodyTooLarge(byteCount: byteCount)) {
            try check(altered(extrinsicsRoot: Block.extrinsicsRoot(of: body), extrinsics: body))
        }
        #expect(throws: BlockInvalid.bodyTooLarge(byteCount: byteCount)) {
            try chain.block(on: chain.genesis, state: chain.state, slot: 9, body)
        }
    }

    @Test func `nothing is built on the last possible height`() throws {
        let last = Header(
            parentHash: .zero, number: BlockNumber(.max), stateRoot: .zero, extrinsicsRoot: .zero,
            digest: [])
        #expect(throws: BlockInvalid.wrongNumber) {
            try chain.block(on: last, state: chain.state, slot: 9)
        }
        #expect(throws: BlockInvalid.wrongNumber) {
            try chain.checker.check(
                altered(parentHash: last.hash, number: 0), parent: last,
                parentState: chain.state, currentSlot: now)
        }
    }
}
