package import Chain
package import Primitives

/// Finalised blocks that are wanted.
package struct FinalisedBlockQuery: Sendable, Hashable {
    /// The first block's height.
    package var start: BlockNumber
    /// Whether the following ones are above or below it.
    package var isAscending: Bool
    /// The most blocks.
    package var maximumCount: Int
    /// Reading stops with the block that passes this many bytes, certificates counted.
    package var maximumByteCount: Int
    /// Whether the certificates for exactly these blocks are wanted.
    package var includesCertificates: Bool

    package init(
        start: BlockNumber, isAscending: Bool = true, maximumCount: Int,
        maximumByteCount: Int = .max, includesCertificates: Bool = false
    ) {
        self.start = start
        self.isAscending = isAscending
        self.maximumCount = maximumCount
        self.maximumByteCount = maximumByteCount
        self.includesCertificates = includesCertificates
    }
}

/// A finalised block as it is stored.
package struct FinalisedBlock: Sendable, Hashable {
    package var block: Block
    /// The encoded certificate for exactly this block, if it is stored and was wanted.
    package var certificate: [UInt8]?
}

/// How much is stored.
package struct StoredCounts: Sendable, Hashable {
    package var blocks: Int
    package var certificates: Int
    package var evidence: Int
    package var bans: Int
    package var addresses: Int
}
