import LibP2P
import Networking
import Synchronization
import TestSupport

/// Finality while peers with a connection in good order flood validators with invalid votes.
struct AttackFigures: Codable {
    let quiet: FinalityFigures
    /// With one attacker a block.
    let harassed: FinalityFigures
    /// With one attacker after the other, without a pause.
    let attacked: FinalityFigures
    let attackCount: Int
    let votesPerAttack: Int
    /// The most signatures of one attacker that were verified before it was cut off.
    let mostVerified: Int
    /// The longest time that a validator put up with an attacker, milliseconds.
    let longestPatience: Double

    static func measure(isQuick: Bool) async throws -> AttackFigures {
        let blocks = isQuick ? 12 : 40
        let network = try await ValidatorNetwork(validators: 3, slotMilliseconds: 500)
        try await network.run(blocks: 4)
        let quiet = try await FinalityFigures.measure(network, blocks: blocks)
        let (harassed, single) = try await measure(network, blocks: blocks, isPaced: true)
        let (attacked, report) = try await measure(network, blocks: blocks, isPaced: false)
        return AttackFigures(
            quiet: quiet, harassed: harassed, attacked: attacked, attackCount: report.count,
            votesPerAttack: Campaign.votesPerAttack,
            mostVerified: max(single.mostVerified, report.mostVerified),
            longestPatience: max(single.longestPatience, report.longestPatience))
    }

    private static func measure(
        _ network: ValidatorNetwork, blocks: Int, isPaced: Bool
    ) async throws -> (FinalityFigures, Campaign.Report) {
        let campaign = Campaign(network, isPaced: isPaced)
        let attacks = Task { try await campaign.run() }
        defer { campaign.end() }
        let figures = try await FinalityFigures.measure(network, blocks: blocks)
        campaign.end()
        return (figures, try await attacks.value)
    }

    /// One attacker after the other, at each validator in turn, until the task is cancelled.
    private final class Campaign: Sendable {
        static let votesPerAttack = 1_000

        struct Report {
            var count = 0
            var mostVerified = 0
            var longestPatience = 0.0
        }

        private let isPaced: Bool
        private let log: LineLog
        private let ports: [Int]
        private let addresses: [Int: String]
        private let isOver = Mutex(false)

        /// - Parameter isPaced: an attacker waits until a further block is final.
        init(_ network: ValidatorNetwork, isPaced: Bool) {
            self.isPaced = isPaced
            log = network.nodes[0].log
            ports = network.nodes.map(\.rpcPort)
            addresses = Dictionary(
                uniqueKeysWithValues: zip(ports, network.peerPorts).map {
                    ($0, "/ip4/127.0.0.1/tcp/\($1)")
                })
        }

        func end() { isOver.withLock { $0 = true } }

        func run() async throws -> Report {
            var report = Report()
            while !isOver.withLock(\.self) {
                let line = log.lines.count
                let port = ports[report.count % ports.count]
                let client = RPCClient(port: port)
                let before = try PeerVerdicts(of: client)
                let aim = try EvilPeer.Aim(at: client)
                let evil = try EvilPeer(seed: UInt64.random(in: 0...UInt64.max), aim: aim)
                let patience = try await evil.attack(
                    addresses[port] ?? "", count: Self.votesPerAttack,
                    flaws: EvilPeer.Flaw.allCases, aim: aim)
                let after = try PeerVerdicts(of: client)
                let isBanned = after.bannedPeers.contains("\(evil.swarm.localPeer)")
                await evil.swarm.shutdown()
                guard isBanned else { throw MeasurementFailure("an attacker was not banned") }
                report.mostVerified = max(
                    report.mostVerified, after.badSignatures - before.badSignatures)
                report.longestPatience = max(report.longestPatience, patience / .milliseconds(1))
                report.count += 1
                guard isPaced else { continue }
                _ = try await log.wait(from: line, for: "a final block", seconds: 60) {
                    NodeProcess.finalisedNumber(in: $0) != nil
                }
            }
            return report
        }
    }
}
