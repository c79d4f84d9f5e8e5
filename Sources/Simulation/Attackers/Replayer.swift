internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Sends votes of others again: as they were, in another round, phase or set, or for another chain.
struct Replayer: Attacker {
    static let name = "replayer"

    private var heard = HeardVotes()

    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        heard.note(bytes, on: channel)
        return []
    }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        let peers = arms.somePeers()
        guard let vote = arms.random.pick(heard.votes) else { return [] }
        // What is replayed unchanged is never punished; each change costs a third of a ban.
        guard arms.random.chance(permille: 150) else {
            return [arms.message(.vote(vote), to: peers)]
        }
        let round = RoundNumber(arms.view.round.rawValue + UInt64(arms.random.draw(0...1)))
        let isMoved = arms.random.chance(permille: 700)
        let isFlipped = arms.random.chance(permille: 200)
        let setID = arms.random.chance(permille: 200) ? SetID(vote.setID.rawValue + 1) : vote.setID
        let changed = CoherenceVote(
            validator: vote.validator, target: vote.target, coherenceScore: vote.coherenceScore,
            quantumState: vote.quantumState, signature: vote.signature,
            phase: isFlipped ? (vote.phase == .prevote ? .precommit : .prevote) : vote.phase,
            round: isMoved ? round : vote.round, setID: setID)
        return [arms.message(.vote(changed), to: Array(peers.prefix(1)))]
    }
}
