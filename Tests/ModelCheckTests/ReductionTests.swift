import Chain
import ModelCheck
import Primitives
import Testing

/// The reductions leave nothing out: with and without each of them the same quorums of prevotes and
/// certificates come about, in the same combinations.
@Suite struct ReductionTests {
    /// The combinations that a search reaches, and of how many states.
    private func outcomes(
        _ configuration: ModelConfiguration
    ) -> (reached: Set<UInt64>, states: Int) {
        let model = Model(configuration)
        var checker = ModelChecker(configuration)
        var reached: Set<UInt64> = []
        let report = checker.run { reached.insert(model.outcome(of: $0)) }
        #expect(report.isExhaustive)
        return (reached, report.states)
    }

    static let models: [(paths: [String], restarts: Bool, combinations: Int)] = [
        (ModelConfiguration.twins, true, 11),
        (["A B", "A C"], false, 25),
    ]

    @Test(arguments: [0, 1])
    func `each reduction, and all of them, reach what the search without them reaches`(
        _ index: Int
    ) {
        let (paths, restarts, combinations) = Self.models[index]
        let plain = ModelConfiguration(
            rounds: 2, paths: paths, restarts: restarts, reduced: false)
        let whole = outcomes(plain)
        #expect(whole.reached.count == combinations)
        let reductions: [(inout ModelConfiguration) -> Void] = [
            { $0.usesSymmetry = true },
            { $0.summarisesVotes = true },
            { $0.mergesRestarts = true },
            { ($0.usesSymmetry, $0.summarisesVotes, $0.mergesRestarts) = (true, true, true) },
        ]
        for reduce in reductions {
            var reduced = plain
            reduce(&reduced)
            let found = outcomes(reduced)
            #expect(found.reached == whole.reached)
            #expect(found.states <= whole.states)
        }
    }

    static let forms: [(paths: [String], restarts: Bool)] = [
        (ModelConfiguration.twins, true), (["A B", "A C"], false), (["A B", "X"], false),
    ]

    @Test(arguments: [0, 1, 2])
    func `the reduced search finds exactly the forms of the states that there are`(_ index: Int) {
        let (paths, restarts) = Self.forms[index]
        let reduced = ModelConfiguration(rounds: 2, paths: paths, restarts: restarts)
        let plain = ModelConfiguration(
            rounds: 2, paths: paths, restarts: restarts, reduced: false)
        let model = Model(reduced)
        var there: Set<ModelState> = []
        var found: Set<ModelState> = []
        var whole = ModelChecker(plain)
        var quick = ModelChecker(reduced)
        let (wholeReport, quickReport) = (
            whole.run { there.insert(model.canonical($0)) }, quick.run { found.insert($0) }
        )
        #expect(wholeReport.isExhaustive && quickReport.isExhaustive)
        #expect(wholeReport.states > 100 * quickReport.states)
        #expect(found == there)
    }

    @Test func `the tree's symmetries keep parents and order`() {
        let tree = ModelTree(ModelConfiguration.wideTree)
        #expect(tree.names == ["genesis", "A", "B", "D", "C", "E", "X"])
        #expect(tree.symmetries == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 4, 5, 2, 3, 6]])
        #expect(tree.ancestors[3] == 0b000111)
        #expect(tree.descendants[1] == 0b011111)
        #expect(tree.hasConflict[0b000111] == false)
        #expect(tree.hasConflict[0b001010] == true)
        #expect(tree.hasConflict[0b100001] == true)
        #expect(tree.trees[2].isDescendant(tree.blocks[3].hash, ofOrEqual: tree.blocks[2].hash))
        #expect(!tree.trees[2].contains(tree.blocks[4].hash))
    }
}
