internal import Primitives
internal import Validator

/// Says nothing on the vote channel, and makes blocks all the same.
struct SilentValidator: Attacker {
    static let name = "silent"

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        channel == .votes
            ? [] : [AttackerMessage(channel: channel, peers: peers, message: message)]
    }
}
