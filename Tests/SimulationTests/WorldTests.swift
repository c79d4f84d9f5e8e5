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

    static let rough = SimulationProfile.allCases.filter { $0 != .lite }

    @Test(arguments: rough)
    func `Every seed of a rough world has three kinds of faults and heals`(
        profile: SimulationProfile
    ) {
        for seed in UInt64(50)...59 {
            let options = SimulationOptions(
                seed: seed, nodeCount: 3, profile: profile, roundCount: 10)
            var simulator = Simulator(options)
            simulator.run()
            #expect(simulator.violation == nil, "\(options.commandLine)")
            #expect(simulator.statistics.faultKindCount >= 3, "\(options.commandLine)")
            #expect(!simulator.statistics.healingTimes.isEmpty, "\(options.commandLine)")
        }
    }
}
