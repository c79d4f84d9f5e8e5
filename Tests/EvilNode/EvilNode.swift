import ArgumentParser
import Coherence
import LibP2P
import Logging
import Node
import Primitives
import SCALE
import VoteGossip

/// A validator that lies: the whole node, with its own votes tampered with on their way out.
///
/// For tests only. It keeps its own sign log and runs the same code as everybody else; what it sends
/// is another matter.
@main
struct EvilNode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-evil-node",
        abstract: "A lying validator, for tests.")

    @Option var chain: String
    @Option var basePath: String
    @Option var listenAddr: String
    @Option var suri: String
    @Option var rpcPort: Int
    @Option(parsing: .upToNextOption) var bootnodes: [String] = []
    @Option var behaviour: Behaviour
    @Option(name: .short) var log = "info"

    func run() async throws {
        var configuration = NodeConfiguration()
        configuration.chain = .file(path: chain)
        configuration.basePath = basePath
        configuration.listenAddresses = [try Multiaddr(listenAddr)]
        configuration.suri = suri
        configuration.rpcPort = rpcPort
        configuration.bootnodes = try bootnodes.map { try Multiaddr($0) }
        configuration.isValidator = true
        configuration.usesMulticastDNS = false
        configuration.voteTampering = Liar(behaviour: behaviour)
        let filter = try LogFilter(log)
        let control = LogControl(filter)
        LoggingSystem.bootstrap { LineLogHandler(label: $0, control: control) }
        try await NodeRun.untilInterrupted(configuration)
    }
}

/// How an evil node lies.
enum Behaviour: String, ExpressibleByArgument, CaseIterable {
    /// One half of the peers gets its vote, the other half a vote for nothing in the same slot, and
    /// two of those both.
    case equivocate
    /// Its signatures do not verify.
    case invalid
    /// It says nothing.
    case silent
}

/// Tampers with the node's own votes.
struct Liar: VoteTampering {
    let behaviour: Behaviour

    func outbound(
        _ message: [UInt8], to peers: [PeerHandle], in domain: VotingDomain,
        sign: @Sendable (_ bytes: [UInt8]) async -> [UInt8]?
    ) async -> [(peers: [PeerHandle], message: [UInt8])] {
        guard case .vote(let vote)? = try? GossipMessage.decode(message) else {
            // Silence includes bundles and certificates; the other liars pass them on.
            return behaviour == .silent ? [] : [(peers, message)]
        }
        switch behaviour {
        case .silent: return []
        case .invalid:
            var bytes = message
            // Within the signature.
            bytes[message.count - 100] ^= 1
            return [(peers, bytes)]
        case .equivocate:
            let others = peers.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            guard !vote.target.isNil, !others.isEmpty, let other = await nilVote(vote, domain, sign)
            else { return [(peers, message)] }
            let half = peers.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            return [
                (half + others.suffix(2), message), (others, GossipMessage.vote(other).scaleBytes),
            ]
        }
    }

    /// A vote for nothing in the slot of another vote.
    private func nilVote(
        _ vote: CoherenceVote, _ domain: VotingDomain,
        _ sign: @Sendable (_ bytes: [UInt8]) async -> [UInt8]?
    ) async -> CoherenceVote? {
        let bytes = domain.signedBytes(
            round: vote.round, phase: vote.phase, validator: vote.validator, target: .nothing,
            coherenceScore: 0, quantumState: .zero)
        guard let signature = await sign(bytes).flatMap({ VoteSignature($0) }) else { return nil }
        return CoherenceVote(
            validator: vote.validator, target: .nothing, coherenceScore: 0, quantumState: .zero,
            signature: signature, phase: vote.phase, round: vote.round, setID: vote.setID)
    }
}
