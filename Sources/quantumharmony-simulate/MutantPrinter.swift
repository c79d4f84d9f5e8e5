import Simulation

/// Breaks one rule after the other and prints where each was found, as a table.
struct MutantPrinter {
    let seedCount: UInt64
    /// Only mutants with this in their names.
    let filter: String

    /// True when every broken rule was found and nothing where none is broken.
    func run() -> Bool {
        var isWell = true
        print("| broken rule | of | where | seed | found as |")
        print("|---|---|---|---|---|")
        for mutant in Mutant.all where mutant.name.contains(filter) {
            isWell = printRow(mutant) && isWell
        }
        for control in Mutant.controls where filter.isEmpty || filter == control.name {
            isWell = !printRow(control) && isWell
        }
        return isWell
    }

    /// True when something was found.
    private func printRow(_ mutant: Mutant) -> Bool {
        let clock = ContinuousClock()
        let start = clock.now
        let finding = mutant.search(seeds: 1...seedCount)
        let seconds = Double(Int((clock.now - start) / .milliseconds(100))) / 10
        let head = "| \(mutant.name) | \(mutant.isSafety ? "safety" : "liveness")"
        guard let finding else {
            print("\(head) | \(mutant.ground.name) | not found in \(seedCount) (\(seconds) s) | |")
            return false
        }
        print(
            "\(head) | \(mutant.ground.name), n = \(finding.options.nodeCount)"
                + " | \(finding.options.seed) (\(finding.runCount) runs, \(seconds) s)"
                + " | \(finding.violation.name) |")
        return true
    }
}
