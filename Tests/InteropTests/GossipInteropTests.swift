import LibP2P
import Logging
import Networking
import Primitives
import Synchronization
import Testing

/// One of this project's nodes that takes part in a topic and accepts every message.
final class GossipNode: Sendable {
    static let topic = "/quantumharmony/coherence/1"

    let swarm: Swarm
    let service: PubSubService
    private let received = Mutex<[PubSubDelivery]>([])

    private init(swarm: Swarm, service: PubSubService) {
        self.swarm = swarm
        self.service = service
    }

    /// Runs `body` with such nodes, and ends them whatever happened.
    static func with(
        _ configurations: [GossipSubConfiguration], _ body: ([GossipNode]) async throws -> Void
    ) async throws {
        var nodes: [GossipNode] = []
        for (number, configuration) in configurations.enumerated() {
            let seed = [UInt8](repeating: UInt8(0x60 + number), count: 32)
            let identity = try #require(NodeIdentity(seed: seed))
            var network = NetworkConfiguration(identity: identity)
            network.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
            var logger = Logger(label: "libp2p")
            logger.logLevel = .critical
            let swarm = Swarm(configuration: network, logger: logger)
            var registration = PubSubRegistration(
                signing: .strictSign(identity, firstSequenceNumber: 1 << 40))
            registration.configuration = configuration
            let service = swarm.register(registration)
            nodes.append(GossipNode(swarm: swarm, service: service))
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes {
                    try await node.swarm.start()
                    node.service.subscribe(topic)
                    group.addTask { await node.acceptAll() }
                }
                try await body(nodes)
                group.cancelAll()
            }
            for node in nodes { await node.swarm.shutdown() }
        } catch {
            for node in nodes { await node.swarm.shutdown() }
            throw error
        }
    }

    private func acceptAll() async {
        while let event = await service.nextEvent() {
            guard case .message(let delivery) = event else { continue }
            received.withLock { $0.append(delivery) }
            service.answer(delivery.id, .accept)
        }
    }

    var id: PeerID { swarm.localPeer }
    var deliveries: [PubSubDelivery] { received.withLock { $0 } }

    func address() async throws -> Multiaddr {
        try #require(await swarm.snapshot().listenAddresses.first).appending(id)
    }

    /// Waits until those peers are in the mesh.
    func awaitMesh(_ peers: [PeerID]) async throws {
        try await eventually("\(id.short) has \(peers.map(\.short)) in its mesh") {
            let mesh = await service.snapshot().mesh(of: Self.topic)
            return peers.allSatisfy { mesh.contains($0) }
        }
    }

    func awaitMessages(_ count: Int) async throws {
        try await eventually("\(id.short) has \(count) messages") {
            _ = await service.snapshot()
            return deliveries.count >= count
        }
    }
}

extension TestPeer {
    func connect(to node: GossipNode) async throws {
        try await ask("connect", ["address": .text("\(try await node.address())")])
    }

    func subscribe() async throws {
        try await ask("subscribe", ["topic": .text(GossipNode.topic)])
    }

    func publish(_ data: [UInt8]) async throws {
        try await ask(
            "publish", ["topic": .text(GossipNode.topic), "data": .text(data.hex)])
    }

    /// Waits for so many messages of others: author and content of all that came.
    func messages(_ count: Int) async throws -> Set<String> {
        let answer = try await ask(
            "messages", ["topic": .text(GossipNode.topic), "count": .number(count)])
        let (authors, data) = (answer["authors"]?.list ?? [], answer["data"]?.list ?? [])
        #expect(authors.count == count && data.count == count, "\(kind): each one once")
        return Set(zip(authors, data).map { "\($0) \($1)" })
    }
}

/// GossipSub with py-libp2p and go-libp2p; see ConnectionInteropTests for where they run.
@Suite("GossipSub with other implementations", .serialized, .timeLimit(.minutes(3)))
struct GossipInteropTests {
    func withPeers(
        _ kinds: [PeerKind], identity: String = "ed25519", _ body: ([TestPeer]) async throws -> Void
    ) async throws {
        var peers: [TestPeer] = []
        do {
            for kind in kinds { peers.append(try await TestPeer.start(kind, [identity])) }
            try await body(peers)
            for peer in peers { await peer.stop() }
        } catch {
            for peer in peers { await peer.stop() }
            throw error
        }
    }

    /// A vote's size, so that IDONTWANT is sent.
    private func vote(_ number: Int) -> [UInt8] {
        [UInt8(number)] + [UInt8](repeating: 0xC0, count: 1_499)
    }

    @Test("two of ours, two py, two go: each hears all others, through our routers only")
    func mesh() async throws {
        let configuration = GossipSubConfiguration()
        try await GossipNode.with([configuration, configuration]) { ours in
            try await withPeers([.py, .go, .py, .go]) { theirs in
                // py 0 - ours 0 - go 1, py 2 - ours 1 - go 3, and ours 0 - ours 1.
                for (number, peer) in theirs.enumerated() {
                    try await peer.subscribe()
                    try await peer.connect(to: ours[number / 2])
                }
                try await ours[0].swarm.connect(to: ours[1].address())
                try await ours[0].awaitMesh([theirs[0].id, theirs[1].id, ours[1].id])
                try await ours[1].awaitMesh([theirs[2].id, theirs[3].id, ours[0].id])
                try await expectAllHeard(ours: ours, theirs: theirs)
                for kind in [PeerKind.py, .go] {
                    try InteropPage.note(
                        "GossipSub mesh of two of ours, two py, two go: each hears all others, through our routers",
                        .theirs, kind)
                }
            }
        }
    }

    /// Each publishes one message, and gets those of all others.
    func expectAllHeard(ours: [GossipNode], theirs: [TestPeer]) async throws {
        var all: Set<String> = []
        for (number, peer) in theirs.enumerated() {
            try await peer.publish(vote(number))
            all.insert("\(peer.id) \(vote(number).hex)")
        }
        for (number, node) in ours.enumerated() {
            node.service.publish(vote(theirs.count + number), to: GossipNode.topic)
            all.insert("\(node.id) \(vote(theirs.count + number).hex)")
        }
        for peer in theirs {
            let others = all.filter { !$0.hasPrefix("\(peer.id) ") }
            #expect(try await peer.messages(all.count - 1) == others)
        }
        for node in ours {
            try await node.awaitMessages(all.count - 1)
            let heard = node.deliveries.map { delivery in
                "\(delivery.author.map { "\($0)" } ?? "?") \(delivery.data.hex)"
            }
            #expect(Set(heard) == all.filter { !$0.hasPrefix("\(node.id) ") })
            let state = await node.service.snapshot()
            #expect(state.counters.unverified == 0 && state.counters.malformed == 0)
            #expect(state.scores.values.allSatisfy { $0 >= 0 })
        }
    }

    @Test("messages signed by keys of other types are taken", arguments: ["secp256k1", "rsa"])
    func authors(keyType: String) async throws {
        try await GossipNode.with([GossipSubConfiguration()]) { ours in
            try await withPeers([.py, .go], identity: keyType) { theirs in
                for peer in theirs {
                    try await peer.subscribe()
                    try await peer.connect(to: ours[0])
                }
                try await ours[0].awaitMesh(theirs.map(\.id))
                for (number, peer) in theirs.enumerated() { try await peer.publish(vote(number)) }
                try await ours[0].awaitMessages(2)
                #expect(Set(ours[0].deliveries.compactMap(\.author)) == Set(theirs.map(\.id)))
                for (number, kind) in [PeerKind.py, .go].enumerated() {
                    _ = try await theirs[number].messages(1)
                    try InteropPage.note(
                        "GossipSub messages signed with \(keyType), passed on by our router",
                        .theirs, kind)
                }
            }
        }
    }

    @Test(
        "what got lost is advertised, asked for and given, in both directions",
        arguments: PeerKind.allCases)
    func recovery(kind: PeerKind) async throws {
        // The last node has no mesh and does not flood: all that reaches or leaves it does so by
        // IHAVE and IWANT, as after the loss of every message. The others fill the peer's mesh
        // before, so that it does not ask the last one in: py advertises nothing to peers that
        // pruned it.
        var lonely = GossipSubConfiguration()
        (lonely.degree, lonely.lowDegree, lonely.highDegree) = (0, 0, 0)
        (lonely.scoreDegree, lonely.outboundDegree) = (0, 0)
        lonely.floodPublish = false
        let six = Array(repeating: GossipSubConfiguration(), count: 6)
        try await GossipNode.with(six + [lonely]) { ours in
            try await withPeers([kind]) { theirs in
                let peer = theirs[0]
                let last = ours[6]
                try await peer.subscribe()
                for node in ours[..<6] { try await peer.connect(to: node) }
                for node in ours[..<6] { try await node.awaitMesh([peer.id]) }
                try await peer.connect(to: last)
                try await eventually("the last node knows its peer") {
                    await last.service.snapshot().topics.first?.subscribers == [peer.id]
                }
                ours[0].service.publish(vote(1), to: GossipNode.topic)
                try await last.awaitMessages(1)
                #expect(last.deliveries.first?.data == vote(1))
                #expect(last.deliveries.first?.author == ours[0].id)
                #expect(last.deliveries.first?.source == peer.id)
                last.service.publish(vote(2), to: GossipNode.topic)
                try await ours[0].awaitMessages(1)
                #expect(ours[0].deliveries.first?.data == vote(2))
                #expect(ours[0].deliveries.first?.author == last.id)
                let state = await last.service.snapshot()
                #expect(state.mesh(of: GossipNode.topic) == [])
                #expect(state.counters.requested >= 1 && state.counters.given >= 1)
                #expect(state.counters.brokenPromises == 0)
                try InteropPage.note(
                    "GossipSub: what got lost is advertised (IHAVE), asked for (IWANT) and given, both ways",
                    .theirs, kind)
            }
        }
    }
}
