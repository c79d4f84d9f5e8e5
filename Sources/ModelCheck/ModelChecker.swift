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
        /// Whether a validator has the same name in all steps.
        package let hasSteadyNames: Bool
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
            report.counterexample = Counterexample(
                violation: found, steps: [], hasSteadyNames: true)
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
        var hasSteadyNames = true
        for (position, next) in path.dropFirst().enumerated() {
            let wanted = position == path.count - 2 ? violation : nil
            var way = way(from: state, to: next, preferring: wanted)
            if way.isEmpty {
                // Rules broken in a way that makes unlike states look alike: from state to state
                // as they are stored, each with its own names.
                hasSteadyNames = false
                way = self.way(from: path[position], to: next, preferring: wanted)
            }
            steps += way
            state = way.last?.state ?? next
        }
        return Counterexample(
            violation: violation, steps: steps, hasSteadyNames: hasSteadyNames)
    }

    /// The step from a state to one that is stored, after restarts where they were merged; empty
    /// when there is none.
    private mutating func way(
        from start: ModelState, to next: ModelState, preferring violation: ModelViolation?
    ) -> [(move: Move, state: ModelState)] {
        var reached: [(state: ModelState, way: [(move: Move, state: ModelState)])] = [(start, [])]
        var position = 0
        while position < reached.count {
            let (state, way) = reached[position]
            position += 1
            var successors: [Model.Successor] = []
            model.successors(of: state, into: &successors)
            let matching = successors.filter { model.canonical($0.state) == next }
            let chosen = matching.first { $0.violation == violation } ?? matching.first
            if let chosen { return way + [(chosen.move, chosen.state)] }
            for successor in successors
            where successor.move.kind == .restarts
                && !reached.contains(where: { $0.state == successor.state })
            {
                reached.append((successor.state, way + [(successor.move, successor.state)]))
            }
        }
        return []
    }
}
