internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Votes twice in many slots: one vote to some peers, the other one to the rest, or both to all.
struct Equivocator: Attacker {
    static let name = "equivocator"
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            arms.random.chance(permille: 700)
        else { return [honest] }
        let targets = (arms.candidates + [.nothing]).filter { $0 != vote.target }
        guard let target = arms.random.pick(targets),
            let other = arms.vote(like: vote, for: target)
        else { return [honest] }
        let second = OutboundMessage(
            bytes: GossipMessage.vote(other).scaleBytes, priority: message.priority)
        if arms.random.chance(permille: 200) {
            return [honest, AttackerMessage(channel: channel, peers: peers, message: second)]
        }
        let chosen = peers.filter { _ in arms.random.chance(permille: 500) }
        let rest = peers.filter { !chosen.contains($0) }
        return [
            AttackerMessage(channel: channel, peers: chosen, message: second),
            AttackerMessage(channel: channel, peers: rest, message: message),
        ]
    }
}
