import Coherence
import ModelCheck
import Primitives
import Testing

/// Everything that can happen within the bounds, looked at. The numbers are those of docs/model.md:
/// a change of the rules or of the model shows in them.
@Suite(.serialized) struct ExhaustiveTests {
    /// A configuration and what there is of it.
    struct Space: Sendable, CustomTestStringConvertible {
        let configuration: ModelConfiguration
        let states: Int
        let transitions: Int
        let depth: Int

        var testDescription: String { Model(configuration).summary }
    }

    static let spaces = [
        Space(
            configuration: ModelConfiguration(rounds: 4), states: 10_928_206,
            transitions: 186_776_689, depth: 21),
        Space(
            configuration: ModelConfiguration(rounds: 3, restarts: false), states: 94_267,
            transitions: 1_181_063, depth: 16),
        Space(
            configuration: ModelConfiguration(validators: 3, byzantine: 0, rounds: 3),
            states: 303_271, transitions: 4_071_056, depth: 17),
        Space(
            configuration: ModelConfiguration(rounds: 3, certificates: false), states: 174_615,
            transitions: 2_526_243, depth: 14),
    ]

    @Test(arguments: spaces)
    func `no reachable state breaks a promise`(_ space: Space) {
        var checker = ModelChecker(space.configuration)
        let report = checker.run()
        #expect(report.isExhaustive)
        #expect(report.counterexample == nil)
        #expect(report.states == space.states)
        #expect(report.transitions == space.transitions)
        #expect(report.depth == space.depth)
    }

    @Test func `four with a Byzantine one and three that only crash have the same runs`() {
        // A Byzantine signature is there whenever it helps: q - f honest votes are needed.
        let four = ModelConfiguration(rounds: 2, reduced: false)
        let three = ModelConfiguration(validators: 3, byzantine: 0, rounds: 2, reduced: false)
        #expect(four.policy.threshold(validatorCount: 4) == 3)
        #expect(three.policy.threshold(validatorCount: 3) == 2)
        var reports: [ModelChecker.Report] = []
        var outcomes: [Set<UInt64>] = []
        for var configuration in [four, three] {
            configuration.paths = ModelConfiguration.twins
            let model = Model(configuration)
            var checker = ModelChecker(configuration)
            var reached: Set<UInt64> = []
            reports.append(checker.run { reached.insert(model.outcome(of: $0)) })
            outcomes.append(reached)
        }
        #expect(reports[0].isExhaustive && reports[1].isExhaustive)
        #expect(reports[0].states == reports[1].states)
        #expect(reports[0].transitions == reports[1].transitions)
        #expect(outcomes[0] == outcomes[1])
    }

    @Test func `a search that meets its limit does not call itself exhaustive`() {
        var checker = ModelChecker(ModelConfiguration(rounds: 2))
        let report = checker.run(limit: 1_000)
        #expect(!report.isExhaustive)
        #expect(report.counterexample == nil)
        #expect(report.states >= 1_000)
    }
}
