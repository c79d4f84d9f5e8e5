import Foundation
import LibP2P
import TestSupport
import Testing

/// py-libp2p at the topic of a running testnet: it reads the votes by the documentation, verifies
/// them with PQClean's Falcon, and lies.
@Suite("A foreign observer of the votes' topic", .serialized, .timeLimit(.minutes(3)))
struct VoteObserverTests {
    private static let topic = TestPeer.Value.text("/quantumharmony/coherence/1")

    @Test("py-libp2p hears and verifies everybody's votes; what it forges goes no further")
    func observer() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        var nodes: [NodeProcess] = []
        for name in ["alice", "bob", "charlie"] {
            nodes.append(try await net.start(name, options: ["--gossip", "gossipsub"]))
        }
        let observer = try await TestPeer.start(.py)
        let outcome: Result<Void, any Error>
        do {
            try await observe(observer, nodes, at: try #require(net.bootnode))
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await observer.stop()
        try outcome.get()
        for node in nodes { #expect(node.stop() == 0) }
    }

    private func observe(
        _ observer: TestPeer, _ nodes: [NodeProcess], at address: String
    ) async throws {
        let alice = nodes[0].rpc
        let validators = String(
            decoding: try JSONSerialization.data(
                withJSONObject: try alice.object("coherence_validators")), as: UTF8.self)
        try await observer.ask("subscribe", ["topic": Self.topic])
        // The first validator only: the others' votes come through it.
        try await observer.ask("connect", ["address": .text(address)])
        let seen = try await observer.ask(
            "observe",
            [
                "topic": Self.topic, "count": .number(4), "timeoutSeconds": .number(60),
                "genesis": .text(try alice.string("chain_getBlockHash", [0])),
                "validators": .text(validators),
            ])
        #expect(seen["voters"] == .number(3))
        #expect(seen["phases"] == .number(2))
        #expect(seen["certificates"] != .number(0))
        try InteropPage.note(
            "votes of every validator and certificates on the topic of a testnet, read by the documentation, verified with pqcrypto 0.4.0",
            .theirs, .py)

        try await observer.ask("forge", ["topic": Self.topic, "count": .number(8)])
        try await waitFor("the forged votes to be rejected") {
            try count("rejected", of: nodes[0]) >= 3
        }
        for node in nodes.dropFirst() {
            #expect(try count("rejected", of: node) == 0, "\(node.name)")
            #expect(try count("unverified", of: node) == 0, "\(node.name)")
        }
        let height = try alice.finalisedNumber()
        for node in nodes { try await node.waitForFinality(of: height + 2) }
        try InteropPage.note(
            "votes that it forges are rejected by its neighbour and not passed on", .theirs, .py)
    }

    private func count(_ name: String, of node: NodeProcess) throws -> Int {
        let topic = try node.rpc.object("coherence_statistics")["topic"] as? [String: Any]
        return topic?[name] as? Int ?? 0
    }

    private func waitFor(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw PeerTrouble.ended(what) }
            await Task.yield()
        }
    }
}
