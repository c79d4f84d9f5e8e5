import LibP2P
import Networking
import Primitives
import Testing

@Suite("Swarms connect", .timeLimit(.minutes(1)))
struct SwarmTests {
    @Test("two nodes connect and learn who the other one is")
    func connectAndIdentify() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (alice, bob) = (nodes[0], nodes[1])
            let address = try await bob.address()
            #expect(try await alice.swarm.connect(to: address) == bob.id)
            #expect(try await alice.connected(to: bob.id) == .outbound)
            #expect(try await bob.connected(to: alice.id) == .inbound)
            let information = try await alice.identified(bob.id)
            #expect(information.agentVersion == "test/2")
            #expect(information.listenAddresses == [try await bob.bareAddress()])
            #expect(
                information.protocols
                    == [PingProtocol.name, "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0"])
            #expect(try await bob.identified(alice.id).agentVersion == "test/1")
            // The address under which Bob sees Alice is that of her socket.
            let seen = try #require(await bob.swarm.snapshot().peers.first?.address)
            #expect(information.observedAddress == seen)
        }
    }

    @Test("peers are told when protocols are added")
    func identifyPush() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (alice, bob) = (nodes[0], nodes[1])
            try await alice.swarm.connect(to: bob.address())
            _ = try await alice.identified(bob.id)
            _ = try await bob.identified(alice.id)
            bob.swarm.register(RequestProtocol(name: "/test/new/1")) { _, _ in nil }
            let news = try await alice.identified(bob.id)
            #expect(news.protocols.contains("/test/new/1"))
            #expect(news.agentVersion == "test/2")
        }
    }

    @Test("a hundred pings come back")
    func pings() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            try await nodes[0].swarm.connect(to: nodes[1].address())
            for _ in 0..<100 {
                #expect(try await nodes[0].swarm.ping(nodes[1].id) < .seconds(1))
            }
            #expect(try await nodes[1].swarm.ping(nodes[0].id) > .zero)
            #expect(await nodes[0].swarm.snapshot().peers.first?.roundTrip != nil)
        }
    }

    @Test("a node listens on IPv6 and on all addresses, and is dialled by name")
    func otherAddresses() async throws {
        let listening = try await TestNode.start(1) { configuration in
            configuration.listenAddresses = ["/ip6/::1/tcp/0", "/ip4/0.0.0.0/tcp/0"].compactMap {
                try? Multiaddr($0)
            }
        }
        try await withNodes([listening, .start(2)]) { nodes in
            let addresses = await nodes[0].swarm.snapshot().listenAddresses
            #expect(addresses.allSatisfy { $0.tcpEndpoint?.port != 0 })
            #expect(!addresses.contains { "\($0)".contains("0.0.0.0") })
            let first = try #require(addresses.first)
            try await nodes[1].swarm.connect(to: first.appending(nodes[0].id))
            nodes[1].swarm.disconnect(nodes[0].id)
            _ = try await nodes[1].disconnected(from: nodes[0].id)
            let wildcard = try #require(addresses.last?.tcpEndpoint)
            let named = try Multiaddr("/dns4/localhost/tcp/\(wildcard.port)")
            #expect(try await nodes[1].swarm.connect(to: named) == nodes[0].id)
        }
    }

    @Test("a dial that finds somebody else fails and names who it was")
    func wrongPeer() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let somebody = TestNode.identity(9).peerID
            let address = try await nodes[1].bareAddress().appending(somebody)
            await #expect(throws: DialError.failed(.wrongPeer(nodes[1].id))) {
                try await nodes[0].swarm.connect(to: address)
            }
            #expect(await nodes[0].swarm.snapshot().peers.isEmpty)
        }
    }

    @Test("a node that dials itself notices")
    func selfDial() async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            await #expect(throws: DialError.failed(.refused(.isSelf))) {
                try await nodes[0].swarm.connect(to: address)
            }
            let own = try await nodes[0].address()
            await #expect(throws: DialError.refused(.isSelf)) {
                try await nodes[0].swarm.connect(to: own)
            }
        }
    }

    @Test("dials without a listener, a usable address or a running swarm fail with the reason")
    func failedDials() async throws {
        let node = try await TestNode.start(1)
        let gone = try await TestNode.start(2)
        let address = try await gone.address()
        await gone.swarm.shutdown()
        do {
            try await node.swarm.connect(to: address)
            Issue.record("nobody listens there")
        } catch {
            guard case .unreachable = error else {
                Issue.record("unexpected: \(error)")
                return
            }
        }
        let noTCP = try Multiaddr("/ip4/127.0.0.1/udp/1/quic-v1")
        await #expect(throws: DialError.noAddress) { try await node.swarm.connect(to: noTCP) }
        await node.swarm.shutdown()
        await #expect(throws: DialError.notRunning) { try await node.swarm.connect(to: address) }
        #expect(await node.swarm.nextEvent() == nil)
    }

    @Test("a taken port is reported")
    func takenPort() async throws {
        let first = try await TestNode.start(1)
        let address = try await first.bareAddress()
        var configuration = NetworkConfiguration(identity: TestNode.identity(2))
        configuration.listenAddresses = [address]
        let second = Swarm(configuration: configuration)
        do {
            try await second.start()
            Issue.record("the port is taken")
        } catch {
            guard case .cannotBind(address, _) = error else {
                Issue.record("unexpected: \(error)")
                return
            }
        }
        await second.shutdown()
        await first.swarm.shutdown()
    }

    @Test("nodes that dial each other at once keep the same single connection", arguments: 0..<8)
    func simultaneousDials(round: UInt8) async throws {
        try await withNodes([.start(2 * round + 1), .start(2 * round + 2)]) { nodes in
            let (left, right) = (nodes[0], nodes[1])
            let (toLeft, toRight) = (try await left.address(), try await right.address())
            async let first = left.swarm.connect(to: toRight)
            async let second = right.swarm.connect(to: toLeft)
            #expect(try await first == right.id)
            #expect(try await second == left.id)
            try await eventually("one connection is left") {
                let totals = [
                    await left.swarm.snapshot().totals, await right.swarm.snapshot().totals,
                ]
                return totals.allSatisfy { total in
                    total.openedInbound + total.openedOutbound - total.closed == 1
                }
            }
            let leftView = try #require(await left.swarm.snapshot().peers.first)
            let rightView = try #require(await right.swarm.snapshot().peers.first)
            #expect(leftView.direction != rightView.direction)
            let totals = await left.swarm.snapshot().totals
            if totals.duplicates > 0 {
                #expect((leftView.direction == .outbound) == (left.id < right.id))
            }
            #expect(try await left.swarm.ping(right.id) > .zero)
        }
    }

    @Test("the end of a connection is told, and a reserved peer is dialled again")
    func redial() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (alice, bob) = (nodes[0], nodes[1])
            alice.swarm.addReserved(bob.id, addresses: [try await bob.bareAddress()])
            _ = try await alice.connected(to: bob.id)
            _ = try await bob.connected(to: alice.id)
            bob.swarm.disconnect(alice.id)
            #expect(try await bob.disconnected(from: alice.id) == .requested)
            #expect(try await alice.disconnected(from: bob.id) == .closedByPeer)
            _ = try await alice.connected(to: bob.id)
            #expect(await alice.swarm.reservedPeers() == [bob.id])
        }
    }

    @Test("a reserved peer that starts late is found within the urgent pace")
    func lateReservedPeer() async throws {
        let bob = try await TestNode.start(2)
        let address = try await bob.bareAddress()
        await bob.swarm.shutdown()
        try await withNodes([.start(1)]) { nodes in
            nodes[0].swarm.addReserved(bob.id, addresses: [address])
            try await eventually("dials fail first") {
                await nodes[0].swarm.snapshot().totals.failedDials >= 2
            }
            let late = try await TestNode.start(2) { $0.listenAddresses = [address] }
            _ = try await nodes[0].connected(to: bob.id)
            await late.swarm.shutdown()
        }
    }

    @Test("a shut down swarm ends its peers' connections at once")
    func shutdown() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (alice, bob) = (nodes[0], nodes[1])
            try await alice.swarm.connect(to: bob.address())
            _ = try await bob.connected(to: alice.id)
            let start = ContinuousClock.now
            await alice.swarm.shutdown()
            // It waits for nothing that only a time-out of a stream or a handshake would end: those
            // take ten seconds.
            #expect(ContinuousClock.now - start < .seconds(8))
            #expect(try await bob.disconnected(from: alice.id) == .closedByPeer)
            #expect(try await alice.disconnected(from: bob.id) == .shutdown)
            #expect(await alice.swarm.nextEvent() == nil)
            #expect(await alice.swarm.snapshot().peers.isEmpty)
            await #expect(throws: StreamError.notConnected) {
                try await alice.swarm.ping(bob.id)
            }
            // A second time does nothing.
            await alice.swarm.shutdown()
        }
    }
}
