import BlockSync
import Chain
import LibP2P
import Logging
import Networking
import Primitives
import SCALE
import Synchronization
import Testing

/// smoldot, the light client of Substrate networks, as a peer of the block protocols. Its chain is not
/// ours: it derives the genesis hash of a Substrate chain and follows Substrate's consensus, so what
/// is shown is the transport, notifications, and our messages' encodings.
@Suite("A Substrate light client", .serialized, .timeLimit(.minutes(1)))
struct LightClientInteropTests {
    @Test("smoldot dials us, opens block-announces, lists us, and follows our announcements")
    func lightClient() async throws {
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: 0x53, count: 32)))
        var configuration = NetworkConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: configuration, logger: logger)
        try await swarm.start()
        let address = try #require(await swarm.snapshot().listenAddresses.first)
            .appending(swarm.localPeer)
        let outcome: Result<Void, any Error>
        do {
            let client = try await TestPeer.start(.smoldot, ["\(address)"])
            do {
                try await exchange(with: client, swarm, at: address)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await client.stop()
        } catch {
            outcome = .failure(error)
        }
        await swarm.shutdown()
        try outcome.get()
    }

    private func exchange(
        with client: TestPeer, _ swarm: Swarm, at address: Multiaddr
    ) async throws {
        let bytes = try #require([UInt8](hex: client.ready["genesis"]?.text ?? ""))
        let genesis = try #require(Hash256(bytes))
        let names = ProtocolNames(genesis: genesis, forkID: nil)
        let best = BlockRef(hash: BLAKE2b256.hash([1]), number: BlockNumber(3))
        let handshake = BlockAnnouncesHandshake(
            roles: .authority, best: best, genesisHash: genesis)
        let announces = swarm.register(
            NotificationRegistration(
                name: names.name("block-announces", version: "1"), handshake: handshake.scaleBytes))
        let requests = Mutex<[[UInt8]]>([])
        swarm.register(RequestProtocol(name: names.name("sync", version: "2"))) { _, request in
            requests.withLock { $0.append(request) }
            return nil
        }

        let started = try await client.ask("start", ["bootnode": .text("\(address)")])
        #expect(started["genesis"]?.text == "0x" + genesis.bytes.hex)
        guard case .streamOpened(let peer, let theirs)? = await announces.nextNotification() else {
            throw PeerTrouble.ended("block-announces")
        }
        let shown = try SCALEDecoder.decode(BlockAnnouncesHandshake.self, from: theirs)
        #expect(shown.genesisHash == genesis && shown.roles == .light)

        let listed = try await client.ask("peers")
        #expect(listed["peers"]?.list == ["\(swarm.localPeer)"])
        #expect(listed["roles"]?.list == ["AUTHORITY"])
        #expect(listed["heights"]?.list == ["3"])
        try InteropPage.note(
            "block-announces: both substreams, handshakes; we are in its `system_peers` as an authority",
            .theirs, .smoldot)

        let header = Header(
            parentHash: best.hash, number: BlockNumber(4), stateRoot: .zero,
            extrinsicsRoot: .zero, digest: [])
        announces.sendSyncNotification(
            to: [peer],
            OutboundMessage(bytes: BlockAnnouncement(header: header, isBest: true).scaleBytes))
        let later = try await client.ask("peers", ["height": .number(4)])
        #expect(later["hashes"]?.list == ["0x" + header.hash.bytes.hex])
        try InteropPage.note(
            "a block announcement of ours moves what it knows of our best block", .theirs, .smoldot)
        for request in requests.withLock({ $0 }) {
            #expect(throws: Never.self) { try BlockRequest(decoding: request) }
        }

        #expect(try await swarm.ping(peer) > .zero)
        swarm.disconnect(peer)
        while let event = await announces.nextNotification() {
            if case .streamClosed(peer) = event { break }
        }
        #expect(
            try await client.ask("peers", ["present": .flag(false)])["peers"]?.list == [])
    }
}
