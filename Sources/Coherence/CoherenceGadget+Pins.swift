package import Chain
package import Primitives

extension CoherenceGadget {
    /// Blocks that the tree must keep however full it is: the lock's, and those of the quorum
    /// certificates that could unlock somebody.
    package var pinnedBlocks: [Hash256] {
        var blocks = quorums.all.map(\.block.hash)
        if let lock, !blocks.contains(lock.block.hash) { blocks.append(lock.block.hash) }
        return blocks
    }

    /// The lock's block and round, for people.
    package var lockReference: (block: BlockRef, round: RoundNumber)? {
        lock.map { ($0.block, $0.round) }
    }
}
