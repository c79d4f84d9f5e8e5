import LibP2P
import Primitives
import Simulation

/// Routers over a virtual network, driven by one seed: every link has a latency of its own, frames
/// are encoded, lost now and then, and decoded. Verdicts take a millisecond.
struct GossipNetwork {
    struct Plan {
        var count: Int
        var seed: UInt64
        /// Peers that each router dials; all others when there are not more.
        var dials = 10
        var latency: ClosedRange<Int> = 20...80
        /// The share of frames whose messages and gossip do not arrive. What queues never drop
        /// (subscriptions, GRAFT, PRUNE) does: streams lose nothing, only full queues do.
        var loss = 0.0
        var version = GossipSubVersion.v1_2
        var configuration = GossipSubConfiguration()
        /// The share of routers that judge every message as wrong.
        var rejecting: Set<Int> = []
    }

    /// One router, and what waits to be written to each of its peers.
    private struct Node {
        var router: GossipSubRouter
        var queues: [PeerID: GossipOutboundQueue] = [:]
        var timer: Instant?
    }

    private enum Event {
        case frame(to: Int, from: Int, [UInt8])
        case verdict(Int, MessageID)
        case timer(Int, Instant)
        case publish(Int, [UInt8])
    }

    /// What was measured.
    struct Figures {
        /// Milliseconds from publication to delivery, of all that should be delivered; sorted.
        var latencies: [Double] = []
        var expected = 0
        /// Copies received, of messages that were new and that were not.
        var copies = 0
        var bytes = 0
        /// Bytes of messages within `bytes`; the rest is control.
        var messageBytes = 0
        var lostFrames = 0

        /// Message copies received for each one delivered.
        var duplication: Double { Double(copies) / Double(max(1, latencies.count)) }

        func quantile(_ share: Double) -> Double {
            latencies.isEmpty
                ? .nan : latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
        }
    }

    let plan: Plan
    private var nodes: [Node] = []
    private let numbers: [PeerID: Int]
    private var events = EventHeap<Event>()
    private var generator: SeededGenerator
    private var latencies: [Int: Duration] = [:]
    /// Frames of one link arrive in order.
    private var lastArrival: [Int: Instant] = [:]
    private var published: [MessageID: Instant] = [:]
    private(set) var now = Instant.zero
    private(set) var figures = Figures()
    private(set) var neighbours: [[Int]]

    init(_ plan: Plan) {
        self.plan = plan
        generator = SeededGenerator(seed: plan.seed)
        numbers = Dictionary(uniqueKeysWithValues: (0..<plan.count).map { (Gossip.peer($0), $0) })
        neighbours = Array(repeating: [], count: plan.count)
        for number in 0..<plan.count {
            let signing = PubSubSigning.strictSign(
                Gossip.identity(number), firstSequenceNumber: 0)
            nodes.append(
                Node(
                    router: GossipSubRouter(
                        signing: signing, configuration: plan.configuration,
                        seed: generator.next())))
        }
        for number in 0..<plan.count { give(.subscribe(Gossip.topic), to: number) }
        for number in 0..<plan.count {
            let others = (0..<plan.count).filter { $0 != number }.shuffled(using: &generator)
            for other in others.prefix(plan.dials) { connect(number, other) }
        }
    }

    func mesh(of number: Int) -> [PeerID] { nodes[number].router.mesh(of: Gossip.topic) }

    func counters(of number: Int) -> GossipSubCounters { nodes[number].router.counters }

    private mutating func connect(_ dialer: Int, _ other: Int) {
        guard !neighbours[dialer].contains(other) else { return }
        neighbours[dialer].append(other)
        neighbours[other].append(dialer)
        let latency = Duration.milliseconds(Int.random(in: plan.latency, using: &generator))
        latencies[link(dialer, other)] = latency
        latencies[link(other, dialer)] = latency
        for (near, far) in [(dialer, other), (other, dialer)] {
            let peer = Gossip.peer(far)
            nodes[near].queues[peer] = GossipOutboundQueue(
                signing: .strictSign(Gossip.identity(near), firstSequenceNumber: 0))
            give(.connected(peer, isOutbound: near == dialer, network: nil), to: near)
            give(.streamOpened(peer, plan.version), to: near)
        }
    }

    private func link(_ from: Int, _ to: Int) -> Int { from * plan.count + to }

    /// Publishes at some router after a delay.
    mutating func publish(_ data: [UInt8], by number: Int, after delay: Duration) {
        events.push(.publish(number, data), at: now + delay)
    }

    /// Runs everything that happens within that time.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while let time = events.nextTime, time <= end, let (_, event) = events.pop() {
            now = time
            handle(event)
        }
        now = end
        figures.latencies.sort()
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .publish(let number, let data):
            give(.publish(topic: Gossip.topic, data), to: number)
        case .verdict(let number, let id):
            give(.validated(id, plan.rejecting.contains(number) ? .reject : .accept), to: number)
        case .timer(let number, let time):
            guard nodes[number].timer == time else { return }
            nodes[number].timer = nil
            give(.timer, to: number)
        case .frame(let number, let sender, let bytes):
            guard let rpc = try? GossipRPC(protobuf: bytes) else {
                preconditionFailure("a router's frame does not decode")
            }
            figures.bytes += bytes.count
            for message in rpc.messages {
                figures.copies += 1
                figures.messageBytes += message.protobuf.count
            }
            give(.received(Gossip.peer(sender), rpc), to: number)
        }
    }

    private mutating func give(_ input: GossipSubRouter.Input, to number: Int) {
        for effect in nodes[number].router.handle(input, now: now) { run(effect, of: number) }
    }

    private mutating func run(_ effect: GossipEffect, of number: Int) {
        switch effect {
        case .send(let peer, let rpc):
            guard let far = numbers[peer] else { return }
            nodes[number].queues[peer]?.enqueue(rpc)
            while let frame = nodes[number].queues[peer]?.dequeue() {
                transmit(frame, from: number, to: far)
            }
        case .withdraw(let peer, let ids): nodes[number].queues[peer]?.withdraw(ids)
        case .validate(let delivery):
            if let time = published[delivery.id] {
                figures.latencies.append(Double((now - time).clampedNanoseconds) / 1e6)
            }
            events.push(.verdict(number, delivery.id), at: now + .milliseconds(1))
        case .published(_, let id, _):
            published[id] = now
            figures.expected += plan.count - 1
        case .setTimer(let time):
            nodes[number].timer = time
            events.push(.timer(number, time), at: time)
        case .publishFailed, .subscriptionChanged, .connect: break
        }
    }

    private mutating func transmit(_ frame: GossipRPC, from near: Int, to far: Int) {
        var frame = frame
        if Double.random(in: 0..<1, using: &generator) < plan.loss {
            figures.lostFrames += 1
            (frame.messages, frame.advertisements, frame.wanted, frame.unwanted) = ([], [], [], [])
        }
        guard !frame.isEmpty else { return }
        let link = link(near, far)
        let arrival = max(now + (latencies[link] ?? .zero), lastArrival[link] ?? .zero)
        lastArrival[link] = arrival
        events.push(.frame(to: far, from: near, frame.protobuf), at: arrival)
    }
}
