import Foundation
import Synchronization
import TestSupport
import Testing

/// Attacks on the port for peers while three validators finalise: they go on, and the one that is
/// attacked takes no more memory than its bounds let it.
///
/// Each prints its rate, the memory and the finality latency; docs/threats.md has them.
@Suite(.serialized) struct ResistanceTests {
    /// What a node may take beyond what it has when nobody attacks it: buffers of connections that
    /// are being set up, streams and bytes not consumed, all of them bounded.
    private static let memoryBound = 96.0

    @Test(.timeLimit(.minutes(5)))
    func `blocks become final and memory stays bounded under each attack`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        var nodes: [NodeProcess] = []
        for name in ["alice", "bob", "charlie"] { nodes.append(try await net.start(name)) }
        for node in nodes { try await node.waitForFinality(of: 10) }
        let quiet = try FinalityLatencies(of: nodes, blocks: 3...10)
        let memory = try Self.residentMegabytes(of: nodes[0])
        print("no attack: finality p50 \(quiet.p50), p99 \(quiet.p99) ms; \(memory) MB")
        for (number, attack) in PeerAttack.allCases.enumerated() {
            try await resist(attack, seed: UInt64(number + 1), nodes, memory: memory)
        }
        // Whoever is honest still gets in.
        let late = try await net.start("dave", isValidator: false)
        try await late.waitForFinality(of: try nodes[0].rpc.finalisedNumber())
    }

    /// Two attackers of one kind at the first validator, until all have finalised eight blocks.
    private func resist(
        _ attack: PeerAttack, seed: UInt64, _ nodes: [NodeProcess], memory: Double
    ) async throws {
        let port = try #require(nodes[0].peerPort)
        let start = try nodes[0].rpc.finalisedNumber()
        let clock = ContinuousClock()
        let begin = clock.now
        let isOver = Flag()
        let attackers = (0..<2).map { number in
            Task {
                try await onThread {
                    try attack.run(port: port, seed: 2 * seed + UInt64(number)) { isOver.isRaised }
                }
            }
        }
        defer { isOver.raise() }
        for node in nodes { try await node.waitForFinality(of: start + 8) }
        let taken = try Self.residentMegabytes(of: nodes[0])
        isOver.raise()
        var count = 0
        for attacker in attackers { count += try await attacker.value }
        let seconds = (clock.now - begin) / .seconds(1)
        let latencies = try FinalityLatencies(of: nodes, blocks: (start + 1)...(start + 8))
        print(
            "\(attack.rawValue), seed \(seed): \(Int(Double(count) / seconds)) a second; finality p50"
                + " \(latencies.p50), p99 \(latencies.p99) ms; \(taken) MB")
        #expect(count > 0, "\(attack.rawValue): nothing was done")
        #expect(taken <= memory + Self.memoryBound, "\(attack.rawValue)")
        let running = nodes.filter(\.isRunning).count
        #expect(running == nodes.count, "\(attack.rawValue)")
    }

    /// The memory that a node's process has in use.
    private static func residentMegabytes(of node: NodeProcess) throws -> Double {
        let process = try #require(node.processID)
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        let kilobytes = try #require(Double(line.split(separator: " ").dropLast().last ?? ""))
        return (kilobytes / 102.4).rounded() / 10
    }
}

/// Something that is so from some moment on.
private final class Flag: Sendable {
    private let value = Mutex(false)

    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}
