package import Chain
package import Coherence
package import Primitives

/// What a node finds when it starts.
package struct RecoveredChain: Sendable {
    /// Judges the evidence in the bodies that are executed again.
    let evidenceRules: EvidenceRules
    /// The finalised block; genesis on the first start.
    package let finalised: Block
    /// The state after it.
    package let state: ChainState
    /// The blocks above it, parents before their children.
    package let unfinalised: [Block]
    /// What the finality protocol of the active set goes on with.
    package let voting: RecoveredVoting
    /// The newest slot in which this node made a block; nil when it never did.
    package let authoredSlot: SlotNumber?

    /// The tree of these blocks. Their bodies are executed again, their signatures, which were
    /// checked before they were stored, are not.
    ///
    /// Blocks that the tree has no room for stay out; they are fetched again if they are wanted.
    ///
    /// - Throws: `corrupt` when a body does not give the state that its header commits to.
    package func makeTree(limits: TreeLimits = .standard) throws(StorageError) -> BlockTree {
        var tree = BlockTree(
            finalisedHeader: finalised.header, state: state, extrinsics: finalised.extrinsics,
            limits: limits)
        if let lock = voting.lock { tree.pinned = [lock.block.hash] }
        for block in unfinalised {
            guard var next = tree.state(of: block.header.parentHash) else { continue }
            do {
                try next.apply(block.extrinsics, at: block.number, evidence: evidenceRules)
            } catch {
                throw .corrupt(
                    path: "the database", reason: "block \(block.ref) cannot be executed")
            }
            guard next.root == block.header.stateRoot else {
                throw .corrupt(path: "the database", reason: "block \(block.ref) has another state")
            }
            // What does not fit is not needed: see above.
            _ = try? tree.insert(block, state: next, waivingSlotLimit: true)
        }
        return tree
    }
}
