internal import Coherence

/// The protocol with one rule broken, in the smallest model in which that shows.
package struct ModelMutant: Sendable {
    /// What is wrong, in a few words.
    package let name: String
    /// Where it is looked for.
    package let configuration: ModelConfiguration

    private init(
        _ name: String, rounds: Int, _ paths: [String] = ModelConfiguration.twins,
        validators: Int = 4, byzantine: Int = 1, restarts: Bool = true,
        faults: Set<ModelFault> = [], _ change: (inout VotingRules) -> Void = { _ in }
    ) {
        self.name = name
        var configuration = ModelConfiguration(
            validators: validators, byzantine: byzantine, rounds: rounds, paths: paths,
            restarts: restarts, rules: .broken(change), faults: faults, reduced: false)
        configuration.usesSymmetry = true
        configuration.summarisesVotes = Model(configuration).votesOncePerSlot()
        self.configuration = configuration
    }

    /// A with the conflicting children B and C.
    private static let fork = ["A B", "A C"]

    /// Every rule of safety, broken: two conflicting certificates come of each.
    package static let all: [ModelMutant] = [
        ModelMutant("votes again in the same round", rounds: 1) { $0.separatesRounds = false },
        ModelMutant("never locks", rounds: 2) { $0.locks = false },
        ModelMutant("forgets its lock at a restart", rounds: 2) { $0.remembersLock = false },
        ModelMutant("forgets its votes at a restart", rounds: 1) { $0.remembersVotes = false },
        ModelMutant("sends votes before they are stored", rounds: 1, faults: [.sendsBeforeStoring]),
        ModelMutant("does not store certificates", rounds: 2, faults: [.losesCertificates]),
        ModelMutant("prevotes every imported block", rounds: 1) { $0.prevotesOncePerRound = false },
        ModelMutant("decides precommits of rounds that it left", rounds: 2) {
            $0.decidesInOrder = false
        },
        ModelMutant("takes q - 1 votes for a quorum", rounds: 1) { $0.missingQuorumVotes = 1 },
        ModelMutant("unlocks by an older quorum", rounds: 3) {
            $0.unlocksByNewerQuorumOnly = false
        },
        ModelMutant("drops locks above F when F moves", rounds: 3, fork, restarts: false) {
            $0.keepsLockAboveFinality = false
        },
        ModelMutant("counts prevotes for ancestors", rounds: 3, fork, restarts: false) {
            $0.countsExactly = false
        },
        ModelMutant("counts copies of a vote", rounds: 1, validators: 3, byzantine: 0) {
            $0.countsContentOnce = false
        },
    ]

    /// More Byzantine validators than the policy tolerates.
    package static let overwhelmed: [ModelMutant] = [
        ModelMutant("one Byzantine of three, q = 2", rounds: 1, validators: 3),
        ModelMutant("two Byzantine of four, q = 3", rounds: 1, byzantine: 2),
    ]

    /// Rules whose breaking does no harm to agreement in the model: they are there for liveness,
    /// or for what the model leaves out.
    package static let harmless: [ModelMutant] = [
        ModelMutant("keeps conflicting locks when F moves", rounds: 3) {
            $0.dropsConflictingLock = false
        },
        ModelMutant("locks blocks that it does not have", rounds: 3) {
            $0.locksOnlyKnownBlocks = false
        },
    ]

    /// What a search for it finds.
    package struct Finding: Sendable {
        /// The search up to the first broken promise of any kind.
        package let first: ModelChecker.Report
        /// The search up to two conflicting certificates.
        package let fork: ModelChecker.Report
    }

    /// Searches for the shortest ways to a broken promise and to a fork.
    package func search() -> Finding {
        var first = ModelChecker(configuration)
        var fork = ModelChecker(
            configuration,
            ignoring: ModelViolation.allButForks)
        return Finding(first: first.run(), fork: fork.run())
    }
}
