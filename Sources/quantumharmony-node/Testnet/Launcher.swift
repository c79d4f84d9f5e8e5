import Foundation
import Glibc
import Testnet

/// Runs a test network: by a scenario, or as the lines typed at its prompt say.
///
/// One thread does everything: it looks at the nodes, shows how they are, and does what comes next.
struct Launcher {
    private var network: TestNetwork
    private var terminal: LiveTerminal
    private let typed: TypedLines?
    private var agreement = FinalityAgreement()

    /// Between two looks at the nodes. Milliseconds.
    private static let interval: Int32 = 100

    private static let help = """
        start|stop|kill all|NAMES     partition alice,bob | charlie     heal
        delay A B 200ms | delay all 50ms     status     logs NAME [LINES]     help     quit
        """

    init(_ network: TestNetwork, isLive: Bool, readsInput: Bool) {
        self.network = network
        terminal = LiveTerminal(isLive: isLive)
        typed = readsInput ? TypedLines() : nil
    }

    /// How it ended: 0, 1 when something was not as it should be, or 128 and a signal's number.
    typealias Status = Int32

    /// Runs a scenario to its end.
    mutating func run(_ scenario: Scenario) -> Status {
        var run = ScenarioRun(scenario)
        var effects = run.handle(.begin, now: monotonicMilliseconds())
        while true {
            while !effects.isEmpty {
                let effect = effects.removeFirst()
                switch effect {
                case .tell(let line): terminal.say("-- \(line)")
                case .perform(let action):
                    let failure = perform(action)
                    effects += run.handle(
                        .done(failure: failure), now: monotonicMilliseconds())
                case .finish(.passed):
                    terminal.say("-- passed: everything held")
                    return 0
                case .finish(.failed(let line, let text, let reason)):
                    terminal.say("-- FAILED at line \(line), '\(text)': \(reason)")
                    return 1
                }
            }
            if let signal = Interruption.signal { return 128 + signal }
            _ = poll(nil, 0, Self.interval)
            let observations = network.observe()
            terminal.show(observations, network: network.condition)
            effects = run.handle(.observed(observations), now: monotonicMilliseconds())
        }
    }

    /// Runs until it is told to end.
    mutating func run() -> Status {
        if let failure = perform(.start(.all)) {
            terminal.say("error: \(failure)")
            return 1
        }
        terminal.show(network.observe(), network: network.condition)
        terminal.say(network.plan.summary)
        if typed != nil { terminal.say(Self.help) }
        terminal.prompt()
        while true {
            if let signal = Interruption.signal { return 128 + signal }
            while let line = typed?.next() {
                if ["quit", "exit"].contains(line.trimmingCharacters(in: .whitespaces)) {
                    return 0
                }
                obey(line)
                terminal.prompt()
            }
            _ = poll(nil, 0, Self.interval)
            let observations = network.observe()
            terminal.show(observations, network: network.condition)
            if let fork = agreement.take(observations) {
                terminal.say("error: \(fork)")
                return 1
            }
            for observation in observations {
                guard case .failed(let status) = observation.state, typed == nil else { continue }
                terminal.say(
                    "error: \(observation.name) ended by itself with status \(status); its log says why."
                )
                return 1
            }
        }
    }

    /// Stops the nodes and gives the terminal back.
    mutating func finish() {
        terminal.leave()
        terminal.say("\nStopping the validators ...")
        network.stop()
        terminal.say(
            "Stopped. Logs and databases stay in \(network.plan.folder) until you remove it.")
    }

    private mutating func perform(_ action: ScenarioAction) -> String? {
        do {
            try network.perform(action)
            return nil
        } catch let error as ScenarioError {
            return error.reason
        } catch {
            return "\(error)"
        }
    }

    private mutating func obey(_ line: String) {
        let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
        switch words.first {
        case nil: break
        case "help": terminal.say(Self.help)
        case "status":
            let table = NetworkView.table(network.observe(), network: network.condition)
            for row in table { terminal.say(row) }
        case "logs": showLog(words)
        case "pause", "wait", "expect": terminal.say("error: that is for scenario files")
        default:
            do throws(ScenarioError) {
                guard let action = try ScenarioParser.command(line) else { return }
                terminal.say(perform(action).map { "error: \($0)" } ?? "done")
            } catch {
                terminal.say("error: \(error.reason)")
            }
        }
    }

    private func showLog(_ words: [String]) {
        let count = words.count > 2 ? Int(words[2]) : 15
        guard words.count > 1, let count, (1...1_000).contains(count) else {
            return terminal.say("error: logs takes a node's name and at most 1000 lines")
        }
        do {
            for line in try network.logLines(of: words[1], count: count) { terminal.say(line) }
        } catch {
            terminal.say("error: \(error)")
        }
    }
}
