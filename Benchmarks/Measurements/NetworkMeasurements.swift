import Foundation
import Glibc
import TestSupport

/// Three validators with slots of half a second: votes, finality, the disk, memory.
struct LatencyFigures: Codable {
    let finality: FinalityFigures
    /// 4 KiB overwritten, then fdatasync, as a database does in its log, by a program of its own on the same disk. Milliseconds.
    let diskSync: Distribution
    /// The most bytes of votes and certificates that a node held, of so many looks.
    let mostHeldBytes: Int
    let lookCount: Int

    static func measure(isQuick: Bool) async throws -> LatencyFigures {
        let network = try await ValidatorNetwork(validators: 3, slotMilliseconds: 500)
        try await network.run(blocks: 4)
        let finality = try await FinalityFigures.measure(network, blocks: isQuick ? 36 : 180)
        let goal = MachineClock.microseconds + (isQuick ? 2 : 5) * 1_000_000
        var mostHeldBytes = 0
        var lookCount = 0
        while MachineClock.microseconds < goal {
            for client in network.clients {
                mostHeldBytes = max(mostHeldBytes, try client.statistics().gossipHeldBytes)
                lookCount += 1
            }
        }
        let folder = network.testnet.folder
        network.stop()
        return LatencyFigures(
            finality: finality, diskSync: try diskSync(in: folder, count: isQuick ? 50 : 300),
            mostHeldBytes: mostHeldBytes, lookCount: lookCount)
    }

    private static func diskSync(in folder: URL, count: Int) throws -> Distribution {
        let path = folder.appending(path: "sync-probe").path
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw MeasurementFailure("\(path) cannot be written") }
        defer { close(file) }
        let block = [UInt8](repeating: 1, count: 4_096)
        let times = try (0..<count).map { _ in
            let (time, isDone) = MachineClock.time {
                pwrite(file, block, block.count, 0) == block.count && fdatasync(file) == 0
            }
            guard isDone else { throw MeasurementFailure("\(path) cannot be synchronised") }
            return time / 1_000
        }
        return try Distribution(times, of: "synchronisation of the disk")
    }
}

/// The same three validators on a disk whose every synchronisation takes 5 ms more.
struct SlowDiskFigures: Codable {
    let addedMilliseconds: Int
    let finality: FinalityFigures

    static func measure(isQuick: Bool) async throws -> SlowDiskFigures {
        let addedMilliseconds = 5
        let library = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-slow-sync-\(UUID().uuidString).so")
        defer { try? FileManager.default.removeItem(at: library) }
        let source = Repository.root.appending(path: "Benchmarks/slow_sync.c").path
        let compiled = try Program.run(
            URL(filePath: "/usr/bin/env"),
            ["cc", "-shared", "-fPIC", "-O1", "-o", library.path, source, "-ldl"])
        guard compiled.status == 0 else {
            throw MeasurementFailure("slow_sync.c: \(compiled.output)")
        }
        let network = try await ValidatorNetwork(
            validators: 3, slotMilliseconds: 500,
            environment: [
                "LD_PRELOAD": library.path,
                "SLOW_SYNC_MICROSECONDS": "\(addedMilliseconds * 1_000)",
            ])
        try await network.run(blocks: 4)
        let finality = try await FinalityFigures.measure(network, blocks: isQuick ? 12 : 80)
        network.stop()
        guard finality.signLogCommitMean >= Double(addedMilliseconds) else {
            throw MeasurementFailure("the disk was not slower: the shim was not loaded")
        }
        return SlowDiskFigures(addedMilliseconds: addedMilliseconds, finality: finality)
    }
}

/// Four validators, then three of them.
struct FourValidatorFigures: Codable {
    let all: FinalityFigures
    let oneCrashed: FinalityFigures

    static func measure(isQuick: Bool) async throws -> FourValidatorFigures {
        let network = try await ValidatorNetwork(validators: 4, slotMilliseconds: 500)
        try await network.run(blocks: 4)
        let all = try await FinalityFigures.measure(network, blocks: isQuick ? 14 : 120)
        network.nodes[3].kill()
        let oneCrashed = try await FinalityFigures.measure(
            network, blocks: isQuick ? 8 : 40, positions: [0, 1, 2])
        network.stop()
        return FourValidatorFigures(all: all, oneCrashed: oneCrashed)
    }
}

/// Four validators far apart.
struct WideAreaFigures: Codable {
    let roundTripMilliseconds: Int
    let finality: FinalityFigures

    static func measure(isQuick: Bool) async throws -> WideAreaFigures {
        let oneWay = 50
        let network = try await ValidatorNetwork(
            validators: 4, slotMilliseconds: 1_000, oneWayDelayMilliseconds: oneWay)
        try await network.run(blocks: 3)
        let finality = try await FinalityFigures.measure(network, blocks: isQuick ? 8 : 60)
        network.stop()
        guard finality.propagation.minimum >= Double(oneWay) else {
            throw MeasurementFailure("a vote took another way than the delayed one")
        }
        return WideAreaFigures(roundTripMilliseconds: 2 * oneWay, finality: finality)
    }
}
