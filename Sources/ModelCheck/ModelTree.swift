package import Chain
package import Coherence
internal import Primitives
internal import SCALE

/// The blocks that a model's validators vote for: a small tree of real blocks above genesis, which
/// is number 0, in real block trees.
///
/// Blocks are spelled as paths from genesis: `["A B", "A C"]` is A on genesis, and B and C on A.
package struct ModelTree: Sendable {
    /// How many blocks above genesis a model has at most.
    package static let blockLimit = 6

    /// By block number; that of genesis is "genesis".
    package let names: [String]
    /// By block number.
    package let blocks: [BlockRef]
    /// The tree that remains when a block is final, by that block's number.
    package let trees: [BlockTree]
    /// The finalised blocks up to a block, by its number.
    package let recent: [RecentFinality]
    /// By block number: bit i-1 tells whether block i is it or a descendant.
    package let descendants: [UInt64]
    /// By block number: bit i-1 tells whether block i is it or an ancestor; genesis has no bit.
    package let ancestors: [UInt64]
    /// By the set of some blocks: whether two of them conflict.
    package let hasConflict: [Bool]
    /// Renumberings that keep every block's parent its parent, the identity first.
    package let symmetries: [[Int]]

    /// Blocks above genesis.
    package var count: Int { blocks.count - 1 }

    /// A tree of at most six blocks; the names of a path are separated by spaces, and a name that
    /// was given before is the same block.
    package init(_ paths: [String]) {
        var names = ["genesis"]
        var parents = [0]
        for path in paths {
            var parent = 0
            for part in path.split(separator: " ") {
                if let known = names.firstIndex(of: String(part)) {
                    precondition(parent == 0 || parents[known] == parent, "one parent a block")
                    parent = known
                } else {
                    names.append(String(part))
                    parents.append(parent)
                    parent = names.count - 1
                }
            }
        }
        precondition(names.count <= Self.blockLimit + 1, "at most six blocks")
        let (blocks, root) = Self.make(names, parents)
        let trees = blocks.map { block in
            var tree = root
            _ = tree.finalise(block.hash)
            return tree
        }
        func isAtLeast(_ one: Int, _ other: Int) -> Bool {
            root.isDescendant(blocks[one].hash, ofOrEqual: blocks[other].hash)
        }
        func set(_ isWanted: (Int) -> Bool) -> UInt64 {
            (1..<names.count).reduce(0) { isWanted($1) ? $0 | 1 << UInt64($1 - 1) : $0 }
        }
        self.names = names
        self.blocks = blocks
        self.trees = trees
        recent = blocks.map { block in
            var recent = RecentFinality(blocks[0])
            recent.advance(to: block, in: root)
            return recent
        }
        descendants = names.indices.map { block in set { isAtLeast($0, block) } }
        ancestors = names.indices.map { block in set { isAtLeast(block, $0) } }
        hasConflict = (0..<1 << (names.count - 1)).map { set in
            let members = (1..<names.count).filter { set >> ($0 - 1) & 1 == 1 }
            return members.contains { one in
                members.contains { !isAtLeast(one, $0) && !isAtLeast($0, one) }
            }
        }
        symmetries = Self.symmetries(of: parents)
    }

    private static func make(
        _ names: [String], _ parents: [Int]
    ) -> (blocks: [BlockRef], tree: BlockTree) {
        do {
            let constants = try ChainConstants(
                specVersion: 1, chainID: "model", slotDurationMilliseconds: 6_000,
                policy: .moreThanTwoThirds)
            let (state, genesis) = try ChainState.genesis(
                constants: constants, validators: [ModelKeys.identity(0)])
            var tree = BlockTree(finalisedHeader: genesis, state: state)
            var headers = [genesis]
            for index in 1..<names.count {
                let parent = headers[parents[index]]
                let header = Header(
                    parentHash: parent.hash, number: BlockNumber(parent.number.rawValue + 1),
                    stateRoot: state.root,
                    extrinsicsRoot: BLAKE2b256.hash(Array(names[index].utf8)),
                    digest: [.preRuntime(.aura, SlotNumber(UInt64(index)).scaleBytes)])
                _ = try tree.insert(
                    Block(header: header, extrinsics: []), state: state, waivingSlotLimit: true)
                headers.append(header)
            }
            return (headers.map(\.ref), tree)
        } catch {
            preconditionFailure("the model's blocks are valid: \(error)")
        }
    }

    /// All renumberings that keep the parents, found by trying every image of every block in turn.
    private static func symmetries(of parents: [Int]) -> [[Int]] {
        var partial = [[0]]
        for block in parents.indices.dropFirst() {
            partial = partial.flatMap { images in
                parents.indices.dropFirst().compactMap { image in
                    images.contains(image) || parents[image] != images[parents[block]]
                        ? nil : images + [image]
                }
            }
        }
        return partial
    }
}
