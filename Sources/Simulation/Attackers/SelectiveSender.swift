internal import Coherence
internal import Primitives
internal import Validator

/// Sends everything to some peers only, and to others after a while: blocks, votes, certificates.
struct SelectiveSender: Attacker {
    static let name = "selective sender"

    private var favoured: [PeerHandle] = []
    private var remaining = 0

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        if remaining == 0 {
            remaining = arms.random.draw(5...80)
            favoured = (0..<arms.domain.set.count).map { PeerHandle(UInt64($0) + 1) }
                .filter { _ in arms.random.chance(permille: 500) }
        }
        remaining -= 1
        let chosen = peers.filter { favoured.contains($0) }
        return [AttackerMessage(channel: channel, peers: chosen, message: message)]
    }
}
