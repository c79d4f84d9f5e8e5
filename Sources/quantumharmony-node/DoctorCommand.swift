import ArgumentParser
import Foundation
import Node

/// Looks at everything that keeps a node from doing its work.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check keys, clock, ports, disk, databases, sign log and the running node.",
        discussion: """
            A line a check: ok, warning or problem, what was found, and what to do. The exit status is \
            1 when there is a problem. Run it as the node's user, with the node's options.
            """)

    /// How findings are written.
    enum Output: String { case text, json }

    @OptionGroup var chain: ChainOptions

    @Option(help: "The node's port for peers.")
    var port: UInt16 = 30_333

    @Option(help: "The node's port of JSON-RPC.")
    var rpcPort: UInt16 = 9_944

    @Option(
        help: ArgumentHelp("How findings are written.", valueName: "text|json"),
        transform: { text in
            guard let output = Output(rawValue: text) else {
                throw ValidationError("--output takes text or json, not '\(text)'.")
            }
            return output
        })
    var output = Output.text

    func run() throws {
        let findings: [Doctor.Finding]
        do {
            let folder = try chain.storedFolder("doctor")
            findings = try Doctor(
                chain: chain.source, basePath: folder, peerPort: port, rpcPort: rpcPort
            ).examine()
        } catch {
            throw Failure(error)
        }
        switch output {
        case .json: print(Doctor.json(findings))
        case .text:
            for finding in findings {
                let level = finding.level.rawValue.padding(
                    toLength: 8, withPad: " ", startingAt: 0)
                let advice = finding.advice.isEmpty ? "" : " -> \(finding.advice)"
                print("\(level) \(finding.check): \(finding.message)\(advice)")
            }
        }
        if findings.contains(where: { $0.level == .problem }) { throw ExitCode.failure }
    }
}
