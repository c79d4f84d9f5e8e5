import LibP2P
import Logging
import Networking
import Primitives
import Testing

/// The post-quantum encryption against an implementation that shares no code with ours: ML-KEM-768
/// of kyber-py, the rest of the package cryptography (peers/hybrid_peer.py).
@Suite("Hybrid encryption with another implementation", .serialized, .timeLimit(.minutes(1)))
struct HybridTransportTests {
    private func with(
        _ policy: SecurityPolicy, _ body: (Swarm, TestPeer) async throws -> Void
    ) async throws {
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: 0x52, count: 32)))
        var configuration = NetworkConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        configuration.security = policy
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: configuration, logger: logger)
        let peer: TestPeer
        do {
            try await swarm.start()
            peer = try await TestPeer.start(.hybrid)
        } catch {
            await swarm.shutdown()
            throw error
        }
        let outcome: Result<Void, any Error>
        do {
            try await body(swarm, peer)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await swarm.shutdown()
        await peer.stop()
        try outcome.get()
    }

    @Test("it dials this node", arguments: [SecurityPolicy.preferHybrid, .requireHybrid])
    func accept(policy: SecurityPolicy) async throws {
        try await with(policy) { swarm, peer in
            let address = try #require(await swarm.snapshot().listenAddresses.first)
            let answer = try await peer.ask("dial", ["address": .text("\(address)")])
            #expect(answer["peer"]?.text == "\(swarm.localPeer)")
            try InteropPage.note("Noise XXhfs, 25519+MLKEM768", .theirs, .hybrid)
        }
    }

    @Test("this node dials it, and shows how the connection is encrypted")
    func dial() async throws {
        try await with(.requireHybrid) { swarm, peer in
            let connected = try await swarm.connect(to: peer.address)
            #expect(connected == peer.id)
            let snapshot = await swarm.snapshot().peers.first { $0.peer == peer.id }
            #expect(snapshot?.security == .hybridNoise)
            try InteropPage.note("Noise XXhfs, 25519+MLKEM768", .ours, .hybrid)
        }
    }

    @Test("a node without the hybrid has nothing in common with it")
    func classical() async throws {
        try await with(.classical) { swarm, peer in
            await #expect(throws: DialError.self) { try await swarm.connect(to: peer.address) }
            let address = try #require(await swarm.snapshot().listenAddresses.first)
            await #expect(throws: PeerTrouble.self) {
                try await peer.ask("dial", ["address": .text("\(address)")])
            }
        }
    }
}
