import Coherence
import Foundation
import LibP2P
import Logging
import Networking
import Primitives
import SCALE
import TestSupport
import Testing
import VoteGossip

/// Real validators whose votes travel by GossipSub.
@Suite(.serialized) struct GossipTransportTests {
    private static let topic = "/quantumharmony/coherence/1"

    /// What a node counted of the topic.
    private func topicCounters(_ node: NodeProcess) throws -> [String: Int] {
        try node.rpc.object("coherence_statistics")["topic"] as? [String: Int] ?? [:]
    }

    private func start(_ transport: String) async throws -> (Testnet, [NodeProcess]) {
        let net = try Testnet(slotMilliseconds: 500)
        var nodes: [NodeProcess] = []
        for name in ["alice", "bob", "charlie"] {
            nodes.append(try await net.start(name, options: ["--gossip", transport]))
        }
        return (net, nodes)
    }

    @Test(.timeLimit(.minutes(2)))
    func `validators finalise with their votes on the topic alone`() async throws {
        let (net, nodes) = try await start("gossipsub")
        for node in nodes { try await node.waitForFinality(of: 12) }
        for node in nodes {
            let counters = try topicCounters(node)
            #expect(counters["published"] ?? 0 >= 20, "\(counters)")
            #expect(counters["accepted"] ?? 0 >= 20, "\(counters)")
            #expect(counters["rejected"] == 0, "\(counters)")
            #expect(node.stop() == 0)
        }
        withExtendedLifetime(net) {}
    }

    /// An observer with a stock router, which is connected to one validator, hears the votes of all;
    /// what it publishes itself is judged.
    @Test(.timeLimit(.minutes(2)))
    func `an observer hears all votes, and its garbage and replays go no further`() async throws {
        let (net, nodes) = try await start("both")
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: 0x71, count: 32)))
        var logger = Logger(label: "observer")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: NetworkConfiguration(identity: identity), logger: logger)
        let service = swarm.register(
            PubSubRegistration(signing: .strictSign(identity, firstSequenceNumber: 1)))
        try await swarm.start()
        service.subscribe(Self.topic)
        try await swarm.connect(to: Multiaddr(try await nodes[0].listenAddress()))
        var voters: Set<AccountID> = []
        var copy: [UInt8] = []
        while voters.count < 3, let event = await service.nextEvent() {
            guard case .message(let delivery) = event else { continue }
            service.answer(delivery.id, .accept)
            guard case .vote(let vote)? = try? GossipMessage.decode(delivery.data) else { continue }
            voters.insert(vote.validator)
            copy = delivery.data
        }
        #expect(voters.count == 3)
        service.publish(copy, to: Self.topic)
        service.publish([0, 1, 2], to: Self.topic)
        try await eventually("the garbage is rejected") {
            try topicCounters(nodes[0])["rejected"] == 1
        }
        #expect(try topicCounters(nodes[0])["ignored"] ?? 0 >= 1)
        for node in nodes[1...] { #expect(try topicCounters(node)["rejected"] == 0) }
        let height = try nodes[0].rpc.finalisedNumber()
        try await nodes[0].waitForFinality(of: height + 3)
        await swarm.shutdown()
        for node in nodes { #expect(node.stop() == 0) }
        withExtendedLifetime(net) {}
    }

    private func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = Date(timeIntervalSinceNow: 20)
        while try !condition() {
            guard Date() < deadline else { throw TestFailure("not within 20 s: \(what)") }
            await Task.yield()
        }
    }
}
