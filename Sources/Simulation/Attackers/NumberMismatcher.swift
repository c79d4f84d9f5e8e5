internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Signs votes whose height is not that of their block.
struct NumberMismatcher: Attacker {
    static let name = "number mismatcher"
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes, arms.random.chance(permille: 100),
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            let block = vote.target.block
        else { return [honest] }
        let number = block.number.rawValue &+ (arms.random.chance(permille: 500) ? 1 : .max)
        guard number > 0, let target = VoteTarget(hash: block.hash, number: BlockNumber(number)),
            let other = arms.vote(like: vote, for: target)
        else { return [honest] }
        return [arms.message(.vote(other), to: peers)]
    }
}
