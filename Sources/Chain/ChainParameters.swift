package import Primitives

/// What kind of network a chain is for: it decides defaults of operation, never consensus.
package enum NetworkKind: Sendable, Hashable {
    /// One validator on one machine.
    case development
    /// A few validators on one machine.
    case local
    /// Anything that matters.
    case live
}

/// Bounds of the tree of unfinalised blocks; see `BlockTree`.
package struct TreeLimits: Sendable, Hashable {
    /// No block is more than this many heights above the finalised one.
    package var maximumDepth: Int
    /// The tree has at most this many blocks, the finalised one included.
    package var maximumBlockCount: Int
    /// The encodings of the tree's blocks take at most this many bytes.
    package var maximumByteCount: Int
    /// So many blocks of one slot and author are kept.
    package var maximumBlocksPerSlot: Int

    /// 4,096 heights, 16,384 blocks, 512 MiB, two blocks per slot and author. The depth fits the
    /// bytes with the largest bodies: an honest chain never meets the latter two bounds.
    package static let standard = TreeLimits()

    package init(
        maximumDepth: Int = 4_096, maximumBlockCount: Int = 16_384,
        maximumByteCount: Int = 512 << 20, maximumBlocksPerSlot: Int = 2
    ) {
        precondition(maximumDepth >= 1 && maximumBlockCount > maximumDepth)
        precondition(maximumByteCount >= 1 && maximumBlocksPerSlot >= 1)
        self.maximumDepth = maximumDepth
        self.maximumBlockCount = maximumBlockCount
        self.maximumByteCount = maximumByteCount
        self.maximumBlocksPerSlot = maximumBlocksPerSlot
    }
}

/// A chain specification as the pure modules need it: the constants of the chain and how a node
/// of it is run.
package struct ChainParameters: Sendable, Hashable {
    /// What is part of the state.
    package var constants: ChainConstants
    /// What the network is for.
    package var kind: NetworkKind
    /// Bounds of the tree.
    package var treeLimits: TreeLimits

    package init(
        constants: ChainConstants, kind: NetworkKind, treeLimits: TreeLimits = .standard
    ) {
        self.constants = constants
        self.kind = kind
        self.treeLimits = treeLimits
    }

    /// A chain of these constants.
    package init(
        specVersion: UInt32, chainID: String, forkID: String? = nil,
        slotDurationMilliseconds: UInt64, votingTimings: VotingTimings = .standard,
        policy: QuorumPolicy, sessionLength: UInt32 = 0, excludesEquivocators: Bool = true,
        kind: NetworkKind, treeLimits: TreeLimits = .standard
    ) throws(ChainConstants.Invalid) {
        constants = try ChainConstants(
            specVersion: specVersion, chainID: chainID, forkID: forkID,
            slotDurationMilliseconds: slotDurationMilliseconds, votingTimings: votingTimings,
            policy: policy, sessionLength: sessionLength,
            excludesEquivocators: excludesEquivocators)
        self.kind = kind
        self.treeLimits = treeLimits
    }

    /// The version of the chain's rules.
    package var specVersion: UInt32 { constants.specVersion }
    /// The chain's name for machines.
    package var chainID: String { constants.chainID }
    /// Tells chains of one name apart.
    package var forkID: String? { constants.forkID }
    /// A slot lasts so long, in milliseconds.
    package var slotDurationMilliseconds: UInt64 { constants.slotDurationMilliseconds }
    /// How long voting rounds wait.
    package var votingTimings: VotingTimings { constants.votingTimings }
    /// How many votes make a supermajority.
    package var policy: QuorumPolicy { constants.policy }
    /// Validator sets change at multiples of this height; 0: never.
    package var sessionLength: UInt32 { constants.sessionLength }
    /// Whether evidence of a double vote excludes the offender from the next set.
    package var excludesEquivocators: Bool { constants.excludesEquivocators }
}
