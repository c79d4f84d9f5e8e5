import Chain
import Coherence
import Primitives
import SCALE
import VoteGossip

/// Nodes on a simulated network: every message takes its link's latency, in order per link.
struct Mesh {
    private enum Event {
        case message(from: Int, to: Int, [UInt8])
        case verified(Int, [VerificationJob])
        case block(Int, Block)
        /// From a node's neighbour on the topic: a message by its number.
        case topic(from: Int, to: Int, Int)
    }

    /// A message of the topic, and which nodes have it.
    private struct Published {
        let author: Int
        let bytes: [UInt8]
        var holders: Set<Int>
        /// Who brought it, by node.
        var sources: [Int: Int] = [:]
    }

    let chain: ToyChain
    var hosts: [Host]
    var now: Instant
    /// One-way latency from one node to another.
    var latency: (Int, Int) -> Duration
    /// How long a signature check takes.
    var verificationTime: Duration = .microseconds(200)
    /// Messages that the network loses, decided by the seed, in percent.
    var lossPercent = 0
    private(set) var links: [[Bool]]
    /// Neighbours on the topic, all of whom pass on what they accept.
    private(set) var topicLinks: [[Bool]]
    private var published: [Published] = []
    private var events: [(at: Instant, order: Int, event: Event)] = []
    private var nextOrder = 0
    private var store: [Hash256: Block] = [:]
    private var lastArrival: [Int: Instant] = [:]
    private var random: SeededGenerator
    /// When each node finalised each height.
    private(set) var finalisedAt: [[BlockNumber: Instant]]
    /// Bytes sent over all links.
    private(set) var sentByteCount = 0

    init(
        _ chain: ToyChain, observers: Int = 0, seed: UInt64 = 1,
        configuration: GossipConfiguration = GossipConfiguration(),
        latency: @escaping (Int, Int) -> Duration
    ) throws {
        self.chain = chain
        self.latency = latency
        random = SeededGenerator(seed: seed)
        let count = chain.set.count + observers
        hosts = try (0..<count).map { index in
            var configuration = configuration
            configuration.seed = seed &* 1_000 &+ UInt64(index)
            return try Host(
                chain, local: index < chain.set.count ? index : nil, configuration: configuration)
        }
        for index in hosts.indices { hosts[index].holdsVerification = true }
        now = hosts[0].now
        links = Array(repeating: Array(repeating: false, count: count), count: count)
        topicLinks = links
        finalisedAt = Array(repeating: [:], count: count)
        for index in hosts.indices { settle(index, []) }
    }

    static func handle(_ index: Int) -> PeerHandle { PeerHandle(UInt64(index) + 1) }

    // MARK: Topology

    mutating func connectAll() {
        for one in hosts.indices {
            for other in hosts.indices where one < other { connect(one, other) }
        }
    }

    mutating func connect(_ one: Int, _ other: Int) {
        guard !links[one][other] else { return }
        links[one][other] = true
        links[other][one] = true
        let shakes = [one, other].map {
            hosts[$0].gossip.handshake(of: hosts[$0].view).scaleBytes
        }
        for (index, peer, shake) in [(one, other, shakes[1]), (other, one, shakes[0])] {
            hosts[index].now = now
            let effects = hosts[index].handle(
                .streamOpened(Self.handle(peer), handshake: shake, PeerHints()))
            settle(index, effects)
        }
    }

    mutating func disconnect(_ one: Int, _ other: Int) {
        guard links[one][other] else { return }
        links[one][other] = false
        links[other][one] = false
        for (index, peer) in [(one, other), (other, one)] {
            hosts[index].now = now
            settle(index, hosts[index].handle(.streamClosed(Self.handle(peer))))
        }
        events.removeAll { entry in
            guard case .message(let from, let to, _) = entry.event else { return false }
            return (from, to) == (one, other) || (from, to) == (other, one)
        }
    }

    /// Two nodes become neighbours on the topic, whether or not they have a stream.
    mutating func connectOnTopic(_ one: Int, _ other: Int) {
        topicLinks[one][other] = true
        topicLinks[other][one] = true
    }

    /// Something that a node's own gossip would never send.
    mutating func inject(_ bytes: [UInt8], from: Int, to: Int) {
        schedule(.message(from: from, to: to, bytes), at: now + latency(from, to))
    }

    // MARK: Running

    /// A block appears at a node and spreads to the others as fast as a message.
    mutating func author(_ block: Block, at author: Int) {
        store[block.header.hash] = block
        for index in hosts.indices {
            let delay = index == author ? .zero : latency(author, index)
            schedule(.block(index, block), at: now + delay)
        }
    }

    mutating func run(for duration: Duration) throws {
        let end = now + duration
        while let next = nextInstant, next <= end {
            now = max(now, next)
            try step()
        }
        now = end
    }

    /// Runs until a condition holds; false when it does not within the time.
    mutating func run(
        atMost duration: Duration, until isDone: (Mesh) -> Bool
    ) throws -> Bool {
        let end = now + duration
        while !isDone(self) {
            guard let next = nextInstant, next <= end else { return false }
            now = max(now, next)
            try step()
        }
        return true
    }

    private var nextInstant: Instant? {
        let timers = hosts.compactMap(\.nextDeadline).min()
        guard let event = events.first?.at else { return timers }
        return timers.map { min($0, event) } ?? event
    }

    private mutating func step() throws {
        if let first = events.first, first.at <= now {
            events.removeFirst()
            try perform(first.event)
            return
        }
        for index in hosts.indices {
            guard let deadline = hosts[index].nextDeadline, deadline <= now else { continue }
            hosts[index].now = now
            settle(index, hosts[index].fireDue())
        }
    }

    /// What a router does: passes own messages and accepted ones on, each once.
    private mutating func settleTopic(_ index: Int, _ effects: [GossipEffect]) {
        for effect in effects {
            switch effect {
            case .publish(let bytes):
                published.append(Published(author: index, bytes: bytes, holders: [index]))
                passOn(published.count - 1, from: index, besides: nil)
            case .judged(let id, .accept):
                guard let number = id.bytes.first.map(Int.init), id.bytes.count == 2 else {
                    continue
                }
                let message = number << 8 | Int(id.bytes[1])
                passOn(message, from: index, besides: published[message].sources[index])
            default: continue
            }
        }
    }

    private mutating func passOn(_ message: Int, from node: Int, besides source: Int?) {
        for to in hosts.indices where topicLinks[node][to] && to != source {
            sentByteCount += published[message].bytes.count
            schedule(.topic(from: node, to: to, message), at: now + latency(node, to))
        }
    }

    private mutating func perform(_ event: Event) throws {
        switch event {
        case .topic(let from, let to, let message):
            guard published[message].holders.insert(to).inserted else { return }
            published[message].sources[to] = from
            hosts[to].now = now
            let (author, bytes) = (published[message].author, published[message].bytes)
            settle(
                to,
                hosts[to].handle(
                    .topicMessage(
                        TopicMessage(
                            id: TopicMessageID([UInt8(message >> 8), UInt8(message & 0xFF)]),
                            bytes: bytes, source: Self.handle(from),
                            author: links[to][author] || topicLinks[to][author]
                                ? Self.handle(author) : nil))))
        case .message(let from, let to, let bytes):
            hosts[to].now = now
            settle(to, hosts[to].handle(.notification(Self.handle(from), bytes)))
        case .verified(let index, let jobs):
            hosts[index].now = now
            settle(index, hosts[index].handle(.verified(Host.outcomes(of: jobs))))
        case .block(let index, let block):
            hosts[index].now = now
            guard !hosts[index].tree.contains(block.header.hash) else { return }
            guard hosts[index].tree.contains(block.header.parentHash) else {
                if block.header.number > hosts[index].tree.finalised.number,
                    let parent = store[block.header.parentHash]
                {
                    schedule(.block(index, parent), at: now + .milliseconds(1))
                    schedule(.block(index, block), at: now + .milliseconds(2))
                }
                return
            }
            settle(index, try hosts[index].add(block))
        }
    }

    /// Puts what a node did on the wire.
    private mutating func settle(_ index: Int, _ effects: [GossipEffect]) {
        for effect in effects {
            guard case .send(let handles, let message) = effect else { continue }
            for handle in handles {
                let to = Int(handle.rawValue) - 1
                guard links[index][to] else { continue }
                sentByteCount += message.bytes.count
                if lossPercent > 0, Int.random(in: 0..<100, using: &random) < lossPercent {
                    continue
                }
                let key = index * hosts.count + to
                let at = max(now + latency(index, to), lastArrival[key] ?? .zero)
                lastArrival[key] = at
                schedule(.message(from: index, to: to, message.bytes), at: at)
            }
        }
        let jobs = hosts[index].heldJobs
        hosts[index].heldJobs = []
        if !jobs.isEmpty {
            let signatures = jobs.reduce(0) { $0 + $1.signatureCount }
            schedule(.verified(index, jobs), at: now + verificationTime * signatures)
        }
        let wanted = hosts[index].wanted
        hosts[index].wanted = []
        for block in wanted {
            guard let block = store[block.hash] else { continue }
            schedule(.block(index, block), at: now + .milliseconds(2))
        }
        settleTopic(index, effects)
        for block in hosts[index].finalised where finalisedAt[index][block.number] == nil {
            finalisedAt[index][block.number] = now
        }
    }

    private mutating func schedule(_ event: Event, at instant: Instant) {
        let place = events.partitionPoint { $0.at <= instant }
        events.insert((instant, nextOrder, event), at: place)
        nextOrder += 1
    }

    // MARK: Results

    /// The lowest height that is final everywhere.
    var commonFinalised: BlockNumber {
        hosts.map { $0.tree.finalised.number }.min() ?? BlockNumber(0)
    }

    var entriesReceived: UInt64 { hosts.reduce(0) { $0 + $1.gossip.counters.entriesReceived } }
    var entriesDistinct: UInt64 { hosts.reduce(0) { $0 + $1.gossip.counters.entriesDistinct } }
    var duplicationFactor: Double {
        entriesDistinct == 0 ? 1 : Double(entriesReceived) / Double(entriesDistinct)
    }

    /// The figures of a run, for people.
    func summary(blocks: Int) -> String {
        let counters = hosts.map(\.gossip.counters)
        func sum(_ value: (GossipCounters) -> UInt64) -> UInt64 {
            counters.reduce(0) { $0 + value($1) }
        }
        return "d \(duplicationFactor) received \(entriesReceived) distinct \(entriesDistinct)"
            + " forwarded \(sum(\.entriesForwarded)) own \(sum(\.ownVotesSent))"
            + " statuses \(sum { $0.sent[.status] }) bundles \(sum { $0.sent[.voteBundle] })"
            + " qcs \(sum { $0.sent[.quorumCertificate] })"
            + " certificates \(sum { $0.sent[.certificate] }) requests \(sum(\.requestsSent))"
            + " bytes/node/block \(sentByteCount / hosts.count / blocks)"
    }
}
