import LibP2P
import Logging
import Networking
import Primitives
import Testing

/// Finding peers together with other implementations: by the DHT in both directions, and by
/// multicast, which stays inside the network namespace of the tests.
@Suite("Finding peers with other implementations", .serialized, .timeLimit(.minutes(2)))
struct DiscoveryInteropTests {
    /// A node on loopback that answers requests of the DHT as the other implementations name it.
    private static func makeNode(
        _ seed: UInt8, for kind: PeerKind,
        _ configure: (inout NetworkConfiguration) -> Void = { _ in }
    ) throws -> Swarm {
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: seed, count: 32)))
        var configuration = NetworkConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        configuration.kademlia = KademliaSettings(names: [kind.kademlia])
        configure(&configuration)
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        return Swarm(configuration: configuration, logger: logger)
    }

    /// Runs `body` with nodes that have started and a peer; all end whatever happens.
    private func with(
        _ swarms: [Swarm], _ kind: PeerKind, _ options: [String],
        _ body: (TestPeer) async throws -> Void
    ) async throws {
        var peer: TestPeer?
        do {
            for swarm in swarms { try await swarm.start() }
            let started = try await TestPeer.start(kind, options)
            peer = started
            try await body(started)
        } catch {
            for swarm in swarms { await swarm.shutdown() }
            await peer?.stop()
            throw error
        }
        for swarm in swarms { await swarm.shutdown() }
        await peer?.stop()
    }

    private func address(of swarm: Swarm) async throws -> Multiaddr {
        try #require(await swarm.snapshot().listenAddresses.first).appending(swarm.localPeer)
    }

    @Test("this node finds another one that only the peer knows", arguments: PeerKind.allCases)
    func findThroughPeer(kind: PeerKind) async throws {
        let (searcher, hidden) = (
            try Self.makeNode(0x61, for: kind), try Self.makeNode(0x62, for: kind)
        )
        try await with([searcher, hidden], kind, ["--dht"]) { peer in
            // Its own search makes the hidden node known to the peer.
            hidden.addBootnode(peer.address)
            try await eventually("the hidden node knows the peer") {
                await hidden.snapshot().routingPeers > 0
            }
            #expect(
                try #require(await hidden.closestPeers(to: hidden.localPeer)).map(\.id)
                    == [peer.id])
            searcher.addBootnode(peer.address)
            // The peer tells of a node as soon as it has learnt its addresses by identify.
            var found: [KademliaPeer] = []
            try await eventually("the peer tells of the hidden node") {
                found = try #require(await searcher.closestPeers(to: hidden.localPeer))
                return found.first?.id == hidden.localPeer
            }
            #expect(
                found.first?.addresses == [
                    try #require(await address(of: hidden).removingPeerID())
                ])
            #expect(found.contains { $0.id == peer.id })
        }
        try InteropPage.note(
            "Kademlia: our search finds a peer that only it knows", .ours, kind)
    }

    @Test("the peer finds a node that only this node knows", arguments: PeerKind.allCases)
    func answerPeer(kind: PeerKind) async throws {
        let (known, hidden) = (
            try Self.makeNode(0x63, for: kind), try Self.makeNode(0x64, for: kind)
        )
        try await with([known, hidden], kind, ["--dht"]) { peer in
            let bootnode = try await address(of: known)
            hidden.addBootnode(bootnode)
            try await eventually("the hidden node is known") {
                await known.snapshot().routingPeers > 0
            }
            try await peer.ask("connect", ["address": .text("\(bootnode)")])
            // The peer learns by identify that this node may be asked.
            try await eventually("the peer is known") { await known.snapshot().routingPeers == 2 }
            let found = try await peer.ask(
                "find_peer", ["peer": .text("\(hidden.localPeer)")])
            #expect(found["peer"] == .text("\(hidden.localPeer)"))
            let expected = try #require(await address(of: hidden).removingPeerID())
            #expect(found["addresses"]?.list.contains("\(expected)") == true)
        }
        try InteropPage.note(
            "Kademlia: its search finds a peer that only we know", .theirs, kind)
    }

    @Test("this node and py-libp2p find each other by multicast")
    func multicast() async throws {
        var settings = MulticastSettings()
        settings.interfaces = ["lo"]
        let enabled = settings
        let node = try Self.makeNode(0x65, for: .py) { $0.multicast = enabled }
        try await with([node], .py, ["--mdns"]) { peer in
            // The peer tells of everybody whom it hears of.
            let heard = try await peer.event("discovered")
            #expect(heard["peer"] == .text("\(node.localPeer)"))
            let listening = try #require(await address(of: node).removingPeerID())
            #expect(heard["addresses"] == .list(["\(listening)"]))
            while let event = await node.nextEvent() {
                guard case .connected(peer.id, let direction, let address) = event else { continue }
                #expect(direction == .outbound)
                #expect(address == peer.address.removingPeerID())
                break
            }
        }
        try InteropPage.note("multicast DNS: each finds the other", .ours, .py)
    }
}
