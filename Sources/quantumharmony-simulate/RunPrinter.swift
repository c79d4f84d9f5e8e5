import Simulation

/// Runs one simulation and prints how it goes.
struct RunPrinter {
    private let options: SimulationOptions
    private let isVerbose: Bool
    private let isQuiet: Bool

    init(_ options: SimulationOptions, isVerbose: Bool, isQuiet: Bool) {
        self.options = options
        self.isVerbose = isVerbose
        self.isQuiet = isQuiet
    }

    /// Runs, and adds to the totals; true when no rule was broken.
    func run(totals: inout RunTotals) -> Bool {
        let clock = ContinuousClock()
        let start = clock.now
        var simulator = Simulator(options)
        var lastReport = start
        var printedLines = 0
        simulator.run { state in
            if isVerbose { printedLines = printLines(of: state, after: printedLines) }
            guard !isQuiet, !isVerbose, clock.now - lastReport > .seconds(5) else { return }
            lastReport = clock.now
            print("  \(progress(of: state, since: clock.now - start))")
        }
        if isVerbose { _ = printLines(of: simulator, after: printedLines) }
        print(
            "seed \(options.seed)\(place): \(progress(of: simulator, since: clock.now - start)),"
                + " digest \(simulator.historyDigest)")
        totals.add(simulator, elapsed: clock.now - start)
        if !isQuiet { printStatistics(of: simulator) }
        guard let violation = simulator.violation else { return true }
        printViolation(violation, of: simulator)
        return false
    }

    /// Which world of a hunting ground this is; empty for a profile's.
    private var place: String {
        options.place.map { " in \($0.ground) \($0.world)" } ?? ""
    }

    private func progress(of state: Simulator, since elapsed: Duration) -> String {
        let seconds = max(0.001, elapsed / .seconds(1))
        let speed = Int(Double(state.decidedRoundCount) / seconds * 3_600)
        return "\(state.decidedRoundCount) rounds decided, \(state.failedRoundCount) failed,"
            + " final \(state.finalised), \(state.seconds) s of virtual time, \(speed) rounds/hour"
    }

    private func printStatistics(of state: Simulator) {
        let told = state.statistics
        let times = told.healingTimes.sorted()
        let median = times.isEmpty ? .zero : times[times.count / 2]
        print(
            "  \(told.eventCount) events, \(told.messageCount) messages, \(told.commitCount) commits,"
                + " \(told.faultCount) faults, \(told.crashCount) crashes,"
                + " \(told.connectionCount) connections, \(told.banCount) bans")
        if state.setChangeCount > 0 {
            print(
                "  \(state.setChangeCount) hand-offs, \(told.handOffCrashCount) crashes in them")
        }
        print(
            "  healed \(times.count) times: median \(median), worst \(times.last ?? .zero),"
                + " at most \(told.mostHealingRounds) rounds;"
                + " at most \(told.mostEffects) effects waited,"
                + " \(told.mostTrafficPermille) permille of the traffic allowed")
    }

    /// Prints the lines that came since; returns how many there were in total.
    private func printLines(of state: Simulator, after printed: Int) -> Int {
        let total = state.transcript.totalCount
        for line in state.transcript.newest.suffix(total - printed) { print(line) }
        return total
    }

    private func printViolation(_ violation: Violation, of state: Simulator) {
        if !isVerbose {
            print("The last of what happened:")
            for line in state.transcript.newest.suffix(250) { print(line) }
        }
        print("VIOLATION: \(violation)")
        print("Replay: \(options.commandLine)")
    }
}
