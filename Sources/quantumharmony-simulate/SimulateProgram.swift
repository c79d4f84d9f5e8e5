import ArgumentParser

/// The program: simulated runs unless a subcommand says otherwise.
@main
struct SimulateProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-simulate",
        abstract: "Looks for violations of the finality protocol's rules, without a network.",
        discussion: """
            Without a subcommand, "run": its options may follow at once, as in \
            quantumharmony-simulate --seed 1.
            """,
        subcommands: [SimulateCommand.self, ModelCommand.self],
        defaultSubcommand: SimulateCommand.self)
}
