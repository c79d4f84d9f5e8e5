import LibP2P
import Logging
import Networking
import Primitives
import Testing

/// This node against other libp2p implementations, in both directions. The peers run on this
/// machine; scripts/test runs these tests inside a network namespace with loopback only.
@Suite("Connections with other implementations", .serialized, .timeLimit(.minutes(2)))
struct ConnectionInteropTests {
    private static let agents: [PeerKind: String] = [
        .py: "py-libp2p/", .go: "p2pd/", .kubo: "kubo/0.22.0",
    ]

    /// A node that serves the echo protocol, and a peer of that kind; both end with `body`.
    func with(
        _ kind: PeerKind, identity keyType: String = "ed25519",
        _ body: (Swarm, TestPeer) async throws -> Void
    ) async throws {
        let seed = [UInt8](repeating: 0x51, count: 32)
        let identity = try #require(NodeIdentity(seed: seed))
        var configuration = NetworkConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        configuration.agentVersion = "quantumharmony-test/1"
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: configuration, logger: logger)
        swarm.register(streams: kind.echo) { stream in
            do {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                stream.finish()
            } catch {
                // The peer hears of it: the stream is cut off.
                return
            }
        }
        let peer: TestPeer
        do {
            try await swarm.start()
            peer = try await TestPeer.start(kind, [keyType])
        } catch {
            await swarm.shutdown()
            throw error
        }
        do {
            try await body(swarm, peer)
            await swarm.shutdown()
            await peer.stop()
        } catch {
            await swarm.shutdown()
            await peer.stop()
            throw error
        }
    }

    func information(_ swarm: Swarm, of peer: PeerID) async throws -> PeerInformation {
        while let event = await swarm.nextEvent() {
            if case .identified(peer, let information) = event { return information }
        }
        throw PeerTrouble.ended("the swarm")
    }

    private func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8) &* 13) }
    }

    @Test(
        "this node dials: identify, 100 pings, a mebibyte through an echo",
        arguments: PeerKind.allCases)
    func dial(kind: PeerKind) async throws {
        try await with(kind) { swarm, peer in
            #expect(try await swarm.connect(to: peer.address) == peer.id)
            let information = try await information(swarm, of: peer.id)
            #expect(information.agentVersion.hasPrefix(Self.agents[kind] ?? "?"))
            #expect(information.listenAddresses == [peer.address.removingPeerID()])
            // Kubo answers for all protocols below /x/, and names them so.
            #expect(information.protocols.contains(kind == .kubo ? "/x/" : kind.echo))
            #expect(information.protocols.contains(PingProtocol.name))
            for _ in 0..<100 { #expect(try await swarm.ping(peer.id) < .seconds(1)) }

            let data = pattern(1_024 * 1_024)
            let stream = try await swarm.openStream(peer.id, ["/nobody/speaks/this", kind.echo])
            #expect(stream.protocolName == kind.echo)
            async let written: Void = stream.write(data)
            // A round trip passes before anything is read: by then the windows are full.
            _ = try await swarm.ping(peer.id)
            let echoed = try await stream.read(exactly: data.count)
            try await written
            #expect(echoed == data)
            stream.finish()
            switch kind {
            case .go:
                // p2pd knows no half-closed streams: at the end of one direction it closes its
                // application's socket, and resets the stream for that.
                await #expect(throws: StreamError.reset) { try await stream.read() }
            case .kubo:
                // Neither does Kubo: it closes both directions, and resets the stream when its copy
                // in the other one fails for that. Which comes first differs.
                do { #expect(try await stream.read() == nil) } catch StreamError.reset {}
            default:
                #expect(try await stream.read() == nil)
            }

            await #expect(throws: StreamError.unsupported) {
                try await swarm.openStream(peer.id, ["/nobody/speaks/this"])
            }
            #expect(try await swarm.ping(peer.id) > .zero)
            try InteropPage.note("connect, identify, 100 pings", .ours, kind)
            try InteropPage.note(
                "streams: a mebibyte through an echo against full windows; an unknown protocol is refused",
                .ours, kind,
                kind == .py
                    ? "works"
                    : "works; half-closed streams are not \(kind == .go ? "p2pd" : "Kubo")'s")
        }
    }

    @Test(
        "this node is dialled: identify, 100 pings, a mebibyte through its echo",
        arguments: PeerKind.allCases)
    func accept(kind: PeerKind) async throws {
        try await with(kind) { swarm, peer in
            let listening = try #require(await swarm.snapshot().listenAddresses.first)
            let address = try listening.appending(swarm.localPeer)
            let own = TestPeer.Value.text("\(swarm.localPeer)")
            try await peer.ask("connect", ["address": .text("\(address)")])
            #expect(
                try await information(swarm, of: peer.id).agentVersion
                    .hasPrefix(Self.agents[kind] ?? "?"))
            let identity = try await peer.ask("identify", ["peer": own])
            #expect(identity["agent"] == .text("quantumharmony-test/1"))
            #expect(identity["addresses"] == .list(["\(listening)"]))
            #expect(identity["protocols"]?.list.contains(kind.echo) == true)
            let seed = [UInt8](repeating: 0x51, count: 32)
            let key = try #require(NodeIdentity(seed: seed)).publicKey.protobuf
            #expect(
                identity["publicKey"]
                    == .text(key.hex))

            let pings = try await peer.ask("ping", ["peer": own, "count": .number(100)])
            #expect(pings["count"] == .number(100))
            // The peer writes a mebibyte before it reads: this node's echo is held up by the
            // window, and holds up the peer in turn.
            let size = TestPeer.Value.number(1_024 * 1_024)
            let echo = try await peer.ask(
                "echo", ["peer": own, "bytes": size, "holdMilliseconds": .number(500)])
            #expect(echo["bytes"] == size)
            #expect(echo["equal"] == .flag(true))
            let peers = try await peer.ask("peers")
            #expect(peers["peers"]?.list == ["\(swarm.localPeer)"])
            try await peer.ask("disconnect", ["peer": own])
            while let event = await swarm.nextEvent() {
                if case .disconnected(peer.id, _) = event { break }
            }
            try InteropPage.note("connect, identify, 100 pings", .theirs, kind)
            try InteropPage.note(
                "streams: a mebibyte through an echo against full windows", .theirs, kind)
        }
    }

    @Test(
        "peers whose identity is of another key type, in both directions",
        arguments: PeerKind.allCases, ["secp256k1", "rsa"])
    func identities(kind: PeerKind, keyType: String) async throws {
        try await with(kind, identity: keyType) { swarm, peer in
            #expect(peer.id.embeddedPublicKey?.type != .ed25519)
            let own = TestPeer.Value.text("\(swarm.localPeer)")
            let listening = try #require(await swarm.snapshot().listenAddresses.first)
            let address = try listening.appending(swarm.localPeer)
            try await peer.ask("connect", ["address": .text("\(address)")])
            let pings = try await peer.ask("ping", ["peer": own, "count": .number(10)])
            #expect(pings["count"] == .number(10))
            try await peer.ask("disconnect", ["peer": own])
            while let event = await swarm.nextEvent() {
                if case .disconnected(peer.id, _) = event { break }
            }
            try InteropPage.note(
                "remote identity \(keyType): connect, identify, ping", .theirs, kind)

            try await swarm.connect(to: peer.address)
            #expect(
                try await information(swarm, of: peer.id).agentVersion
                    .hasPrefix(Self.agents[kind] ?? "?"))
            #expect(try await swarm.ping(peer.id) > .zero)
            try InteropPage.note(
                "remote identity \(keyType): connect, identify, ping", .ours, kind)
        }
    }

    @Test("a peer that ends takes its connection along", arguments: PeerKind.allCases)
    func lostPeer(kind: PeerKind) async throws {
        try await with(kind) { swarm, peer in
            try await swarm.connect(to: peer.address)
            await peer.stop()
            while let event = await swarm.nextEvent() {
                if case .disconnected(peer.id, _) = event { break }
            }
            #expect(await swarm.snapshot().peers.isEmpty)
            try InteropPage.note("a peer that ends is noticed", .ours, kind)
        }
    }
}
