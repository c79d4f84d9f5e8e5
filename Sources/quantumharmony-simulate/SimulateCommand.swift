import ArgumentParser
import Simulation

/// Runs the whole protocol in a simulated world and looks for violations of its rules.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a network of validators in one process, decided by a seed.",
        discussion: """
            The nodes run the same code as quantumharmony-node; clock, network, disks and signers \
            are virtual. Two runs of one command print the same digest. On a violation the command \
            prints how to replay it and what happened last, and exits with status 1.
            """)

    @Option(help: "The seed that decides the run.")
    var seed: UInt64 = 1

    @Option(help: "How many validators, 1 to 128.")
    var nodes = 4

    @Option(help: "The kind of world: \(SimulationProfile.names).")
    var profile = SimulationProfile.swarm

    @Option(help: "How many rounds have to be decided.")
    var rounds: UInt64 = 200

    @Option(
        help: """
            How many blocks a session has, at whose end the validator set may change; 0 for never. \
            Without it the seed decides.
            """)
    var session: UInt32?

    @Option(help: "How many runs, of consecutive seeds; a violation ends them.")
    var runs: UInt64 = 1

    @Flag(help: "Print everything that happens.")
    var transcript = false

    @Flag(help: "Print one line per run only.")
    var quiet = false

    @Flag(help: "Break one rule of the protocol after the other and tell where it is found.")
    var mutants = false

    @Option(help: "With --mutants: only those with this in their names.")
    var only = ""

    @Option(
        help: """
            Instead of a profile, a ground that mutants are looked for in: \
            \(HuntingGround.all.map { "\"\($0.name)\"" }.joined(separator: ", ")).
            """)
    var ground: String?

    @Option(help: "With --ground: only the world at this position, from 0.")
    var world: Int?

    @Option(help: "With --ground: the rule to break, as the table of --mutants names it.")
    var broken: String?

    func validate() throws {
        guard (1...128).contains(nodes) else { throw ValidationError("1 to 128 nodes.") }
        guard rounds >= 1, runs >= 1 else { throw ValidationError("At least one round and run.") }
        guard let ground else {
            guard world == nil, broken == nil else { throw ValidationError("Only with --ground.") }
            return
        }
        guard session == nil else { throw ValidationError("Grounds have sessions of their own.") }
        guard let place = HuntingGround.named(ground) else {
            throw ValidationError("There is no ground \"\(ground)\".")
        }
        guard Mutant(named: broken, in: place) != nil else {
            throw ValidationError("There is no mutant \"\(broken ?? "")\".")
        }
        guard world.map(place.worlds.indices.contains) ?? true else {
            throw ValidationError("The ground has \(place.worlds.count) worlds.")
        }
    }

    /// The runs, but for their seed.
    private var plans: [SimulationOptions] {
        guard let ground, let place = HuntingGround.named(ground),
            let mutant = Mutant(named: broken, in: place)
        else {
            var options = SimulationOptions(
                seed: seed, nodeCount: nodes, profile: profile, roundCount: rounds)
            options.tuning.sessionLength = session
            return [options]
        }
        let worlds = place.worlds.map { $0.breaking(mutant) }
        return world.map { [worlds[$0]] } ?? worlds
    }

    func run() throws {
        if mutants {
            guard MutantPrinter(seedCount: runs, filter: only).run() else { throw ExitCode(1) }
            return
        }
        var isWell = true
        var totals = RunTotals()
        for run in 0..<runs {
            for var options in plans where isWell {
                options.seed = seed &+ run
                isWell = RunPrinter(options, isVerbose: transcript, isQuiet: quiet)
                    .run(totals: &totals)
            }
        }
        if runs > 1 || quiet { totals.printLines() }
        if !isWell { throw ExitCode(1) }
    }
}

extension SimulationProfile: ExpressibleByArgument {
    fileprivate static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
