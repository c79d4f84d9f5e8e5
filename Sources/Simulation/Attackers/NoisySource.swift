internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Goes on voting although its own error rate is above 11 %, or says a score that its error rate
/// does not give.
struct NoisySource: Attacker {
    static let name = "noisy source"

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes, arms.random.chance(permille: 60),
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes), !vote.target.isNil
        else { return [honest] }
        let isNoisy = arms.random.chance(permille: 500)
        let state = Simulator.healthyState(QBER: isNoisy ? 1_101 : 600)
        guard
            let other = arms.vote(
                vote.phase, in: vote.round, for: vote.target, state, score: isNoisy ? 0 : 100)
        else { return [honest] }
        // No validator counts it, so it is no vote.
        arms.signed.removeLast()
        return [arms.message(.vote(other), to: peers)]
    }
}
