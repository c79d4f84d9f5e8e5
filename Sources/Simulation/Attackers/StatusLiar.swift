internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Lies in every status: about its round, its finalised block, its lock and the votes it holds.
struct StatusLiar: Attacker {
    static let name = "status liar"

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        guard channel == .votes,
            case .status(var status)? = try? GossipMessage.decode(message.bytes)
        else { return [AttackerMessage(channel: channel, peers: peers, message: message)] }
        let truth = status
        func number(_ other: UInt64) -> UInt64 {
            switch arms.random.draw(0...4) {
            case 0: 0
            case 1: RoundNumber.limit - 1
            case 2: other + UInt64(arms.random.draw(1...1_000))
            default: other - min(other, UInt64(arms.random.draw(0...4)))
            }
        }
        status.round = RoundNumber(number(truth.round.rawValue))
        let height = number(UInt64(truth.finalisedNumber.rawValue))
        status.finalisedNumber = BlockNumber(UInt32(clamping: height))
        status.lockRound = arms.random.chance(permille: 500) ? status.round : nil
        status.highestQuorumRound = arms.random.chance(permille: 500) ? status.round : nil
        let count = arms.domain.set.count
        let everybody = Bits(
            validatorCount: count, members: (0..<count).map { ValidatorIndex(UInt16($0)) })
        status.have = truth.have.map { held in
            let shown = arms.random.chance(permille: 500) ? everybody : Bits(validatorCount: count)
            return GossipStatus.Holding(round: held.round, phase: held.phase, validators: shown)
        }
        return [arms.message(.status(status), to: peers)]
    }
}
