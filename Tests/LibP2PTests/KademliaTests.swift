import LibP2P
import Primitives
import Testing

@Suite("Kademlia: decisions")
struct KademliaTests {
    typealias Effect = Kademlia.Effect
    typealias Input = Kademlia.Input

    private let local = Kad.peer(0)
    private let search = KademliaSearchID(9)

    private func at(_ seconds: UInt64) -> Instant { .milliseconds(seconds * 1_000) }

    private func make(
        _ configure: (inout KademliaConfiguration) -> Void = { _ in }
    ) -> Kademlia {
        var configuration = KademliaConfiguration()
        configuration.replication = 4
        configuration.parallelism = 2
        configure(&configuration)
        return Kademlia(localPeer: local, configuration: configuration, seed: 1)
    }

    private func identified(_ number: Int, speaks: Bool = true) -> Input {
        .identified(
            Kad.peer(number), addresses: [Kad.address(number)], speaksProtocol: speaks,
            connection: Kad.address(number))
    }

    private func ask(_ request: UInt64, _ number: Int, _ target: [UInt8]) -> Effect {
        .ask(
            .outbound(request), Kad.peer(number), [Kad.address(number)],
            KademliaMessage(.findNode, key: target).protobuf)
    }

    private func answer(_ request: UInt64, from number: Int, _ closer: [Int] = []) -> Input {
        .answered(
            .outbound(request), connection: Kad.address(number),
            KademliaMessage(.findNode, closerPeers: Kad.closer(closer)).protobuf)
    }

    /// The numbers of the peers with those numbers, closest to the target first.
    private func byDistance(_ numbers: [Int], to target: [UInt8]) -> [Int] {
        let key = KademliaKey(of: target)
        return numbers.sorted {
            KademliaKey(Kad.peer($0)).distance(to: key)
                < KademliaKey(Kad.peer($1)).distance(to: key)
        }
    }

    @Test("The start: a bootnode is asked for this node's own key and for a random one")
    func start() throws {
        var machine = make()
        let begin = machine.handle(.bootnode(Kad.peer(1), [Kad.address(1)]), now: at(0))
        #expect(begin == [])
        let effects = machine.handle(.start, now: at(0))
        #expect(effects.count == 3)
        #expect(effects.first == ask(2, 1, local.bytes))
        guard case .ask(.outbound(4), Kad.peer(1), _, let bytes) = effects[1],
            case .setTimer(let timer) = effects[2]
        else {
            Issue.record("\(effects)")
            return
        }
        let target = try KademliaMessage(protobuf: bytes).key
        #expect(try PeerID(bytes: target).embeddedPublicKey?.type == .ed25519)
        let distance = KademliaKey(local).distance(to: KademliaKey(of: target))
        #expect(distance.bucket == 255, "the far buckets come first")
        // The next random search comes first of all: after a second, a quarter more or less.
        #expect(timer >= .milliseconds(750) && timer <= .milliseconds(1_250))
        #expect(machine.handle(.start, now: at(0)) == [])
    }

    @Test("A search: the closest are asked, what they tell is asked, and who answered is found")
    func searching() {
        var machine = make()
        let target = Kad.peer(500).bytes
        let known = byDistance([1, 2, 3], to: target)
        for number in known { _ = machine.handle(identified(number), now: at(0)) }
        var effects = machine.handle(.search(search, target: target), now: at(0))
        #expect(
            effects == [
                ask(2, known[0], target), ask(3, known[1], target), .setTimer(at(10)),
            ])
        // Two are under way; the answer makes room for one, and is the best source there is.
        let told = byDistance(Array(100..<200), to: target)
        let (near, nearer) = (told[1], told[0])
        effects = machine.handle(answer(2, from: known[0], [near, known[1]]), now: at(1))
        #expect(
            effects == [
                .heardOf(Kad.peer(near), [Kad.address(near)]), ask(4, near, target),
            ])
        effects = machine.handle(answer(4, from: near, [nearer]), now: at(2))
        #expect(effects.prefix(2).last == ask(5, nearer, target))
        // The two that were known and the two that were told of are the four closest.
        #expect(machine.handle(answer(3, from: known[1]), now: at(3)) == [.setTimer(at(12))])
        effects = machine.handle(answer(5, from: nearer), now: at(4))
        #expect(
            effects.first
                == .found(
                    search,
                    [
                        KademliaPeer(
                            id: Kad.peer(nearer), addresses: [Kad.address(nearer)],
                            connection: .canConnect),
                        KademliaPeer(
                            id: Kad.peer(near), addresses: [Kad.address(near)],
                            connection: .canConnect),
                        KademliaPeer(
                            id: Kad.peer(known[0]), addresses: [Kad.address(known[0])],
                            connection: .connected),
                        KademliaPeer(
                            id: Kad.peer(known[1]), addresses: [Kad.address(known[1])],
                            connection: .connected),
                    ]))
    }

    @Test("Who does not answer is passed over; a late answer still counts while it may")
    func timeouts() {
        var machine = make { $0.replication = 3 }
        let target = Kad.peer(500).bytes
        let known = byDistance([1, 2, 3], to: target)
        for number in known { _ = machine.handle(identified(number), now: at(0)) }
        _ = machine.handle(.search(search, target: target), now: at(0))
        _ = machine.handle(.failed(.outbound(2)), now: at(1))
        // The second one's time is up at 10 s; the third one's at 11 s.
        #expect(machine.handle(.timer, now: at(10)).isEmpty == false)
        let effects = machine.handle(answer(3, from: known[1]), now: .milliseconds(10_500))
        #expect(!effects.contains { if case .found = $0 { true } else { false } })
        let found = machine.handle(answer(4, from: known[2]), now: at(11))
        guard case .found(search, let peers)? = found.first else {
            Issue.record("\(found)")
            return
        }
        #expect(peers.map(\.id) == [Kad.peer(known[1]), Kad.peer(known[2])])
        // Failures that the shell reports after the end change nothing.
        #expect(machine.handle(.failed(.outbound(3)), now: at(12)) == [])
    }

    @Test("A search ends after a minute with whoever has answered by then")
    func searchTimeout() {
        var machine = make {
            $0.requestTimeout = .seconds(100)
            $0.replication = 2
        }
        let target = Kad.peer(500).bytes
        let known = byDistance([1, 2], to: target)
        for number in known { _ = machine.handle(identified(number), now: at(0)) }
        _ = machine.handle(.search(search, target: target), now: at(0))
        _ = machine.handle(answer(3, from: known[1]), now: at(1))
        let effects = machine.handle(.timer, now: at(60))
        guard case .found(search, let peers)? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(peers.map(\.id) == [Kad.peer(known[1])])
    }

    @Test("Without anybody to ask a search ends at once; beyond the limit it is refused")
    func limits() {
        var machine = make { $0.maximumSearches = 1 }
        #expect(machine.handle(.search(search, target: [1]), now: at(0)) == [.found(search, [])])
        _ = machine.handle(identified(1), now: at(0))
        _ = machine.handle(.search(search, target: [1]), now: at(0))
        let other = KademliaSearchID(10)
        #expect(
            machine.handle(.search(other, target: [1]), now: at(0)) == [.refuseSearch(other)])
        let long = [UInt8](repeating: 0, count: 1_025)
        #expect(
            machine.handle(.search(other, target: long), now: at(0)) == [.refuseSearch(other)])
    }

    @Test("Lies are not believed: addresses that the teller cannot know, names, other peers' ids")
    func lies() throws {
        var machine = make()
        _ = machine.handle(identified(1), now: at(0))
        let target = Kad.peer(500).bytes
        _ = machine.handle(.search(search, target: target), now: at(0))
        let victim = Kad.peer(3)
        let bad = try [
            "/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/dns4/a.example/tcp/1",
            "/ip4/8.8.8.8/tcp/1/p2p/\(Kad.peer(4))", "/ip4/8.8.8.8/udp/1/quic-v1",
        ].map { try Multiaddr($0) }
        let good = try Multiaddr("/ip4/8.8.8.8/tcp/1")
        let lie = KademliaMessage(
            .findNode,
            closerPeers: [
                KademliaPeer(id: victim, addresses: bad),
                KademliaPeer(
                    id: Kad.peer(5), addresses: bad + [good, try good.appending(Kad.peer(5))]),
                KademliaPeer(id: local, addresses: [good]),
            ])
        let effects = machine.handle(
            .answered(.outbound(2), connection: Kad.address(1), lie.protobuf), now: at(1))
        #expect(effects.prefix(1) == [.heardOf(Kad.peer(5), [good])])
        #expect(effects.count { if case .ask = $0 { true } else { false } } == 1)
    }

    @Test("Bytes that are no answer are reported, and the peer counts as silent")
    func garbage() {
        var machine = make { $0.replication = 1 }
        _ = machine.handle(identified(1), now: at(0))
        _ = machine.handle(.search(search, target: [1]), now: at(0))
        #expect(
            machine.handle(
                .answered(.outbound(2), connection: Kad.address(1), [8]), now: at(1)
            ).prefix(2) == [.misbehaved(Kad.peer(1), .malformed), .found(search, [])])
        _ = machine.handle(.search(search, target: [1]), now: at(0))
        // An answer of another kind.
        let other = KademliaMessage(.ping).protobuf
        #expect(
            machine.handle(
                .answered(.outbound(4), connection: Kad.address(1), other), now: at(1)
            ).prefix(1) == [.misbehaved(Kad.peer(1), .malformed)])
        #expect(machine.peerCount == 0, "two failures")
    }

    @Test("A server tells the closest peers, but not the asker, and nothing that is of no use")
    func serving() throws {
        var machine = make { $0.replication = 10 }
        for number in 1...9 { _ = machine.handle(identified(number), now: at(0)) }
        let near = try Multiaddr("/ip4/10.0.0.7/tcp/1")
        _ = machine.handle(
            .identified(
                Kad.peer(10), addresses: [near], speaksProtocol: true, connection: near),
            now: at(0))
        func ask(_ message: KademliaMessage, from connection: Multiaddr) throws -> [KademliaPeer] {
            let effects = machine.handle(
                .request(.inbound(7), Kad.peer(3), connection: connection, message.protobuf),
                now: at(1))
            guard case .answer(.inbound(7), let bytes)? = effects.first else {
                Issue.record("\(effects)")
                return []
            }
            let answer = try KademliaMessage(protobuf: bytes)
            #expect(answer.kind == message.kind)
            return answer.closerPeers
        }
        let target = Kad.peer(10).bytes
        let expected = byDistance([1, 2, 4, 5, 6, 7, 8, 9], to: target).map(Kad.peer)
        for kind in [KademliaMessage.Kind.findNode, .getValue, .getProviders] {
            let far = try ask(KademliaMessage(kind, key: target), from: Kad.address(3))
            #expect(far.map(\.id) == expected)
            #expect(far.allSatisfy { $0.addresses.count == 1 && $0.connection == .connected })
        }
        let neighbour = try ask(
            KademliaMessage(.findNode, key: target), from: try Multiaddr("/ip4/10.0.0.8/tcp/9"))
        #expect(neighbour.map(\.id) == [Kad.peer(10)] + expected)
        #expect(try ask(KademliaMessage(.ping), from: Kad.address(3)).isEmpty)
    }

    @Test("Storing, garbage and floods are refused; a client answers nobody")
    func refusing() {
        var machine = make { $0.inboundRequests = RateLimit(burst: 3, perSecond: 1) }
        func ask(_ bytes: [UInt8], _ number: Int = 3, at time: UInt64 = 0) -> [Effect] {
            machine.handle(
                .request(
                    .inbound(1), Kad.peer(number), connection: Kad.address(number), bytes),
                now: at(time))
        }
        #expect(ask(KademliaMessage(.putValue, key: [1]).protobuf) == [.refuse(.inbound(1))])
        #expect(ask(KademliaMessage(.addProvider, key: [1]).protobuf) == [.refuse(.inbound(1))])
        #expect(ask([8]) == [.refuse(.inbound(1))])
        let find = KademliaMessage(.findNode, key: [1]).protobuf
        let nothing = [Effect.answer(.inbound(1), KademliaMessage(.findNode).protobuf)]
        #expect(ask(find) == [.refuse(.inbound(1))], "the budget is spent")
        #expect(ask(find, 4) == nothing)
        #expect(ask(find, at: 1) == nothing)
        var client = make { $0.mode = .client }
        #expect(
            client.handle(
                .request(.inbound(1), Kad.peer(1), connection: Kad.address(1), find), now: at(0))
                == [.refuse(.inbound(1))])
    }

    @Test("Only peers that speak the protocol are members; who stops to is out")
    func membership() throws {
        var machine = make()
        _ = machine.handle(identified(1, speaks: false), now: at(0))
        #expect(machine.peerCount == 0)
        _ = machine.handle(identified(1), now: at(0))
        #expect(machine.peerCount == 1)
        _ = machine.handle(identified(1, speaks: false), now: at(0))
        #expect(machine.peerCount == 0)
        // Addresses that a public peer cannot have.
        _ = machine.handle(
            .identified(
                Kad.peer(2), addresses: [try Multiaddr("/ip4/10.0.0.1/tcp/1")],
                speaksProtocol: true, connection: Kad.address(2)), now: at(0))
        #expect(machine.peerCount == 0)
    }

    @Test("A silent member has to answer when another one wants its place")
    func check() throws {
        var machine = make { $0.replication = 1 }
        let peers = Kad.peers(2, inBucket: 255, of: local)
        func identify(_ peer: PeerID, _ number: Int, at time: UInt64) -> [Effect] {
            machine.handle(
                .identified(
                    peer, addresses: [Kad.address(number)], speaksProtocol: true,
                    connection: Kad.address(number)), now: at(time))
        }
        _ = identify(peers[0], 1, at: 0)
        _ = machine.handle(.disconnected(peers[0]), now: at(0))
        let effects = identify(peers[1], 2, at: 600)
        #expect(
            effects.first
                == .ask(
                    .outbound(1), peers[0], [Kad.address(1)],
                    KademliaMessage(.findNode, key: peers[0].bytes).protobuf))
        // A second newcomer does not make it be asked twice.
        #expect(identify(peers[1], 2, at: 601) == [])
        _ = machine.handle(.failed(.outbound(1)), now: at(602))
        #expect(machine.table.entry(of: peers[1]) != nil)
        #expect(machine.table.entry(of: peers[0]) == nil)
    }

    @Test("Random searches double their pause up to a minute, and wait while nobody is wanted")
    func pace() throws {
        var machine = make()
        _ = machine.handle(identified(1), now: at(0))
        var deadline = try #require(timer(machine.handle(.start, now: at(0))))
        var pauses: [Duration] = []
        var last = at(0)
        for request in 0..<8 {
            // Whatever is asked fails at once, so that only searches set the timer.
            for number in 1...(UInt64(request) * 4 + 8) {
                let effects = machine.handle(.failed(.outbound(number)), now: last)
                deadline = timer(effects) ?? deadline
            }
            pauses.append(deadline - last)
            last = deadline
            deadline = timer(machine.handle(.timer, now: last)) ?? deadline
        }
        #expect(pauses[0] >= .milliseconds(750) && pauses[0] <= .milliseconds(1_250))
        #expect(pauses[7] >= .seconds(45) && pauses[7] <= .seconds(75))
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 > $0 / 2 })
        _ = machine.handle(.wantsPeers(false), now: last)
        _ = machine.handle(identified(2), now: last)
        let quiet = machine.handle(.timer, now: deadline)
        #expect(!quiet.contains { if case .ask = $0 { true } else { false } })
        let again = machine.handle(.wantsPeers(true), now: deadline)
        #expect(again.contains { if case .ask = $0 { true } else { false } })
    }

    private func timer(_ effects: [Effect]) -> Instant? {
        for case .setTimer(let time) in effects.reversed() { return time }
        return nil
    }
}
