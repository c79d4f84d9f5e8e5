package import Primitives

extension BlockTree {
    /// The block at height `number` on the chain that ends in `hash`; `hash` itself at its own
    /// height. Nil when `hash` is not in the tree or `number` is outside F's height to its own.
    ///
    /// Takes O(log depth) steps: besides its parent each block knows one ancestor further down,
    /// chosen so that the distances follow skew-binary numbers (Myers, "An applicative
    /// random-access stack", 1983).
    package func ancestor(of hash: Hash256, at number: BlockNumber) -> Hash256? {
        guard number >= finalised.number, var step = node(hash), number <= step.header.number
        else { return nil }
        while step.header.number > number {
            // Jumps below `number` overshoot; those at or above it are still in the tree.
            let next = step.jump.number >= number ? step.jump.hash : step.header.parentHash
            guard let below = node(next) else { return nil }
            step = below
        }
        return step.header.hash
    }

    /// Whether `block` is `other` or one of its descendants (`block >= other`).
    ///
    /// False when either is not in the tree: of blocks below F the tree knows nothing.
    package func isDescendant(_ block: Hash256, ofOrEqual other: Hash256) -> Bool {
        // What is asked most often, at every vote and status: every block descends from F.
        if other == finalised.hash { return contains(block) }
        guard let number = number(of: other) else { return false }
        return ancestor(of: block, at: number) == other
    }

    /// The highest block that both chains contain; nil when either block is not in the tree.
    package func commonAncestor(_ left: Hash256, _ right: Hash256) -> BlockRef? {
        guard let leftNumber = number(of: left), let rightNumber = number(of: right) else {
            return nil
        }
        var low = finalised.number.rawValue
        var high = min(leftNumber, rightNumber).rawValue
        while low < high {
            let middle = high - (high - low) / 2
            let number = BlockNumber(middle)
            if ancestor(of: left, at: number) == ancestor(of: right, at: number) {
                low = middle
            } else {
                high = middle - 1
            }
        }
        return ancestor(of: left, at: BlockNumber(low)).flatMap(ref)
    }

    /// The highest block, on the chain that ends in `hash`, that a set votes on: `hash` itself or a
    /// hand-off block. Nil when there is none at or above F, or `hash` is not in the tree.
    ///
    /// Sets only rise along a chain, so that it takes O(log depth) lookups of O(log depth) steps.
    package func highestBlock(votedOnBy set: SetID, upTo hash: Hash256) -> BlockRef? {
        guard let head = node(hash) else { return nil }
        if head.votingSet.id == set { return head.header.ref }
        guard head.votingSet.id > set else { return nil }
        var low = finalised.number.rawValue
        var high = head.header.number.rawValue
        // The lowest height whose set is newer; all below are of the set or older.
        while low < high {
            let middle = low + (high - low) / 2
            guard let step = ancestor(of: hash, at: BlockNumber(middle)), let found = node(step)
            else { return nil }
            if found.votingSet.id > set { high = middle } else { low = middle + 1 }
        }
        guard low > finalised.number.rawValue,
            let last = ancestor(of: hash, at: BlockNumber(low - 1)).flatMap(node),
            last.votingSet.id == set
        else { return nil }
        return last.header.ref
    }

    /// The best head in the subtree of a block, itself included; nil when it is not in the tree.
    package func bestHead(descendingFrom hash: Hash256) -> BlockRef? {
        guard contains(hash) else { return nil }
        return heads.first { isDescendant($0.hash, ofOrEqual: hash) }
    }

    /// The blocks from height `first` up to `last`, ascending, on the chain that ends in `last`;
    /// empty when that chain is not in the tree or `first` is at or below F. Takes time in
    /// proportion to their count.
    package func chain(from first: BlockNumber, through last: Hash256) -> [Hash256] {
        guard first > finalised.number, var step = header(last) else { return [] }
        var chain: [Hash256] = []
        while step.number >= first {
            chain.append(step.hash)
            guard let below = header(step.parentHash) else { break }
            step = below
        }
        return chain.reversed()
    }

    func jump(from parent: Node) -> BlockRef {
        // Two jumps of equal length are followed by one of their sum; else by one of length 1.
        guard let first = node(parent.jump.hash) else { return parent.header.ref }
        let firstLength = parent.header.number.rawValue - parent.jump.number.rawValue
        let secondLength = first.header.number.rawValue - first.jump.number.rawValue
        return firstLength == secondLength ? first.jump : parent.header.ref
    }
}
