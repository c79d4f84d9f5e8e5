import LibP2P
import Networking
import Synchronization
import TestSupport

/// Finality while peers with a connection in good order flood validators with invalid votes.
struct AttackFigures: Codable {
    let quiet: FinalityFigures
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
        let campaign = Campaign(network)
        let attacks = Task { try await campaign.run() }
        defer { campaign.end() }
        let attacked = try await FinalityFigures.measure(network, blocks: blocks)
        campaign.end()
        let report = try await attacks.value
        return AttackFigures(
            quiet: quiet, attacked: attacked, attackCount: report.count,
            votesPerAttack: Campaign.votesPerAttack, mostVerified: report.mostVerified,
            longestPatience: report.longestPatience)
    }

    /// One attacker after the other, at each validator in turn, until the task is cancelled.
    private final class Campaign: Sendable {
        static let votesPerAttack = 1_000

        private let ports: [Int]
        private let addresses: [Int: String]
        private let isOver = Mutex(false)

        init(_ network: ValidatorNetwork) {
            ports = network.nodes.map(\.rpcPort)
            addresses = Dictionary(
                uniqueKeysWithValues: zip(ports, network.peerPorts).map {
                    ($0, "/ip4/127.0.0.1/tcp/\($1)")
                })
        }

        func end() { isOver.withLock { $0 = true } }

        func run() async throws -> (count: Int, mostVerified: Int, longestPatience: Double) {
            var (count, mostVerified, longestPatience) = (0, 0, 0.0)
            while !isOver.withLock(\.self) {
                let port = ports[count % ports.count]
                let client = RPCClient(port: port)
                let before = try PeerVerdicts(of: client)
                let aim = try EvilPeer.Aim(at: client)
                let evil = try EvilPeer(seed: UInt64(count), aim: aim)
                let patience = try await evil.attack(
                    addresses[port] ?? "", count: Self.votesPerAttack,
                    flaws: EvilPeer.Flaw.allCases, aim: aim)
                let after = try PeerVerdicts(of: client)
                let isBanned = after.bannedPeers.contains("\(evil.swarm.localPeer)")
                await evil.swarm.shutdown()
                guard isBanned else { throw MeasurementFailure("an attacker was not banned") }
                mostVerified = max(mostVerified, after.badSignatures - before.badSignatures)
                longestPatience = max(longestPatience, patience / .milliseconds(1))
                count += 1
            }
            return (count, mostVerified, longestPatience)
        }
    }
}
