internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Sends votes, quorum certificates and certificates of sets that are over: as they were, or as if
/// they were of the set that votes now.
struct OldSetReplayer: Attacker {
    static let name = "replayer of old sets"
    private static let limit = 48

    /// What was heard of the set that votes now.
    private var heard: [GossipMessage] = []
    /// What was heard of earlier sets.
    private var old: [GossipMessage] = []
    private var set = SetID(0)

    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        if arms.domain.set.id > set {
            set = arms.domain.set.id
            old = Array((old + heard).suffix(2 * Self.limit))
            heard = []
        }
        guard channel == .votes, GossipMessage.carriesVotes(bytes),
            let message = try? GossipMessage.decode(bytes)
        else { return [] }
        if heard.count == Self.limit { heard.removeFirst() }
        heard.append(message)
        return []
    }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        guard let message = arms.random.pick(old) else { return [] }
        let peers = arms.somePeers()
        // What is replayed unchanged is never punished; each change costs a third of a ban.
        guard arms.random.chance(permille: 100) else { return [arms.message(message, to: peers)] }
        return Self.renewed(message, in: arms.domain.set)
            .map { [arms.message($0, to: Array(peers.prefix(1)))] } ?? []
    }

    /// The same signatures, said to be of another set.
    private static func renewed(_ message: GossipMessage, in set: ValidatorSet) -> GossipMessage? {
        switch message {
        case .vote(let vote):
            return .vote(
                CoherenceVote(
                    validator: vote.validator, target: vote.target,
                    coherenceScore: vote.coherenceScore, quantumState: vote.quantumState,
                    signature: vote.signature, phase: vote.phase, round: vote.round, setID: set.id))
        case .quorumCertificate(let quorum):
            return .quorumCertificate(
                QuorumCertificate(
                    setID: set.id, round: quorum.round, target: quorum.target,
                    entries: quorum.entries))
        case .certificate(let certificate):
            return .certificate(
                FinalityCertificate(
                    setID: set.id, setHash: set.hash, round: certificate.round,
                    target: certificate.target, policy: certificate.policy,
                    precommits: certificate.precommits))
        default: return nil
        }
    }
}
