internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Votes in rounds far ahead besides its own, to drag the others along.
struct RoundRunner: Attacker {
    static let name = "round runner"
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            arms.random.chance(permille: 500)
        else { return [honest] }
        let distance = UInt64(1) << UInt64(arms.random.draw(1...12))
        let round = RoundNumber(vote.round.rawValue + distance)
        guard let signed = arms.vote(vote.phase, in: round, for: vote.target) else {
            return [honest]
        }
        let second = OutboundMessage(
            bytes: GossipMessage.vote(signed).scaleBytes, priority: message.priority)
        return [honest, AttackerMessage(channel: channel, peers: peers, message: second)]
    }
}
