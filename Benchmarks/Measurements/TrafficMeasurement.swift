import TestSupport

/// What validators receive, compute and hold with slots of six seconds, by the size of the set.
struct TrafficFigures: Codable {
    /// A network of one size. Per validator and second where nothing else is said; means over the
    /// validators unless it says "worst".
    struct Network: Codable {
        let validatorCount: Int
        let seconds: Double
        let slotMilliseconds: Int
        let blockCount: Int
        /// Payload of votes and vote bundles received.
        let voteBytes: Double
        let worstVoteBytes: Double
        /// Payload of all vote gossip received.
        let gossipBytes: Double
        /// Payload of each protocol received, by its name without the genesis hash.
        let protocolBytes: [String: Double]
        /// All bytes that came from the sockets: framing, encryption and pings included.
        let socketBytes: Double
        /// Vote entries received for each distinct one.
        let duplicationFactor: Double
        let worstDuplicationFactor: Double
        /// Signatures of others verified for each block.
        let signaturesPerBlock: Double
        /// Processor time per time, 1 is one core.
        let processorShare: Double
        let worstProcessorShare: Double
        /// The most that a node held when a block had just become final.
        let heldBytes: Int
        let meanResidentBytes: Double
        let mostResidentBytes: Int
        let importToFinality: Distribution
    }

    let networks: [Network]
    /// A node of the same chain without peers, votes and blocks.
    let idleProcessorShare: Double
    let idleResidentBytes: Int

    static func measure(isQuick: Bool, isLarge: Bool) async throws -> TrafficFigures {
        var networks: [Network] = []
        let small = try await ValidatorNetwork(validators: 3, slotMilliseconds: 6_000)
        let idle = try await small.testnet.start(
            "idle", isValidator: false, bootnodes: [], log: "info")
        let client = RPCClient(port: idle.rpcPort)
        try await small.run(blocks: 1)
        let before = try client.statistics().process
        let start = MachineClock.microseconds
        networks.append(try await observe(small, blocks: isQuick ? 3 : 12))
        let after = try client.statistics().process
        let elapsed = MachineClock.microseconds - start
        small.stop()
        idle.kill()
        let sizes = isQuick ? [] : [4, 10, 18] + (isLarge ? [50] : [])
        for size in sizes {
            let network = try await ValidatorNetwork(validators: size, slotMilliseconds: 6_000)
            try await network.run(blocks: 2)
            networks.append(try await observe(network, blocks: 4))
            network.stop()
        }
        return TrafficFigures(
            networks: networks,
            idleProcessorShare: Double(after.cpuMicroseconds - before.cpuMicroseconds)
                / Double(elapsed),
            idleResidentBytes: after.residentBytes)
    }

    private static func observe(
        _ network: ValidatorNetwork, blocks: Int
    ) async throws -> Network {
        var watch = try TrafficWatch(network)
        let window = try await network.run(blocks: blocks)
        try watch.stop()
        let finality = try network.clients.flatMap { try $0.timings().blocks }.compactMap { block in
            block.imported.flatMap { imported in
                block.finalised.flatMap {
                    window.contains(imported) ? Double($0 - imported) / 1_000 : nil
                }
            }
        }
        return try Network(
            network, watch, blocks: blocks,
            importToFinality: Distribution(finality, of: "finality"))
    }
}

/// Two looks at each node of a network, and the time between them.
struct TrafficWatch {
    private let clients: [RPCClient]
    private let starts: [Int]
    private(set) var before: [NodeStatistics] = []
    private(set) var after: [NodeStatistics] = []
    /// Between the two looks at each node.
    private(set) var seconds: [Double] = []

    /// Takes the first look.
    init(_ network: ValidatorNetwork) throws {
        clients = network.clients
        var starts: [Int] = []
        for client in clients {
            starts.append(MachineClock.microseconds)
            before.append(try client.statistics())
        }
        self.starts = starts
    }

    /// Takes the second look.
    mutating func stop() throws {
        for (client, start) in zip(clients, starts) {
            seconds.append(Double(MachineClock.microseconds - start) / 1e6)
            after.append(try client.statistics())
        }
    }

    /// By how much a value grew at each node, per second.
    func rates(_ value: (NodeStatistics) -> Int) -> [Double] {
        zip(zip(before, after), seconds).map { pair, seconds in
            Double(value(pair.1) - value(pair.0)) / seconds
        }
    }

    /// By how much a value grew at all nodes together.
    func total(_ value: (NodeStatistics) -> Int) -> Int {
        zip(before, after).reduce(0) { $0 + value($1.1) - value($1.0) }
    }
}

extension TrafficFigures.Network {
    /// What was watched while so many blocks became final.
    init(
        _ network: ValidatorNetwork, _ watch: TrafficWatch, blocks: Int,
        importToFinality: Distribution
    ) {
        func rates(_ value: (NodeStatistics) -> Int) -> [Double] { watch.rates(value) }
        func mean(_ values: [Double]) -> Double {
            values.reduce(0, +) / Double(max(1, values.count))
        }
        let (before, after) = (watch.before, watch.after)
        validatorCount = network.validatorCount
        seconds = mean(watch.seconds)
        slotMilliseconds = network.slotMilliseconds
        blockCount = blocks
        let votes = rates {
            $0.gossip.receivedBytes["vote", default: 0]
                + $0.gossip.receivedBytes["voteBundle", default: 0]
        }
        voteBytes = mean(votes)
        worstVoteBytes = votes.max() ?? 0
        gossipBytes = mean(rates { $0.gossip.receivedBytes.values.reduce(0, +) })
        var protocolBytes: [String: Double] = [:]
        for name in Set(after.flatMap(\.protocols.keys)).sorted() {
            let rate = mean(rates { $0.protocols[name]?.bytesIn ?? 0 })
            protocolBytes[Self.withoutGenesisHash(name), default: 0] += rate
        }
        self.protocolBytes = protocolBytes
        socketBytes = mean(rates(\.connections.bytesIn))
        let received = rates(\.gossip.entriesReceived)
        let distinct = rates(\.gossip.entriesDistinct)
        duplicationFactor = mean(received) / max(mean(distinct), 1e-9)
        worstDuplicationFactor =
            zip(received, distinct).map { $0 / max($1, 1e-9) }.max() ?? duplicationFactor
        signaturesPerBlock =
            mean(rates(\.gossip.signaturesChecked)) * mean(watch.seconds) / Double(blocks)
        let shares = rates(\.process.cpuMicroseconds).map { $0 / 1e6 }
        processorShare = mean(shares)
        worstProcessorShare = shares.max() ?? 0
        heldBytes = (before + after).map(\.gossipHeldBytes).max() ?? 0
        meanResidentBytes = mean(after.map { Double($0.process.residentBytes) })
        mostResidentBytes = after.map(\.process.residentBytes).max() ?? 0
        self.importToFinality = importToFinality
    }

    /// `/block-announces/1` for `/<64 digits>/block-announces/1`.
    private static func withoutGenesisHash(_ name: String) -> String {
        let parts = name.split(separator: "/")
        guard let first = parts.first, first.count == 64 else { return name }
        return "/" + parts.dropFirst().joined(separator: "/")
    }
}
