import Simulation

/// Breaks one rule after the other and prints where each was found.
struct MutantPrinter {
    let seedCount: UInt64

    /// True when every broken rule was found.
    func run() -> Bool {
        var isWell = true
        for mutant in Mutant.all {
            let finding = mutant.search(seeds: 1...seedCount)
            let kind = mutant.isSafety ? "safety  " : "liveness"
            guard let finding else {
                print("\(kind) | \(mutant.name) | NOT FOUND")
                isWell = false
                continue
            }
            print(
                "\(kind) | \(mutant.name) | seed \(finding.options.seed), \(finding.runCount) runs,"
                    + " \(finding.roundCount) rounds | \(finding.violation)")
        }
        return isWell
    }
}
