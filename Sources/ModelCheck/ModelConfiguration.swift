package import Coherence
package import Primitives

/// What is explored: how many validators, for how long, over which blocks, with which faults.
package struct ModelConfiguration: Sendable {
    /// n.
    package var validators: Int
    /// How many of them, the last ones, are Byzantine: they may have signed anything at any time.
    package var byzantine: Int
    /// The quorum policy.
    package var policy: QuorumPolicy
    /// Rounds 0 to `rounds` - 1 are voted in.
    package var rounds: Int
    /// The blocks, as `ModelTree` spells them.
    package var paths: [String]
    /// Whether honest validators crash and restart from what is durable, any number of times.
    package var restarts: Bool
    /// Whether certificates reach honest validators, each at any time or never.
    package var certificates: Bool
    /// The rules of the honest validators.
    package var rules: VotingRules
    /// What is wrong around the rules.
    package var faults: Set<ModelFault>
    /// Whether states that differ only in votes that can make no difference any more are one.
    package var summarisesVotes: Bool
    /// Whether states that differ only in the names of validators and blocks are one.
    package var usesSymmetry: Bool
    /// Whether a state from which a restart leads to another one that allows all that it allows is
    /// taken for that one.
    package var mergesRestarts: Bool

    /// The bounds of a state's encoding.
    package static let roundLimit = 5
    package static let honestLimit = 3

    /// Four validators, of which one is Byzantine, and everything that can happen to them.
    package init(
        validators: Int = 4, byzantine: Int = 1, policy: QuorumPolicy? = nil, rounds: Int = 4,
        paths: [String] = ModelConfiguration.wideTree, restarts: Bool = true,
        certificates: Bool = true, rules: VotingRules = .production,
        faults: Set<ModelFault> = [], reduced: Bool = true
    ) {
        precondition((1...Self.roundLimit).contains(rounds), "1 to 5 rounds")
        precondition(
            (1...Self.honestLimit).contains(validators - byzantine), "1 to 3 honest validators")
        self.validators = validators
        self.byzantine = byzantine
        self.policy = policy ?? .standard(validatorCount: validators)
        self.rounds = rounds
        self.paths = paths
        self.restarts = restarts
        self.certificates = certificates
        self.rules = rules
        self.faults = faults
        summarisesVotes = reduced
        usesSymmetry = reduced
        mergesRestarts = reduced
    }

    /// Six blocks: A with the conflicting children B and C, one more on each, and X beside A.
    package static let wideTree = ["A B D", "A C E", "X"]
    /// Four blocks: A with the conflicting children B and C, and X beside A.
    package static let smallTree = ["A B", "A C", "X"]
    /// Two blocks that conflict.
    package static let twins = ["X", "Y"]

    /// The honest validators: the first ones.
    package var honest: Int { validators - byzantine }
}

/// Something wrong around the voting rules, in what is stored.
package enum ModelFault: Sendable, Hashable, CaseIterable {
    /// A vote is sent before its record, and that of its lock, is durable.
    case sendsBeforeStoring
    /// A certificate is not stored, and what finality was is lost with it at a restart.
    case losesCertificates
}
