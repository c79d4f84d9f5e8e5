internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Rotates its key and goes on signing with the retired one: in the set before, whatever it signed
/// there already, and in the set that has the new key.
struct RetiredKey: Attacker {
    static let name = "holder of a retired key"
    static let equivocates = true

    private var current: VotingDomain?
    private var previous: VotingDomain?

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        if current?.set.id != arms.domain.set.id {
            previous = current
            current = arms.domain
        }
        guard let previous, let retired = HeldKeys(arms.keys).publicKey(in: previous.set),
            retired != HeldKeys(arms.keys).publicKey(in: arms.domain.set),
            arms.random.chance(permille: 300)
        else { return [] }
        let isOld = arms.random.chance(permille: 950)
        let round = RoundNumber(UInt64(arms.random.draw(0...8)))
        let phase: VotePhase = arms.random.chance(permille: 500) ? .prevote : .precommit
        let target = arms.random.pick(arms.candidates) ?? .nothing
        let vote = arms.vote(
            phase, in: round, of: isOld ? previous : arms.domain, for: target, key: retired)
        let peers = isOld ? arms.peers : Array(arms.somePeers().prefix(1))
        return vote.map { [arms.message(.vote($0), to: peers)] } ?? []
    }
}
