import Simulation

/// What several runs did together, for the closing lines; `scripts/simulate-seeds` adds up those of
/// several processes.
struct RunTotals {
    private var runCount = 0
    private var decidedCount: UInt64 = 0
    private var failedCount: UInt64 = 0
    private var elapsed = Duration.zero
    private var healingCount = 0
    private var handOffCount = 0
    private var fewestKinds = Int.max
    private var faults = [Int](repeating: 0, count: FaultMix.Kind.allCases.count)

    mutating func add(_ state: Simulator, elapsed: Duration) {
        runCount += 1
        decidedCount += state.decidedRoundCount
        failedCount += state.failedRoundCount
        self.elapsed += elapsed
        healingCount += state.statistics.healingTimes.count
        handOffCount += state.setChangeCount
        fewestKinds = min(fewestKinds, state.statistics.faultKindCount)
        for (place, count) in state.statistics.faultsByKind.enumerated() { faults[place] += count }
    }

    /// Prints `total` and `faults`, each a line of names and numbers in turn.
    func printLines() {
        let milliseconds = max(1, Int(elapsed / .milliseconds(1)))
        let speed = Double(decidedCount + failedCount) * 3_600_000 / Double(milliseconds)
        print(
            "total: seeds \(runCount) decided \(decidedCount) failed \(failedCount)"
                + " milliseconds \(milliseconds) rounds/hour \(Int(speed))"
                + " healings \(healingCount) hand-offs \(handOffCount) fewest-kinds \(fewestKinds)")
        let counts = FaultMix.Kind.allCases.map { "\($0) \(faults[$0.rawValue])" }
        print("faults: " + counts.joined(separator: " "))
    }
}
