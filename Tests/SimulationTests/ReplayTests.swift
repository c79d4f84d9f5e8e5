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

    /// The built program: in `QH_BIN`, or in the release build of this package.
    private static var program: URL {
        let folder =
            ProcessInfo.processInfo.environment["QH_BIN"].map { URL(filePath: $0) }
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release")
        return folder.appending(path: "quantumharmony-simulate")
    }

    private struct NotBuilt: Error, CustomStringConvertible { let description: String }

    /// What the program prints for a seed, in a process of its own.
    private func output(_ seed: UInt64, _ profile: SimulationProfile) throws -> String {
        let process = Process()
        process.executableURL = Self.program
        guard FileManager.default.isExecutableFile(atPath: Self.program.path) else {
            throw NotBuilt(description: "\(Self.program.path) is not built; run scripts/test")
        }
        process.arguments = [
            "--seed", "\(seed)", "--nodes", "4", "--profile", profile.rawValue, "--rounds", "20",
            "--quiet",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self)
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
