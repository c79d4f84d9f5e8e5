/// A number that must hold: what the plan demands, what we want, and what was measured.
struct Target {
    /// A demand and what became of it.
    struct Verdict {
        let demand: String
        let measured: String
        let isMet: Bool
    }

    let subject: String
    /// Decides whether the command fails; nil when the plan says nothing.
    let plan: Verdict?
    /// Ours: reported with the gap. Nil when it was not measured, for the reason in `ourDemand`.
    let ours: Verdict?
    let ourDemand: String

    init(_ subject: String, plan: Verdict?, ours: Verdict) {
        self.subject = subject
        self.plan = plan
        self.ours = ours
        ourDemand = ours.demand
    }

    init(_ subject: String, plan: Verdict?, notMeasured demand: String) {
        self.subject = subject
        self.plan = plan
        ours = nil
        ourDemand = demand
    }

    /// One line for the terminal.
    var summary: String {
        let plan = plan.map { "\($0.isMet ? "pass" : "FAIL"): \($0.measured) (\($0.demand))" }
        let ours = ours.map { "ours \($0.isMet ? "met" : "missed"): \($0.measured) (\($0.demand))" }
        return subject + ": " + [plan, ours].compactMap(\.self).joined(separator: "; ")
    }

    /// The table of the design, as far as the results go.
    static func all(of results: Results) -> [Target] {
        [
            propagation(results), fourValidators(results), wideArea(results), traffic(results),
            processor(results), memory(results), crash(results), healing(results),
        ].compactMap(\.self)
    }

    private static func propagation(_ results: Results) -> Target? {
        guard let values = results.latency?.figures.finality.propagation else { return nil }
        let measured = "p99 \(Format.milliseconds(values.p99))"
        return Target(
            "vote propagation, three validators on loopback",
            plan: Verdict(demand: "p99 < 50 ms", measured: measured, isMet: values.p99 < 50),
            ours: Verdict(demand: "p99 < 5 ms", measured: measured, isMet: values.p99 < 5))
    }

    private static func fourValidators(_ results: Results) -> Target? {
        guard let values = results.fourValidators?.figures.all.importToFinality else { return nil }
        return finality(
            "block import to finality, four validators", values, p50: 30, p99: 100)
    }

    private static func wideArea(_ results: Results) -> Target? {
        guard let figures = results.wideArea?.figures else { return nil }
        return finality(
            "the same with \(figures.roundTripMilliseconds) ms round trip",
            figures.finality.importToFinality, p50: 250, p99: 600)
    }

    private static func finality(
        _ subject: String, _ values: Distribution, p50: Double, p99: Double
    ) -> Target {
        let measured =
            "p50 \(Format.milliseconds(values.p50)), p99 \(Format.milliseconds(values.p99))"
        return Target(
            subject,
            plan: Verdict(demand: "p99 < 2 s", measured: measured, isMet: values.p99 < 2_000),
            ours: Verdict(
                demand: "p50 < \(Int(p50)) ms, p99 < \(Int(p99)) ms", measured: measured,
                isMet: values.p50 < p50 && values.p99 < p99))
    }

    private static func traffic(_ results: Results) -> Target? {
        guard let networks = results.traffic?.figures.networks,
            let three = networks.first(where: { $0.validatorCount == 3 })
        else { return nil }
        let plan = Verdict(
            demand: "< 10 KB/s at n = 3",
            measured: "\(Format.rate(three.worstVoteBytes)) at the worst validator",
            isMet: three.worstVoteBytes < 10_000)
        let subject = "received vote payload per validator, 6 s blocks"
        let demand = "< 10 KB/s up to n = 18, d ≤ 1.2"
        guard let large = networks.first(where: { $0.validatorCount == 18 }) else {
            return Target(subject, plan: plan, notMeasured: demand)
        }
        return Target(
            subject, plan: plan,
            ours: Verdict(
                demand: demand,
                measured: "n = 18: \(Format.rate(large.voteBytes)) in the mean, "
                    + "\(Format.rate(large.worstVoteBytes)) at the worst validator, "
                    + "d = \(Format.number(large.duplicationFactor))",
                isMet: large.worstVoteBytes < 10_000 && large.duplicationFactor <= 1.2))
    }

    private static func processor(_ results: Results) -> Target? {
        guard let figures = results.traffic?.figures,
            let three = figures.networks.first(where: { $0.validatorCount == 3 })
        else { return nil }
        let share = three.worstProcessorShare - figures.idleProcessorShare
        let plan = Verdict(
            demand: "< 1 % of a core at n = 3",
            measured: "\(Format.percent(share)) at the worst validator", isMet: share < 0.01)
        let subject = "processor time added to an idle node, 6 s blocks"
        let demand = "< 1 % of a core at n = 100"
        guard let large = figures.networks.max(by: { $0.validatorCount < $1.validatorCount }),
            large.validatorCount > 3
        else { return Target(subject, plan: plan, notMeasured: demand) }
        let largeShare = large.processorShare - figures.idleProcessorShare
        let at100 = largeShare * 99 / Double(large.validatorCount - 1)
        return Target(
            subject, plan: plan,
            ours: Verdict(
                demand: demand,
                measured: "\(Format.percent(largeShare)) at n = \(large.validatorCount), "
                    + "that is \(Format.percent(at100)) at n = 100 (in proportion to n - 1)",
                isMet: at100 < 0.01))
    }

    private static func memory(_ results: Results) -> Target? {
        guard let latency = results.latency?.figures else { return nil }
        let held = Double(latency.mostHeldBytes)
        let plan = Verdict(
            demand: "< 10 MB", measured: "\(Format.megabytes(held)) at n = 3", isMet: held < 10e6)
        let at100 = held * 100 / Double(latency.finality.validatorCount)
        return Target(
            "memory for votes", plan: plan,
            ours: Verdict(
                demand: "< 10 MB at n = 100, enforced",
                measured: "\(Format.megabytes(at100)) at n = 100, in proportion to n; that the "
                    + "limit holds is tested in Tests/VoteGossipTests",
                isMet: at100 < 10e6))
    }

    private static func crash(_ results: Results) -> Target? {
        guard let figures = results.fourValidators?.figures.oneCrashed else { return nil }
        let time = figures.importToFinality
        return Target(
            "one crash of four", plan: nil,
            ours: Verdict(
                demand: "no additional round",
                measured: "\(figures.additionalRounds) additional rounds for "
                    + "\(figures.blockCount) blocks; p50 \(Format.milliseconds(time.p50)), "
                    + "p99 \(Format.milliseconds(time.p99))",
                isMet: figures.additionalRounds == 0))
    }

    private static func healing(_ results: Results) -> Target? {
        guard let figures = results.partition?.figures else { return nil }
        let times = figures.healToLast
        let measured =
            "p50 \(Format.milliseconds(times.p50)), worst \(Format.milliseconds(times.maximum))"
        return Target(
            "from the end of a partition to finality at every node",
            // Had a node not recovered, there would be no figure.
            plan: Verdict(
                demand: "recovers", measured: "\(times.count) of \(times.count) times",
                isMet: true),
            ours: Verdict(
                demand: "p50 < 1 s, worst < 3 s", measured: measured,
                isMet: times.p50 < 1_000 && times.maximum < 3_000))
    }
}
