import ArgumentParser
import Foundation
import TestSupport

/// Measures and writes docs/benchmarks.md.
@main
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-benchmark",
        abstract: "Measures Falcon, the transport and networks of real nodes.",
        discussion: """
            Run it by scripts/benchmark, which builds everything and gives it a network of its own. \
            A full run writes Benchmarks/results/latest.json and docs/benchmarks.md. The status is \
            1 when one of the plan's targets is missed.
            """)

    @Flag(help: "A short run: prints the targets, writes no file.")
    var quick = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Measure only these and keep the other results of this machine: "
                + Section.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "section"))
    var only: [String] = []

    @Flag(help: "Networks of 50 validators as well (two more minutes, 3 GB of memory).")
    var large = false

    @Flag(help: "Measure nothing; write the page from the results that are there.")
    var page = false

    func validate() throws {
        for name in only where Section(rawValue: name) == nil {
            throw ValidationError("There is no section '\(name)'.")
        }
        if quick && page { throw ValidationError("--quick writes no page.") }
    }

    func run() async throws {
        var results: Results
        if page {
            results = try Results.load()
        } else {
            let machine = try Machine.current()
            results = keptResults(of: machine) ?? Results(machine: machine)
            try await measure(into: &results)
        }
        let targets = Target.all(of: results)
        if !quick {
            let file = Repository.root.appending(path: "docs/benchmarks.md")
            try Page(results, targets).text.write(to: file, atomically: true, encoding: .utf8)
            Self.tell("Written: docs/benchmarks.md")
        }
        for target in targets { Self.tell(target.summary) }
        if targets.contains(where: { $0.plan?.isMet == false }) { throw ExitCode(1) }
    }

    /// What the sections that are not measured now found before.
    private func keptResults(of machine: Machine) -> Results? {
        guard !only.isEmpty && !quick else { return nil }
        guard let results = try? Results.load(), results.machine == machine else {
            Self.tell("The results that are there are another machine's or version's: dropped.")
            return nil
        }
        return results
    }

    private func measure(into results: inout Results) async throws {
        let sections = only.isEmpty ? Section.allCases : only.compactMap(Section.init)
        for section in sections {
            Self.tell("== \(section.rawValue)")
            let start = MachineClock.nanoseconds
            try await section.run(isQuick: quick, isLarge: large, into: &results)
            if !quick { try results.save() }
            Self.tell("   \(Int(Double(MachineClock.nanoseconds - start) / 1e9)) s")
        }
    }

    /// Writes a line at once, also into a file or pipe.
    private static func tell(_ line: String) {
        FileHandle.standardOutput.write(Foundation.Data((line + "\n").utf8))
    }
}
