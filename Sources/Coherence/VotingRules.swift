/// The voting rules that can be broken one at a time.
///
/// Production has exactly one value. Tests and the simulator build others, to prove that each rule
/// is needed and that its absence is found. See docs/protocol.md, "Why not simply re-vote".
package struct VotingRules: Sendable, Hashable {
    /// Votes of different rounds are counted apart, and a validator that wants to vote anew enters
    /// a new round. Without it, validators vote again in the same round when its timers fire.
    package var separatesRounds = true
    /// A quorum of prevotes locks a validator before it precommits (rule 3).
    package var locks = true
    /// The lock survives a restart. Without it, only what peers send again is known.
    package var remembersLock = true
    /// A validator locks only blocks that it has (rule 3).
    package var locksOnlyKnownBlocks = true
    /// Own votes survive a restart, so that a slot is never signed twice (rule 0).
    package var remembersVotes = true
    /// Own stored votes are sent and counted again after a restart (rule 6).
    package var resendsStoredVotes = true
    /// A round is prevoted once (rule 2). Without it, every imported block is.
    package var prevotesOncePerRound = true
    /// Slots are decided in increasing order only (rule 0). Without it, a validator still decides
    /// the precommit of a round that it has left.
    package var decidesInOrder = true
    /// A round is left with a precommit on record (rule 0).
    package var precommitsNilOnLeaving = true
    /// A round in which no block can get a quorum any more is left only when q validators have
    /// precommitted in it (rule 5).
    package var awaitsPrecommits = true
    /// A jump goes to the (f+1)-th highest round (rule 5). Without it, to the highest seen.
    package var jumpsToSupportedRound = true
    /// When finality moves, a lock on a strict descendant is kept (rule 6).
    package var keepsLockAboveFinality = true
    /// When finality moves, an older lock on a conflicting block is dropped (rule 6).
    package var dropsConflictingLock = true
    /// Certificates are given to peers that lack them (rule 6); obeyed by vote gossip.
    package var sharesCertificates = true
    /// A set votes on blocks up to its hand-off block only (rule 7). Without it, also on blocks of
    /// the next set.
    package var staysWithinSet = true
    /// The rounds of a set begin at 0. Without it, they go on where those of the set before ended.
    package var restartsRounds = true
    /// A lock gives way only to a certificate of a higher round than its own (rule 2).
    package var unlocksByNewerQuorumOnly = true
    /// A prevote counts for its own block only. Without it, also for that block's ancestors.
    package var countsExactly = true
    /// A vote counts once, however often and however differently signed it comes.
    package var countsContentOnce = true
    /// A valid vote of the own key that this node did not make ends signing. Twins, which share a
    /// key on purpose, do without.
    package var watchesOwnKey = true
    /// A signer that failed is asked again, while the vote can be of use (rule 0).
    package var retriesSigning = true
    /// A signer that failed is asked for the same vote again (rule 0). Without it, for nil.
    package var retriesSameContent = true
    /// How many votes fewer than q are taken for a quorum.
    package var missingQuorumVotes = 0

    private init() {}

    /// The rules as they are specified.
    package static let production = VotingRules()

    /// The rules with something broken.
    package static func broken(_ change: (inout VotingRules) -> Void) -> VotingRules {
        var rules = production
        change(&rules)
        return rules
    }
}
