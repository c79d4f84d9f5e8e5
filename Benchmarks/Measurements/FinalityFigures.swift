import TestSupport

/// How fast votes and finality were in a network over some blocks.
struct FinalityFigures: Codable {
    let validatorCount: Int
    let slotMilliseconds: Int
    /// Blocks that became final.
    let blockCount: Int
    /// Votes that were timed at one receiver at least.
    let voteCount: Int
    /// From the moment in which a vote is handed to the sender's network queues to the moment in
    /// which a receiver has verified and counted it: each pair of nodes. Milliseconds.
    let propagation: Distribution
    /// Pairs of a sent vote and a node that did not count it any more.
    let uncountedCount: Int
    /// From a block's import to its certificate, each node. Milliseconds.
    let importToFinality: Distribution
    /// From the start of a block's slot to its certificate, each node. Milliseconds.
    let slotToFinality: Distribution
    /// Rounds that ended without a certificate.
    let additionalRounds: Int
    /// The mean time of a commit of the chain's database and of the sign log, each with one
    /// synchronisation of the disk, and the longest one. Milliseconds.
    let chainCommitMean: Double
    let signLogCommitMean: Double
    let longestCommit: Double
    /// Commits of both kinds, of all nodes.
    let commitCount: Int

    /// Lets a network run for so many blocks and reads its nodes' tables.
    ///
    /// - Parameter positions: the nodes that run; their positions are those of their validators.
    static func measure(
        _ network: ValidatorNetwork, blocks: Int, positions: [Int]? = nil
    ) async throws -> FinalityFigures {
        let positions = positions ?? Array(network.nodes.indices)
        let clients = positions.map { RPCClient(port: network.nodes[$0].rpcPort) }
        let before = try clients.map { try $0.statistics() }
        let firstLine = network.nodes[positions[0]].log.lines.count
        let window = try await network.run(blocks: blocks)
        let after = try clients.map { try $0.statistics() }
        let timings = try clients.map { try $0.timings() }
        let votes = try VoteTable(timings, positions: positions, window: window)
        let offset = MachineClock.wallOffsetMicroseconds
        var importToFinality: [Double] = []
        var slotToFinality: [Double] = []
        var slots: [String: UInt64] = [:]
        for block in timings.flatMap(\.blocks) {
            guard let imported = block.imported, let finalised = block.finalised,
                window.contains(imported), window.contains(finalised)
            else { continue }
            importToFinality.append(Double(finalised - imported) / 1_000)
            let slot = try slots[block.hash] ?? clients[0].slot(ofBlock: block.hash)
            slots[block.hash] = slot
            let start = Int(slot) * network.slotMilliseconds * 1_000 - offset
            slotToFinality.append(Double(finalised - start) / 1_000)
        }
        let commits = CommitTimes(before, after)
        return FinalityFigures(
            validatorCount: network.validatorCount,
            slotMilliseconds: network.slotMilliseconds, blockCount: slots.count,
            voteCount: votes.voteCount,
            propagation: try Distribution(votes.milliseconds, of: "propagation"),
            uncountedCount: votes.uncountedCount,
            importToFinality: try Distribution(importToFinality, of: "finality"),
            slotToFinality: try Distribution(slotToFinality, of: "finality"),
            additionalRounds: additionalRounds(
                in: network.nodes[positions[0]].log.lines.dropFirst(firstLine)),
            chainCommitMean: commits.chainMean, signLogCommitMean: commits.signLogMean,
            longestCommit: commits.longest, commitCount: commits.count)
    }

    /// Between two certificates a node's log shows one round more, unless rounds failed.
    private static func additionalRounds(in lines: ArraySlice<String>) -> Int {
        let rounds = lines.compactMap { line in
            line.firstMatch(of: /Finalised #\d+ .* in round (\d+)/).flatMap { Int($0.1) }
        }
        return zip(rounds, rounds.dropFirst()).reduce(0) { $0 + max(0, $1.1 - $1.0 - 1) }
    }
}

/// The votes that all nodes timed, put together.
private struct VoteTable {
    private(set) var milliseconds: [Double] = []
    private(set) var voteCount = 0
    private(set) var uncountedCount = 0

    init(_ timings: [NodeTimings], positions: [Int], window: TimeWindow) throws {
        let counted = timings.map { node in
            Dictionary(node.votes.map { ($0.slot, $0.counted) }, uniquingKeysWith: { $1 })
        }
        for (sender, position) in positions.enumerated() {
            for vote in timings[sender].votes where vote.validator == position {
                // The last votes of the window may be under way still.
                guard let sent = vote.sent, sent >= window.start, sent < window.end - 400_000
                else { continue }
                var isTimed = false
                for receiver in timings.indices where receiver != sender {
                    guard let time = counted[receiver][vote.slot] ?? nil else {
                        uncountedCount += 1
                        continue
                    }
                    milliseconds.append(Double(time - sent) / 1_000)
                    isTimed = true
                }
                if isTimed { voteCount += 1 }
            }
        }
    }
}

/// What commits took between two looks at each of some nodes, in milliseconds.
struct CommitTimes {
    let count: Int
    let chainMean: Double
    let signLogMean: Double
    let longest: Double

    init(_ before: [NodeStatistics], _ after: [NodeStatistics]) {
        func total(_ part: (NodeStatistics) -> NodeStatistics.Commits) -> (count: Int, sum: Int) {
            zip(before, after).reduce((0, 0)) { total, pair in
                let (old, new) = (part(pair.0), part(pair.1))
                return (
                    total.0 + new.count - old.count,
                    total.1 + new.totalMicroseconds - old.totalMicroseconds
                )
            }
        }
        let chain = total(\.storage.chainCommits)
        let signLog = total(\.storage.signLogCommits)
        count = chain.count + signLog.count
        chainMean = Double(chain.sum) / 1_000 / Double(max(1, chain.count))
        signLogMean = Double(signLog.sum) / 1_000 / Double(max(1, signLog.count))
        let longest = after.map {
            max(
                $0.storage.chainCommits.longestMicroseconds,
                $0.storage.signLogCommits.longestMicroseconds)
        }
        self.longest = Double(longest.max() ?? 0) / 1_000
    }
}
