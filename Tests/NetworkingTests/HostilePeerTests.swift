import LibP2P
import NIOCore
import NIOPosix
import Networking
import Primitives
import Testing

@Suite("Peers that break the rules", .timeLimit(.minutes(1)))
struct HostilePeerTests {
    /// A node that gives handshakes a quarter of a second.
    private func impatient() async throws -> TestNode {
        try await TestNode.start(1) { configuration in
            configuration.timings.handshake = .milliseconds(250)
        }
    }

    private func failures(_ node: TestNode) async -> UInt64 {
        await node.swarm.snapshot().totals.failedHandshakes
    }

    @Test("a connection that says nothing is closed when the handshake's time is over")
    func silence() async throws {
        try await withNodes([impatient()]) { nodes in
            let address = try await nodes[0].bareAddress()
            let start = ContinuousClock.now
            try await RawConnection.with(address) { session in
                var session = session
                await session.waitForEnd()
            }
            #expect(ContinuousClock.now - start >= .milliseconds(250))
            #expect(await failures(nodes[0]) == 1)
            #expect(await nodes[0].swarm.snapshot().pendingConnections == 0)
        }
    }

    @Test("a byte now and then does not prolong the handshake's time")
    func slowDrip() async throws {
        try await withNodes([impatient()]) { nodes in
            let address = try await nodes[0].bareAddress()
            let start = ContinuousClock.now
            try await RawConnection.with(address) { session in
                var session = session
                let channel = session.channel
                let header = Array("\u{13}/multistream/1.0.0\n".utf8)
                for (index, byte) in header.enumerated() {
                    let delay = TimeAmount.milliseconds(20 * Int64(index))
                    channel.eventLoop.scheduleTask(in: delay) {
                        guard channel.isActive else { return }
                        channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
                    }
                }
                await session.waitForEnd()
            }
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(await failures(nodes[0]) == 1)
        }
    }

    @Test("a handshake that stops after any of its messages is ended when its time is over")
    func stopsAnywhere() async throws {
        try await withNodes([impatient()]) { nodes in
            let address = try await nodes[0].bareAddress()
            var messages = 0
            while try await RawConnection.with(
                address, { [messages] in try await Self.stop($0, after: messages) })
            {
                messages += 1
                #expect(await failures(nodes[0]) == UInt64(messages))
            }
            // Three of Noise and its negotiation, and what the muxer needs.
            #expect(messages >= 3)
            #expect(await failures(nodes[0]) == UInt64(messages))
        }
    }

    /// Sends so many of a dialer's messages and then only reads; false when the handshake succeeds
    /// all the same.
    private static func stop(_ session: RawSession, after messages: Int) async throws -> Bool {
        var session = session
        var generator = SystemRandomNumberGenerator()
        let credentials = NoiseCredentials(
            identity: TestNode.identity(9), staticKey: NoisePrivateKey(using: &generator))
        var upgrade = ConnectionUpgrade(
            role: .dialer, credentials: credentials,
            ephemeralKey: NoisePrivateKey(using: &generator), now: .zero)
        var sent = 0
        while true {
            while sent < messages, let output = upgrade.nextOutput() {
                // On a busy machine its time can be over before it stops.
                guard (try? await session.send(output)) != nil else { return true }
                sent += 1
            }
            if case .secured? = upgrade.nextEvent() { return false }
            guard let bytes = await session.receive() else { return true }
            upgrade.receive(bytes, now: .zero)
        }
    }

    @Test("a peer that is dialled and says nothing is given up when the handshake's time is over")
    func silentListener() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await withNodes([impatient()]) { nodes in
            let start = ContinuousClock.now
            await #expect(throws: DialError.self) {
                try await nodes[0].swarm.connect(to: Multiaddr("/ip4/127.0.0.1/tcp/\(port)"))
            }
            #expect(ContinuousClock.now - start >= .milliseconds(250))
            #expect(await failures(nodes[0]) == 1)
        }
        try await listener.close()
    }

    @Test(
        "garbage on the bare connection ends it at once",
        arguments: [
            [UInt8](repeating: 0x47, count: 200),
            [UInt8](repeating: 0xFF, count: 9),
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            [UInt8](repeating: 0x20, count: 2_000),
        ])
    func garbage(bytes: [UInt8]) async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            let start = ContinuousClock.now
            try await RawConnection.with(address) { session in
                var session = session
                try await session.send(bytes)
                await session.waitForEnd()
            }
            // Not only when the ten seconds of the handshake are over.
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(await failures(nodes[0]) == 1)
        }
    }

    @Test("garbage instead of the Noise handshake ends the connection")
    func garbageHandshake() async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            try await RawConnection.with(address) { session in
                var session = session
                try await session.send(Array("\u{13}/multistream/1.0.0\n\u{7}/noise\n".utf8))
                try await session.send([0, 32] + [UInt8](repeating: 0, count: 32))
                await session.waitForEnd()
            }
            #expect(await failures(nodes[0]) == 1)
        }
    }

    @Test("an altered record ends the connection")
    func alteredRecord() async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            try await RawConnection.with(address) { session in
                var peer = try await HostilePeer(session, seed: 7)
                var record: [UInt8] = []
                try peer.channel.seal([1, 2, 3], into: &record)
                record[4] ^= 1
                try await peer.session.send(record)
                await peer.session.waitForEnd()
            }
            let peer = TestNode.identity(7).peerID
            guard case .transport = try await nodes[0].disconnected(from: peer) else {
                Issue.record("the reason is the record")
                return
            }
        }
    }

    @Test(
        "garbage for the muxer ends the connection and says so",
        arguments: [
            [UInt8](repeating: 0xFF, count: 12), [0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            // Data for stream 0, a stream of the wrong parity, more data than any window.
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0],
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0, 1],
        ])
    func garbageFrames(frame: [UInt8]) async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            try await RawConnection.with(address) { session in
                var peer = try await HostilePeer(session, seed: 7)
                try await peer.send(frame)
                while try await peer.receive() != nil {}
            }
            let reason = try await nodes[0].disconnected(from: TestNode.identity(7).peerID)
            guard case .muxer = reason else {
                Issue.record("unexpected: \(reason)")
                return
            }
        }
    }

    @Test(
        "garbage on a stream costs the stream, not the connection",
        arguments: [
            [UInt8](repeating: 0xFF, count: 40), Array("\u{5}/x/y\n".utf8),
            Array("\u{13}/multistream/1.0.0\n\u{3}xy\n".utf8),
        ])
    func garbageNegotiation(bytes: [UInt8]) async throws {
        try await withNodes([.start(1)]) { nodes in
            let address = try await nodes[0].bareAddress()
            try await RawConnection.with(address) { session in
                var peer = try await HostilePeer(session, seed: 7)
                var muxer = YamuxSession(role: .client, now: .zero)
                let stream = try muxer.openStream()
                try muxer.write(stream, bytes)
                let ended: Bool? = try await peer.run(&muxer) { event in
                    switch event {
                    case .halfClosed(stream), .reset(stream, _): true
                    default: nil
                    }
                }
                #expect(ended == true)
                // The next stream is served.
                let ping = try muxer.openStream()
                let payload = pattern(32)
                try muxer.write(
                    ping,
                    Array("\u{13}/multistream/1.0.0\n\u{11}/ipfs/ping/1.0.0\n".utf8) + payload)
                var received: [UInt8] = []
                let pong: Bool? = try await peer.run(&muxer) { event in
                    if case .data(ping, let bytes) = event { received += bytes }
                    return received.suffix(32) == payload[...] ? true : nil
                }
                #expect(pong == true)
            }
            let snapshot = await nodes[0].swarm.snapshot()
            #expect(snapshot.totals.openedInbound == 1)
        }
    }

    @Test("an oversized notification costs the stream and reputation, not the connection")
    func oversizedNotification() async throws {
        try await withNodes([.start(1)]) { nodes in
            var registration = NotificationRegistration(name: "/test/n/1", handshake: [1])
            registration.maximumNotificationByteCount = 1_000
            let service = nodes[0].swarm.register(registration)
            let peerID = TestNode.identity(7).peerID
            let address = try await nodes[0].bareAddress()
            try await RawConnection.with(address) { session in
                var peer = try await HostilePeer(session, seed: 7)
                var muxer = YamuxSession(role: .client, now: .zero)
                let mine = try muxer.openStream()
                let negotiation = Array("\u{13}/multistream/1.0.0\n\u{A}/test/n/1\n".utf8)
                try muxer.write(mine, negotiation + [1, 5])
                // Accept the reverse stream, as a proper peer does.
                var theirs: YamuxStreamID?
                var heard: [UInt8] = []
                let isAnswered: Bool? = try await peer.run(&muxer) { event in
                    guard case .data(let id, let bytes) = event, id.rawValue % 2 == 0 else {
                        return nil
                    }
                    if theirs != id { heard = [] }
                    theirs = id
                    heard += bytes
                    return heard.contains(Array("/test/n/1\n".utf8)) ? true : nil
                }
                #expect(isAnswered == true)
                try muxer.write(try #require(theirs), negotiation + [1, 6])
                let frame = [0xE9, 0x07] + [UInt8](repeating: 0, count: 1_001)
                try muxer.write(mine, [2, 42, 43] + frame)
                let wasReset: Bool? = try await peer.run(&muxer) { event in
                    if case .reset(mine, _) = event { true } else { nil }
                }
                #expect(wasReset == true)
            }
            #expect(try await service.opened(peerID) == [5])
            #expect(await service.nextNotification() == .notification(peerID, [42, 43]))
            #expect(await service.nextNotification() == .streamClosed(peerID))
            let change = try await nodes[0].event { event -> ReputationChange? in
                if case .reported(peerID, _, let change) = event { change } else { nil }
            }
            #expect(change.value < 0)
        }
    }

    @Test("a flood of connections is cut at the limit of unauthenticated ones")
    func connectionFlood() async throws {
        let node = try await TestNode.start(1) { $0.limits.unauthenticated = 3 }
        try await flood(node, allowed: 3)
    }

    @Test("a flood from one address is cut at the limit per address")
    func addressFlood() async throws {
        let node = try await TestNode.start(1) { configuration in
            configuration.limits.perAddress = 2
            configuration.limits.limitsLoopback = true
        }
        try await flood(node, allowed: 2)
    }

    private func flood(_ node: TestNode, allowed: Int) async throws {
        try await withNodes([node, .start(2)]) { nodes in
            let address = try await node.address()
            let (releases, release) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<allowed {
                    group.addTask {
                        try await RawConnection.with(address) { session in
                            var session = session
                            // The node's greeting: it took the connection up.
                            try await session.send(Array("\u{13}/multistream/1.0.0\n".utf8))
                            #expect(await session.receive() != nil)
                            for await _ in releases {}
                        }
                    }
                }
                try await eventually("the limit is reached") {
                    await node.swarm.snapshot().pendingConnections == allowed
                }
                for _ in 0..<5 {
                    try await RawConnection.with(address) { session in
                        var session = session
                        #expect(await session.receive() == nil)
                    }
                }
                let refused = await node.swarm.snapshot().totals.refusedByLimits
                #expect(refused == 5)
                release.finish()
                try await group.waitForAll()
            }
            // The places are free again.
            try await eventually("there is room") {
                await node.swarm.snapshot().pendingConnections == 0
            }
            #expect(try await nodes[1].swarm.connect(to: address) == node.id)
        }
    }

    @Test("a peer that goes silent is dropped, an urgent one sooner")
    func silentPeer() async throws {
        let node = try await TestNode.start(1) { configuration in
            configuration.timings.urgentPing = .milliseconds(100)
            configuration.timings.urgentSilence = .milliseconds(300)
        }
        try await withNodes([node]) { nodes in
            let peerID = TestNode.identity(7).peerID
            let address = try await node.bareAddress()
            try await RawConnection.with(address) { session in
                var peer = try await HostilePeer(session, seed: 7)
                _ = try await node.connected(to: peerID)
                let start = ContinuousClock.now
                node.swarm.setUrgent(peerID, true)
                while try await peer.receive() != nil {}
                #expect(ContinuousClock.now - start < .seconds(5))
            }
            #expect(try await node.disconnected(from: peerID) == .silence)
        }
    }
}
