package import Chain
package import Primitives

extension CoherenceGadget {
    /// What a gadget is set up with.
    package struct Configuration: Sendable, Hashable {
        /// How long rounds wait: a constant of the chain.
        package var timings: VotingTimings
        /// How far below the head votes stay (rule 7).
        package var targetCap: TargetCap

        package init(timings: VotingTimings = .standard, targetCap: TargetCap = .none) {
            self.timings = timings
            self.targetCap = targetCap
        }
    }

    /// Rule 7: a limit on what is voted for, besides that a set votes on no block above its
    /// hand-off.
    package struct TargetCap: Sendable, Hashable {
        /// The own choice stays this many blocks below the head.
        package var depth: UInt32

        /// No limit.
        package static let none = TargetCap()

        package init(depth: UInt32 = 0) { self.depth = depth }
    }

    /// What happens to a gadget.
    package enum Input: Sendable, Hashable {
        /// The node is up: the first input (but for `measurement` and `targetCap`), once.
        case start
        /// A block is durable and in the tree.
        case blockImported(BlockRef)
        /// Somebody's vote.
        indirect case vote(VerifiedVote)
        /// The signature that was asked for with `sign`.
        case signed(VoteSlot, [UInt8])
        /// A request for this slot brought no signature.
        case signingFailed(VoteSlot)
        /// Somebody's quorum certificate.
        indirect case quorumCertificate(VerifiedQuorumCertificate)
        /// Somebody's certificate.
        indirect case certificate(VerifiedCertificate)
        /// What the quantum source says from now on.
        case measurement(QuantumMeasurement)
        /// The cap from now on.
        case targetCap(TargetCap)
        /// A timer that was set fired.
        case timer(VotingTimer)
    }

    /// What a gadget wants done, in this order. `persist` is a barrier: nothing after it, in this
    /// or a later answer, is carried out before the record is durable.
    package enum Effect: Sendable, Hashable {
        /// Sign a vote and answer with `signed` or `signingFailed`. After a failure the same vote
        /// is asked for again; a slot has one content for as long as the gadget lives.
        indirect case sign(UnsignedVote)
        /// Make a record durable.
        indirect case persist(VotingRecord)
        /// Send an own vote to everybody; it is durable.
        indirect case broadcast(VerifiedVote)
        /// Send a quorum certificate to every peer that lacks one of its prevotes.
        indirect case broadcastQuorumCertificate(VerifiedQuorumCertificate)
        /// The block and all its ancestors are final; the certificate is durable.
        indirect case finalised(VerifiedCertificate, BlockRef)
        /// Get this block: a certificate or the primary's vote is for it.
        case wantBlock(BlockRef)
        /// Fire at a point in time; replaces an earlier setting of the same timer.
        case setTimer(VotingTimer, Instant)
        /// Do not fire.
        case cancelTimer(VotingTimer)
        /// The round changed (also said once at the start).
        case roundEntered(RoundNumber)
        /// A validator voted twice in one slot; the evidence is durable.
        indirect case doubleVote(VerifiedDoubleVote)
        /// Signing ended in this set; the record of it is durable.
        indirect case alarm(SafetyAlarm)
        /// For logs and metrics.
        indirect case note(VotingNote)
    }
}

/// A timer of a round of a set, or of a set's signatures. Once the round or the set was left it is
/// cancelled, and ignored if it fires all the same.
package struct VotingTimer: Sendable, Hashable {
    /// What a timer ends.
    package enum Kind: Sendable, Hashable, CaseIterable {
        /// D/2 after the round's start: the end of waiting for the primary.
        case half
        /// D after the round's start: the end of waiting for prevotes.
        case prevote
        /// D after q precommits of any value were seen: the end of the round.
        case precommit
        /// A pause after the signer failed: the time to ask it again.
        case signing
    }

    /// What the timer ends.
    package let kind: Kind
    /// The set whose round it is.
    package let setID: SetID
    /// The round that the timer belongs to; 0 for `signing`, which outlasts rounds.
    package let round: RoundNumber

    package init(_ kind: Kind, setID: SetID, round: RoundNumber) {
        self.kind = kind
        self.setID = setID
        self.round = round
    }
}

/// What a gadget did, for people.
package enum VotingNote: Sendable, Hashable {
    /// A vote was counted: so many validators have voted for its target, so many are needed.
    case counted(VoteSlot, VoteTarget, votes: Int, quorum: Int)
    /// The validator abstains from now on.
    case abstaining(AbstentionReason)
    /// The validator votes again.
    case abstentionEnded
    /// The lock was set.
    case locked(BlockRef, RoundNumber)
    /// The lock was dropped because finality moved.
    case lockDropped(BlockRef, RoundNumber)
    /// The round changed because others are ahead.
    case jumped(from: RoundNumber, to: RoundNumber)
    /// The signer failed; it is asked again for the same vote.
    case signingFailed(VoteSlot)
    /// A vote or certificate names a height that its block does not have.
    case wrongHeight(VoteTarget)
    /// A certificate of this set is for a block that a later set votes on: nothing is final by it.
    case beyondHandOff(VoteTarget)
}
