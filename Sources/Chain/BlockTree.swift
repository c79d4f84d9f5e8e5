package import Primitives

/// The blocks above the finalised one, F, and F itself, with the state after each: fork choice,
/// ancestry, finalisation. See docs/protocol.md, "Blocks".
///
/// The best head is the highest; of equally high ones the one with the lower hash. Since F is the
/// root, every head contains F.
///
/// Memory is bounded however long finality stalls:
/// - A block more than `maximumDepth` heights above F is refused (`tooDeep`), and authors stop at
///   that height (`isAtMaximumDepth`) until F moves. Voting on the blocks within goes on.
/// - At most `maximumBlocksPerSlot` blocks of one slot and author are kept, so that an author who
///   floods is heard twice per slot. A block that others have built upon or that a quorum asks
///   for is let in all the same (`waivingSlotLimit`): else an author could show each half of
///   the network other blocks and split it for good.
/// - When the blocks or their bytes reach their bound, the lowest heads give way: never the best
///   head, the new block's parent or a pinned block. They are fetched again if ever wanted. So old
///   junk forks cannot crowd out the chain that is alive.
package struct BlockTree: Sendable {
    /// The newest finalised block.
    package private(set) var finalised: BlockRef
    /// The bounds.
    package let limits: TreeLimits
    /// Blocks that must not give way to others, such as those of a lock: they and, as they are no
    /// heads, their ancestors stay until they are finalised or pruned.
    package var pinned: [Hash256] = []
    /// The blocks without children, the best first.
    package private(set) var heads: [BlockRef]
    /// The bytes that the encodings of all blocks take.
    package private(set) var byteCount: Int

    private var nodes: [Hash256: Node]
    /// The children of the blocks that have any, ascending.
    private var offspring: [Hash256: [Hash256]] = [:]
    private var authored: [Authorship: [Hash256]] = [:]

    /// A block of the tree: an object, so that looking at one copies a reference and not a block.
    final class Node: Sendable {
        let header: Header
        /// Nil for the block that the tree began with, if it came without its body.
        let extrinsics: [Extrinsic]?
        let state: ChainState
        /// See `votingSet(of:)`.
        let votingSet: ValidatorSet
        /// Nil for the block that the tree began with.
        let authorship: Authorship?
        /// An ancestor further down: see `ancestor(of:at:)`.
        let jump: BlockRef

        init(
            header: Header, extrinsics: [Extrinsic]?, state: ChainState,
            votingSet: ValidatorSet, authorship: Authorship?, jump: BlockRef
        ) {
            self.header = header
            self.extrinsics = extrinsics
            self.state = state
            self.votingSet = votingSet
            self.authorship = authorship
            self.jump = jump
        }

        var byteCount: Int {
            header.encodedByteCount + (extrinsics.map(Block.byteCount(of:)) ?? 0)
        }
    }

    struct Authorship: Sendable, Hashable {
        let slot: SlotNumber
        let author: AccountID
    }

    /// A tree of one block.
    ///
    /// - Parameters:
    ///   - finalisedHeader: F.
    ///   - state: the state after F.
    ///   - extrinsics: F's body, if it is at hand.
    package init(
        finalisedHeader: Header, state: ChainState, extrinsics: [Extrinsic]? = nil,
        limits: TreeLimits = .standard
    ) {
        finalised = finalisedHeader.ref
        self.limits = limits
        heads = [finalisedHeader.ref]
        // Its parent is not here: a hand-off block is the one whose state has a newer set.
        let before = finalisedHeader.handOff == nil ? nil : state.previousSet
        let root = Node(
            header: finalisedHeader, extrinsics: extrinsics, state: state,
            votingSet: before ?? state.setInForce, authorship: nil,
            jump: finalisedHeader.ref)
        nodes = [finalisedHeader.hash: root]
        byteCount = root.byteCount
    }

    // MARK: Reading

    /// The blocks in the tree, F included.
    package var count: Int { nodes.count }
    /// The head that fork choice prefers.
    package var best: BlockRef { heads[0] }
    /// The height of the best head above F.
    package var depth: Int { Int(best.number.rawValue) - Int(finalised.number.rawValue) }
    /// Whether the tree keeps its bounds.
    package var isWithinLimits: Bool {
        count <= limits.maximumBlockCount && byteCount <= limits.maximumByteCount
            && depth <= limits.maximumDepth
    }
    /// Whether a child of the best head would be too deep: authors wait for finality.
    package var isAtMaximumDepth: Bool { depth >= limits.maximumDepth }

    /// Whether the block is F or in the tree above it.
    package func contains(_ hash: Hash256) -> Bool { nodes[hash] != nil }

    /// The block's header.
    package func header(_ hash: Hash256) -> Header? { nodes[hash]?.header }

    /// The block; nil also for F when the tree began with its header only.
    package func block(_ hash: Hash256) -> Block? {
        guard let node = nodes[hash], let extrinsics = node.extrinsics else { return nil }
        return Block(header: node.header, extrinsics: extrinsics)
    }

    /// The state after the block.
    package func state(of hash: Hash256) -> ChainState? { nodes[hash]?.state }

    /// The set that votes on the block: the one in force in its parent's state, so that a hand-off
    /// block is voted on by the set that it ends.
    package func votingSet(of hash: Hash256) -> ValidatorSet? { nodes[hash]?.votingSet }

    /// The block's height.
    package func number(of hash: Hash256) -> BlockNumber? { nodes[hash]?.header.number }

    /// The block by hash and height.
    package func ref(_ hash: Hash256) -> BlockRef? { nodes[hash]?.header.ref }

    /// The hash of the block's parent; F's parent is named but not in the tree.
    package func parent(of hash: Hash256) -> Hash256? { nodes[hash]?.header.parentHash }

    /// The block's children, ascending; empty for an unknown block.
    package func children(of hash: Hash256) -> [Hash256] { offspring[hash] ?? [] }

    /// Whether so many blocks of a slot and author are kept that another one is refused.
    package func isSlotTaken(
        _ slot: SlotNumber, author: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let validator = set.validator(at: author) else { return false }
        let authorship = Authorship(slot: slot, author: validator.account)
        return (authored[authorship]?.count ?? 0) >= limits.maximumBlocksPerSlot
    }

    func node(_ hash: Hash256) -> Node? { nodes[hash] }

    // MARK: Growing

    /// Why a block was not taken.
    package enum ImportError: Error, Sendable, Hashable {
        /// It is in the tree already.
        case alreadyKnown
        /// Its parent is not in the tree.
        case unknownParent(Hash256)
        /// Its height is not its parent's plus one.
        case wrongNumber(expected: BlockNumber?, found: BlockNumber)
        /// It has no slot.
        case missingSlot
        /// It is too far above F: finality has to move first.
        case tooDeep(height: BlockNumber, highest: BlockNumber)
        /// Enough blocks of this slot and author are kept.
        case slotTaken(SlotNumber, AccountID)
        /// The tree is full and nothing may give way.
        case full
    }

    /// What taking a block brought about.
    package struct Insertion: Sendable, Equatable {
        /// Whether the block is the best head now.
        package let isBest: Bool
        /// The proof that the author made two blocks in the slot, with the first of them.
        package let equivocation: AuthorEquivocation?
        /// Heads that gave way, in that order.
        package let evicted: [BlockRef]
    }

    /// Adds a block that was checked in full.
    ///
    /// - Parameters:
    ///   - state: the state after the block.
    ///   - waivingSlotLimit: whether the block is let in however many of its slot are kept,
    ///     because it is an ancestor of another author's block or a quorum asks for it.
    package mutating func insert(
        _ block: Block, state: ChainState, waivingSlotLimit: Bool = false
    ) throws(ImportError) -> Insertion {
        let header = block.header
        guard nodes[header.hash] == nil else { throw .alreadyKnown }
        guard let parent = nodes[header.parentHash] else {
            throw .unknownParent(header.parentHash)
        }
        guard parent.header.number.successor == header.number else {
            throw .wrongNumber(expected: parent.header.number.successor, found: header.number)
        }
        guard let highest = highestNumber, header.number <= highest else {
            throw .tooDeep(height: header.number, highest: highestNumber ?? finalised.number)
        }
        guard let slot = header.slot else { throw .missingSlot }
        let set = parent.state.setInForce
        let authorship = Authorship(
            slot: slot, author: set.validators[Int(set.author(of: slot).rawValue)].account)
        let earlier = authored[authorship] ?? []
        guard waivingSlotLimit || earlier.count < limits.maximumBlocksPerSlot else {
            throw .slotTaken(slot, authorship.author)
        }
        let node = Node(
            header: header, extrinsics: block.extrinsics, state: state, votingSet: set,
            authorship: authorship, jump: jump(from: parent))
        let evicted = try makeRoom(for: node)
        // The second block is the proof; further ones add nothing.
        let first = earlier.count == 1 ? nodes[earlier[0]] : nil
        let equivocation = first.map {
            AuthorEquivocation(
                slot: slot, author: authorship.author, first: $0.header, second: header)
        }
        link(node, authorship)
        return Insertion(
            isBest: best == header.ref, equivocation: equivocation, evicted: evicted)
    }

    private var highestNumber: BlockNumber? {
        BlockNumber(
            UInt32(clamping: UInt64(finalised.number.rawValue) + UInt64(limits.maximumDepth)))
    }

    private mutating func link(_ node: Node, _ authorship: Authorship) {
        let hash = node.header.hash
        let parentHash = node.header.parentHash
        if let parent = nodes[parentHash] {
            if offspring[parentHash] == nil { removeHead(parent.header.ref) }
            offspring[parentHash, default: []].insertSorted(hash)
        }
        nodes[hash] = node
        byteCount += node.byteCount
        authored[authorship, default: []].append(hash)
        insertHead(node.header.ref)
    }

    /// Lets heads give way until the node fits.
    private mutating func makeRoom(for node: Node) throws(ImportError) -> [BlockRef] {
        var evicted: [BlockRef] = []
        while nodes.count >= limits.maximumBlockCount
            || byteCount + node.byteCount > limits.maximumByteCount
        {
            // The last head is the worst; the first one, the best, never gives way.
            let victim = heads.dropFirst().last {
                $0.hash != node.header.parentHash && $0.hash != finalised.hash
                    && !pinned.contains($0.hash)
            }
            guard let victim else { throw .full }
            remove(victim.hash)
            evicted.append(victim)
        }
        return evicted
    }

    // MARK: Shrinking

    /// Takes a block without children out of the tree.
    private mutating func remove(_ hash: Hash256) {
        guard let node = nodes.removeValue(forKey: hash) else { return }
        byteCount -= node.byteCount
        removeHead(node.header.ref)
        if let authorship = node.authorship {
            authored[authorship]?.removeAll { $0 == hash }
            if authored[authorship]?.isEmpty == true { authored[authorship] = nil }
        }
        guard let parent = nodes[node.header.parentHash] else { return }
        let siblings = children(of: parent.header.hash).filter { $0 != hash }
        offspring[parent.header.hash] = siblings.isEmpty ? nil : siblings
        if siblings.isEmpty { insertHead(parent.header.ref) }
    }

    /// What finalising a block brought about.
    package struct Finalisation: Sendable, Equatable {
        /// The blocks that became final, ascending: those above the old F up to the new one.
        package let finalised: [Header]
        /// The blocks that left the tree because they are on other branches.
        package let pruned: [Hash256]
    }

    /// Makes a block final with all its ancestors; what does not descend from it leaves the tree.
    ///
    /// - Returns: nil, and nothing happens, when the block is not in the tree. Every block of the
    ///   tree descends from F, so F never moves back.
    package mutating func finalise(_ hash: Hash256) -> Finalisation? {
        guard let target = nodes[hash] else { return nil }
        var path: [Hash256] = []
        var step = hash
        while step != finalised.hash, let node = nodes[step] {
            path.append(step)
            step = node.header.parentHash
        }
        path.reverse()
        var headers: [Header] = []
        var pruned: [Hash256] = []
        for next in path {
            for sibling in children(of: finalised.hash) where sibling != next {
                pruned += removeSubtree(sibling)
            }
            if let old = nodes.removeValue(forKey: finalised.hash) { forget(old) }
            offspring[finalised.hash] = nil
            if let node = nodes[next] {
                headers.append(node.header)
                finalised = node.header.ref
            }
        }
        assert(finalised == target.header.ref)
        pinned.removeAll { nodes[$0] == nil }
        return Finalisation(finalised: headers, pruned: pruned)
    }

    /// Takes a block and its descendants out; returns them, ancestors first.
    private mutating func removeSubtree(_ root: Hash256) -> [Hash256] {
        var removed: [Hash256] = []
        var pending = [root]
        while let hash = pending.popLast() {
            guard let node = nodes.removeValue(forKey: hash) else { continue }
            removed.append(hash)
            forget(node)
            let children = offspring.removeValue(forKey: hash) ?? []
            if children.isEmpty { removeHead(node.header.ref) }
            pending += children.reversed()
        }
        return removed
    }

    private mutating func forget(_ node: Node) {
        byteCount -= node.byteCount
        guard let authorship = node.authorship else { return }
        authored[authorship]?.removeAll { $0 == node.header.hash }
        if authored[authorship]?.isEmpty == true { authored[authorship] = nil }
    }

    // MARK: Heads

    private mutating func insertHead(_ head: BlockRef) {
        heads.insert(head, at: headPosition(head))
    }

    private mutating func removeHead(_ head: BlockRef) {
        let position = headPosition(head)
        if position < heads.count && heads[position] == head { heads.remove(at: position) }
    }

    private func headPosition(_ head: BlockRef) -> Int {
        heads.partitionPoint { $0.isBetterHead(than: head) }
    }
}
