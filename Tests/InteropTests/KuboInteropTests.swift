import LibP2P
import Networking
import Testing

/// The node of IPFS as a peer: what the other suites show with every peer, and what goes by other
/// commands with this one. For scripts/soak, which installs it; scripts/test leaves it out.
@Suite("Kubo", .serialized, .timeLimit(.minutes(3)))
struct KuboInteropTests {
    @Test("this node dials: identify, 100 pings, a mebibyte through an echo")
    func dial() async throws { try await ConnectionInteropTests().dial(kind: .kubo) }

    @Test("a peer that ends takes its connection along")
    func lostPeer() async throws { try await ConnectionInteropTests().lostPeer(kind: .kubo) }

    @Test("this node finds another one that only Kubo knows")
    func findThroughKubo() async throws {
        try await DiscoveryInteropTests().findThroughPeer(kind: .kubo)
    }

    @Test("Kubo finds a node that only this node knows")
    func answerKubo() async throws { try await DiscoveryInteropTests().answerPeer(kind: .kubo) }

    @Test("what got lost is advertised, asked for and given, in both directions")
    func recovery() async throws { try await GossipInteropTests().recovery(kind: .kubo) }

    @Test(
        "this node is dialled: identify, 100 pings, a mebibyte through its echo",
        arguments: ["ed25519", "rsa"])
    func accept(identity: String) async throws {
        try await ConnectionInteropTests().with(.kubo, identity: identity) { swarm, peer in
            #expect((peer.id.embeddedPublicKey == nil) == (identity == "rsa"))
            let listening = try #require(await swarm.snapshot().listenAddresses.first)
            let address = try listening.appending(swarm.localPeer)
            try await peer.ask("connect", ["address": .text("\(address)")])
            #expect(try await peer.ask("peers")["peers"]?.list == ["\(swarm.localPeer)"])
            let information = try await ConnectionInteropTests().information(swarm, of: peer.id)
            #expect(information.agentVersion.hasPrefix("kubo/0.22.0"))
            for _ in 0..<100 { #expect(try await swarm.ping(peer.id) < .seconds(1)) }

            let own = TestPeer.Value.text("\(swarm.localPeer)")
            let size = TestPeer.Value.number(1_024 * 1_024)
            let echo = try await peer.ask(
                "echo", ["peer": own, "bytes": size, "holdMilliseconds": .number(500)])
            #expect(echo["bytes"] == size)
            #expect(echo["equal"] == .flag(true))
            let unknown = try await peer.ask(
                "refused", ["peer": own, "protocol": .text("/x/nobody/speaks/this")])
            #expect(unknown["refused"] == .flag(true))
            #expect(try await swarm.ping(peer.id) > .zero)
            let what =
                "connect, identify, 100 pings of ours, a mebibyte through an echo against full windows, an unknown protocol is refused"
            try InteropPage.note("remote identity \(identity): \(what)", .theirs, .kubo)
        }
    }

    @Test("a GossipSub mesh of Kubo, p2pd and two of ours: each hears all others")
    func mesh() async throws {
        let configuration = GossipSubConfiguration()
        try await GossipNode.with([configuration, configuration]) { ours in
            try await GossipInteropTests().withPeers([.go, .kubo]) { theirs in
                // p2pd - ours 0 - Kubo - ours 1: half of what is heard goes through Kubo's router.
                for peer in theirs {
                    try await peer.subscribe()
                    try await peer.connect(to: ours[0])
                }
                try await theirs[1].connect(to: ours[1])
                try await ours[0].awaitMesh(theirs.map(\.id))
                try await ours[1].awaitMesh([theirs[1].id])
                try await GossipInteropTests().expectAllHeard(ours: ours, theirs: theirs)
                try InteropPage.note(
                    "GossipSub mesh with p2pd and two of ours in a row: each hears all others, through our router and its",
                    .theirs, .kubo)
            }
        }
    }
}
