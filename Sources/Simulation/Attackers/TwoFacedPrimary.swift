internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Behaves until it is the primary of a round after a failed one; then it hints at one block to one
/// half of the validators and at another one to the rest.
struct TwoFacedPrimary: Attacker {
    static let name = "two-faced primary"
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            vote.phase == .prevote, arms.domain.set.primary(of: vote.round) == arms.validator
        else { return [honest] }
        let others = arms.candidates.filter { $0 != vote.target } + [.nothing]
        guard let target = arms.random.pick(others), let other = arms.vote(like: vote, for: target)
        else { return [honest] }
        let half = peers.filter { $0.rawValue % 2 == vote.round.rawValue % 2 }
        return [
            AttackerMessage(
                channel: channel, peers: peers.filter { !half.contains($0) }, message: message),
            arms.message(.vote(other), to: half),
        ]
    }
}
