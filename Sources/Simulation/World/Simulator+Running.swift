package import Chain
internal import Coherence
package import Primitives
internal import Validator

// Epochs: faults, then healing and the proof of life, and again.
extension Simulator {
    /// Runs to the end, or to the first violation.
    ///
    /// - Parameter report: called now and then with the state of things.
    package mutating func run(reporting report: (Simulator) -> Void = { _ in }) {
        repeat {
            let isWell = options.script.isEmpty ? runEpoch(report) : runScript(report)
            guard isWell, proveLife(report) else { return }
            statistics.epochCount += 1
            report(self)
            if goesOn { resumeFaults() }
        } while goesOn
    }

    /// Whether another epoch follows: too few rounds were decided, or too few kinds of faults that
    /// the mix has came about. Some cannot come about in some worlds, so that this has an end.
    private var goesOn: Bool {
        guard options.script.isEmpty else { return false }
        guard history.decidedRoundCount >= options.roundCount else { return true }
        let wanted =
            options.tuning.faults == nil ? min(3, world.faults.weights.count { $0 > 0 }) : 0
        return statistics.faultKindCount < wanted
            && statistics.epochCount < Self.mostEpochsForKinds
    }

    private static let mostEpochsForKinds = 10
    /// Rounds decided in an epoch that is added for want of kinds of faults.
    private static let roundsForKinds: UInt64 = 20

    /// Faults, until enough rounds were decided or enough time has passed.
    private mutating func runEpoch(_ report: (Simulator) -> Void) -> Bool {
        let decided = history.decidedRoundCount
        let isExtra = decided >= options.roundCount
        let target =
            isExtra
            ? decided + Self.roundsForKinds
            : min(decided + options.roundsPerEpoch, options.roundCount)
        return run(until: now + options.epochLimit, report) {
            $0.history.decidedRoundCount >= target
        }
    }

    /// The script, and some time for its consequences.
    private mutating func runScript(_ report: (Simulator) -> Void) -> Bool {
        let last = options.script.map(\.at).max() ?? .zero
        return run(until: .zero + last + .seconds(5), report) { _ in false }
    }

    /// Heals the network; finality has to advance on every honest node within the bound.
    private mutating func proveLife(_ report: (Simulator) -> Void) -> Bool {
        chooseSpared()
        blackOut()
        beginObserverAnew()
        heal()
        let healedAt = now
        let roundCount = history.enteredRoundCount
        // Two blocks beyond what anybody can have finalised: at least one was made since.
        let needed = BlockNumber(history.finalised.number.rawValue + 2)
        let isWell = run(until: now + options.healingLimit, report) { simulator in
            simulator.provers.allSatisfy {
                simulator.nodes[$0].announced.map { $0.number >= needed } ?? false
            }
        }
        guard isWell else { return false }
        let late = provers.first { nodes[$0].announced.map { $0.number < needed } ?? true }
        if let late {
            let finalised =
                nodes[late].announced
                ?? BlockRef(
                    hash: genesis.header.hash, number: BlockNumber(0))
            fail(
                .notAlive(
                    node: late, finalised: finalised, needed: needed,
                    healedSeconds: Int((now - healedAt).clampedNanoseconds / 1_000_000_000)))
            return false
        }
        let rounds = history.enteredRoundCount - roundCount
        statistics.healed(in: now - healedAt, rounds: rounds)
        note(.fault("finality advanced everywhere"))
        if world.sessionLength > 0 { for node in provers { checkHandOffs(of: node) } }
        return isWell
    }

    /// Lets things happen until a time or until something holds; false after a violation.
    private mutating func run(
        until end: Instant, _ report: (Simulator) -> Void, _ isDone: (Simulator) -> Bool
    ) -> Bool {
        var count = 0
        while let next = heap.nextTime, next <= end {
            guard step() else { return false }
            count += 1
            if count % 32 == 0 && isDone(self) { return true }
            if count % 4_096 == 0 {
                statistics.note(self)
                report(self)
            }
        }
        now = max(now, end)
        return isWell
    }
}

/// What a run has done so far.
package struct RunStatistics: Sendable, Hashable {
    package internal(set) var eventCount: UInt64 = 0
    package internal(set) var messageCount: UInt64 = 0
    package internal(set) var commitCount: UInt64 = 0
    package internal(set) var startCount = 0
    package internal(set) var crashCount = 0
    package internal(set) var faultCount = 0
    /// Crashes in the midst of a hand-off.
    package internal(set) var handOffCrashCount = 0
    /// How many faults of each kind came about, by `FaultMix.Kind.rawValue`.
    package internal(set) var faultsByKind = [Int](
        repeating: 0, count: FaultMix.Kind.allCases.count)
    /// How many kinds of faults came about.
    package var faultKindCount: Int { faultsByKind.count { $0 > 0 } }
    package internal(set) var connectionCount = 0
    package internal(set) var banCount = 0
    package internal(set) var epochCount = 0
    /// How long it took after each healing until finality had advanced everywhere.
    package internal(set) var healingTimes: [Duration] = []
    /// How many rounds that took at most.
    package internal(set) var mostHealingRounds: UInt64 = 0
    /// The most effects and bytes that waited anywhere.
    package internal(set) var mostEffects = 0
    /// The most that a node sent a peer in a while, in thousandths of what it may.
    package internal(set) var mostTrafficPermille = 0

    mutating func healed(in time: Duration, rounds: UInt64) {
        healingTimes.append(time)
        mostHealingRounds = max(mostHealingRounds, rounds)
    }

    mutating func note(_ simulator: borrowing Simulator) {
        mostTrafficPermille = max(mostTrafficPermille, simulator.meter.highestPermille)
        for node in simulator.nodes { mostEffects = max(mostEffects, node.queue.count) }
    }
}

extension Simulator {
    /// Rounds in which a certificate came about.
    package var decidedRoundCount: UInt64 { history.decidedRoundCount }
    /// Rounds that ended without one.
    package var failedRoundCount: UInt64 {
        let entered = history.enteredRoundCount
        return entered > decidedRoundCount ? entered - decidedRoundCount : 0
    }
    /// The members of the newest set.
    package var members: [AccountID] { newestSet.validators.map(\.account) }
    /// How many times the validator set has changed.
    package var setChangeCount: Int { domains.count - 1 }
    /// The newest final block.
    package var finalised: BlockRef { history.finalised }
    /// The seconds of virtual time that have passed.
    package var seconds: Int { Int(now.nanoseconds / 1_000_000_000) }
    /// Events in the digest.
    package var recordCount: UInt64 { digest.count }
}
