/// One step of a model.
package struct Move: Sendable, Hashable {
    /// What happens.
    package enum Kind: Sendable, Hashable {
        /// A validator prevotes a block: decided, stored, sent.
        case prevotes
        /// A validator locks a block and precommits it: decided, stored, sent.
        case precommits
        /// A validator locks a block; its precommit is never stored and so never sent.
        case locksOnly
        /// A validator takes the certificate of a round for a block.
        case takesCertificate
        /// A validator crashes and starts again from what is durable.
        case restarts
        /// A faulty disk: a vote is sent, and the validator crashes before it is stored.
        case sendsUnstored
        /// Broken rules: a validator begins its round anew.
        case repeatsRound
    }

    /// What happens.
    package let kind: Kind
    /// Who does it, an honest validator.
    package let validator: Int
    /// In which slot: 2r for the prevote of round r, 2r + 1 for its precommit.
    package let slot: Int
    /// The block, or 0.
    package let block: Int

    init(_ kind: Kind, _ validator: Int, slot: Int = 0, block: Int = 0) {
        self.kind = kind
        self.validator = validator
        self.slot = slot
        self.block = block
    }
}

/// What must never happen.
package enum ModelViolation: Sendable, Hashable {
    /// Two certificates for conflicting blocks.
    case conflictingCertificates
    /// A quorum of prevotes above a certificate's round for a block that is not the final one or
    /// a descendant: what the proof of agreement excludes.
    case quorumAgainstFinality
    /// Quorums of prevotes for two blocks in one round.
    case twoQuorums
    /// Two blocks voted for by one honest key in one slot.
    case doubleVote
    /// F moved to a block that does not descend from it.
    case finalityMovedBack
    /// An honest validator had to stop signing.
    case alarm

    /// All but the first: for searches that go on to a fork.
    package static let allButForks: Set<ModelViolation> = [
        .quorumAgainstFinality, .twoQuorums, .doubleVote, .finalityMovedBack, .alarm,
    ]
}
