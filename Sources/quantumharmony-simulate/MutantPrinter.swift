import Simulation

/// Breaks one rule after the other and prints where each was found, as a table.
struct MutantPrinter {
    let seedCount: UInt64

    /// True when every broken rule was found.
    func run() -> Bool {
        var isWell = true
        let clock = ContinuousClock()
        print("| broken rule | of | where | seeds | found as |")
        print("|---|---|---|---|---|")
        for mutant in Mutant.all {
            let start = clock.now
            let finding = mutant.search(seeds: 1...seedCount)
            let seconds = Double(Int((clock.now - start) / .milliseconds(100))) / 10
            let head = "| \(mutant.name) | \(mutant.isSafety ? "safety" : "liveness")"
            if let finding {
                print(
                    "\(head) | \(mutant.ground.name), n = \(finding.options.nodeCount)"
                        + " | \(finding.options.seed) (\(finding.runCount) runs, \(seconds) s)"
                        + " | \(finding.violation.name) |")
            } else {
                print("\(head) | \(mutant.ground.name) | NOT FOUND in \(seedCount) | |")
                isWell = false
            }
        }
        return isWell
    }
}
