internal import Coherence

/// Explores every state that a model can reach, breadth first, so that the first violation found is
/// one of the shortest.
package struct ModelChecker: Sendable {
    /// What was found.
    package struct Report: Sendable {
        /// States reached.
        package var states = 0
        /// Steps between them, those that lead to a known state included.
        package var transitions = 0
        /// The most steps that a state is away from the first one.
        package var depth = 0
        /// Whether nothing was left out: false when a violation or the limit ended the search.
        package var isExhaustive = false
        /// What must not happen and does, if anything does.
        package var counterexample: Counterexample?
    }

    /// How a violation comes about.
    package struct Counterexample: Sendable {
        /// What is broken.
        package let violation: ModelViolation
        /// The steps from the first state, each with where it leads.
        package let steps: [(move: Move, state: ModelState)]
    }

    private var model: Model
    private let ignored: Set<ModelViolation>
    private var store = StateStore()

    /// - Parameter ignored: violations at which the search goes on.
    package init(_ configuration: ModelConfiguration, ignoring ignored: Set<ModelViolation> = []) {
        model = Model(configuration)
        self.ignored = ignored
        precondition(
            !configuration.summarisesVotes || model.votesOncePerSlot(),
            "votes are summarised only where nobody votes twice in a slot")
        precondition(
            !configuration.mergesRestarts
                || configuration.rules == .production && configuration.faults.isEmpty,
            "restarts are merged only where nothing is forgotten")
    }

    /// The model that is explored.
    package var explored: Model { model }

    /// Explores.
    ///
    /// - Parameters:
    ///   - limit: the search is given up at this many states.
    ///   - visit: called with every state, once.
    package mutating func run(
        limit: Int = .max, visit: (ModelState) -> Void = { _ in }
    ) -> Report {
        var report = Report()
        store = StateStore()
        _ = store.insert(model.canonical(ModelState()), parent: 0)
        visit(store[0])
        if let found = model.violation(of: store[0]), !ignored.contains(found) {
            report.states = 1
            report.counterexample = Counterexample(violation: found, steps: [])
            return report
        }
        var successors: [Model.Successor] = []
        var (index, levelEnd) = (0, 1)
        while index < store.count {
            if index == levelEnd { (report.depth, levelEnd) = (report.depth + 1, store.count) }
            successors.removeAll(keepingCapacity: true)
            model.successors(of: store[index], into: &successors)
            for successor in successors {
                report.transitions += 1
                let state = model.canonical(successor.state)
                let isNew = store.insert(state, parent: index)
                guard isNew || successor.violation != nil else { continue }
                if isNew { visit(state) }
                let found = [successor.violation, isNew ? model.violation(of: state) : nil]
                    .compactMap { $0 }.first { !ignored.contains($0) }
                guard let found else { continue }
                report.states = store.count
                report.depth += 1
                report.counterexample = counterexample(found, from: index, to: state)
                return report
            }
            index += 1
            guard store.count < limit else {
                report.states = store.count
                return report
            }
        }
        report.states = store.count
        report.isExhaustive = true
        return report
    }

    /// The way to a violation. States are stored in the form that stands for their like, so the
    /// steps are found again one by one, with the same names all along.
    private mutating func counterexample(
        _ violation: ModelViolation, from index: Int, to last: ModelState
    ) -> Counterexample {
        var path = [last, store[index]]
        var step = index
        while step != 0 {
            step = store.parent(of: step)
            path.append(store[step])
        }
        path.reverse()
        var state = ModelState()
        var steps: [(move: Move, state: ModelState)] = []
        for next in path.dropFirst() {
            var successors: [Model.Successor] = []
            model.successors(of: state, into: &successors)
            let isLast = steps.count == path.count - 2
            let matching = successors.filter { model.canonical($0.state) == next }
            let chosen =
                isLast
                ? matching.first { $0.violation == violation } ?? matching.first
                : matching.first
            guard let chosen else { preconditionFailure("every stored state has a way to it") }
            steps.append((chosen.move, chosen.state))
            state = chosen.state
        }
        return Counterexample(violation: violation, steps: steps)
    }
}
