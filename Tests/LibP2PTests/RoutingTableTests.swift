import LibP2P
import Primitives
import Testing

extension RoutingTable {
    /// Offers peers, each with an address of a network of its own.
    fileprivate mutating func fill(
        _ peers: [PeerID], isConnected: Bool, now: Instant
    ) -> [Insertion] {
        peers.enumerated().map { number, peer in
            insert(
                peer, addresses: [Kad.address(number)],
                network: AddressGroup(Kad.address(number)), isConnected: isConnected, now: now)
        }
    }
}

@Suite("Kademlia: the routing table")
struct RoutingTableTests {
    private let local = Kad.peer(0)

    private func at(_ seconds: UInt64) -> Instant { .milliseconds(seconds * 1_000) }

    private func limits(capacity: Int, waiting: Int = 2) -> RoutingTable.Limits {
        var limits = RoutingTable.Limits()
        limits.capacity = capacity
        limits.waiting = waiting
        return limits
    }

    @Test("A peer is added once, and found by its distance")
    func insertion() {
        var table = RoutingTable(localPeer: local)
        let peers = (1...30).map(Kad.peer)
        #expect(table.fill(peers, isConnected: true, now: at(0)).allSatisfy { $0 == .added })
        #expect(table.fill(peers, isConnected: true, now: at(1)).allSatisfy { $0 == .updated })
        #expect(table.count == 30)
        let key = KademliaKey(Kad.peer(77))
        let expected = peers.sorted {
            KademliaKey($0).distance(to: key) < KademliaKey($1).distance(to: key)
        }
        #expect(table.closest(to: key, count: 7).map(\.peer) == Array(expected[..<7]))
        #expect(table.closest(to: KademliaKey(peers[4]), count: 1).map(\.peer) == [peers[4]])
        let odd = table.closest(to: key, count: 30) { $0.peer != expected[0] }
        #expect(odd.map(\.peer) == Array(expected[1...]))
    }

    @Test("This node and peers without address are refused")
    func refusals() {
        var table = RoutingTable(localPeer: local)
        #expect(table.fill([local], isConnected: true, now: at(0)) == [.refused])
        #expect(
            table.insert(
                Kad.peer(1), addresses: [], network: nil, isConnected: true, now: at(0))
                == .refused)
        #expect(table.count == 0)
    }

    @Test("Old peers that live stay; a newcomer waits and gets the place of one that fails")
    func replacement() {
        var table = RoutingTable(localPeer: local, limits: limits(capacity: 3))
        let peers = Kad.peers(7, inBucket: 255, of: local)
        let old = Array(peers[..<3])
        #expect(table.fill(old, isConnected: true, now: at(0)) == [.added, .added, .added])
        // All are connected: nobody is doubtful.
        #expect(
            table.fill([peers[3]], isConnected: true, now: at(5_000)) == [.waiting(check: nil)])
        table.disconnected(old[1], now: at(5_000))
        // Silent, but not for long.
        #expect(
            table.fill([peers[4]], isConnected: true, now: at(5_599)) == [.waiting(check: nil)])
        #expect(
            table.fill([peers[5]], isConnected: true, now: at(5_600))
                == [.waiting(check: old[1])])
        // Two may wait: who came first is forgotten.
        #expect(table.waiting(inBucket: 255).map(\.peer) == [peers[4], peers[5]])
        #expect(Set(table.entries(inBucket: 255).map(\.peer)) == Set(old))
        // A sign of life removes the doubt.
        table.seen(old[1], now: at(5_600))
        #expect(
            table.fill([peers[6]], isConnected: true, now: at(5_601)) == [.waiting(check: nil)])
        table.failed(old[1])
        #expect(table.entry(of: old[1]) == nil)
        #expect(table.entry(of: peers[6]) != nil)
        #expect(table.waiting(inBucket: 255).map(\.peer) == [peers[5]])
        #expect(table.count == 3)
    }

    @Test("Where nobody waits, two failures in a row end a membership")
    func failures() {
        var table = RoutingTable(localPeer: local)
        let peer = Kad.peer(1)
        _ = table.fill([peer], isConnected: true, now: at(0))
        table.failed(peer)
        table.seen(peer, now: at(1))
        table.failed(peer)
        #expect(table.entry(of: peer) != nil)
        table.failed(peer)
        #expect(table.entry(of: peer) == nil)
        table.failed(peer)
        #expect(table.count == 0)
    }

    @Test("One network gets two places in a bucket and ten in the table")
    func networks() {
        var table = RoutingTable(localPeer: local)
        let network = AddressGroup(Kad.address(1))
        func insert(_ peer: PeerID) -> RoutingTable.Insertion {
            table.insert(
                peer, addresses: [Kad.address(1)], network: network, isConnected: true, now: at(0))
        }
        var taken = 0
        for bucket in 246...255 {
            let peers = Kad.peers(3, inBucket: bucket, of: local)
            let results = peers.map { insert($0) }
            taken += results.count { $0 == .added }
            #expect(results.last == .refused)
            #expect(taken == min(10, 2 * (bucket - 245)))
        }
        #expect(table.count == 10)
        // A place that is given back may be taken again.
        let first = Kad.peers(1, inBucket: 246, of: local)[0]
        table.remove(first)
        #expect(insert(first) == .added)
        // The own network is no network in this sense.
        let neighbours = Kad.peers(8, inBucket: 255, of: local).dropFirst(2)
        for peer in neighbours {
            #expect(
                table.insert(
                    peer, addresses: [Kad.address(2)], network: nil, isConnected: true, now: at(0))
                    == .added)
        }
    }

    @Test("A member that moves into a full network is out")
    func moving() {
        var table = RoutingTable(localPeer: local)
        let peers = Kad.peers(3, inBucket: 255, of: local)
        func insert(_ peer: PeerID, _ number: Int) -> RoutingTable.Insertion {
            table.insert(
                peer, addresses: [Kad.address(number)], network: AddressGroup(Kad.address(number)),
                isConnected: true, now: at(0))
        }
        #expect(insert(peers[0], 1) == .added)
        #expect(insert(peers[1], 1) == .added)
        #expect(insert(peers[2], 2) == .added)
        #expect(insert(peers[2], 1) == .refused)
        #expect(table.entry(of: peers[2]) == nil)
        #expect(insert(peers[1], 2) == .updated)
        #expect(insert(peers[2], 1) == .added)
    }

    @Test("Random histories keep to the limits", arguments: 0..<10)
    func randomHistories(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var table = RoutingTable(localPeer: local, limits: limits(capacity: 4, waiting: 3))
        var now = Instant.zero
        for _ in 0..<3_000 {
            now = now + .seconds(Int.random(in: 0...60, using: &generator))
            let peer = Kad.peer(Int.random(in: 0..<200, using: &generator))
            let address = Kad.address(Int.random(in: 0..<40, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: table.seen(peer, now: now)
            case 1: table.failed(peer)
            case 2: table.disconnected(peer, now: now)
            case 3: table.remove(peer)
            default:
                let result = table.insert(
                    peer, addresses: [address], network: AddressGroup(address),
                    isConnected: Bool.random(using: &generator), now: now)
                if case .waiting(let doubtful?) = result {
                    #expect(table.entry(of: doubtful)?.isConnected == false, "seed \(seed)")
                }
            }
        }
        var count = 0
        var networks: [AddressGroup: Int] = [:]
        for bucket in 0..<256 {
            let entries = table.entries(inBucket: bucket)
            let waiting = table.waiting(inBucket: bucket)
            count += entries.count
            #expect(entries.count <= 4 && waiting.count <= 3, "seed \(seed)")
            #expect(waiting.isEmpty || entries.count == 4, "seed \(seed)")
            let peers = (entries + waiting).map(\.peer)
            #expect(Set(peers).count == peers.count, "seed \(seed)")
            for entry in entries {
                #expect(
                    KademliaKey(local).distance(to: KademliaKey(entry.peer)).bucket == bucket,
                    "seed \(seed)")
                if let network = entry.network { networks[network, default: 0] += 1 }
            }
            let inBucket = Dictionary(grouping: entries.compactMap(\.network)) { $0 }
            #expect(inBucket.values.allSatisfy { $0.count <= 2 }, "seed \(seed)")
        }
        #expect(count == table.count && count > 10, "seed \(seed)")
        #expect(networks.values.allSatisfy { $0 <= 10 }, "seed \(seed)")
        #expect(
            table.closest(to: KademliaKey(Kad.peer(5)), count: 500).count == count, "seed \(seed)")
    }
}
