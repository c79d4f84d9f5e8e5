import ArgumentParser
import Foundation
import Glibc
import Testnet

/// Runs a test network on this machine.
struct TestnetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "testnet",
        abstract: "Run a test network on this machine, by hand or by a scenario.",
        discussion: """
            Validators with public development keys run as processes of this program; relays \
            between them can cut and delay what they send each other. Everything listens on \
            127.0.0.1. docs/testnet.md describes the prompt and the scenario language.

            Examples:
              quantumharmony-node testnet --validators 4 --slot 1s
              quantumharmony-node testnet --scenario scenarios/partition.txt
              quantumharmony-node testnet --bin charlie=/opt/older/quantumharmony-node
            """)

    @Option(help: "How many validators, 1 to 32 (default: 3, or the scenario's).")
    var validators: Int?

    @Option(
        help: ArgumentHelp(
            "A slot's duration (default: 6s, or the scenario's).", valueName: "500ms|1s|..."))
    var slot: String?

    @Option(
        name: [.customShort("d"), .customLong("base-path")],
        help: ArgumentHelp(
            "The folder for everything (default: a new temporary one, which stays).",
            valueName: "path"))
    var basePath: String?

    @Option(
        help: ArgumentHelp(
            "Do what this file says and end: 0 when all of it held.", valueName: "file"))
    var scenario: String?

    @Option(
        name: .customLong("bin"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Run these validators with another build of this program.", valueName: "name=path"))
    var programs: [String] = []

    @Flag(help: "Lines of text instead of a table, also on a terminal.")
    var plain = false

    func validate() throws {
        if let validators, !ScenarioParser.validatorCounts.contains(validators) {
            throw ValidationError(
                "--validators takes 1 to \(ScenarioParser.validatorCounts.upperBound).")
        }
        if slot != nil, slotMilliseconds == nil {
            throw ValidationError("--slot takes a duration such as 500ms, 1s or 6s.")
        }
        for program in programs where Self.assignment(program) == nil {
            throw ValidationError("--bin takes a validator's name, = and a path, not '\(program)'.")
        }
    }

    /// The name and the path of `NAME=PATH`.
    private static func assignment(_ text: String) -> (name: String, path: String)? {
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex,
            text.index(after: sign) != text.endIndex
        else { return nil }
        return (String(text[..<sign]), String(text[text.index(after: sign)...]))
    }

    private var slotMilliseconds: UInt64? {
        guard let slot,
            case .pause(let duration)? = try? ScenarioParser.command("pause \(slot)")
        else { return nil }
        return duration > 0 ? duration : nil
    }

    func run() throws {
        do {
            let scenario = try readScenario()
            let folder = try makeFolder()
            let network = try TestNetwork(
                validators: validators ?? scenario?.validatorCount ?? 3,
                slotMilliseconds: slotMilliseconds ?? scenario?.slotMilliseconds ?? 6_000,
                programs: programs.compactMap(Self.assignment), folder: folder)
            if let scenario {
                do throws(ScenarioError) { try network.plan.check(scenario) } catch {
                    throw LaunchError.scenario(path: self.scenario ?? "", why: "\(error)")
                }
            }
            announce(network.plan)
            Interruption.watch()
            let isLive = !plain && isatty(1) == 1 && scenario == nil
            var launcher = Launcher(
                network, isLive: isLive, readsInput: scenario == nil && hasInput)
            let status = scenario.map { launcher.run($0) } ?? launcher.run()
            launcher.finish()
            if status != 0 { throw ExitCode(status) }
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Failure(error)
        }
    }

    /// Whether anybody could type: not when standard input is /dev/null.
    private var hasInput: Bool {
        var information = stat()
        guard fstat(0, &information) == 0 else { return false }
        return isatty(0) == 1 || information.st_mode & S_IFMT != S_IFCHR
    }

    private func readScenario() throws(LaunchError) -> Scenario? {
        guard let path = scenario else { return nil }
        let text: String
        do {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw LaunchError.scenario(path: path, why: String(cString: strerror(errno)))
            }
            let bytes = try file.read(upToCount: ScenarioParser.maximumByteCount + 1) ?? Data()
            text = String(decoding: bytes, as: UTF8.self)
        } catch let error as LaunchError {
            throw error
        } catch {
            throw .scenario(path: path, why: error.localizedDescription)
        }
        do throws(ScenarioError) {
            return try ScenarioParser.parse(text)
        } catch {
            throw .scenario(path: path, why: "\(error)")
        }
    }

    private func makeFolder() throws(LaunchError) -> String {
        if let basePath {
            do {
                try FileManager.default.createDirectory(
                    atPath: basePath, withIntermediateDirectories: true)
                return basePath
            } catch {
                throw .folder(basePath, why: error.localizedDescription)
            }
        }
        let pattern = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-testnet.XXXXXX").path
        var bytes = Array(pattern.utf8CString)
        guard mkdtemp(&bytes) != nil else {
            throw .folder(pattern, why: String(cString: strerror(errno)))
        }
        return String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func announce(_ plan: NetworkPlan) {
        for position in plan.nodes.indices {
            let node = plan.nodes[position]
            let name = node.name.padding(toLength: 9, withPad: " ", startingAt: 0)
            print(
                "  \(name) peers 127.0.0.1:\(node.port)   JSON-RPC http://127.0.0.1:\(node.rpcPort)"
                    + "   log \(plan.logFile(of: position))")
        }
        fflush(nil)
    }
}
