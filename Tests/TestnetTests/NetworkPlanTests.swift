import Testing
import Testnet

/// Plans, relays' queues and what people see.
@Suite struct NetworkPlanTests {
    private func plan(_ count: Int) -> NetworkPlan {
        var relays: [NetworkPlan.Relay] = []
        for dialler in 0..<count {
            for target in 0..<count where target != dialler {
                relays.append(
                    NetworkPlan.Relay(
                        dialler: dialler, target: target, port: UInt16(5_000 + relays.count)))
            }
        }
        let nodes = (0..<count).map { position in
            let (name, uri) = NetworkPlan.name(of: position)
            return NetworkPlan.Node(
                name: name, uri: uri, key: "00", peerID: "peer-\(name)",
                port: UInt16(1_000 + position), rpcPort: UInt16(2_000 + position),
                metricsPort: UInt16(3_000 + position))
        }
        return NetworkPlan(nodes: nodes, relays: relays, chain: "chain.json", folder: "/t")
    }

    @Test func `names are those of development accounts`() {
        #expect(NetworkPlan.name(of: 0).uri == "//Alice")
        #expect(NetworkPlan.name(of: 5).uri == "//Ferdie")
        #expect(NetworkPlan.name(of: 6).uri == "//V7")
        #expect(NetworkPlan.name(of: 6).name == "v7")
    }

    @Test func `a node knows the others by its own relays, and no other address`() {
        let plan = plan(3)
        let arguments = plan.arguments(of: 1)
        let peers = arguments.split(separator: "--reserved-nodes").last ?? []
        #expect(
            Array(peers) == [
                "/ip4/127.0.0.1/tcp/5002/p2p/peer-alice",
                "/ip4/127.0.0.1/tcp/5003/p2p/peer-charlie",
            ])
        for port in ["1000", "1002"] { #expect(!arguments.contains { $0.contains(port) }) }
        for flag in ["--no-mdns", "--reserved-only", "--announce-public-only"] {
            #expect(arguments.contains(flag))
        }
    }

    @Test func `a partition blocks exactly the relays between its groups`() throws {
        let plan = plan(4)
        let blocked = try plan.blocked(by: [["alice", "bob"]])
        for (relay, isBlocked) in zip(plan.relays, blocked) {
            #expect(isBlocked == ((relay.dialler < 2) != (relay.target < 2)))
        }
        #expect(throws: ScenarioError.self) { try plan.blocked(by: [["zoe"]]) }
        #expect(try plan.relays(between: NodePair(first: "alice", second: "bob")).count == 2)
    }

    @Test func `a scenario with a name that nobody has is refused with its line`() throws {
        let plan = plan(3)
        for line in [
            "kill dave", "delay alice dave 1s", "partition alice | dave",
            "wait dave final >= 1 within 1s", "expect dave final stalls for 1s",
        ] {
            let scenario = try ScenarioParser.parse("heal\n" + line)
            let error = #expect(throws: ScenarioError.self) { try plan.check(scenario) }
            #expect(error?.line == 2)
        }
    }

    @Test func `a relay's queue keeps order and time, and counts its bytes`() {
        var queue = RelayQueue()
        queue.append(.bytes([1, 2, 3]), due: 100)
        // A shorter delay does not let later bytes overtake.
        queue.append(.bytes([4]), due: 50)
        queue.append(.end, due: 60)
        queue.append(.bytes([5]), due: 70)
        #expect(queue.byteCount == 4)
        #expect(!queue.hasRoom)
        #expect(queue.first(now: 99) == nil)
        #expect(queue.due == 100)
        #expect(queue.first(now: 100) == .bytes([1, 2, 3]))
        queue.passed(2)
        #expect(queue.first(now: 100) == .bytes([3]))
        queue.passed(1)
        #expect(queue.first(now: 100) == .bytes([4]))
        queue.passed(1)
        #expect(queue.first(now: 100) == .end)
        queue.passed(0)
        #expect(queue.isEmpty && queue.byteCount == 0)
        var full = RelayQueue()
        full.append(.bytes([UInt8](repeating: 0, count: RelayQueue.capacity)), due: 0)
        #expect(!full.hasRoom)
    }

    @Test func `the table has a row for each node, and lines tell of changes once`() {
        let answer = NodeObservation.Answer(
            best: 12, final: 11, finalHash: "0x0123456789abcdef", round: 13, peers: 2)
        let nodes = [
            NodeObservation(name: "alice", state: .running, answer: answer),
            NodeObservation(name: "bob", state: .failed(status: 1)),
        ]
        let table = NetworkView.table(nodes, network: "all connected")
        #expect(table.count == 4)
        #expect(table[1].contains("alice") && table[1].contains("11"))
        #expect(table[2].contains("ended (1)") && table[2].contains("-"))
        #expect(table[3] == "network: all connected")
        var view = NetworkView()
        #expect(
            view.changes(nodes) == [
                "[alice] running",
                "[alice] Finalised #11 (0x0123456789abcdef), best #12, round 13, peers 2",
                "[bob] ended (1)",
            ])
        #expect(view.changes(nodes) == [])
        // A node that misses one look has told nothing new at the next.
        #expect(view.changes([NodeObservation(name: "alice", state: .running)]) == [])
        #expect(view.changes(nodes) == [])
    }
}
