import LibP2P
import NIOCore
import NIOPosix
import Networking
import Primitives
import Testing

/// A DNS server with TXT records, on a port of its own.
private final class TestNameServer: Sendable {
    let channel: any Channel

    /// - Parameter records: the texts of each name.
    init(_ records: [String: [String]]) async throws {
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answers(records: records))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var server: NameServer {
        NameServer(address: .loopback, port: UInt16(channel.localAddress?.port ?? 0))
    }

    func stop() async throws { try await channel.close() }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let records: [String: [String]]

        init(records: [String: [String]]) { self.records = records }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let packet = unwrapInboundIn(data)
            guard let question = try? DNSMessage(bytes: Array(packet.data.readableBytesView)),
                let name = question.questions.first?.name
            else { return }
            let texts = records[name.description] ?? []
            let answer = DNSMessage(
                id: question.id, flags: texts.isEmpty ? 0x8183 : 0x8180,
                questions: question.questions,
                answers: texts.map { text in
                    // Strings of at most 255 bytes, here of at most 20.
                    let bytes = Array(text.utf8)
                    let strings = stride(from: 0, to: bytes.count, by: 20).map {
                        Array(bytes[$0..<min(bytes.count, $0 + 20)])
                    }
                    return DNSRecord(name, timeToLive: 60, .txt(strings))
                })
            context.writeAndFlush(
                wrapOutboundOut(
                    AddressedEnvelope(
                        remoteAddress: packet.remoteAddress,
                        data: ByteBuffer(bytes: answer.bytes))), promise: nil)
        }
    }
}

@Suite("Names are resolved", .timeLimit(.minutes(1)))
struct NameTests {
    private func with(
        _ records: [String: [String]], _ body: (TestNode, TestNode) async throws -> Void
    ) async throws {
        let dns = try await TestNameServer(records)
        try await withNodes([.start(1) { $0.nameServer = dns.server }, .start(2)]) { nodes in
            try await body(nodes[0], nodes[1])
        }
        try await dns.stop()
    }

    @Test("/dns4, /dns6 and /dns lead to addresses of their families")
    func families() async throws {
        // Only what is asked for is dialled.
        let both = try await TestNode.start(2) { configuration in
            configuration.limits.outboundSlots = 0
            configuration.listenAddresses = ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"].compactMap {
                try? Multiaddr($0)
            }
        }
        try await withNodes([.start(1) { $0.limits.outboundSlots = 0 }, both]) { nodes in
            let addresses = await both.swarm.snapshot().listenAddresses
            let ports = addresses.compactMap(\.tcpEndpoint?.port)
            func connect(_ text: String) async throws -> Multiaddr {
                let address = try Multiaddr(text).appending(both.id)
                #expect(try await nodes[0].swarm.connect(to: address) == both.id)
                let seen = try #require(await nodes[0].swarm.snapshot().peers.first?.address)
                nodes[0].swarm.disconnect(both.id)
                _ = try await nodes[0].disconnected(from: both.id)
                return seen
            }
            #expect(try await connect("/dns4/localhost/tcp/\(ports[0])") == addresses[0])
            #expect(try await connect("/dns/localhost/tcp/\(ports[0])") == addresses[0])
            // Nobody listens for IPv4 there.
            let wrong = try Multiaddr("/dns4/localhost/tcp/\(ports[1])").appending(both.id)
            await #expect(throws: DialError.self) { try await nodes[0].swarm.connect(to: wrong) }
        }
    }

    @Test("A name that nobody knows is an error that says so")
    func unknownName() async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try Multiaddr("/dns4/nowhere.invalid/tcp/1")
            do {
                try await nodes[0].swarm.connect(to: address)
                Issue.record("there is no such name")
            } catch {
                guard case .unreachable? = error as? DialError else {
                    Issue.record("unexpected: \(error)")
                    return
                }
            }
        }
    }

    @Test("/dnsaddr leads to the addresses of the peer that is wanted, over several names")
    func dnsaddr() async throws {
        let other = TestNode.identity(9).peerID
        let target = try await TestNode.start(3)
        let address = try await target.address()
        try await with([
            "_dnsaddr.net.example.": [
                "no address", "dnsaddr=/nonsense", "dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/\(other)",
                "dnsaddr=/dnsaddr/more.example/p2p/\(target.id)",
            ],
            "_dnsaddr.more.example.": ["dnsaddr=\(address)"],
        ]) { node, _ in
            let name = try Multiaddr("/dnsaddr/net.example/p2p/\(target.id)")
            #expect(try await node.swarm.connect(to: name) == target.id)
            #expect(
                await node.swarm.snapshot().peers.first?.address == address.removingPeerID())
        }
        await target.swarm.shutdown()
    }

    @Test("A bootnode may be given by /dnsaddr")
    func bootnode() async throws {
        let target = try await TestNode.start(3)
        let address = try await target.address()
        try await with(["_dnsaddr.net.example.": ["dnsaddr=\(address)"]]) { node, _ in
            node.swarm.addBootnode(try Multiaddr("/dnsaddr/net.example/p2p/\(target.id)"))
            _ = try await node.connected(to: target.id)
        }
        await target.swarm.shutdown()
    }

    @Test("Names that lead in circles, nowhere or to somebody else end in an error")
    func circles() async throws {
        let peer = TestNode.identity(9).peerID
        try await with([
            "_dnsaddr.a.example.": ["dnsaddr=/dnsaddr/b.example", "dnsaddr=/dnsaddr/a.example"],
            "_dnsaddr.b.example.": ["dnsaddr=/dnsaddr/a.example", "dnsaddr=/dnsaddr/b.example"],
            "_dnsaddr.else.example.": ["dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/\(peer)"],
        ]) { node, other in
            for name in ["a.example", "nowhere.example", "else.example"] {
                let address = try Multiaddr("/dnsaddr/\(name)/p2p/\(other.id)")
                do {
                    try await node.swarm.connect(to: address)
                    Issue.record("\(name) leads nowhere")
                } catch {
                    guard case .unreachable? = error as? DialError else {
                        Issue.record("\(name): \(error)")
                        continue
                    }
                }
            }
        }
    }

    @Test("A name that a peer told does not lead into this node's own network")
    func toldName() async throws {
        let target = try await TestNode.start(3) { $0.limits.outboundSlots = 0 }
        let address = try await target.address()
        try await with(["_dnsaddr.net.example.": ["dnsaddr=\(address)"]]) { node, _ in
            let name = try Multiaddr("/dnsaddr/net.example")
            node.swarm.addAddresses([name], of: target.id)
            try await eventually("the dial fails") {
                await node.swarm.snapshot().totals.failedDials > 0
            }
            #expect(await target.swarm.snapshot().totals.openedInbound == 0)
            // The owner may lead it there.
            node.swarm.addReserved(target.id, addresses: [name])
            _ = try await node.connected(to: target.id)
        }
        await target.swarm.shutdown()
    }
}
