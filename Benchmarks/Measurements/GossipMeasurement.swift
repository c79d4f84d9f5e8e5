import TestSupport

/// Votes by notifications, by GossipSub, and by both: the same chain and the same processes but for
/// `--gossip`.
struct GossipFigures: Codable {
    /// One of the ways.
    struct Way: Codable {
        /// What `--gossip` is set to.
        let name: String
        let finality: FinalityFigures
        let traffic: TrafficFigures.Network
        /// Votes received for each distinct one: on streams, and copies that the topic's router
        /// dropped. The router does not say what it dropped; a few of those are certificates.
        let copies: Double
        /// Payload received each second by a validator on the protocols that carry votes: the
        /// notification stream and GossipSub with its control messages. Bytes, mean and worst.
        let voteProtocolBytes: Double
        let worstVoteProtocolBytes: Double
    }

    let ways: [Way]

    static func measure(isQuick: Bool) async throws -> GossipFigures {
        var ways: [Way] = []
        for name in ["notifications", "gossipsub", "both"] {
            let network = try await ValidatorNetwork(
                validators: isQuick ? 4 : 10, slotMilliseconds: isQuick ? 1_000 : 3_000,
                options: ["--gossip", name])
            // Meshes form in the first heartbeats.
            try await network.run(blocks: isQuick ? 2 : 4)
            ways.append(try await observe(network, name, blocks: isQuick ? 3 : 20))
            network.stop()
        }
        return GossipFigures(ways: ways)
    }

    private static func observe(
        _ network: ValidatorNetwork, _ name: String, blocks: Int
    ) async throws -> Way {
        var watch = try TrafficWatch(network)
        let finality = try await FinalityFigures.measure(network, blocks: blocks)
        try watch.stop()
        let received = watch.total(\.gossip.entriesReceived)
        let copies = watch.total { $0.topic?.duplicates ?? 0 }
        let distinct = watch.total(\.gossip.entriesDistinct)
        let bytes = watch.rates { node in
            node.protocols.filter { isVoteProtocol($0.key) }.reduce(0) { $0 + $1.value.bytesIn }
        }
        return Way(
            name: name, finality: finality,
            traffic: TrafficFigures.Network(
                network, watch, blocks: finality.blockCount,
                importToFinality: finality.importToFinality),
            copies: Double(received + copies) / Double(max(1, distinct)),
            voteProtocolBytes: bytes.reduce(0, +) / Double(max(1, bytes.count)),
            worstVoteProtocolBytes: bytes.max() ?? 0)
    }

    private static func isVoteProtocol(_ name: String) -> Bool {
        name.contains("/coherence/") || name.contains("/meshsub/")
    }
}
