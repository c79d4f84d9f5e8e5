internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Behaves until it is the primary of a round after a failed one; then it hints at one block to one
/// half of the validators and at another one to the rest.
struct TwoFacedPrimary: Attacker {
    static let name = "two-faced primary"
    static let equivocates = true

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            vote.phase == .prevote, arms.domain.primary(of: vote.round) == arms.validator
        else { return [honest] }
        let others = arms.candidates.filter { $0 != vote.target } + [.nothing]
        guard let target = arms.random.pick(others), let other = arms.vote(like: vote, for: target)
        else { return [honest] }
        let half = peers.filter { $0.rawValue % 2 == vote.round.rawValue % 2 }
        return [
            AttackerMessage(
                channel: channel, peers: peers.filter { !half.contains($0) }, message: message),
            arms.message(.vote(other), to: half),
        ]
    }
}

extension VotingDomain {
    /// The primary of a round, as docs/protocol.md defines it.
    fileprivate func primary(of round: RoundNumber) -> ValidatorIndex {
        let count = UInt64(set.count)
        var seed: UInt64 = 0
        for byte in set.hash.bytes.prefix(8).reversed() { seed = seed << 8 | UInt64(byte) }
        return ValidatorIndex(UInt16((round.rawValue % count + seed % count) % count))
    }
}
