internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Pretends to be far behind all the time and asks for everything: certificates, rounds, votes for
/// blocks. What it asks for is large, what it sends is small.
struct CatchUpAbuser: Attacker {
    static let name = "catch-up abuser"

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        let view = arms.view
        let nobody = Bits(validatorCount: arms.domain.set.count)
        let everybody = Bits(
            validatorCount: arms.domain.set.count,
            members: (0..<arms.domain.set.count).map { ValidatorIndex(UInt16($0)) })
        var messages: [AttackerMessage] = []
        for _ in 0..<arms.random.draw(1...12) {
            let phase: VotePhase = arms.random.chance(permille: 500) ? .prevote : .precommit
            let old =
                view.round.rawValue - min(view.round.rawValue, UInt64(arms.random.draw(0...9)))
            let content: GossipMessage
            switch arms.random.draw(0...3) {
            case 0:
                content = .certificateRequest(
                    number: BlockNumber(UInt32(arms.random.draw(0...10))))
            case 1:
                content = .roundRequest(
                    RoundRequest(
                        setID: arms.domain.set.id, round: view.round, phase: phase,
                        missing: everybody))
            case 2:
                content = .voteRequest(blockHash: arms.candidates.first?.hash ?? .zero)
            default:
                content = .status(
                    GossipStatus(
                        setID: arms.domain.set.id, round: RoundNumber(old),
                        finalisedNumber: BlockNumber(0), finalisedHash: arms.domain.genesisHash,
                        have: [
                            GossipStatus.Holding(
                                round: RoundNumber(old), phase: phase, validators: nobody)
                        ]))
            }
            messages.append(arms.message(content, to: arms.peers))
        }
        return messages
    }
}
