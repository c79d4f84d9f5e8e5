import Chain
import Primitives
import Testing

struct BlockTreePropertyTests {
    @Test("a random tree answers like the naive one", arguments: 1...12)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let chain = try TestChain()
        var tree = chain.tree()
        var model = NaiveTree(chain.genesis)
        for step in 1...160 {
            let hashes = model.headers.keys.sorted()
            if Int.random(in: 0..<25, using: &random) == 0,
                let target = hashes.randomElement(using: &random)
            {
                let expected = model.finalise(target)
                let change = tree.finalise(target)
                let outcome = try #require(change)
                #expect(outcome.finalised == expected.finalised, "seed \(seed)")
                #expect(Set(outcome.pruned) == expected.pruned, "seed \(seed)")
                #expect(outcome.pruned.count == expected.pruned.count, "seed \(seed)")
            } else {
                // Mostly on good heads, so that the tree grows long as well as wide.
                let heads = tree.heads.prefix(3).map(\.hash)
                let parent = try #require(
                    (Bool.random(using: &random) ? heads : hashes).randomElement(using: &random))
                let block = try chain.grow(&tree, on: parent, slot: UInt64(step))
                model.headers[block.hash] = block.header
            }
            compare(tree, model, &random, seed)
        }
    }

    private func compare(
        _ tree: BlockTree, _ model: NaiveTree, _ random: inout SeededGenerator, _ seed: UInt64
    ) {
        #expect(tree.count == model.headers.count, "seed \(seed)")
        #expect(tree.finalised == model.finalised.ref, "seed \(seed)")
        #expect(tree.heads == model.heads, "seed \(seed)")
        #expect(tree.best == model.best(from: model.finalised.hash), "seed \(seed)")
        let hashes = model.headers.keys.sorted()
        for _ in 0..<6 {
            guard let left = hashes.randomElement(using: &random),
                let right = hashes.randomElement(using: &random)
            else { return }
            #expect(
                tree.isDescendant(left, ofOrEqual: right)
                    == model.isDescendant(left, ofOrEqual: right), "seed \(seed)")
            #expect(
                tree.commonAncestor(left, right) == model.commonAncestor(left, right),
                "seed \(seed)")
            let height = BlockNumber(UInt32.random(in: 0...80, using: &random))
            #expect(
                tree.ancestor(of: left, at: height) == model.ancestor(of: left, at: height),
                "seed \(seed)")
            #expect(tree.bestHead(descendingFrom: left) == model.best(from: left), "seed \(seed)")
            #expect(tree.children(of: left) == model.children(of: left), "seed \(seed)")
            #expect(tree.header(left) == model.headers[left], "seed \(seed)")
            let expected = model.chain(left).reversed().filter {
                $0.number >= height && $0.number > model.finalised.number
            }
            if height > tree.finalised.number {
                #expect(
                    tree.chain(from: height, through: left) == expected.map(\.hash),
                    "seed \(seed)")
            }
        }
    }

    @Test("bounds hold whatever comes and the best head and pinned blocks stay", arguments: 1...12)
    func bounds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let chain = try TestChain()
        let limits = TreeLimits(
            maximumDepth: 12, maximumBlockCount: 30,
            maximumByteCount: seed % 2 == 0 ? 1 << 30 : 30_000)
        var tree = chain.tree(limits: limits)
        var known = [chain.genesis.hash]
        var evictions = 0
        for step in 1...400 {
            if step % 100 == 0 {
                _ = tree.finalise(
                    tree.ancestor(
                        of: tree.best.hash, at: BlockNumber(tree.finalised.number.rawValue + 2))
                        ?? tree.best.hash)
            }
            known.removeAll { !tree.contains($0) }
            let parent = try #require(known.randomElement(using: &random))
            let header = try #require(tree.header(parent))
            let state = try #require(tree.state(of: parent))
            let (block, next) = try chain.block(on: header, state: state, slot: UInt64(step))
            let best = tree.best
            do {
                let insertion = try tree.insert(block, state: next)
                known.append(block.hash)
                evictions += insertion.evicted.count
                #expect(insertion.isBest == (tree.best.hash == block.hash), "seed \(seed)")
                for gone in insertion.evicted {
                    #expect(!tree.contains(gone.hash) && gone != best, "seed \(seed)")
                }
            } catch BlockTree.ImportError.tooDeep {
                #expect(header.number.rawValue >= tree.finalised.number.rawValue + 12)
            } catch BlockTree.ImportError.full {
                #expect(tree.count + 1 > 30 || tree.byteCount + block.encodedByteCount > 30_000)
            }
            #expect(tree.contains(best.hash), "seed \(seed)")
            #expect(tree.pinned.allSatisfy { tree.contains($0) }, "seed \(seed)")
            known.removeAll { !tree.contains($0) }
            if step % 20 == 0 { tree.pinned = [known.randomElement(using: &random) ?? best.hash] }
            #expect(tree.count <= 30 && tree.byteCount <= limits.maximumByteCount, "seed \(seed)")
            #expect(tree.depth <= 12, "seed \(seed)")
            let total = known.compactMap { tree.header($0)?.encodedByteCount }.reduce(0, +)
            #expect(tree.byteCount == total, "seed \(seed)")
            #expect(tree.count == Set(known.filter(tree.contains)).count, "seed \(seed)")
        }
        #expect(evictions > 0, "seed \(seed): the bounds were never met")
    }
}
