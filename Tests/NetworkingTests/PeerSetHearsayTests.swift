import LibP2P
import Networking
import Primitives
import Testing

@Suite("Decisions about what is told of peers")
struct PeerSetHearsayTests {
    private static let peer = TestNode.identity(1).peerID
    private static let other = TestNode.identity(2).peerID

    private var generator = SeededGenerator(seed: 1)

    private static func address(_ port: Int) throws -> Multiaddr {
        try Multiaddr("/ip4/10.0.0.1/tcp/\(port)")
    }

    private static func at(_ seconds: Double) -> Instant { Instant.zero + .seconds(seconds) }

    private static func make(
        _ configure: (inout ConnectionLimits) -> Void = { _ in }
    ) -> PeerSet {
        var limits = ConnectionLimits()
        configure(&limits)
        return PeerSet(
            localPeer: TestNode.identity(200).peerID, limits: limits, timings: NetworkTimings(),
            reservedOnly: false)
    }

    @Test(
        "A peer that others tell of is dialled after all others, and forgotten when it is not there"
    )
    mutating func hearsay() throws {
        var peers = Self.make { $0.concurrentDials = 1 }
        peers.hear([try Self.address(1)], of: Self.other)
        peers.learn([try Self.address(2)], of: Self.peer)
        let first = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(first.map(\.peer) == [Self.peer])
        peers.connected(Self.peer, direction: .outbound, address: nil, now: Self.at(0))
        var now = Self.at(0)
        for attempt in 1...5 {
            let orders = peers.nextDials(now: now, using: &generator)
            #expect(orders.map(\.peer) == [Self.other], "attempt \(attempt)")
            peers.dialFailed(Self.other, now: now, using: &generator)
            now = now + .seconds(100)
        }
        #expect(peers.addresses(of: Self.other).isEmpty)
        #expect(peers.nextDeadline == nil)
    }

    @Test("A peer that was connected once is no hearsay any more")
    mutating func connected() throws {
        var peers = Self.make()
        peers.hear([try Self.address(1)], of: Self.peer)
        peers.connected(
            Self.peer, direction: .outbound, address: try Self.address(1), now: Self.at(0))
        peers.disconnected(Self.peer, now: Self.at(60), using: &generator)
        var now = Self.at(100)
        for _ in 0..<10 {
            let orders = peers.nextDials(now: now, using: &generator)
            #expect(orders.count == 1)
            peers.dialFailed(Self.peer, now: now, using: &generator)
            now = now + .seconds(100)
        }
        #expect(peers.addresses(of: Self.peer) == [try Self.address(1)])
    }

    @Test("Hearsay is bounded apart: it displaces only itself, and only what failed")
    mutating func bounds() throws {
        var peers = Self.make { limits in
            limits.hearsayPeers = 2
            limits.addressesPerPeer = 2
        }
        let ids = (10...13).map { TestNode.identity($0).peerID }
        peers.learn([try Self.address(1)], of: Self.peer)
        for id in ids { peers.hear([try Self.address(1)], of: id) }
        #expect(ids.map { peers.addresses(of: $0).count } == [1, 1, 0, 0])
        let orders = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(orders.count == 3)
        peers.hear([try Self.address(1)], of: ids[2])
        #expect(peers.addresses(of: ids[2]).isEmpty, "the two are being dialled")
        peers.dialFailed(ids[1], now: Self.at(1), using: &generator)
        peers.hear([try Self.address(1), try Self.address(2), try Self.address(3)], of: ids[2])
        #expect(ids.map { peers.addresses(of: $0).count } == [1, 0, 2, 0])
    }

    @Test("Liars cannot fill the addresses of a peer that is known otherwise")
    mutating func knownPeers() throws {
        var peers = Self.make { $0.addressesPerPeer = 4 }
        peers.learn([try Self.address(1)], of: Self.peer)
        peers.hear(try (7...20).map { try Self.address($0) }, of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [try Self.address(1), try Self.address(7)])
        // Connected it speaks for itself.
        peers.connected(
            Self.peer, direction: .outbound, address: try Self.address(1), now: Self.at(0))
        peers.update([try Self.address(1), try Self.address(2)], of: Self.peer)
        peers.hear([try Self.address(9)], of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [try Self.address(1), try Self.address(2)])
    }

    @Test("What a peer says of itself replaces what was known, but not where it was reached")
    mutating func update() throws {
        var peers = Self.make()
        let (one, two, three, four) = (
            try Self.address(1), try Self.address(2), try Self.address(3), try Self.address(4)
        )
        peers.learn([try one.appending(Self.peer)], of: Self.peer, areConfigured: true)
        peers.hear([two, three], of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [one, two, three])
        peers.connected(Self.peer, direction: .outbound, address: two, now: Self.at(0))
        peers.update([three, try four.appending(Self.peer)], of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [two, one, three, four])
        // It moved: what it does not name any more is forgotten.
        peers.update([four], of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [two, one, four])
        // Somebody else answered there.
        peers.forget(two, of: Self.peer)
        peers.update([four], of: Self.peer)
        #expect(peers.addresses(of: Self.peer) == [one, four])
        // A peer that nobody knew, and bounds.
        peers.update((1...20).compactMap { try? Self.address($0) }, of: Self.other)
        #expect(peers.addresses(of: Self.other).count == 8)
    }

    @Test("Peers beyond the slots are those that this node dialled")
    mutating func beyondSlots() throws {
        var peers = Self.make { $0.outboundSlots = 1 }
        #expect(peers.hasFreeSlot)
        peers.connected(Self.peer, direction: .outbound, address: nil, now: Self.at(0))
        #expect(!peers.hasFreeSlot && !peers.isBeyondSlots(Self.peer))
        peers.connected(Self.other, direction: .outbound, address: nil, now: Self.at(0))
        #expect(peers.isBeyondSlots(Self.peer) && peers.isBeyondSlots(Self.other))
        peers.setReserved(Self.other, true)
        #expect(!peers.isBeyondSlots(Self.peer) && !peers.isBeyondSlots(Self.other))
        #expect(peers.isConfigured(Self.other) && !peers.isConfigured(Self.peer))
    }
}
