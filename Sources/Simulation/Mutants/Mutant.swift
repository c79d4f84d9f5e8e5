package import Coherence

/// The protocol with one rule broken: the simulator has to find out.
package struct Mutant: Sendable, Hashable {
    /// What is wrong, in a few words.
    package let name: String
    /// Whether the broken rule is one of safety; else it is one of liveness.
    package let isSafety: Bool
    /// Whether a rule is broken: false for controls.
    package private(set) var isBroken = true
    /// Where it is looked for.
    package private(set) var ground: HuntingGround
    /// The broken rules.
    package private(set) var rules = VotingRules.production
    /// The broken disk or shell.
    package private(set) var persistence = PersistenceFaults()
    /// The broken signatures.
    package private(set) var signing = SigningFaults()

    private init(
        safety name: String, _ ground: HuntingGround = .rough,
        _ change: (inout VotingRules) -> Void
    ) {
        (self.name, isSafety, self.ground) = (name, true, ground)
        change(&rules)
    }

    private init(
        liveness name: String, _ ground: HuntingGround = .rough,
        _ change: (inout VotingRules) -> Void
    ) {
        (self.name, isSafety, self.ground) = (name, false, ground)
        change(&rules)
    }

    private init(
        disk name: String, _ ground: HuntingGround = .crashes,
        _ change: (inout PersistenceFaults) -> Void
    ) {
        (self.name, isSafety, self.ground) = (name, true, ground)
        change(&persistence)
    }

    private init(
        signing name: String, _ ground: HuntingGround, _ change: (inout SigningFaults) -> Void
    ) {
        (self.name, isSafety, self.ground) = (name, true, ground)
        change(&signing)
    }

    private init(unbroken ground: HuntingGround) {
        (name, isSafety, self.ground) = ("(none)", true, ground)
        isBroken = false
    }

    /// The protocol as it is, or with the rule of this name broken, in a ground; nil when there is
    /// no such mutant.
    package init?(named name: String?, in ground: HuntingGround) {
        guard let name else {
            self.init(unbroken: ground)
            return
        }
        guard var mutant = Self.all.first(where: { $0.name == name }) else { return nil }
        mutant.ground = ground
        self = mutant
    }

    /// The protocol as it is, in every place where mutants are looked for: nothing may be found.
    package static let controls: [Mutant] = {
        var grounds: [HuntingGround] = []
        for mutant in all where !grounds.contains(mutant.ground) { grounds.append(mutant.ground) }
        return grounds.map(Mutant.init(unbroken:))
    }()

    /// Every mutant that there is.
    package static let all: [Mutant] = [
        Mutant(safety: "votes again in the same round") { $0.separatesRounds = false },
        Mutant(safety: "never locks", .strategist) { $0.locks = false },
        Mutant(safety: "forgets its lock at a restart", .crashes) { $0.remembersLock = false },
        Mutant(safety: "locks blocks that it does not have", .crashes) {
            $0.locksOnlyKnownBlocks = false
        },
        Mutant(safety: "forgets its votes at a restart", .crashes) { $0.remembersVotes = false },
        Mutant(safety: "prevotes every imported block") { $0.prevotesOncePerRound = false },
        Mutant(safety: "decides precommits of rounds that it left", .late) {
            $0.decidesInOrder = false
        },
        Mutant(safety: "drops locks above F when F moves", .above) {
            $0.keepsLockAboveFinality = false
        },
        Mutant(safety: "takes q - 1 votes for a quorum") { $0.missingQuorumVotes = 1 },
        Mutant(safety: "unlocks by an older quorum certificate", .older) {
            $0.unlocksByNewerQuorumOnly = false
        },
        Mutant(safety: "counts a prevote for the ancestors of its block too", .strategist) {
            $0.countsExactly = false
        },
        Mutant(safety: "counts one content as often as it comes") {
            $0.countsContentOnce = false
        },
        Mutant(disk: "sends before the commit ends") { $0.runsAheadOfCommits = true },
        Mutant(disk: "does not write votes") { $0.losesVotes = true },
        Mutant(disk: "does not write locks") { $0.losesLocks = true },
        Mutant(disk: "writes blocks when they are final") { $0.losesBlocks = true },
        Mutant(disk: "does not write certificates") { $0.losesCertificates = true },
        Mutant(signing: "leaves the round out of the signed bytes", .against([.replayer])) {
            $0.leavesOutRound = true
        },
        Mutant(signing: "believes certificates without signatures", .against([.forger])) {
            $0.trustsCertificates = true
        },
        Mutant(safety: "asks a signer that failed for something else", .signers) {
            $0.retriesSameContent = false
        },
        Mutant(liveness: "asks a signer that failed no more", .signers) {
            $0.retriesSigning = false
        },
        Mutant(liveness: "does not send stored votes again", .crashes) {
            $0.resendsStoredVotes = false
        },
        Mutant(liveness: "leaves rounds without a precommit", .early) {
            $0.precommitsNilOnLeaving = false
        },
        Mutant(liveness: "leaves rounds that fewer than q have precommitted", .strategist) {
            $0.awaitsPrecommits = false
        },
        Mutant(liveness: "jumps to the highest round seen", .against([.roundRunner])) {
            $0.jumpsToSupportedRound = false
        },
        Mutant(liveness: "keeps conflicting locks when F moves", .conflict) {
            $0.dropsConflictingLock = false
        },
        Mutant(safety: "does not begin the rounds of a set at 0", .handOffs) {
            $0.restartsRounds = false
        },
        Mutant(safety: "goes on voting in a set beyond its hand-off", .handOffs) {
            $0.staysWithinSet = false
        },
        Mutant(liveness: "keeps certificates to itself", .alone) {
            $0.sharesCertificates = false
        },
    ]
}

extension SimulationOptions {
    /// These options with a mutant's faults.
    package func breaking(_ mutant: Mutant) -> SimulationOptions {
        var options = self
        options.rules = mutant.rules
        options.persistence = mutant.persistence
        options.signing = mutant.signing
        if mutant.isBroken { options.place?.broken = mutant.name }
        return options
    }
}

/// Where a mutant was found.
package struct MutantFinding: Sendable {
    /// The run that found it.
    package let options: SimulationOptions
    /// What it found.
    package let violation: Violation
    /// How many runs it took.
    package let runCount: Int
    /// How many rounds were decided in them.
    package let roundCount: UInt64
}

extension Mutant {
    /// Runs worlds of consecutive seeds until one of them finds the mutant; nil when none does.
    package func search(seeds: ClosedRange<UInt64>) -> MutantFinding? {
        var runCount = 0
        var roundCount: UInt64 = 0
        for seed in seeds {
            for world in ground.worlds {
                var options = world.breaking(self)
                options.seed = seed
                var simulator = Simulator(options)
                simulator.run()
                runCount += 1
                roundCount += simulator.decidedRoundCount
                if let violation = simulator.violation {
                    return MutantFinding(
                        options: options, violation: violation, runCount: runCount,
                        roundCount: roundCount)
                }
            }
        }
        return nil
    }
}
