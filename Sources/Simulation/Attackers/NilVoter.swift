internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Says nil in every slot, whatever its core decided.
struct NilVoter: Attacker {
    static let name = "nil voter"
    // Its core counts what it decided, and may show that in a certificate.
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes), !vote.target.isNil,
            let other = arms.vote(like: vote, for: .nothing)
        else { return [AttackerMessage(channel: channel, peers: peers, message: message)] }
        return [arms.message(.vote(other), to: peers)]
    }
}
