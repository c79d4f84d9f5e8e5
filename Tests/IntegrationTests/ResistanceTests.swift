import Foundation
import LibP2P
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
        let port = try #require(nodes[0].peerPort)
        for (number, attack) in PeerAttack.allCases.enumerated() {
            try await resist(attack.rawValue, seed: UInt64(number + 1), nodes, memory: memory) {
                seed, isOver in
                try await onThread { try attack.run(port: port, seed: seed, isOver: isOver) }
            }
        }
        // Whoever is honest still gets in.
        let late = try await net.start("dave", isValidator: false)
        try await late.waitForFinality(of: try nodes[0].rpc.finalisedNumber())
    }

    /// With multicast, which loopback alone would switch off, and votes on the topic as well.
    @Test(.timeLimit(.minutes(5)))
    func `blocks become final and memory stays bounded under attacks by the node's protocols`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500)
        var nodes: [NodeProcess] = []
        for name in ["alice", "bob", "charlie"] {
            let listen = "/ip4/0.0.0.0/tcp/\(try Program.freePort())"
            nodes.append(
                try await net.start(name, options: ["--gossip", "both", "--listen-addr", listen]))
        }
        for node in nodes { try await node.waitForFinality(of: 10) }
        let memory = try Self.residentMegabytes(of: nodes[0])
        let quiet = try FinalityLatencies(of: nodes, blocks: 3...10)
        print("no attack: finality p50 \(quiet.p50), p99 \(quiet.p99) ms; \(memory) MB")
        let target = try Multiaddr(try await nodes[0].listenAddress())
        let genesis = try #require(try nodes[0].rpc.call("chain_getBlockHash", [0]) as? String)
        let kademlia = "/\(genesis.dropFirst(2))/kad"
        for (number, attack) in ProtocolAttack.allCases.enumerated() {
            // Whoever is new asks the DHT: of the members it hears of, some are the attackers.
            let newcomer = attack == .poisonedRouting ? "dave" : nil
            try await resist(attack.rawValue, seed: UInt64(number + 101), nodes, memory: memory) {
                seed, isOver in
                try await attack.run(at: target, kademlia: kademlia, seed: seed, isOver: isOver)
            } meanwhile: {
                guard let newcomer else { return }
                try await Self.join(newcomer, net, nodes)
            }
        }
        try await Self.join("eve", net, nodes)
    }

    /// Who is honest gets in, hears of what is final and finds the others.
    private static func join(_ name: String, _ net: Testnet, _ nodes: [NodeProcess]) async throws {
        let node = try await net.start(
            name, isValidator: false, log: "info,node=debug", options: ["--no-mdns"])
        try await node.waitForFinality(of: try nodes[0].rpc.finalisedNumber())
        for other in nodes { try await node.wait(for: "Connected to \(try await other.peerID())") }
    }

    /// Two attackers of one kind at the first validator, until all have finalised eight blocks.
    private func resist(
        _ name: String, seed: UInt64, _ nodes: [NodeProcess], memory: Double,
        attack: @escaping @Sendable (UInt64, @escaping @Sendable () -> Bool) async throws -> Int,
        meanwhile: () async throws -> Void = {}
    ) async throws {
        let start = try nodes[0].rpc.finalisedNumber()
        let clock = ContinuousClock()
        let begin = clock.now
        let isOver = Flag()
        let attackers = (0..<2).map { number in
            Task { try await attack(2 * seed + UInt64(number)) { isOver.isRaised } }
        }
        defer { isOver.raise() }
        try await meanwhile()
        for node in nodes { try await node.waitForFinality(of: start + 8) }
        let taken = try Self.residentMegabytes(of: nodes[0])
        isOver.raise()
        var count = 0
        for attacker in attackers { count += try await attacker.value }
        let seconds = (clock.now - begin) / .seconds(1)
        let latencies = try FinalityLatencies(of: nodes, blocks: (start + 1)...(start + 8))
        print(
            "\(name), seed \(seed): \(Int(Double(count) / seconds)) a second; finality p50"
                + " \(latencies.p50), p99 \(latencies.p99) ms; \(taken) MB")
        #expect(count > 0, "\(name): nothing was done")
        #expect(taken <= memory + Self.memoryBound, "\(name)")
        let running = nodes.filter(\.isRunning).count
        #expect(running == nodes.count, "\(name)")
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
