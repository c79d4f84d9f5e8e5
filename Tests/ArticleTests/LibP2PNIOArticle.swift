import LibP2P
import LibP2PNIO
import Testing

/// Compiled without access to the package's own declarations, as every user of the library is.
@Suite("The article on LibP2PNIO", .timeLimit(.minutes(2)))
struct LibP2PNIOArticle {
    enum Trouble: Error {
        case seed
        case address
    }

    /// Starts a node on loopback.
    private func node() async throws -> LibP2PHost {
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        guard let identity = NodeIdentity(seed: seed) else { throw Trouble.seed }
        var configuration = HostConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        configuration.agentVersion = "first-node/1"
        let host = LibP2PHost(configuration)
        try await host.start()
        return host
    }

    /// Runs `body` with two nodes, and ends them whatever happens.
    private func withNodes(
        _ body: (_ alice: LibP2PHost, _ bob: LibP2PHost) async throws -> Void
    ) async throws {
        let (alice, bob) = (try await node(), try await node())
        let result: Result<Void, any Error>
        do { result = .success(try await body(alice, bob)) } catch { result = .failure(error) }
        await alice.shutdown()
        await bob.shutdown()
        try result.get()
    }

    private func serveGreetings(_ bob: LibP2PHost) throws {
        try bob.serve("/greeting/1") { stream in
            do {
                let name = try await stream.readToEnd(atMost: 100)
                try await stream.write(Array("Hello, ".utf8) + name)
                stream.finish()
            } catch {
                stream.reset()
            }
        }
    }

    @Test("two nodes talk over loopback, and learn who the other one is")
    func conversation() async throws {
        try await withNodes { alice, bob in
            try serveGreetings(bob)
            guard let address = await bob.listenAddresses().first else { throw Trouble.address }
            try await alice.connect(to: address)
            let stream = try await alice.openStream(to: bob.peerID, "/greeting/2", "/greeting/1")
            try await stream.write(Array("Alice".utf8))
            stream.finish()
            let answer = try await stream.readToEnd(atMost: 1_000)
            #expect(String(decoding: answer, as: UTF8.self) == "Hello, Alice")
            #expect(stream.protocolName == "/greeting/1")
            #expect(stream.peer == bob.peerID)

            var agent = ""
            for await event in alice.events {
                if case .identified(bob.peerID, let peer) = event {
                    agent = peer.agentVersion
                    break
                }
            }
            #expect(agent == "first-node/1")

            let roundTrip = try await alice.ping(bob.peerID)
            let security = await alice.peers().first?.security
            #expect(roundTrip > .zero)
            #expect(security == .hybridNoise)
        }
    }

    @Test("what cannot be done fails with the reason")
    func failures() async throws {
        try await withNodes { alice, bob in
            try serveGreetings(bob)
            #expect(throws: HostRegistrationError.alreadyServed("/greeting/1")) {
                try serveGreetings(bob)
            }
            #expect(throws: HostRegistrationError.alreadyServed("/ipfs/ping/1.0.0")) {
                try bob.serve("/ipfs/ping/1.0.0") { _ in }
            }
            #expect(throws: HostRegistrationError.invalidName("greeting")) {
                try bob.serve("greeting") { _ in }
            }
            await #expect(throws: HostStartError.alreadyStarted) { try await bob.start() }
            await #expect(throws: HostStreamError.notConnected) {
                try await alice.openStream(to: bob.peerID, "/greeting/1")
            }
            let there = try #require(await bob.listenAddresses().first)
            let impostor = try #require(there.removingPeerID()).appending(alice.peerID)
            await #expect(throws: HostDialError.isSelf) { try await alice.connect(to: impostor) }
            let stranger = try PeerID("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp")
            let wrong = try #require(there.removingPeerID()).appending(stranger)
            await #expect(throws: HostDialError.failed(.wrongPeer(bob.peerID))) {
                try await alice.connect(to: wrong)
            }

            try await alice.connect(to: there)
            await #expect(throws: HostStreamError.unsupported) {
                try await alice.openStream(to: bob.peerID, "/greeting/2")
            }
            await #expect(throws: HostStreamError.invalidProposal) {
                try await alice.openStream(to: bob.peerID, "greeting")
            }
            // The handler cuts off a stream with more than its hundred bytes.
            let long = try await alice.openStream(to: bob.peerID, "/greeting/1")
            try await long.write([UInt8](repeating: 0x61, count: 101))
            await #expect(throws: HostStreamError.reset) {
                try await long.readToEnd(atMost: 1_000)
            }
            let answered = try await alice.openStream(to: bob.peerID, "/greeting/1")
            answered.finish()
            await #expect(throws: HostStreamError.tooLong(limit: 3)) {
                try await answered.readToEnd(atMost: 3)
            }
        }
    }

    @Test("a reader that waits holds up the writer, and a peer that leaves is noticed")
    func backPressureAndEnd() async throws {
        try await withNodes { alice, bob in
            let (signals, signal) = AsyncStream.makeStream(of: Int.self)
            try bob.serve("/count/1") { stream in
                var total = 0
                do {
                    // Nothing is read before the writer had the time for a round trip.
                    for await _ in signals { break }
                    while let bytes = try await stream.read() { total += bytes.count }
                    try await stream.write(Array("\(total)".utf8))
                    stream.finish()
                } catch {
                    stream.reset()
                }
            }
            let there = try #require(await bob.listenAddresses().first)
            try await alice.connect(to: there)
            let stream = try await alice.openStream(to: bob.peerID, "/count/1")
            let byteCount = 4 * 1_024 * 1_024
            async let written: Void = stream.write([UInt8](repeating: 7, count: byteCount))
            _ = try await alice.ping(bob.peerID)
            signal.yield(0)
            try await written
            stream.finish()
            let answer = try await stream.readToEnd(atMost: 100)
            #expect(String(decoding: answer, as: UTF8.self) == "\(byteCount)")

            bob.disconnect(alice.peerID)
            for await event in alice.events {
                if case .disconnected(bob.peerID, _) = event { break }
            }
            #expect(await alice.peers().isEmpty)
        }
    }
}
