import ArgumentParser
import Foundation
import Fuzzing

/// Fuzzing that a seed decides, without coverage: the same as `Tests/FuzzTests`, for longer, and
/// the replay of what either found.
@main
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-fuzz",
        abstract: "Feeds mutated inputs to everything that takes bytes from outside.")

    @Argument(help: "The target, or 'all'.")
    var target = "all"
    @Flag(help: "List the targets.")
    var list = false
    @Flag(help: "Print the longest input that is made for the target, in bytes.")
    var longest = false
    @Option(help: "The seed that decides every input.")
    var seed: UInt64 = 1
    @Option(help: "How many inputs; by default as many as in scripts/test.")
    var runs: Int?
    @Option(help: "Only the input of this number.")
    var only: Int?
    @Option(help: "Run one file's bytes (.hex: hexadecimal) instead.")
    var input: String?
    @Option(help: "Write each input to this file before it is run: after a trap it is the culprit.")
    var trace: String?
    @Option(help: "Write the samples and past findings as files into this folder, and end.")
    var writeSamples: String?

    func run() throws {
        defer { FuzzTarget.cleanUp() }
        if list {
            for target in FuzzTarget.all {
                print(
                    target.name.padding(toLength: 22, withPad: " ", startingAt: 0) + target.reads)
            }
            return
        }
        for target in try chosen() {
            if longest {
                print(target.maximumByteCount)
            } else if let writeSamples {
                try write(target, to: writeSamples)
            } else if let input {
                print("\(target.name): \(try target.check(Self.read(input)))")
            } else {
                try run(target)
            }
        }
    }

    private func chosen() throws -> [FuzzTarget] {
        if target == "all" { return FuzzTarget.all }
        guard let one = FuzzTarget.named(target) else {
            throw ValidationError("there is no target '\(target)'; --list shows them")
        }
        return [one]
    }

    private static func read(_ path: String) throws -> [UInt8] {
        try path.hasSuffix(".hex")
            ? Corpus.readHex(path) : [UInt8](Data(contentsOf: URL(filePath: path)))
    }

    private func run(_ target: FuzzTarget) throws {
        for finding in try Corpus.findings(of: target) {
            do throws(FuzzFinding) {
                _ = try target.check(finding.bytes)
            } catch {
                throw ValidationError("\(target.name): past finding \(finding.name): \(error)")
            }
        }
        let campaign = try Campaign(target, seed: seed)
        let range = only.map { $0..<$0 + 1 } ?? 0..<(runs ?? target.runCount)
        let started = ContinuousClock.now
        do {
            let report = try campaign.run(range) { _, bytes in
                if let trace { try Data(bytes).write(to: URL(filePath: trace)) }
            }
            let seconds = (ContinuousClock.now - started) / .seconds(1)
            print(
                "\(target.name): \(report.executions) inputs, \(report.accepted) valid,"
                    + " no finding, \(String(format: "%.1f", seconds)) s,"
                    + " longest \(String(format: "%.0f", report.longest * 1_000)) ms")
        } catch let failure as Campaign.Failure {
            print(failure)
            throw ExitCode.failure
        }
    }

    private func write(_ target: FuzzTarget, to folder: String) throws {
        let place = URL(filePath: folder)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let inputs = try target.samples() + Corpus.findings(of: target).map(\.bytes)
        for (number, bytes) in inputs.enumerated() {
            try Data(bytes).write(to: place.appending(path: "sample-\(number)"))
        }
    }
}
