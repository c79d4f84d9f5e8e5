import Primitives
import Simulation
import Testing

struct WorldTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let profile: SimulationProfile
        let nodeCount: Int
        var testDescription: String { "\(profile) with \(nodeCount) nodes" }
    }

    static let cases = SimulationProfile.allCases.flatMap { profile in
        [1, 2, 3, 4, 7].map { Case(profile: profile, nodeCount: $0) }
    }

    @Test(arguments: cases)
    func `The protocol keeps its rules in every world and is alive after healing`(
        world: Case
    ) {
        for seed in UInt64(1)...2 {
            let options = SimulationOptions(
                seed: seed, nodeCount: world.nodeCount, profile: world.profile, roundCount: 30)
            var simulator = Simulator(options)
            simulator.run()
            #expect(
                simulator.violation == nil,
                "\(options.commandLine)\n\(simulator.transcript.newest.suffix(60))")
            #expect(simulator.decidedRoundCount >= 30)
        }
    }
}
