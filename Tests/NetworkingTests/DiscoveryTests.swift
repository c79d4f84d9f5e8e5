import LibP2P
import NIOCore
import NIOPosix
import Networking
import Primitives
import Synchronization
import Testing

@Suite("Peers are found", .timeLimit(.minutes(1)))
struct DiscoveryTests {
    private static let name = "/test/kad"

    private static func start(
        _ seed: UInt8, mode: KademliaConfiguration.Mode = .server,
        _ configure: (inout NetworkConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        try await TestNode.start(seed) { settings in
            var configuration = KademliaConfiguration()
            configuration.mode = mode
            settings.kademlia = KademliaSettings(
                names: [Self.name], configuration: configuration)
            configure(&settings)
        }
    }

    private static func start(
        count: UInt8, _ configure: (inout NetworkConfiguration) -> Void = { _ in }
    ) async throws -> [TestNode] {
        var nodes: [TestNode] = []
        for seed in 1...count { nodes.append(try await start(seed, configure)) }
        return nodes
    }

    private func peerCount(_ node: TestNode) async -> Int {
        await node.swarm.snapshot().peers.count
    }

    @Test("Ten nodes that know one of them are all connected to each other")
    func mesh() async throws {
        try await withNodes(Self.start(count: 10)) { nodes in
            let bootnode = try await nodes[0].address()
            for node in nodes.dropFirst() { node.swarm.addBootnode(bootnode) }
            for node in nodes {
                try await eventually("a full mesh", within: 15) { await peerCount(node) == 9 }
            }
            for node in nodes {
                try await eventually("full tables") {
                    await node.swarm.snapshot().routingPeers == 9
                }
            }
        }
    }

    @Test("Without free slots peers are found all the same, and let go again")
    func search() async throws {
        // Everybody knows the first one; the second one keeps no connection but that.
        var nodes = try await Self.start(count: 5) { $0.limits.outboundSlots = 1 }
        nodes.append(try await Self.start(6, mode: .client) { $0.limits.outboundSlots = 1 })
        try await withNodes(nodes) { nodes in
            let bootnode = try await nodes[0].address()
            for node in nodes.dropFirst() { node.swarm.addBootnode(bootnode) }
            try await eventually("the bootnode knows all servers") {
                await nodes[0].swarm.snapshot().routingPeers == 4
            }
            let searcher = nodes[5]
            let found = try #require(await searcher.swarm.closestPeers(to: nodes[3].id))
            #expect(found.first?.id == nodes[3].id)
            #expect(found.first?.addresses == [try await nodes[3].bareAddress()])
            #expect(Set(found.map(\.id)) == Set(nodes[..<5].map(\.id)))
            try await eventually("only the bootnode is left") { await peerCount(searcher) == 1 }
            // A client is in no table.
            #expect(await nodes[0].swarm.snapshot().routingPeers == 4)
            let somebody = TestNode.identity(99).peerID
            let others = try #require(await nodes[1].swarm.closestPeers(to: somebody))
            #expect(!others.isEmpty && !others.contains { $0.id == somebody })
        }
    }

    @Test("Several requests on one stream are answered, however they are cut")
    func stream() async throws {
        try await withNodes([Self.start(1), .start(2)]) { nodes in
            try await nodes[1].swarm.connect(to: nodes[0].address())
            let stream = try await nodes[1].swarm.openStream(nodes[0].id, [Self.name])
            let request = KademliaMessage(.findNode, key: nodes[1].id.bytes).protobuf
            let framed = UnsignedVarint.encode(UInt64(request.count)) + request
            let answer = KademliaMessage(.findNode).protobuf
            let expected = UnsignedVarint.encode(UInt64(answer.count)) + answer
            for byte in framed { try await stream.write([byte]) }
            #expect(try await stream.read(exactly: expected.count) == expected)
            try await stream.write(framed + framed)
            #expect(try await stream.read(exactly: 2 * expected.count) == expected + expected)
            stream.finish()
            #expect(try await stream.read() == nil)
        }
    }

    @Test(
        "What cannot be answered is refused, and the connection stays",
        arguments: [
            KademliaMessage(.putValue, key: [1]).protobuf,
            KademliaMessage(.addProvider, key: [1]).protobuf, [8, 99], [0xFF],
        ])
    func refusals(message: [UInt8]) async throws {
        try await withNodes([Self.start(1), .start(2)]) { nodes in
            try await nodes[1].swarm.connect(to: nodes[0].address())
            let stream = try await nodes[1].swarm.openStream(nodes[0].id, [Self.name])
            try await stream.write(UnsignedVarint.encode(UInt64(message.count)) + message)
            await #expect(throws: StreamError.reset) { try await stream.read() }
            let long = try await nodes[1].swarm.openStream(nodes[0].id, [Self.name])
            try await long.write(UnsignedVarint.encode(65_537))
            await #expect(throws: StreamError.reset) { try await long.read() }
            #expect(try await nodes[1].swarm.ping(nodes[0].id) > .zero)
        }
    }

    @Test("A peer that answers lies is reported")
    func liar() async throws {
        try await withNodes([Self.start(1), .start(2)]) { nodes in
            let (honest, liar) = (nodes[0], nodes[1])
            liar.swarm.register(RequestProtocol(name: Self.name)) { _, _ in [8, 99] }
            honest.swarm.addBootnode(try await liar.address())
            let change = try await honest.event { event in
                if case .reported(liar.id, Self.name, let change) = event { change } else { nil }
            }
            #expect(change.value < 0)
        }
    }

    @Test("Peers that were found and speak nothing of the network are let go")
    func otherNetwork() async throws {
        try await withNodes(
            [
                .start(1) { $0.requiredProtocol = "/this/network" },
                .start(2) { $0.limits.outboundSlots = 0 }, .start(3),
            ]
        ) { nodes in
            let (node, stranger, member) = (nodes[0], nodes[1], nodes[2])
            member.swarm.register(RequestProtocol(name: "/this/network")) { _, _ in nil }
            for other in [stranger, member] {
                node.swarm.addCandidate([try await other.bareAddress()], of: other.id)
            }
            #expect(try await node.disconnected(from: stranger.id) == .otherNetwork)
            try await eventually("only the member is left") {
                await node.swarm.snapshot().peers.map(\.peer) == [member.id]
            }
            #expect(await node.swarm.snapshot().knownPeers == 1)
            // Who is asked for by name is welcome.
            try await node.swarm.connect(to: stranger.address())
            _ = try await node.identified(stranger.id)
            #expect(try await node.swarm.ping(stranger.id) > .zero)
        }
    }

    @Test("A liar's inventions are bounded, and others are found all the same")
    func poisoner() async throws {
        try await withNodes([
            Self.start(1) { $0.limits.hearsayPeers = 8 }, Self.start(2), Self.start(3), .start(4),
        ]) { nodes in
            let (node, honest, hidden, liar) = (nodes[0], nodes[1], nodes[2], nodes[3])
            hidden.swarm.addBootnode(try await honest.address())
            try await eventually("the honest one knows the hidden one") {
                await honest.swarm.snapshot().routingPeers == 1
            }
            // Nobody listens there.
            let nowhere = try Multiaddr("/ip4/127.0.0.1/tcp/1")
            let invented = Mutex<UInt16>(0)
            liar.swarm.register(RequestProtocol(name: Self.name)) { _, _ in
                let first = invented.withLock { count in
                    defer { count += 20 }
                    return count
                }
                let ids = (first..<first + 20).compactMap {
                    try? PeerID(bytes: [0, 2, UInt8($0 >> 8), UInt8($0 & 0xFF)])
                }
                return KademliaMessage(
                    .findNode, closerPeers: ids.map { KademliaPeer(id: $0, addresses: [nowhere]) }
                ).protobuf
            }
            node.swarm.addBootnode(try await liar.address())
            try await eventually("lies are told") { invented.withLock { $0 } >= 80 }
            // Those that are heard of, those that searches try, and the two that are there.
            #expect(await node.swarm.snapshot().knownPeers <= 8 + 3 * 8 + 2)
            node.swarm.addBootnode(try await honest.address())
            _ = try await node.connected(to: hidden.id)
            #expect(await node.swarm.snapshot().routingPeers <= 3)
            let found = try #require(await node.swarm.closestPeers(to: hidden.id))
            #expect(found.first?.id == hidden.id)
            #expect(found.allSatisfy { $0.id.embeddedPublicKey != nil })
        }
    }
}

/// One after the other: whoever listens on the same interface is found.
@Suite("Peers are found by multicast", .serialized, .timeLimit(.minutes(1)))
struct MulticastTests {
    /// In the namespace of the tests loopback is the one interface that can multicast.
    @Test("Two nodes on one network find each other by multicast")
    func multicast() async throws {
        var settings = MulticastSettings()
        settings.interfaces = ["lo"]
        let enabled = settings
        try await withNodes([
            .start(1) { $0.multicast = enabled }, .start(2) { $0.multicast = enabled },
        ]) { nodes in
            _ = try await nodes[0].connected(to: nodes[1].id)
            _ = try await nodes[1].connected(to: nodes[0].id)
        }
    }

    private func announcement(of peer: PeerID, at address: Multiaddr) throws -> [UInt8] {
        let name = try #require(DNSName("spoofer._p2p._udp.local"))
        let text = Array("dnsaddr=\(try address.appending(peer))".utf8)
        return DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [
                DNSRecord(MulticastDiscovery.Names.service, timeToLive: 120, .ptr(name)),
                DNSRecord(name, timeToLive: 120, .txt([text])),
            ]
        ).bytes
    }

    @Test("What a spoofer announces by multicast leads nowhere")
    func spoofer() async throws {
        var settings = MulticastSettings()
        settings.interfaces = ["lo"]
        let enabled = settings
        try await withNodes([
            .start(1) { $0.multicast = enabled }, .start(2) { $0.multicast = enabled }, .start(3),
        ]) { nodes in
            // Found by the other one, the node has joined the group.
            _ = try await nodes[1].connected(to: nodes[0].id)
            _ = try await nodes[0].connected(to: nodes[1].id)
            let socket = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let group = try SocketAddress(ipAddress: "224.0.0.251", port: 5353)
            let local = try await nodes[2].bareAddress()
            let stranger = TestNode.identity(99).peerID
            let packets = [
                [UInt8](repeating: 0xFF, count: 600),
                try announcement(of: stranger, at: Multiaddr("/ip4/8.8.8.8/tcp/1")),
                try announcement(of: stranger, at: Multiaddr("/dns4/a.example/tcp/1")),
                try announcement(of: nodes[0].id, at: local),
                // In another's name: whoever answers there does not prove it.
                try announcement(of: nodes[1].id, at: local),
                try announcement(of: nodes[2].id, at: local),
            ]
            for packet in packets {
                try await socket.writeAndFlush(
                    AddressedEnvelope(remoteAddress: group, data: ByteBuffer(bytes: packet)))
            }
            _ = try await nodes[0].connected(to: nodes[2].id)
            #expect(await nodes[0].swarm.snapshot().knownPeers == 2)
            #expect(try await nodes[0].swarm.ping(nodes[1].id) > .zero)
            try await socket.close()
        }
    }
}
