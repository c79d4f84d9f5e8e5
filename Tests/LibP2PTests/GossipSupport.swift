import LibP2P
import Primitives
import Testing

typealias GossipEffect = GossipSubRouter.Effect

/// Identities, names and messages of the GossipSub tests.
enum Gossip {
    static let topic = "/test/votes/1"
    /// A message long enough for IDONTWANT, as a vote is.
    static let vote = [UInt8](repeating: 7, count: 1_430)

    static func identity(_ number: Int) -> NodeIdentity {
        let seed = [UInt8](repeating: 0, count: 30) + [UInt8(number >> 8), UInt8(number & 0xFF)]
        guard let identity = NodeIdentity(seed: seed) else {
            preconditionFailure("32 bytes are a seed")
        }
        return identity
    }

    static func peer(_ number: Int) -> PeerID { identity(number).peerID }

    static func id(_ author: Int, _ number: UInt64) -> MessageID {
        MessageID(
            peer(author).bytes + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }

    /// The router of node 0.
    static func router(
        seed: UInt64 = 1, _ configure: (inout GossipSubConfiguration) -> Void = { _ in }
    ) -> GossipSubRouter {
        var configuration = GossipSubConfiguration()
        configure(&configuration)
        return GossipSubRouter(
            signing: .strictSign(identity(0), firstSequenceNumber: 1),
            configuration: configuration, seed: seed)
    }

    /// A message that node `author` signed.
    static func message(
        by author: Int, _ number: UInt64, _ data: [UInt8] = [1], topic: String = topic
    ) -> PubSubMessage {
        PubSubMessage(
            topic: topic, data: data, sequenceNumber: number, identity: identity(author))
    }

    static func rpc(_ body: (inout GossipRPC) -> Void) -> GossipRPC {
        var rpc = GossipRPC()
        body(&rpc)
        return rpc
    }

    static func subscribing(_ topic: String = topic) -> GossipRPC {
        rpc { $0.subscriptions = [.init(topic, isSubscribed: true)] }
    }

    static func carrying(_ message: PubSubMessage) -> GossipRPC { rpc { $0.messages = [message] } }
}

extension GossipSubRouter {
    /// Connects peers whose streams are open; each takes part in the topic.
    @discardableResult
    mutating func join(
        _ numbers: [Int], version: GossipSubVersion = .v1_2, isOutbound: Bool = true,
        network: [UInt8]? = nil, subscribed: Bool = true, at milliseconds: UInt64 = 0
    ) -> [Effect] {
        var effects: [Effect] = []
        for number in numbers {
            let peer = Gossip.peer(number)
            effects += handle(
                .connected(peer, isOutbound: isOutbound, network: network), at: milliseconds)
            effects += handle(.streamOpened(peer, version), at: milliseconds)
            if subscribed {
                effects += receive(Gossip.subscribing(), from: number, at: milliseconds)
            }
        }
        return effects
    }

    mutating func handle(_ input: Input, at milliseconds: UInt64) -> [Effect] {
        handle(input, now: .milliseconds(milliseconds))
    }

    mutating func receive(
        _ rpc: GossipRPC, from number: Int, at milliseconds: UInt64 = 0
    ) -> [Effect] {
        handle(.received(Gossip.peer(number), rpc), at: milliseconds)
    }

    /// Runs every heartbeat up to that time, the first at 100 ms.
    @discardableResult
    mutating func beat(until milliseconds: UInt64, from first: UInt64 = 100) -> [Effect] {
        stride(from: first, through: milliseconds, by: 1_000).flatMap {
            handle(.timer, at: $0)
        }
    }

    func score(_ number: Int, at milliseconds: UInt64) -> Double {
        score(of: Gossip.peer(number), now: .milliseconds(milliseconds)) ?? .nan
    }
}

extension [GossipEffect] {
    /// What is said to a peer, in one piece.
    func sent(to number: Int) -> GossipRPC {
        var sum = GossipRPC()
        for case .send(Gossip.peer(number), let rpc) in self {
            sum.subscriptions += rpc.subscriptions
            sum.messages += rpc.messages
            sum.advertisements += rpc.advertisements
            sum.wanted += rpc.wanted
            sum.grafts += rpc.grafts
            sum.prunes += rpc.prunes
            sum.unwanted += rpc.unwanted
        }
        return sum
    }

    /// The peers to which something is said that `isMeant` takes, by number.
    func addressees(of numbers: [Int], where isMeant: (GossipRPC) -> Bool) -> [Int] {
        numbers.filter { isMeant(sent(to: $0)) }
    }

    var deliveries: [PubSubDelivery] {
        compactMap { if case .validate(let delivery) = $0 { delivery } else { nil } }
    }
}
