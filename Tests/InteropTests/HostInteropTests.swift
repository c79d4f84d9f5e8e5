import LibP2P
import LibP2PNIO
import Logging
import Testing

/// The library for others against another implementation, through its public surface alone.
@Suite("The library's host and other implementations", .serialized, .timeLimit(.minutes(2)))
struct HostInteropTests {
    @Test("the host dials py-libp2p: identify, ping, bytes through an echo")
    func dial() async throws {
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: 0x52, count: 32)))
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        let host = LibP2PHost(HostConfiguration(identity: identity), logger: logger)
        try await host.start()
        let peer = try await TestPeer.start(.py)
        let result: Result<Void, any Error>
        do { result = .success(try await talk(host, peer)) } catch { result = .failure(error) }
        await host.shutdown()
        await peer.stop()
        try result.get()
        try InteropPage.note(
            "the library `LibP2PNIO`: connect, identify, ping, bytes through an echo", .ours, .py)
    }

    private func talk(_ host: LibP2PHost, _ peer: TestPeer) async throws {
        let echo = "/quantumharmony-test/echo/1"
        #expect(try await host.connect(to: peer.address) == peer.id)
        for await event in host.events {
            guard case .identified(peer.id, let information) = event else { continue }
            #expect(information.agentVersion.hasPrefix("py-libp2p/"))
            #expect(information.protocols.contains(echo))
            break
        }
        #expect(try await host.ping(peer.id) > .zero)
        #expect(await host.peers().first?.security == .noise)
        let stream = try await host.openStream(to: peer.id, echo)
        let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        async let written: Void = stream.write(sent)
        #expect(try await stream.read(exactly: sent.count) == sent)
        try await written
        stream.finish()
        #expect(try await stream.read() == nil)
    }
}
