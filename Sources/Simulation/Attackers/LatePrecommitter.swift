internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

/// Keeps its precommits back until the others have moved on.
struct LatePrecommitter: Attacker {
    static let name = "late precommitter"

    private var kept: [(message: AttackerMessage, turns: Int)] = []

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let unchanged = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes,
            case .vote(let vote)? = try? GossipMessage.decode(message.bytes),
            vote.phase == .precommit, kept.count < 64
        else { return [unchanged] }
        kept.append((unchanged, arms.random.draw(1...30)))
        return []
    }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        for place in kept.indices { kept[place].turns -= 1 }
        let due = kept.filter { $0.turns <= 0 }.map(\.message)
        kept.removeAll { $0.turns <= 0 }
        return due
    }
}
