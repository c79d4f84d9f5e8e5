internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Votes in rounds ahead, some far and some near, all the time, to drag the others along; or, every
/// other one, one round ahead of whatever it hears, so that no round is ever finished.
struct RoundRunner: Attacker {
    static let name = "round runner"
    static let equivocates = true

    private var highest: UInt64 = 0
    private var keepsPace: Bool?

    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        guard channel == .votes, keepsPace == true,
            case .vote(let heard)? = try? GossipMessage.decode(bytes),
            heard.round.rawValue >= highest, heard.round.rawValue < RoundNumber.limit - 1
        else { return [] }
        highest = heard.round.rawValue + 1
        let vote = arms.vote(.prevote, in: RoundNumber(highest), for: .nothing)
        return vote.map { [arms.message(.vote($0), to: arms.peers)] } ?? []
    }

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes, keepsPace == false, arms.random.chance(permille: 100),
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
        let isPacer = keepsPace ?? arms.random.chance(permille: 500)
        keepsPace = isPacer
        if isPacer { return [] }
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
