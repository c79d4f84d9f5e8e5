internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Votes in rounds ahead, some far and some near, all the time, to drag the others along.
struct RoundRunner: Attacker {
    static let name = "round runner"
    static let equivocates = true

    private var highest: UInt64 = 0

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes, arms.random.chance(permille: 100),
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes)
        else { return [honest] }
        let distance = UInt64(1) << UInt64(arms.random.draw(1...12))
        let round = RoundNumber(vote.round.rawValue + distance)
        guard let signed = arms.vote(vote.phase, in: round, for: vote.target) else {
            return [honest]
        }
        return [honest, arms.message(.vote(signed), to: peers)]
    }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        if arms.random.chance(permille: 50) {
            // The last round that anybody listens to: whoever goes there has nowhere to go on.
            let open = arms.view.certificate.map { $0.round.rawValue + 1 } ?? 0
            let last = RoundNumber(open + (1 << 20) - 1)
            let vote = arms.vote(.precommit, in: last, for: .nothing)
            return vote.map { [arms.message(.vote($0), to: arms.peers)] } ?? []
        }
        // A step above the round that everybody would be in if it were up to this one.
        highest = max(highest, arms.view.round.rawValue) + UInt64(arms.random.draw(1...4))
        let phase: VotePhase = arms.random.chance(permille: 500) ? .prevote : .precommit
        guard let vote = arms.vote(phase, in: RoundNumber(highest), for: .nothing) else {
            return []
        }
        return [arms.message(.vote(vote), to: arms.peers)]
    }
}
