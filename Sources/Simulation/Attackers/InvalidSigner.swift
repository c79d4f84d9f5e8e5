internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Sends votes whose signatures do not hold, now and then at first and more and more often, until
/// nobody listens any more.
struct InvalidSigner: Attacker {
    static let name = "invalid signer"

    private var permille = 50

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        let honest = AttackerMessage(channel: channel, peers: peers, message: message)
        guard channel == .votes, arms.random.chance(permille: permille),
            case .vote? = try? GossipMessage.decode(message.bytes)
        else { return [honest] }
        permille = min(1000, permille + 5)
        // The signature's last bytes stand before vote_type, round and set_id: 17 bytes.
        var bytes = message.bytes
        let position = bytes.count - 18 - arms.random.draw(0...1_000)
        bytes[position] ^= UInt8(arms.random.draw(1...255))
        let broken = OutboundMessage(bytes: bytes, priority: message.priority)
        return [AttackerMessage(channel: channel, peers: peers, message: broken)]
    }
}
