import Chain
import Primitives
import Testing

struct BlockTreeTests {
    let chain: TestChain

    init() throws { chain = try TestChain() }

    @Test func `a tree begins with the finalised block alone`() throws {
        let tree = chain.tree()
        #expect(tree.count == 1 && tree.depth == 0 && tree.best == chain.genesis.ref)
        #expect(tree.finalised == chain.genesis.ref && tree.heads == [chain.genesis.ref])
        #expect(tree.contains(chain.genesis.hash) && tree.block(chain.genesis.hash) == nil)
        #expect(tree.state(of: chain.genesis.hash) == chain.state)
        #expect(tree.bestHead(descendingFrom: chain.genesis.hash) == chain.genesis.ref)
        #expect(!tree.contains(.zero) && tree.ref(.zero) == nil)
        #expect(tree.bestHead(descendingFrom: .zero) == nil)
        #expect(tree.ancestor(of: .zero, at: BlockNumber(0)) == nil)
        let whole = BlockTree(
            finalisedHeader: chain.genesis, state: chain.state, extrinsics: [])
        #expect(whole.block(chain.genesis.hash)?.header == chain.genesis)
    }

    @Test func `the longest chain wins and the lower hash among equals`() throws {
        var tree = chain.tree()
        let a = try chain.grow(&tree, on: chain.genesis.hash, slot: 1)
        let b = try chain.grow(&tree, on: chain.genesis.hash, slot: 2)
        #expect(tree.best.hash == min(a.hash, b.hash))
        #expect(tree.children(of: chain.genesis.hash) == [a.hash, b.hash].sorted())
        let loser = max(a.hash, b.hash)
        let c = try chain.grow(&tree, on: loser, slot: 3)
        #expect(tree.best == c.ref && tree.depth == 2)
        #expect(tree.bestHead(descendingFrom: min(a.hash, b.hash))?.hash == min(a.hash, b.hash))
        #expect(tree.commonAncestor(c.hash, min(a.hash, b.hash)) == chain.genesis.ref)
        #expect(tree.parent(of: c.hash) == loser && tree.number(of: c.hash) == BlockNumber(2))
        #expect(tree.block(c.hash) == c)
    }

    @Test func `finalising prunes the other branches and moves the root`() throws {
        var tree = chain.tree()
        let a = try chain.grow(&tree, on: chain.genesis.hash, slot: 1)
        let b = try chain.grow(&tree, on: a.hash, slot: 2)
        let c = try chain.grow(&tree, on: b.hash, slot: 3)
        let x = try chain.grow(&tree, on: chain.genesis.hash, slot: 4)
        let y = try chain.grow(&tree, on: a.hash, slot: 5)
        let z = try chain.grow(&tree, on: y.hash, slot: 6)
        let change = tree.finalise(b.hash)
        let outcome = try #require(change)
        #expect(outcome.finalised == [a.header, b.header])
        #expect(outcome.pruned == [x.hash, y.hash, z.hash])
        #expect(tree.finalised == b.ref && tree.best == c.ref && tree.count == 2)
        #expect(tree.heads == [c.ref])
        #expect(!tree.isDescendant(c.hash, ofOrEqual: a.hash))
        #expect(tree.ancestor(of: c.hash, at: BlockNumber(1)) == nil)
        // Below F or unknown: nothing happens, F stays.
        for hash in [a.hash, x.hash] {
            let nothing = tree.finalise(hash)
            #expect(nothing == nil)
        }
        let again = tree.finalise(b.hash)
        #expect(again?.finalised == [] && again?.pruned == [])
        #expect(tree.finalised == b.ref)
    }

    @Test func `blocks that do not fit are refused`() throws {
        var tree = chain.tree()
        let a = try chain.grow(&tree, on: chain.genesis.hash, slot: 1)
        let state = try #require(tree.state(of: a.hash))
        #expect(throws: BlockTree.ImportError.alreadyKnown) { try tree.insert(a, state: state) }
        let (b, next) = try chain.block(on: a.header, state: state, slot: 2)
        let (c, last) = try chain.block(on: b.header, state: next, slot: 3)
        #expect(throws: BlockTree.ImportError.unknownParent(b.hash)) {
            try tree.insert(c, state: last)
        }
        let lying = Header(
            parentHash: a.hash, number: BlockNumber(5), stateRoot: .zero, extrinsicsRoot: .zero,
            digest: b.header.digest)
        #expect(
            throws: BlockTree.ImportError.wrongNumber(
                expected: BlockNumber(2), found: BlockNumber(5))
        ) {
            try tree.insert(Block(header: lying, extrinsics: []), state: next)
        }
        let slotless = Header(
            parentHash: a.hash, number: BlockNumber(2), stateRoot: .zero, extrinsicsRoot: .zero,
            digest: [])
        #expect(throws: BlockTree.ImportError.missingSlot) {
            try tree.insert(Block(header: slotless, extrinsics: []), state: next)
        }
        #expect(tree.count == 2)
    }

    @Test func `nothing grows beyond the depth until finality moves`() throws {
        var tree = chain.tree(limits: TreeLimits(maximumDepth: 3, maximumBlockCount: 10))
        var parent = chain.genesis.hash
        var blocks: [Block] = []
        for slot: UInt64 in 1...3 {
            #expect(!tree.isAtMaximumDepth)
            blocks.append(try chain.grow(&tree, on: parent, slot: slot))
            parent = blocks[blocks.count - 1].hash
        }
        #expect(tree.isAtMaximumDepth)
        #expect(
            throws: BlockTree.ImportError.tooDeep(height: BlockNumber(4), highest: BlockNumber(3))
        ) {
            try chain.grow(&tree, on: parent, slot: 4)
        }
        // Blocks within the depth still come in, and finality makes room.
        try chain.grow(&tree, on: blocks[0].hash, slot: 5)
        _ = tree.finalise(blocks[0].hash)
        #expect(!tree.isAtMaximumDepth)
        try chain.grow(&tree, on: parent, slot: 6)
        #expect(tree.best.number == BlockNumber(4))
    }

    /// Blocks of one slot that differ by a remark.
    private func twins(_ count: Int, slot: UInt64) throws -> [(block: Block, state: ChainState)] {
        try (0..<count).map {
            try chain.block(
                on: chain.genesis, state: chain.state, slot: slot,
                [chain.remark([UInt8($0)], by: 0, nonce: 0)])
        }
    }

    @Test func `two blocks of a slot are kept and prove the author's fault`() throws {
        var tree = chain.tree()
        let twins = try twins(4, slot: 7)
        #expect(try tree.insert(twins[0].block, state: twins[0].state).equivocation == nil)
        let second = try tree.insert(twins[1].block, state: twins[1].state)
        #expect(
            second.equivocation
                == AuthorEquivocation(
                    slot: SlotNumber(7), author: chain.validators[1].account,
                    first: twins[0].block.header, second: twins[1].block.header))
        let author = chain.validators[1].account
        #expect(throws: BlockTree.ImportError.slotTaken(SlotNumber(7), author)) {
            try tree.insert(twins[2].block, state: twins[2].state)
        }
        // A quorum's block comes in all the same and proves nothing new.
        let waived = try tree.insert(
            twins[2].block, state: twins[2].state, waivingSlotLimit: true)
        #expect(waived.equivocation == nil && tree.count == 4)
        // After the slot's blocks have left, the slot is free again.
        let other = try chain.grow(&tree, on: chain.genesis.hash, slot: 8)
        _ = tree.finalise(other.hash)
        #expect(tree.count == 1)
    }

    @Test func `the lowest head gives way when the tree is full`() throws {
        var tree = chain.tree(limits: TreeLimits(maximumDepth: 4, maximumBlockCount: 5))
        let a = try chain.grow(&tree, on: chain.genesis.hash, slot: 1)
        let b = try chain.grow(&tree, on: a.hash, slot: 2)
        let x = try chain.grow(&tree, on: chain.genesis.hash, slot: 4)
        let y = try chain.grow(&tree, on: a.hash, slot: 5)
        let parent = try #require(tree.state(of: b.hash))
        let (c, state) = try chain.block(on: b.header, state: parent, slot: 6)
        #expect(try tree.insert(c, state: state).evicted == [x.ref])
        // Only y may give way now; pinned, it stays, and the newcomer is refused.
        tree.pinned = [y.hash]
        #expect(throws: BlockTree.ImportError.full) {
            try chain.grow(&tree, on: chain.genesis.hash, slot: 7)
        }
        tree.pinned = []
        try chain.grow(&tree, on: chain.genesis.hash, slot: 8)
        #expect(!tree.contains(y.hash) && tree.count == 5)
        #expect(tree.children(of: a.hash) == [b.hash])
    }

    @Test func `an evicted block's parent is a head again`() throws {
        var tree = chain.tree(limits: TreeLimits(maximumDepth: 4, maximumBlockCount: 5))
        let a = try chain.grow(&tree, on: chain.genesis.hash, slot: 1)
        let b = try chain.grow(&tree, on: a.hash, slot: 2)
        let c = try chain.grow(&tree, on: b.hash, slot: 3)
        let x = try chain.grow(&tree, on: chain.genesis.hash, slot: 4)
        let d = try chain.grow(&tree, on: c.hash, slot: 5)
        #expect(!tree.contains(x.hash) && tree.heads == [d.ref])
        #expect(tree.children(of: chain.genesis.hash) == [a.hash])
    }

    @Test func `ancestors are found in a chain of thousands`() throws {
        var tree = chain.tree()
        var hashes = [chain.genesis.hash]
        for slot: UInt64 in 1...4_096 {
            hashes.append(try chain.grow(&tree, on: hashes[hashes.count - 1], slot: slot).hash)
        }
        let last = hashes[4_096]
        for height in stride(from: 0, through: 4_096, by: 13) {
            #expect(tree.ancestor(of: last, at: BlockNumber(UInt32(height))) == hashes[height])
            #expect(tree.isDescendant(last, ofOrEqual: hashes[height]))
        }
        #expect(tree.isAtMaximumDepth)
        let change = tree.finalise(hashes[4_000])
        let outcome = try #require(change)
        #expect(outcome.finalised.count == 4_000 && tree.count == 97)
        #expect(tree.ancestor(of: last, at: BlockNumber(4_001)) == hashes[4_001])
        #expect(tree.ancestor(of: last, at: BlockNumber(3_999)) == nil)
    }
}
