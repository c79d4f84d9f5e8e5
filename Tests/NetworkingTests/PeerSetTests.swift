import LibP2P
import Networking
import Primitives
import Testing

@Suite("Decisions about peers")
struct PeerSetTests {
    private static let local = TestNode.identity(200).peerID
    private static let first = TestNode.identity(1).peerID
    private static let second = TestNode.identity(2).peerID
    private static let third = TestNode.identity(3).peerID

    private static func address(_ port: Int) throws -> Multiaddr {
        try Multiaddr("/ip4/10.0.0.1/tcp/\(port)")
    }

    private static func at(_ seconds: Double) -> Instant { Instant.zero + .seconds(seconds) }

    private static func make(
        reservedOnly: Bool = false, _ configure: (inout ConnectionLimits) -> Void = { _ in }
    ) -> PeerSet {
        var limits = ConnectionLimits()
        configure(&limits)
        return PeerSet(
            localPeer: local, limits: limits, timings: NetworkTimings(),
            reservedOnly: reservedOnly)
    }

    private var generator = SeededGenerator(seed: 1)

    @Test("nothing is dialled without an address, and this node never")
    mutating func nothingToDial() throws {
        var peers = Self.make()
        peers.setUrgent(Self.first, true)
        peers.learn([try Self.address(1)], of: Self.local)
        let answer8 = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(answer8.isEmpty)
        #expect(peers.nextDeadline == nil)
        #expect(
            peers.refusal(of: Self.local, direction: .inbound, now: Self.at(0)) == .isSelf)
    }

    @Test("a dial under way is not repeated, and its end plans the next one")
    mutating func oneDialAtATime() throws {
        var peers = Self.make()
        peers.learn([try Self.address(1), try Self.address(2)], of: Self.first)
        let orders = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(orders.map(\.peer) == [Self.first])
        #expect(orders.first?.address == (try Self.address(1)))
        #expect(orders.first?.timeout == .seconds(5))
        let answer9 = peers.nextDials(now: Self.at(1_000), using: &generator)
        #expect(answer9.isEmpty)
        #expect(peers.nextDeadline == nil)
        peers.dialFailed(Self.first, now: Self.at(5), using: &generator)
        let next = try #require(peers.nextDeadline)
        #expect(next > Self.at(5))
        let answer10 = peers.nextDials(now: Self.at(5), using: &generator)
        #expect(answer10.isEmpty)
        // The other address has its turn.
        let second = peers.nextDials(now: next, using: &generator)
        #expect(second.first?.address == (try Self.address(2)))
    }

    @Test("pauses double up to a minute for ordinary peers")
    mutating func doublingPauses() throws {
        var peers = Self.make()
        peers.learn([try Self.address(1)], of: Self.first)
        var now = Self.at(0)
        var pauses: [Duration] = []
        for _ in 0..<12 {
            let answer11 = peers.nextDials(now: now, using: &generator)
            #expect(answer11.count == 1)
            peers.dialFailed(Self.first, now: now, using: &generator)
            let next = try #require(peers.nextDeadline)
            pauses.append(next - now)
            now = next
        }
        #expect(pauses[0] >= .milliseconds(750) && pauses[0] <= .milliseconds(2_500))
        #expect(pauses[3] >= .seconds(6))
        #expect(pauses.allSatisfy { $0 <= .seconds(75) })
        #expect(pauses[11] >= .seconds(45))
    }

    @Test("urgent peers are dialled every half second whatever happens")
    mutating func urgentPace() throws {
        var peers = Self.make()
        peers.learn([try Self.address(1)], of: Self.first)
        peers.setUrgent(Self.first, true)
        var now = Self.at(0)
        for _ in 0..<20 {
            let orders = peers.nextDials(now: now, using: &generator)
            #expect(orders.first?.timeout == .milliseconds(500))
            peers.dialFailed(Self.first, now: now + .milliseconds(100), using: &generator)
            let next = try #require(peers.nextDeadline)
            #expect(next - now >= .milliseconds(500) && next - now <= .milliseconds(600))
            now = next
        }
    }

    @Test("a lost connection is dialled again at once, a short-lived one after a pause")
    mutating func lostConnections() throws {
        var peers = Self.make()
        peers.learn([try Self.address(1)], of: Self.first)
        peers.connected(Self.first, direction: .outbound, address: nil, now: Self.at(0))
        peers.disconnected(Self.first, now: Self.at(60), using: &generator)
        #expect(try #require(peers.nextDeadline) <= Self.at(60.1))
        peers.connected(Self.first, direction: .outbound, address: nil, now: Self.at(61))
        peers.disconnected(Self.first, now: Self.at(62), using: &generator)
        #expect(try #require(peers.nextDeadline) >= Self.at(62.75))
    }

    @Test("dials respect slots and the number under way; reserved peers need no slot")
    mutating func slots() throws {
        var peers = Self.make { limits in
            limits.outboundSlots = 1
            limits.concurrentDials = 2
        }
        for (index, peer) in [Self.first, Self.second, Self.third].enumerated() {
            peers.learn([try Self.address(index + 1)], of: peer)
        }
        peers.setReserved(Self.third, true)
        let orders = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(orders.count == 2)
        #expect(orders.first?.peer == Self.third)
        #expect(peers.nextDeadline == nil)
        let ordinary = try #require(orders.last?.peer)
        peers.connected(ordinary, direction: .outbound, address: nil, now: Self.at(0))
        #expect(peers.slotsTaken(.outbound) == 1)
        #expect(peers.nextDeadline == nil)
        let other = ordinary == Self.first ? Self.second : Self.first
        #expect(
            peers.refusal(of: other, direction: .outbound, now: Self.at(0))
                == .noSlot(.outbound))
        #expect(
            peers.refusal(of: other, direction: .outbound, isRequested: true, now: Self.at(0))
                == nil)
        #expect(peers.refusal(of: other, direction: .inbound, now: Self.at(0)) == nil)
        #expect(peers.refusal(of: Self.third, direction: .inbound, now: Self.at(0)) == nil)
        peers.disconnected(ordinary, now: Self.at(1), using: &generator)
        #expect(peers.nextDeadline == .zero)
        let answer12 = peers.nextDials(now: Self.at(1), using: &generator)
        #expect(answer12.map(\.peer) == [other])
    }

    @Test("bans refuse until they end, spare reserved peers, and are bounded")
    mutating func bans() throws {
        var peers = Self.make { $0.bans = 2 }
        peers.learn([try Self.address(1)], of: Self.first)
        let answer1 = peers.ban(Self.first, until: Self.at(10))
        #expect(answer1)
        #expect(
            peers.refusal(of: Self.first, direction: .inbound, now: Self.at(9.9))
                == .banned(until: Self.at(10)))
        let answer13 = peers.nextDials(now: Self.at(9.9), using: &generator)
        #expect(answer13.isEmpty)
        #expect(peers.nextDeadline == Self.at(10))
        #expect(peers.refusal(of: Self.first, direction: .inbound, now: Self.at(10)) == nil)
        #expect(peers.bans(now: Self.at(10)).isEmpty)
        peers.setReserved(Self.second, true)
        let answer2 = peers.ban(Self.second, until: Self.at(99))
        #expect(!answer2)
        let answer3 = peers.ban(Self.local, until: Self.at(99))
        #expect(!answer3)
        // Two fit; the one that ends first gives way to a third.
        peers.ban(Self.third, until: Self.at(30))
        peers.ban(TestNode.identity(4).peerID, until: Self.at(20))
        #expect(
            peers.bans(now: Self.at(0)).map(\.until).sorted() == [Self.at(20), Self.at(30)])
        peers.setReserved(Self.third, true)
        #expect(peers.refusal(of: Self.third, direction: .inbound, now: Self.at(0)) == nil)
    }

    @Test("the table of known peers and their addresses is bounded")
    mutating func bounds() throws {
        var peers = Self.make { limits in
            limits.knownPeers = 2
            limits.addressesPerPeer = 3
        }
        let addresses = try (1...10).map { try Self.address($0) }
        let answer4 = peers.learn(addresses, of: Self.first)
        #expect(answer4)
        #expect(peers.addresses(of: Self.first) == Array(addresses[..<3]))
        let answer5 = peers.learn([addresses[0]], of: Self.second)
        #expect(answer5)
        // No room: both may be good.
        let answer6 = peers.learn([addresses[0]], of: Self.third)
        #expect(!answer6)
        let orders = peers.nextDials(now: Self.at(0), using: &generator)
        #expect(orders.count == 2)
        peers.dialFailed(Self.second, now: Self.at(1), using: &generator)
        let answer7 = peers.learn([addresses[0]], of: Self.third)
        #expect(answer7)
        #expect(peers.addresses(of: Self.second).isEmpty)
        peers.forget(addresses[0], of: Self.first)
        #expect(peers.addresses(of: Self.first) == Array(addresses[1..<3]))
    }

    @Test("random histories keep within the limits", arguments: 0..<20)
    func randomHistories(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var peers = Self.make { limits in
            limits.outboundSlots = 3
            limits.concurrentDials = 2
            limits.knownPeers = 8
        }
        let ids = (1...12).map { TestNode.identity(UInt8($0)).peerID }
        var now = Self.at(0)
        var dialing: [PeerID] = []
        for step in 0..<500 {
            now = now + .milliseconds(Int.random(in: 0...2_000, using: &generator))
            let peer = ids.randomElement(using: &generator) ?? ids[0]
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: peers.learn([try Self.address(step)], of: peer)
            case 1: peers.disconnected(peer, now: now, using: &generator)
            case 2:
                guard let failed = dialing.popLast() else { continue }
                peers.dialFailed(failed, now: now, using: &generator)
            case 3:
                guard let done = dialing.popLast() else { continue }
                peers.connected(done, direction: .outbound, address: nil, now: now)
            default:
                let orders = peers.nextDials(now: now, using: &generator)
                #expect(orders.allSatisfy { !dialing.contains($0.peer) }, "seed \(seed)")
                #expect(orders.allSatisfy { !peers.isConnected($0.peer) }, "seed \(seed)")
                dialing += orders.map(\.peer)
                // What was asked for is done: nothing is left that is due now.
                #expect(peers.nextDeadline ?? .distantFuture > now, "seed \(seed)")
            }
            #expect(dialing.count <= 2, "seed \(seed)")
            #expect(peers.slotsTaken(.outbound) + dialing.count <= 3, "seed \(seed)")
        }
    }
}
