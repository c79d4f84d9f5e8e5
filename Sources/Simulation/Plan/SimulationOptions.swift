package import Coherence

/// What a run is made of. Two runs of equal options have equal histories.
package struct SimulationOptions: Sendable {
    /// Decides everything that is left to chance.
    package var seed: UInt64
    /// How many validators.
    package var nodeCount: Int
    /// The kind of world.
    package var profile: SimulationProfile
    /// Rounds that have to be decided under faults, over all epochs.
    package var roundCount: UInt64
    /// Rounds decided under faults before the network heals and has to prove that it is alive.
    package var roundsPerEpoch: UInt64 = 60
    /// Virtual time under faults after which an epoch ends however few rounds it decided.
    package var epochLimit: Duration = .seconds(240)
    /// After healing, finality has to advance everywhere within this virtual time.
    package var healingLimit: Duration = .seconds(90)
    /// The voting rules; tests break them on purpose.
    package var rules: VotingRules = .production
    /// What disks do wrong on purpose.
    package var persistence = PersistenceFaults()
    /// What is wrong with signatures on purpose.
    package var signing = SigningFaults()
    /// Checks that are left out, to see whether others find the same fault.
    package var skippedChecks: Set<SafetyCheck> = []
    /// Faults that come in this order, instead of those of the profile.
    package var script: [ScriptedStep] = []
    /// What is different from the profile's world: tests look where they expect to find something.
    package var tuning = WorldTuning()
    /// Lines of the transcript that are kept.
    package var transcriptLimit = 2_000
    /// Where a hunt for mutants leads to this run; nil for a run of a profile.
    package var place: Place?

    /// A world of a hunting ground, and the rule that is broken there.
    package struct Place: Sendable, Hashable {
        /// The ground's name.
        package let ground: String
        /// The world's position in the ground, from 0.
        package let world: Int
        /// The mutant's name; nil when no rule is broken.
        package var broken: String?
    }

    package init(
        seed: UInt64, nodeCount: Int = 4, profile: SimulationProfile = .swarm,
        roundCount: UInt64 = 60
    ) {
        self.seed = seed
        self.nodeCount = nodeCount
        self.profile = profile
        self.roundCount = roundCount
    }

    /// The command that replays the run, for reports of runs without a script.
    package var commandLine: String {
        guard let place else {
            return "quantumharmony-simulate --seed \(seed) --nodes \(nodeCount)"
                + " --profile \(profile.rawValue) --rounds \(roundCount)"
                + (tuning.sessionLength.map { " --session \($0)" } ?? "")
        }
        let broken = place.broken.map { " --broken \"\($0)\"" } ?? ""
        return "quantumharmony-simulate --seed \(seed) --ground \"\(place.ground)\""
            + " --world \(place.world)\(broken)"
    }
}

/// What a test sets itself instead of leaving it to the profile and the seed.
package struct WorldTuning: Sendable {
    package var network: NetworkConditions?
    package var node: NodeConditions?
    package var faults: FaultMix?
    package var slotMilliseconds: UInt64?
    package var clockSkew: Duration?
    package var blackoutPermille: Int?
    package var attackerCount: Int?
    package var attackers: [AttackerKind]?
    /// Whether there are as many attackers of any kind as are asked for, even if that is more than
    /// the policy bears.
    package var bearsTooMany = false
    /// Who stays down while the others prove that they are alive; nil to draw lots.
    package var spared: [Int]?
    /// Blocks in a session, 0 for a chain whose set never changes; nil to leave it to the seed.
    package var sessionLength: UInt32?

    package init() {}
}

/// The checks that can be left out.
package enum SafetyCheck: Sendable, Hashable {
    /// A vote leaves only when it is durable.
    case durability
    /// One content per slot and key.
    case oneContent
    /// Whatever comes of two conflicting certificates; the run goes on, and counts them.
    case forks
}
