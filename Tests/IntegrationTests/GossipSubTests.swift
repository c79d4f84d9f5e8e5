import Foundation
import TestSupport
import Testing

/// Votes over the topic, between real validators: the others know the first one only, and let nobody
/// else in, so that it passes on what they say.
@Suite(.serialized) struct GossipSubTests {
    private static let names = ["alice", "bob", "charlie", "dave"]

    private func run(
        gossip: [String], _ body: ([NodeProcess]) async throws -> Void
    ) async throws {
        let net = try Testnet(slotMilliseconds: 1_000, validators: 4)
        var nodes: [NodeProcess] = []
        for (name, gossip) in zip(Self.names, gossip) {
            let star = net.bootnode.map { ["--reserved-only", "--reserved-nodes", $0] } ?? []
            nodes.append(
                try await net.start(
                    name, log: "info,coherence=debug", options: ["--gossip", gossip] + star))
        }
        for node in nodes { try await node.waitForFinality(of: 5) }
        let hashes = try nodes.map { try $0.rpc.string("chain_getBlockHash", [5]) }
        #expect(Set(hashes).count == 1)
        try await body(nodes)
        for node in nodes { #expect(node.stop() == 0) }
    }

    private func statistics(_ node: NodeProcess) throws -> (gossip: Counts, topic: Counts) {
        let all = try node.rpc.object("coherence_statistics")
        return (Counts(all["gossip"]), Counts(all["topic"]))
    }

    @Test(.timeLimit(.minutes(2)))
    func `four validators finalise over the topic`() async throws {
        try await run(gossip: ["gossipsub", "gossipsub", "gossipsub", "gossipsub"]) { nodes in
            for node in nodes {
                let (gossip, topic) = try statistics(node)
                // Whoever starts last gets the first blocks without their votes.
                #expect(topic["published"] >= 4 && topic["accepted"] >= 12, "\(node.name)")
                #expect(topic["rejected"] == 0 && topic["unverified"] == 0, "\(node.name)")
                #expect(topic["subscribers"] == (node.name == "alice" ? 3 : 1), "\(node.name)")
                #expect(gossip["published"] == topic["published"], "\(node.name)")
                #expect(gossip["bans"] == 0, "\(node.name)")
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what comes by stream and topic is verified once, and nodes of both kinds finalise`()
        async throws
    {
        try await run(gossip: ["both", "both", "gossipsub", "notifications"]) { nodes in
            for node in nodes {
                let (gossip, topic) = try statistics(node)
                #expect(topic["rejected"] == 0 && topic["unverified"] == 0, "\(node.name)")
                // Single votes; certificates cost q signatures each.
                let single = gossip["entriesDistinct"]
                let others = gossip["signaturesChecked"] - single
                #expect(others <= 3 * gossip["certificatesReceived"], "\(node.name): \(gossip)")
            }
            let validators = try nodes[0].rpc.object("coherence_validators")
            #expect((validators["validators"] as? [Any])?.count == 4)
            let hash = try nodes[1].rpc.string("chain_getBlockHash", [4])
            let votes = try #require(
                try nodes[1].rpc.call("coherence_votes", [hash]) as? [[String: Any]])
            let slots = votes.map {
                "\($0["round"] ?? "") \($0["voteType"] ?? "") \($0["index"] ?? "")"
            }
            #expect(!slots.isEmpty && Set(slots).count == slots.count)
        }
    }

    @Test func `--gossip takes three words`() throws {
        let (status, output) = try Program.run(
            "quantumharmony-node", ["--dev", "--gossip", "shouting"])
        #expect(status == 64)
        #expect(output.contains("--gossip takes notifications, gossipsub or both"), "\(output)")
        let help = try Program.run("quantumharmony-node", ["run", "--help"])
        #expect(help.output.contains("--gossip <notifications|gossipsub|both>"), "\(help.output)")
    }
}

/// Numbers of a statistic by name; what is not there is 0.
private struct Counts {
    private let numbers: [String: Any]

    init(_ value: Any?) { numbers = value as? [String: Any] ?? [:] }

    subscript(name: String) -> Int {
        if name == "certificatesReceived" {
            let received = Counts(numbers["received"])
            return received["certificate"] + received["quorumCertificate"]
        }
        return numbers[name] as? Int ?? 0
    }
}
