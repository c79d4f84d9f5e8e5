/// Goes through a scenario: says what to do, looks at what the nodes tell, and judges.
///
/// Time is in milliseconds of a clock that never goes back. Observations drive it: with each one
/// the line that waits is judged.
package struct ScenarioRun: Sendable {
    package enum Input: Sendable, Equatable {
        case begin
        /// What was asked for last has been done, or why not.
        case done(failure: String?)
        case observed([NodeObservation])
    }

    package enum Effect: Sendable, Equatable {
        /// Do this; `done` is to follow.
        case perform(ScenarioAction)
        /// A line for people.
        case tell(String)
        /// The end.
        case finish(Verdict)
    }

    package enum Verdict: Sendable, Equatable {
        case passed
        case failed(line: Int, text: String, reason: String)
    }

    private let scenario: Scenario
    private var position = 0
    /// The line that waits began then.
    private var began: UInt64 = 0
    private var isPerforming = false
    private var isFinished = false
    /// The values at the line's beginning, or at the beginning of the present stretch.
    private var baseline: [String: UInt64] = [:]
    private var stretchBegan: UInt64?
    private var latest: [NodeObservation] = []
    private var agreement = FinalityAgreement()

    package init(_ scenario: Scenario) { self.scenario = scenario }

    package mutating func handle(_ input: Input, now: UInt64) -> [Effect] {
        guard !isFinished else { return [] }
        switch input {
        case .begin: return begin(now)
        case .done(let failure):
            guard isPerforming else { return [] }
            isPerforming = false
            if let failure { return fail(failure) }
            return next(now)
        case .observed(let observations):
            latest = observations
            if let fork = agreement.take(observations) { return fail(fork) }
            for observation in observations {
                if case .failed(let status) = observation.state {
                    return fail("\(observation.name) ended by itself with status \(status)")
                }
            }
            return isPerforming ? [] : judge(now)
        }
    }

    private var step: Scenario.Step? {
        position < scenario.steps.count ? scenario.steps[position] : nil
    }

    /// Begins the line at the present position.
    private mutating func begin(_ now: UInt64) -> [Effect] {
        guard let step else {
            isFinished = true
            return [.finish(.passed)]
        }
        began = now
        baseline = [:]
        stretchBegan = nil
        let told = Effect.tell("line \(step.line): \(step.text)")
        switch step.action {
        case .start, .stop, .kill, .partition, .heal, .delay:
            isPerforming = true
            return [told, .perform(step.action)]
        case .pause, .wait, .stall:
            return [told]
        }
    }

    private mutating func next(_ now: UInt64) -> [Effect] {
        position += 1
        return begin(now)
    }

    private mutating func fail(_ reason: String) -> [Effect] {
        isFinished = true
        return [.finish(.failed(line: step?.line ?? 0, text: step?.text ?? "", reason: reason))]
    }

    // MARK: Judging

    private mutating func judge(_ now: UInt64) -> [Effect] {
        guard let step else { return [] }
        let elapsed = now - min(began, now)
        switch step.action {
        case .start, .stop, .kill, .partition, .heal, .delay: return []
        case .pause(let duration): return elapsed >= duration ? next(now) : []
        case .wait(let expectation, let limit):
            let selected = selection(expectation.nodes)
            if isMet(expectation, by: selected) { return next(now) }
            return elapsed < limit
                ? [] : fail("not within \(limit) ms; \(told(expectation.metric, by: selected))")
        case .stall(let nodes, let metric, let duration, let limit):
            let selected = selection(nodes)
            let (isStretch, start) = follow(metric, of: selected, now)
            if isStretch && now - start >= duration { return next(now) }
            if isStretch && start - min(began, start) <= limit { return [] }
            return elapsed <= limit
                ? []
                : fail(
                    "\(metric.rawValue) went on for more than \(limit) ms; "
                        + told(metric, by: selected))
        }
    }

    private func selection(_ nodes: NodeSelection) -> [NodeObservation] {
        switch nodes {
        case .all: latest
        case .running: latest.filter { $0.state == .running }
        case .named(let names): latest.filter { names.contains($0.name) }
        }
    }

    private mutating func isMet(_ expectation: Expectation, by nodes: [NodeObservation]) -> Bool {
        var isMet = !nodes.isEmpty
        for node in nodes {
            guard let value = node.value(of: expectation.metric) else {
                isMet = false
                continue
            }
            switch expectation.comparison {
            case .atLeast(let bound): if value < bound { isMet = false }
            case .atMost(let bound): if value > bound { isMet = false }
            case .equal(let wanted): if value != wanted { isMet = false }
            case .advancesBy(let distance):
                let first = baseline[node.name] ?? value
                baseline[node.name] = first
                if value < first + distance { isMet = false }
            }
        }
        return isMet
    }

    /// Whether all of the nodes tell what they told at the stretch's beginning, and when it began.
    private mutating func follow(
        _ metric: Metric, of nodes: [NodeObservation], _ now: UInt64
    ) -> (isStretch: Bool, start: UInt64) {
        var values: [String: UInt64] = [:]
        for node in nodes {
            guard let value = node.value(of: metric) else { continue }
            values[node.name] = value
        }
        guard !nodes.isEmpty, values.count == nodes.count else {
            stretchBegan = nil
            return (false, now)
        }
        if let stretchBegan, values == baseline { return (true, stretchBegan) }
        baseline = values
        stretchBegan = now
        return (true, now)
    }

    private func told(_ metric: Metric, by nodes: [NodeObservation]) -> String {
        guard !nodes.isEmpty else { return "no node runs" }
        let values = nodes.map { node in
            "\(node.name) \(node.value(of: metric).map { "\($0)" } ?? "does not answer")"
        }
        return "\(metric.rawValue): " + values.joined(separator: ", ")
    }
}
