import LibP2P
import Primitives
import Testing

/// Attackers who want to be all that a node knows of the network, or to make it dial whom they like.
@Suite("Kademlia: poisoning")
struct KademliaPoisoningTests {
    private let local = Kad.peer(0)
    private let search = KademliaSearchID(1)
    /// All attackers have addresses of one /24.
    private let network = 0x1000

    private func identified(_ peer: PeerID, at address: Multiaddr) -> Kademlia.Input {
        .identified(peer, addresses: [address], speaksProtocol: true, connection: address)
    }

    private func address(inNetworkOf number: Int, host: Int) throws -> Multiaddr {
        try Multiaddr("/ip4/48.\(number >> 8).\(number & 0xFF).\(host)/tcp/30333")
    }

    /// The peers of one answer, as far as they are fresh inventions.
    private func inventions(_ count: Int, from number: inout Int) -> [KademliaPeer] {
        defer { number += count }
        return Kad.closer(Array(number..<number + count))
    }

    @Test("A thousand identities in one network get ten places, and drive nobody out")
    func sybils() throws {
        var machine = Kademlia(localPeer: local, seed: 1)
        let honest = (1...60).map { Kad.peer($0) }
        for (number, peer) in honest.enumerated() {
            _ = machine.handle(identified(peer, at: Kad.address(number)), now: .zero)
        }
        let before = machine.peerCount
        for number in 0..<1_000 {
            let address = try address(inNetworkOf: network, host: number % 254 + 1)
            let effects = machine.handle(
                identified(Kad.peer(2_000 + number), at: address), now: .milliseconds(1))
            #expect(!effects.contains { if case .ask = $0 { true } else { false } })
        }
        #expect(machine.peerCount <= before + 10)
        let members = honest.filter { machine.table.entry(of: $0) != nil }
        #expect(members.count == before)
    }

    @Test("Identities near the own key get two places in its bucket")
    func eclipse() throws {
        var machine = Kademlia(localPeer: local, seed: 1)
        // Names are free, so an attacker tries until they are as near as it likes.
        let near = (244...249).flatMap { Kad.peers(8, inBucket: $0, of: local) }
        for (number, peer) in near.enumerated() {
            let address = try address(inNetworkOf: network, host: number + 1)
            _ = machine.handle(identified(peer, at: address), now: .zero)
        }
        #expect(machine.peerCount == 10)
        for bucket in 244...249 {
            #expect(machine.table.entries(inBucket: bucket).count <= 2)
        }
        // An honest peer that is as near has its place all the same.
        let neighbour = try #require(Kad.peers(9, inBucket: 249, of: local).last)
        _ = machine.handle(identified(neighbour, at: Kad.address(1)), now: .zero)
        #expect(machine.table.entry(of: neighbour) != nil)
    }

    @Test("A liar that invents ever nearer peers is neither believed nor asked for ever")
    func inventor() throws {
        var configuration = KademliaConfiguration()
        configuration.replication = 4
        var machine = Kademlia(localPeer: local, configuration: configuration, seed: 1)
        let (liar, honest) = (Kad.peer(1), Kad.peer(2))
        let target = Kad.peer(3).bytes
        for peer in [liar, honest] {
            _ = machine.handle(
                identified(peer, at: Kad.address(peer == liar ? 1 : 2)), now: .zero)
        }
        var now = Instant.zero
        var effects = machine.handle(.search(search, target: target), now: now)
        var (invented, heard, asked) = (1_000, 0, 0)
        var found: [KademliaPeer]?
        while found == nil, now < .milliseconds(100_000) {
            var next: [Kademlia.Effect] = []
            for effect in effects {
                switch effect {
                case .ask(let request, liar, _, _):
                    let lies = inventions(20, from: &invented)
                    next += machine.handle(
                        .answered(
                            request, connection: Kad.address(1),
                            KademliaMessage(.findNode, closerPeers: lies).protobuf), now: now)
                case .ask(let request, honest, _, _):
                    next += machine.handle(
                        .answered(
                            request, connection: Kad.address(2),
                            KademliaMessage(.findNode).protobuf), now: now)
                // Nobody is there.
                case .ask: asked += 1
                case .heardOf: heard += 1
                case .found(search, let peers): found = peers
                default: continue
                }
            }
            if next.isEmpty, found == nil {
                now = now + .seconds(1)
                next = machine.handle(.timer, now: now)
            }
            effects = next
        }
        #expect(Set(try #require(found).map(\.id)) == [liar, honest])
        #expect(now <= .milliseconds(60_000))
        // Of each answer as many are taken as a search wants, three are asked in ten seconds.
        #expect(heard <= 4 && asked <= 3 * 7)
        #expect(machine.peerCount == 2)
    }

    @Test("A member's addresses are its own word, not what others tell", arguments: 1...3)
    func hearsay(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var machine = Kademlia(localPeer: local, seed: seed)
        for number in 1...5 {
            _ = machine.handle(
                identified(Kad.peer(number), at: Kad.address(number)), now: .zero)
        }
        for round in 0..<50 as Range<UInt64> {
            let id = KademliaSearchID(round)
            let target = Kad.peer(Int.random(in: 0..<60_000, using: &generator)).bytes
            var effects = machine.handle(.search(id, target: target), now: .zero)
            while let effect = effects.popLast() {
                guard case .ask(let request, let peer, _, _) = effect else { continue }
                guard (1...5).contains(Int(peer.bytes[3])), peer.bytes[2] == 0 else {
                    effects += machine.handle(.failed(request), now: .zero)
                    continue
                }
                let lies = (1...5).map {
                    KademliaPeer(
                        id: Kad.peer($0),
                        addresses: [Kad.address(Int.random(in: 100..<60_000, using: &generator))])
                }
                effects += machine.handle(
                    .answered(
                        request, connection: Kad.address(Int(peer.bytes[3])),
                        KademliaMessage(.findNode, closerPeers: lies).protobuf), now: .zero)
            }
        }
        for number in 1...5 {
            #expect(
                machine.table.entry(of: Kad.peer(number))?.addresses == [Kad.address(number)],
                "seed \(seed)")
        }
    }
}
