import Foundation
import Primitives
import Simulation
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

    @Test func `Another process has the same history of the same seed`() throws {
        let program = URL(fileURLWithPath: CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent("quantumharmony-simulate")
        let process = Process()
        process.executableURL = program
        process.arguments = [
            "--seed", "11", "--nodes", "4", "--profile", "swarm", "--rounds", "20", "--quiet",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try #require(
            String(bytes: pipe.fileHandleForReading.readDataToEndOfFile(), encoding: .utf8))
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(output)")
        #expect(output.contains("digest \(digest(11, .swarm))"), "\(output)")
    }
}
