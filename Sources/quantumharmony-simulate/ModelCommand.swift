import ArgumentParser
import ModelCheck

/// Explores every order in which a few validators may vote.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Explores every state that a small network's votes can reach.",
        discussion: """
            Honest validators decide by the rules that quantumharmony-node runs; a Byzantine one may \
            have signed anything. What is modelled, what is not, and why that is sound: \
            docs/model.md. Ends with status 1 when something is found that must not happen, or when \
            a limit cut the search.
            """)

    @Option(help: "How many validators; with --byzantine at most 3 honest ones.")
    var nodes = 4

    @Option(help: "How many of them are Byzantine.")
    var byzantine = 1

    @Option(help: "How many rounds, 1 to 5.")
    var rounds = 4

    @Option(help: "The blocks above genesis: wide (6), small (4) or twins (2).")
    var tree = ModelTreeShape.wide

    @Flag(help: "Nobody crashes.")
    var noRestarts = false

    @Flag(help: "No certificate is delivered.")
    var noCertificates = false

    @Flag(help: "No reductions: every order, every name and every vote is a state of its own.")
    var plain = false

    @Option(help: "Give up at this many states; 40 to 50 bytes each.")
    var limit = 200_000_000

    @Flag(help: "Break one rule of safety after the other and print the shortest way to a fork.")
    var mutants = false

    func validate() throws {
        guard (1...ModelConfiguration.honestLimit).contains(nodes - byzantine), byzantine >= 0,
            nodes <= 1_000
        else { throw ValidationError("1 to 3 honest validators: nodes less byzantine.") }
        guard (1...ModelConfiguration.roundLimit).contains(rounds) else {
            throw ValidationError("1 to \(ModelConfiguration.roundLimit) rounds.")
        }
        guard (1...Int(UInt32.max) - 1_000_000).contains(limit) else {
            throw ValidationError("1 to 4 billion states.")
        }
    }

    func run() throws {
        guard mutants ? searchMutants() : explore() else { throw ExitCode(1) }
    }

    private func explore() -> Bool {
        let configuration = ModelConfiguration(
            validators: nodes, byzantine: byzantine, rounds: rounds, paths: tree.paths,
            restarts: !noRestarts, certificates: !noCertificates, reduced: !plain)
        print(Model(configuration).summary)
        let clock = ContinuousClock()
        var checker = ModelChecker(configuration)
        let start = clock.now
        let report = checker.run(limit: limit)
        let elapsed = clock.now - start
        print(
            "\(report.states) states, \(report.transitions) transitions, depth \(report.depth),"
                + " \(elapsed)")
        if let counterexample = report.counterexample {
            for line in checker.explored.lines(of: counterexample) { print("  \(line)") }
            if counterexample.violation != .conflictingCertificates { searchFork(configuration) }
        } else if report.isExhaustive {
            print("Exhaustive: no reachable state breaks a promise.")
        } else {
            print("NOT exhaustive: the search ended at \(limit) states; nothing was found so far.")
        }
        return report.isExhaustive
    }

    /// Something is wrong already: how far it is to two conflicting certificates.
    private func searchFork(_ configuration: ModelConfiguration) {
        var checker = ModelChecker(configuration, ignoring: ModelViolation.allButForks)
        let report = checker.run(limit: limit)
        guard let fork = report.counterexample else {
            return print("No fork in \(report.states) states.")
        }
        print("The nearest fork:")
        for line in checker.explored.lines(of: fork) { print("  \(line)") }
    }

    private func searchMutants() -> Bool {
        var isWell = true
        for mutant in ModelMutant.all + ModelMutant.overwhelmed {
            let finding = mutant.search()
            print("\n\(mutant.name)")
            print("  \(Model(mutant.configuration).summary)")
            guard let first = finding.first.counterexample,
                let fork = finding.fork.counterexample
            else {
                print("  NOT FOUND in \(finding.fork.states) states")
                isWell = false
                continue
            }
            print("  first broken promise: \(first.violation), \(first.steps.count) steps")
            print("  fork: \(fork.steps.count) steps, \(finding.fork.states) states")
            for line in Model(mutant.configuration).lines(of: fork) { print("    \(line)") }
        }
        return isWell
    }
}

/// The trees of blocks to choose from.
enum ModelTreeShape: String, CaseIterable, ExpressibleByArgument {
    case wide
    case small
    case twins

    var paths: [String] {
        switch self {
        case .wide: ModelConfiguration.wideTree
        case .small: ModelConfiguration.smallTree
        case .twins: ModelConfiguration.twins
        }
    }
}
