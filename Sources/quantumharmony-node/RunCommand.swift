import ArgumentParser
import LibP2P
import Logging
import Node
import Primitives

/// Runs the node until it is interrupted.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the node (the default).")

    @OptionGroup var chain: ChainOptions
    @OptionGroup var validator: ValidatorOptions
    @OptionGroup var keystore: KeystoreOptions
    @OptionGroup var network: NetworkOptions
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var metrics: MetricsOptions
    @OptionGroup var dashboard: DashboardOptions
    @OptionGroup var operation: OperationOptions

    @Option(help: "The node's name, shown to peers and in logs.")
    var name: String?

    @Option(
        name: [.customShort("l"), .customLong("log")],
        help: ArgumentHelp(
            "Log levels: a default and levels per target.",
            discussion: "Example: -l info,coherence=debug",
            valueName: "filter"))
    var logFilter: String = "info"

    func validate() throws {
        do { _ = try LogFilter(logFilter) } catch { throw ValidationError("-l: \(error)") }
        try validator.check(with: chain)
        try rpc.check(isValidator: validator.validator || chain.dev)
    }

    func run() async throws {
        var configuration = NodeConfiguration()
        try chain.apply(to: &configuration)
        try validator.apply(to: &configuration, isDev: chain.dev)
        try keystore.apply(to: &configuration)
        try network.apply(to: &configuration)
        rpc.apply(to: &configuration, isDev: chain.dev)
        metrics.apply(to: &configuration)
        dashboard.apply(to: &configuration)
        operation.apply(to: &configuration)
        if let name { configuration.name = name }
        let control = LogControl(try LogFilter(logFilter))
        let format = operation.logFormat
        LoggingSystem.bootstrap { LineLogHandler(label: $0, control: control, format: format) }
        configuration.logControl = control
        operation.watchInput()
        do {
            try await NodeRun.untilInterrupted(configuration)
        } catch {
            throw Failure(error)
        }
    }
}

/// An error as the command line shows it: one line of what happened, why, and what to do.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ error: any Error) { description = String(describing: error) }
}
