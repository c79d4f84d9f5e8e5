package import Chain
package import Primitives

/// The finalised blocks of recent heights: with them a certificate for a block at or below F is
/// recognised as one of an ancestor or as a conflict, although the block tree begins at F.
package struct RecentFinality: Sendable {
    /// How many heights are remembered.
    static let limit = 1_024

    private var lowest: UInt32
    private var hashes: [Hash256]

    package init(_ finalised: BlockRef) {
        lowest = finalised.number.rawValue
        hashes = [finalised.hash]
    }

    /// Takes the blocks from above the old F to the new one.
    package mutating func advance(to block: BlockRef, in tree: BlockTree) {
        let next = UInt64(lowest) + UInt64(hashes.count)
        guard UInt64(block.number.rawValue) >= next else { return }
        var added: [Hash256] = [block.hash]
        var current = block.hash
        while added.count < Self.limit,
            UInt64(block.number.rawValue) - UInt64(added.count) >= next,
            let parent = tree.parent(of: current)
        {
            added.append(parent)
            current = parent
        }
        if UInt64(block.number.rawValue) + 1 - UInt64(added.count) > next { hashes = [] }
        hashes.append(contentsOf: added.reversed())
        hashes.removeFirst(max(0, hashes.count - Self.limit))
        lowest = block.number.rawValue - UInt32(hashes.count - 1)
    }

    /// The finalised block at a height; nil when it is not remembered.
    package func hash(at number: BlockNumber) -> Hash256? {
        guard number.rawValue >= lowest, number.rawValue - lowest < UInt32(hashes.count) else {
            return nil
        }
        return hashes[Int(number.rawValue - lowest)]
    }
}
