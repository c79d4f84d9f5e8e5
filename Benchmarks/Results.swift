import Foundation
import TestSupport

/// What one measurement found, and under which circumstances.
struct Measured<Figures: Codable>: Codable {
    let figures: Figures
    /// When it began, UTC.
    let date: String
    let seconds: Double
    /// The one-minute load average before it began.
    let loadAverageBefore: Double
    /// The commit that the sources were at.
    let commit: String
    let isQuick: Bool
}

/// Everything that was measured on one machine; the page is written from this and nothing else.
struct Results: Codable {
    var machine: Machine
    var falcon: Measured<FalconFigures>?
    var transport: Measured<TransportFigures>?
    var streams: Measured<StreamFigures>?
    var latency: Measured<LatencyFigures>?
    var attack: Measured<AttackFigures>?
    var slowDisk: Measured<SlowDiskFigures>?
    var fourValidators: Measured<FourValidatorFigures>?
    var wideArea: Measured<WideAreaFigures>?
    var traffic: Measured<TrafficFigures>?
    var gossip: Measured<GossipFigures>?
    var restart: Measured<RestartFigures>?
    var partition: Measured<PartitionFigures>?
    var rpc: Measured<RPCFigures>?

    init(machine: Machine) { self.machine = machine }

    static var file: URL { Repository.root.appending(path: "Benchmarks/results/latest.json") }

    static func load() throws -> Results {
        try JSONDecoder().decode(Results.self, from: Foundation.Data(contentsOf: file))
    }

    func save() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + [0x0A]).write(to: Self.file)
    }
}

/// A measurement that can be run by itself.
enum Section: String, CaseIterable {
    case falcon, transport, streams, latency, attack
    case slowDisk = "slow-disk"
    case fourValidators = "four-validators"
    case wideArea = "wide-area"
    case traffic, gossip, restart, partition, rpc

    func run(isQuick: Bool, isLarge: Bool, into results: inout Results) async throws {
        switch self {
        case .falcon: results.falcon = try await measured(isQuick, FalconFigures.measure)
        case .transport: results.transport = try await measured(isQuick, TransportFigures.measure)
        case .streams: results.streams = try await measured(isQuick, StreamFigures.measure)
        case .latency: results.latency = try await measured(isQuick, LatencyFigures.measure)
        case .attack: results.attack = try await measured(isQuick, AttackFigures.measure)
        case .slowDisk: results.slowDisk = try await measured(isQuick, SlowDiskFigures.measure)
        case .fourValidators:
            results.fourValidators = try await measured(isQuick, FourValidatorFigures.measure)
        case .wideArea: results.wideArea = try await measured(isQuick, WideAreaFigures.measure)
        case .traffic:
            results.traffic = try await measured(isQuick) {
                try await TrafficFigures.measure(isQuick: $0, isLarge: isLarge)
            }
        case .gossip: results.gossip = try await measured(isQuick, GossipFigures.measure)
        case .restart: results.restart = try await measured(isQuick, RestartFigures.measure)
        case .partition: results.partition = try await measured(isQuick, PartitionFigures.measure)
        case .rpc: results.rpc = try await measured(isQuick, RPCFigures.measure)
        }
    }

    private func measured<Figures: Codable>(
        _ isQuick: Bool, _ measure: (Bool) async throws -> Figures
    ) async throws -> Measured<Figures> {
        let date = Date().formatted(.iso8601)
        let (load, start) = (Machine.loadAverage, MachineClock.nanoseconds)
        let figures = try await measure(isQuick)
        return Measured(
            figures: figures, date: date,
            seconds: Double(MachineClock.nanoseconds - start) / 1e9,
            loadAverageBefore: load, commit: Machine.commit, isQuick: isQuick)
    }
}
