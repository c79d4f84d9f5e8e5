import TestSupport

/// Two of three validators run; one is killed (SIGKILL) and started again.
struct RestartFigures: Codable {
    let slotMilliseconds: Int
    /// From the start of the new process to the first block that is final there. Milliseconds.
    let startToFinality: Distribution

    static func measure(isQuick: Bool) async throws -> RestartFigures {
        let network = try await ValidatorNetwork(
            validators: 3, running: 2, slotMilliseconds: 500)
        try await network.run(blocks: 4)
        var times: [Double] = []
        for number in 0..<(isQuick ? 4 : 12) {
            let position = number % 2
            network.nodes[position].kill()
            let final = try network.finalisedNumber()
            let start = MachineClock.microseconds
            try await network.restart(position)
            try await network.nodes[position].waitForFinality(of: final + 1)
            let blocks = try network.clients[position].timings().blocks
            guard let first = blocks.filter({ $0.number > final }).compactMap(\.finalised).min()
            else { throw MeasurementFailure("no time of the first final block") }
            times.append(Double(first - start) / 1_000)
            try await network.run(blocks: 2)
        }
        network.stop()
        return RestartFigures(
            slotMilliseconds: 500, startToFinality: try Distribution(times, of: "restarts"))
    }
}

/// Three validators, all cut off from each other for a while.
struct PartitionFigures: Codable {
    let slotMilliseconds: Int
    /// How long the partitions lasted, seconds.
    let duration: Distribution
    /// From the return of the link to the first new final block: at the first node that has one,
    /// and at the last one. Milliseconds.
    let healToFirst: Distribution
    let healToLast: Distribution

    static func measure(isQuick: Bool) async throws -> PartitionFigures {
        let network = try await ValidatorNetwork(
            validators: 3, slotMilliseconds: 500, log: "info,author=debug")
        try await network.run(blocks: 4)
        let firewall = Firewall(ports: network.peerPorts)
        var figures: (duration: [Double], first: [Double], last: [Double]) = ([], [], [])
        // Alice makes a block every third slot: partitions of about 4, 8 and 15 s.
        for number in 0..<(isQuick ? 2 : 9) {
            let ownBlocks = [3, 5, 10][number % 3]
            let start = MachineClock.microseconds
            try firewall.close()
            do {
                try await waitForOwnBlocks(ownBlocks, at: network.nodes[0])
            } catch {
                try firewall.open()
                throw error
            }
            let final = try network.clients.map { try $0.finalisedNumber() }
            let healed = MachineClock.microseconds
            try firewall.open()
            figures.duration.append(Double(healed - start) / 1e6)
            var times: [Double] = []
            for (node, height) in zip(network.nodes, final) {
                try await node.waitForFinality(of: height + 1)
                let blocks = try RPCClient(port: node.rpcPort).timings().blocks
                guard
                    let first = blocks.filter({ $0.number > height }).compactMap(\.finalised).min()
                else { throw MeasurementFailure("no time of the first final block") }
                times.append(Double(first - healed) / 1_000)
            }
            figures.first.append(times.min() ?? 0)
            figures.last.append(times.max() ?? 0)
            try await network.run(blocks: 3)
        }
        network.stop()
        return PartitionFigures(
            slotMilliseconds: 500, duration: try Distribution(figures.duration, of: "partitions"),
            healToFirst: try Distribution(figures.first, of: "healing"),
            healToLast: try Distribution(figures.last, of: "healing"))
    }

    private static func waitForOwnBlocks(_ count: Int, at node: NodeProcess) async throws {
        for _ in 0..<count {
            let start = node.log.lines.count
            try await node.wait(for: "Slot author", from: start, seconds: 20)
        }
    }
}
