import Primitives
import Simulation
import TestSupport
import Testing

struct ReplayTests {
    private func digest(_ seed: UInt64, _ profile: SimulationProfile) -> Hash256 {
        var simulator = Simulator(
            SimulationOptions(seed: seed, nodeCount: 4, profile: profile, roundCount: 20))
        simulator.run()
        return simulator.historyDigest
    }

    @Test(arguments: SimulationProfile.allCases)
    func `Two runs of one seed have one history`(profile: SimulationProfile) {
        #expect(digest(11, profile) == digest(11, profile))
        #expect(digest(11, profile) != digest(12, profile))
    }

    /// What the program prints for a seed, in a process of its own.
    private func output(_ seed: UInt64, _ profile: SimulationProfile) throws -> String {
        let result = try Program.run(
            "quantumharmony-simulate",
            [
                "--seed", "\(seed)", "--nodes", "4", "--profile", profile.rawValue, "--rounds",
                "20", "--quiet",
            ])
        #expect(result.status == 0)
        return result.output
    }

    @Test(arguments: [SimulationProfile.swarm, .byzantine])
    func `Two processes have the same history of one seed`(profile: SimulationProfile) throws {
        let digest = "digest \(digest(11, profile))"
        for _ in 0..<2 {
            let output = try output(11, profile)
            #expect(output.contains(digest), "\(output)")
        }
    }
}
