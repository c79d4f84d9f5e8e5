internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// Attackers: what they send instead of their cores' messages, on hearing something, and on their
// own.
extension Simulator {
    private static let attackPause: ClosedRange<Duration> = .milliseconds(50)...(.milliseconds(400))

    /// An attacker does something of its own accord, and again after a while.
    mutating func attack(_ node: Int) {
        let pause = nodes[node].random.duration(Self.attackPause)
        heap.push(.attack(node: node, life: nodes[node].life), at: now + pause)
        letAttack(node) { $0.act(with: &$1) }
    }

    /// What leaves an attacker instead of a message.
    mutating func sendAltered(
        _ message: OutboundMessage, _ channel: Channel, _ peers: [PeerHandle], _ node: Int
    ) {
        letAttack(node) { $0.send(message, on: channel, to: peers, with: &$1) }
    }

    /// An attacker hears something.
    mutating func overhear(_ bytes: [UInt8], _ channel: Channel, from sender: Int, _ node: Int) {
        let peer = Self.handle(sender)
        letAttack(node) { $0.hear(bytes, on: channel, from: peer, with: &$1) }
    }

    private mutating func letAttack(
        _ node: Int,
        _ body: (inout any Attacker, inout AttackerArms) -> [AttackerMessage]
    ) {
        guard var attacker = nodes[node].attacker, var arms = arms(of: node) else { return }
        let messages = body(&attacker, &arms)
        nodes[node].attacker = attacker
        nodes[node].random = arms.random
        for vote in arms.signed {
            guard let slot = domain(of: vote.setID)?.slot(of: vote) else { continue }
            fail(history.add(slot, vote.target, isHonest: false, checksContent: false))
        }
        for other in messages where !other.peers.isEmpty {
            enqueue(other.message, other.channel, other.peers, node)
        }
    }

    private func arms(of node: Int) -> AttackerArms? {
        nodes[node].core.map {
            AttackerArms(
                nodes[node], $0, place: node, of: nodes.count, slot: slot(of: node))
        }
    }
}
