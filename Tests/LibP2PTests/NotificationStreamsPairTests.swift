import LibP2P
import Primitives
import Testing

/// Two machines, their users and the network between them, all driven by one seed: messages are
/// delayed at random, substreams and connections break at random until the faults stop.
private struct Network {
    /// One node: a machine, its timer, and what its user believes.
    struct Node {
        var machine: NotificationStreams
        let peer: PeerID
        var timer: Instant?
        var openStream: (outbound: NotificationSubstreamID, inbound: NotificationSubstreamID)?
        /// The far name of each substream.
        var far: [NotificationSubstreamID: NotificationSubstreamID] = [:]
        var isConsistent = true
        var openCount = 0
    }

    struct Delivery {
        let time: Instant
        let order: Int
        let node: Int
        let input: NotificationInput
    }

    var nodes: [Node]
    var generator: SeededGenerator
    var now = Instant.zero
    var hasFaults = true
    private var queue: [Delivery] = []
    private var order = 0
    private var nextInbound: UInt64 = 0
    private var connection: ConnectionID?
    private var connectionCount: UInt64 = 0
    /// Per direction, so that deliveries keep their order as on a real connection.
    private var lastArrival = [Instant.zero, Instant.zero]

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        nodes = [Cast.b, Cast.a].enumerated().map { index, peer in
            var configuration = NotificationConfiguration()
            configuration.inboundOpenings = RateLimit(burst: 100, perSecond: 10)
            return Node(
                machine: NotificationStreams(
                    handshake: [UInt8(index)], configuration: configuration,
                    seed: seed * 2 + UInt64(index)),
                peer: peer)
        }
    }

    mutating func connect() {
        connectionCount += 1
        let id = ConnectionID(connectionCount)
        connection = id
        for node in 0...1 { give(.connected(nodes[node].peer, id), to: node) }
    }

    mutating func disconnect() {
        guard let id = connection else { return }
        connection = nil
        queue.removeAll { $0.node >= 0 }
        for node in 0...1 {
            give(.disconnected(nodes[node].peer, id), to: node)
            nodes[node].far = [:]
        }
    }

    /// Breaks one substream for both ends.
    mutating func breakSubstream() {
        let candidates = nodes[0].far.keys.sorted { "\($0)" < "\($1)" }
        guard let near = candidates.randomElement(using: &generator) else { return }
        end(near, of: 0)
        give(.substreamEnded(nodes[0].peer, near, .ended), to: 0)
    }

    /// Hands an input to a machine and carries its effects out.
    mutating func give(_ input: NotificationInput, to node: Int) {
        for effect in nodes[node].machine.handle(input, now: now) { run(effect, of: node) }
    }

    /// Delivers the next message or timer; false when nothing will ever happen again.
    mutating func step() -> Bool {
        let delivery = queue.min { ($0.time, $0.order) < ($1.time, $1.order) }
        let timed = (0...1).min {
            (nodes[$0].timer ?? .distantFuture) < (nodes[$1].timer ?? .distantFuture)
        }
        let timer = timed.flatMap { nodes[$0].timer }
        if let delivery, delivery.time <= timer ?? .distantFuture {
            queue.removeAll { $0.order == delivery.order }
            now = max(now, delivery.time)
            give(delivery.input, to: delivery.node)
            return true
        }
        guard let timed, let timer else { return false }
        nodes[timed].timer = nil
        now = max(now, timer)
        give(.timer, to: timed)
        return true
    }

    private mutating func send(_ input: NotificationInput, to node: Int) {
        let delay = Duration.milliseconds(Int.random(in: 1...200, using: &generator))
        let time = max(now + delay, lastArrival[node])
        lastArrival[node] = time
        queue.append(Delivery(time: time, order: order, node: node, input: input))
        order += 1
    }

    /// Tells the far end that a substream is gone.
    private mutating func end(_ near: NotificationSubstreamID, of node: Int) {
        guard let far = nodes[node].far.removeValue(forKey: near) else { return }
        nodes[1 - node].far[far] = nil
        send(.substreamEnded(nodes[1 - node].peer, far, .ended), to: 1 - node)
    }

    private mutating func run(_ effect: NotificationEffect, of node: Int) {
        let peer = nodes[node].peer
        switch effect {
        case .openSubstream(_, let id, let near): open(near, on: id, from: node)
        case .sendHandshake(_, let near, let bytes):
            guard let far = nodes[node].far[near] else { return }
            send(.handshake(nodes[1 - node].peer, far, bytes), to: 1 - node)
        case .closeSubstream(_, let near), .resetSubstream(_, let near): end(near, of: node)
        case .validate(_, let near, let handshake):
            nodes[node].isConsistent =
                nodes[node].isConsistent && handshake == [UInt8(1 - node)]
            let isRefused = hasFaults && generator.next() % 8 == 0
            give(isRefused ? .refuse(peer, near) : .accept(peer, near), to: node)
        case .opened(_, _, let outbound, let inbound):
            nodes[node].isConsistent =
                nodes[node].isConsistent && nodes[node].openStream == nil
            nodes[node].openStream = (outbound, inbound)
            nodes[node].openCount += 1
        case .closed:
            nodes[node].isConsistent =
                nodes[node].isConsistent && nodes[node].openStream != nil
            nodes[node].openStream = nil
        case .openFailed: break
        case .setTimer(let time): nodes[node].timer = time
        }
    }

    private mutating func open(
        _ near: NotificationSubstreamID, on id: ConnectionID, from node: Int
    ) {
        let isLost = hasFaults && generator.next() % 6 == 0
        guard id == connection, !isLost else {
            send(.substreamEnded(nodes[node].peer, near, .ended), to: node)
            return
        }
        let far = NotificationSubstreamID.inbound(nextInbound)
        nextInbound += 1
        nodes[node].far[near] = far
        nodes[1 - node].far[far] = near
        send(.inboundOpened(nodes[1 - node].peer, id, far), to: 1 - node)
        send(.outboundOpened(nodes[node].peer, near), to: node)
    }
}

@Suite("Two nodes and their notification streams")
struct NotificationStreamsPairTests {
    @Test(
        "Whatever breaks, both ends agree on one open stream once nothing breaks any more",
        arguments: 1...100)
    func healing(seed: Int) {
        var network = Network(seed: UInt64(seed))
        network.connect()
        for node in 0...1 where seed % 3 != node {
            network.give(.open(network.nodes[node].peer, isReserved: true), to: node)
        }
        for _ in 0..<400 {
            if !network.step() { network.breakSubstream() }
            switch network.generator.next() % 40 {
            case 0: network.breakSubstream()
            case 1:
                network.disconnect()
                network.connect()
            default: break
            }
        }
        network.hasFaults = false
        let deadline = network.now + .seconds(60)
        while network.now < deadline, network.step() {}
        for node in network.nodes {
            #expect(node.isConsistent && node.openStream != nil, "seed \(seed)")
            #expect(node.openCount > 1, "seed \(seed): the faults were none")
            #expect(node.far.count == 2, "seed \(seed): substreams are left over")
        }
        let (left, right) = (network.nodes[0], network.nodes[1])
        #expect(left.openStream.map { left.far[$0.outbound] } == right.openStream?.inbound)
        #expect(left.openStream.map { left.far[$0.inbound] } == right.openStream?.outbound)
    }

    @Test("Without faults one round of messages opens the stream", arguments: 1...20)
    func directness(seed: Int) {
        var network = Network(seed: UInt64(seed))
        network.hasFaults = false
        network.connect()
        for node in 0...1 where seed % 3 != node {
            network.give(.open(network.nodes[node].peer, isReserved: false), to: node)
        }
        while network.now < .milliseconds(2_000), network.step() {}
        #expect(network.nodes.allSatisfy { $0.openCount == 1 && $0.openStream != nil })
    }

    @Test("Random inputs never trap and leave bounded state", arguments: 1...30)
    func garbage(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var configuration = NotificationConfiguration()
        configuration.maximumPeers = 3
        var machine = NotificationStreams(
            handshake: [1], configuration: configuration, seed: UInt64(seed))
        var openPeers: Set<PeerID> = []
        var now = Instant.zero
        for _ in 0..<3_000 {
            now = now + .milliseconds(Int.random(in: 0...800, using: &generator))
            let input = Self.randomInput(using: &generator)
            for effect in machine.handle(input, now: now) {
                switch effect {
                case .opened(let peer, _, _, _): #expect(openPeers.insert(peer).inserted)
                case .closed(let peer, _): #expect(openPeers.remove(peer) != nil)
                case .setTimer(let time) where input == .timer:
                    #expect(time > now, "seed \(seed): the timer would come at once, for ever")
                default: break
                }
            }
            #expect(machine.peerCount <= 3)
            #expect(machine.openPeers == openPeers.sorted(), "seed \(seed)")
        }
    }

    private static func randomInput(using generator: inout SeededGenerator) -> NotificationInput {
        let peer = Cast.peer(["a", "b", "c", "d"][Int(generator.next() % 4)])
        let connection = ConnectionID(generator.next() % 3)
        let substream: NotificationSubstreamID =
            generator.next() % 2 == 0
            ? .inbound(generator.next() % 4) : .outbound(generator.next() % 60)
        return switch generator.next() % 13 {
        case 0, 1: .connected(peer, connection)
        case 2: .disconnected(peer, connection)
        case 3: .open(peer, isReserved: generator.next() % 2 == 0)
        case 4: generator.next() % 8 == 0 ? .close(peer) : .timer
        case 5: .inboundOpened(peer, connection, substream)
        case 6, 7: .outboundOpened(peer, substream)
        case 8, 9: .handshake(peer, substream, [UInt8(generator.next() % 256)])
        case 10:
            .substreamEnded(
                peer, substream, generator.next() % 2 == 0 ? .ended : .unsupported)
        case 11: .accept(peer, substream)
        default: generator.next() % 4 == 0 ? .refuse(peer, substream) : .timer
        }
    }
}
