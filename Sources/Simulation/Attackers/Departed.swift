internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Leaves the validator set and goes on voting with its key: in the set that it was in, in rounds
/// that nobody ended and for blocks beyond the hand-off, and in the sets that it is not in.
struct Departed: Attacker {
    static let name = "departed validator"
    static let equivocates = true

    /// The last set that it was in.
    private var last: VotingDomain?

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        guard arms.validator == nil else {
            last = arms.domain
            return []
        }
        guard let last, arms.random.chance(permille: 300) else { return [] }
        // A vote of somebody who is no member costs a third of a ban.
        let domain = arms.random.chance(permille: 950) ? last : arms.domain
        let key = HeldKeys(arms.keys).publicKey(in: last.set) ?? arms.keys[0].publicKey
        let round = RoundNumber(UInt64(arms.random.draw(0...3)) + arms.view.round.rawValue)
        let phase: VotePhase = arms.random.chance(permille: 500) ? .prevote : .precommit
        let target = arms.random.pick(arms.candidates) ?? .nothing
        let vote = arms.vote(phase, in: round, of: domain, for: target, key: key)
        let peers = domain.set.id == last.set.id ? arms.peers : Array(arms.somePeers().prefix(1))
        return vote.map { [arms.message(.vote($0), to: peers)] } ?? []
    }
}
