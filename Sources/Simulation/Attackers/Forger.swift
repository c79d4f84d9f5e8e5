internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Puts certificates together that nobody voted for: too few votes, one vote many times, signatures
/// of something else, prevotes for precommits, the wrong set.
struct Forger: Attacker {
    static let name = "forger"

    private var heard = HeardVotes()

    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        heard.note(bytes, on: channel)
        return []
    }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        // Few, for every one that is looked at costs a third of a ban.
        guard arms.random.chance(permille: 25), let target = arms.random.pick(arms.candidates),
            !heard.votes.isEmpty
        else { return [] }
        let round = RoundNumber(arms.view.round.rawValue + UInt64(arms.random.draw(0...2)))
        let set = arms.domain.set
        let count = arms.random.chance(permille: 150) ? set.quorum - 1 : set.quorum
        var entries: [VoteEntry] = []
        for index in 0..<count {
            guard let vote = arms.random.pick(heard.votes) else { continue }
            let state = Simulator.healthyState(QBER: 50)
            let validator = arms.random.chance(permille: 20) ? 0 : index
            entries.append(
                VoteEntry(
                    validator: ValidatorIndex(UInt16(validator)),
                    coherenceScore: state.coherenceScore ?? 0, quantumState: state,
                    signature: vote.signature))
        }
        let peers = Array(arms.somePeers().prefix(1))
        if arms.random.chance(permille: 500) {
            let quorum = QuorumCertificate(
                setID: set.id, round: round, target: target, entries: entries)
            return [arms.message(.quorumCertificate(quorum), to: peers)]
        }
        let hash = arms.random.chance(permille: 100) ? Hash256.zero : set.hash
        let certificate = FinalityCertificate(
            setID: set.id, setHash: hash, round: round, target: target, policy: set.policy,
            precommits: entries)
        return [arms.message(.certificate(certificate), to: peers)]
    }
}
