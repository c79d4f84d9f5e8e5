import LibP2P
import Networking
import Primitives
import Testing

@Suite("Admission of peers", .timeLimit(.minutes(1)))
struct AdmissionTests {
    @Test("a full node refuses further peers, but not reserved ones")
    func slots() async throws {
        let full = try await TestNode.start(1) { $0.limits.inboundSlots = 1 }
        try await withNodes([full, .start(2), .start(3), .start(4)]) { nodes in
            let address = try await full.address()
            full.swarm.addReserved(nodes[3].id)
            try await nodes[1].swarm.connect(to: address)
            _ = try await full.connected(to: nodes[1].id)
            try await nodes[2].swarm.connect(to: address)
            #expect(try await nodes[2].disconnected(from: full.id) == .closedByPeer)
            #expect(await full.swarm.snapshot().totals.refusedPeers >= 1)
            try await nodes[3].swarm.connect(to: address)
            _ = try await full.connected(to: nodes[3].id)
            let snapshot = await full.swarm.snapshot()
            #expect(Set(snapshot.peers.map(\.peer)) == [nodes[1].id, nodes[3].id])
            #expect(snapshot.peers.first { $0.peer == nodes[3].id }?.isReserved == true)
        }
    }

    @Test("known peers are dialled as far as there are slots")
    func outboundSlots() async throws {
        let dialer = try await TestNode.start(1) { $0.limits.outboundSlots = 1 }
        try await withNodes([dialer, .start(2), .start(3)]) { nodes in
            for node in nodes[1...] {
                dialer.swarm.addAddresses([try await node.bareAddress()], of: node.id)
            }
            let first = try await dialer.event { event -> PeerID? in
                if case .connected(let peer, .outbound, _) = event { peer } else { nil }
            }
            #expect(await dialer.swarm.snapshot().peers.map(\.peer) == [first])
            // The slot that becomes free goes to the other one, who has waited.
            dialer.swarm.disconnect(first)
            let second = try await dialer.event { event -> PeerID? in
                if case .connected(let peer, .outbound, _) = event { peer } else { nil }
            }
            #expect(second != first)
        }
    }

    @Test("with reservedOnly everybody else is refused, in and out")
    func reservedOnly() async throws {
        try await withNodes([.start(1), .start(2), .start(3)]) { nodes in
            let (closed, friend, stranger) = (nodes[0], nodes[1], nodes[2])
            let address = try await closed.address()
            closed.swarm.addReserved(friend.id)
            try await stranger.swarm.connect(to: address)
            _ = try await closed.connected(to: stranger.id)
            closed.swarm.setReservedOnly(true)
            #expect(
                try await closed.disconnected(from: stranger.id) == .refused(.notReserved))
            _ = try await stranger.disconnected(from: closed.id)
            try await friend.swarm.connect(to: address)
            _ = try await closed.connected(to: friend.id)
            let strangerAddress = try await stranger.address()
            await #expect(throws: DialError.refused(.notReserved)) {
                try await closed.swarm.connect(to: strangerAddress)
            }
        }
    }

    @Test("a banned peer is disconnected and refused until the ban ends")
    func bans() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (strict, banned) = (nodes[0], nodes[1])
            try await banned.swarm.connect(to: strict.address())
            _ = try await strict.connected(to: banned.id)
            strict.swarm.ban(banned.id, for: .seconds(3_600))
            let reason = try await strict.disconnected(from: banned.id)
            guard case .refused(.banned) = reason else {
                Issue.record("unexpected: \(reason)")
                return
            }
            #expect(await strict.swarm.snapshot().bans.keys.contains(banned.id))
            _ = try await banned.disconnected(from: strict.id)
            // It dials again and again, in vain.
            try await eventually("a dial is refused") {
                await strict.swarm.snapshot().totals.refusedPeers > 0
            }
            strict.swarm.unban(banned.id)
            _ = try await strict.connected(to: banned.id)
            #expect(await strict.swarm.snapshot().bans.isEmpty)
        }
    }

    @Test("a ban ends by itself")
    func banExpiry() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let (strict, banned) = (nodes[0], nodes[1])
            try await banned.swarm.connect(to: strict.address())
            _ = try await strict.connected(to: banned.id)
            strict.swarm.ban(banned.id, for: .milliseconds(300))
            _ = try await strict.disconnected(from: banned.id)
            _ = try await strict.connected(to: banned.id)
        }
    }

    @Test("reserved peers are never banned")
    func reservedAreNotBanned() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            nodes[0].swarm.addReserved(nodes[1].id)
            try await nodes[1].swarm.connect(to: nodes[0].address())
            _ = try await nodes[0].connected(to: nodes[1].id)
            nodes[0].swarm.ban(nodes[1].id, for: .seconds(60))
            #expect(try await nodes[0].swarm.ping(nodes[1].id) > .zero)
            #expect(await nodes[0].swarm.snapshot().bans.isEmpty)
        }
    }

    @Test("with 25 and 25 slots taken a reserved peer gets in, from either side")
    func fullSlots() async throws {
        let full = try await TestNode.start(1)
        var nodes = [full]
        for seed in 2...54 as ClosedRange<UInt8> {
            nodes.append(try await TestNode.start(seed) { $0.limits.outboundSlots = 0 })
        }
        try await withNodes(nodes) { nodes in
            let address = try await full.address()
            for node in nodes[1...25] {
                full.swarm.addAddresses([try await node.bareAddress()], of: node.id)
            }
            for node in nodes[26...50] { try await node.swarm.connect(to: address) }
            func taken(_ direction: ConnectionDirection) async -> Int {
                await full.swarm.snapshot().peers.count {
                    $0.direction == direction && !$0.isReserved
                }
            }
            try await eventually("all slots are taken", within: 40) {
                let counts = (await taken(.inbound), await taken(.outbound))
                return counts == (25, 25)
            }
            let (stranger, dialing, dialled) = (nodes[51], nodes[52], nodes[53])
            try await stranger.swarm.connect(to: address)
            #expect(try await stranger.disconnected(from: full.id) == .closedByPeer)
            full.swarm.addReserved(dialing.id)
            try await dialing.swarm.connect(to: address)
            full.swarm.addReserved(dialled.id, addresses: [try await dialled.bareAddress()])
            #expect(try await dialled.connected(to: full.id) == .inbound)
            try await eventually("both are reserved peers of the full node") {
                let peers = await full.swarm.snapshot().peers
                return Set(peers.filter(\.isReserved).map(\.peer)) == [dialing.id, dialled.id]
            }
            #expect(await taken(.inbound) == 25)
            #expect(await taken(.outbound) == 25)
        }
    }
}
