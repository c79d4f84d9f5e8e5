import BlockSync
import Chain
import Primitives
import Testing

struct NetworkTests {
    let chain: TestChain

    init() throws { chain = try TestChain() }

    @Test("a joiner gets thousands of blocks over a bad network", arguments: seeds(4))
    func lateJoiner(seed: UInt64) throws {
        let blocks = try chain.grow(count: 3_000, remarkEvery: 40)
        var network = MemoryNetwork(chain: chain, seed: seed)
        network.lossPerMille = 50
        for _ in 0..<3 {
            try network.addNode(currentSlot: 5_000, blocks: blocks, finalisedCount: 2_990)
        }
        let joiner = try network.addNode(
            currentSlot: 5_000, limits: TreeLimits(maximumDepth: 256, maximumBlockCount: 1_024))
        for node in 0..<3 { network.connect(joiner, node) }
        let target = blocks[2_999].ref
        let done = network.run(for: .seconds(600)) { $0.nodes[joiner].tree.best == target }
        #expect(done, "seed \(seed): at \(network.nodes[joiner].tree.best)")
        #expect(network.nodes[joiner].tree.finalised.number >= BlockNumber(2_750))
        #expect(
            network.nodes[joiner].offences.allSatisfy { $0.offence == .timedOut }, "seed \(seed)")
        // Ranges come once, but for what was lost on the way.
        #expect(network.nodes[joiner].receivedBlocks < 3_600, "seed \(seed)")
    }

    @Test(
        "one honest peer suffices whatever the others do",
        arguments: [
            MemoryNetwork.Behaviour.silent, .empty, .withholding, .wrongBlocks, .forging,
        ], seeds(3))
    func byzantinePeers(behaviour: MemoryNetwork.Behaviour, seed: UInt64) throws {
        let blocks = try chain.grow(count: 700, remarkEvery: 10)
        var network = MemoryNetwork(chain: chain, seed: seed)
        network.lossPerMille = 20
        for node in 0..<4 {
            try network.addNode(
                node == 2 ? .honest : behaviour, currentSlot: 5_000, blocks: blocks,
                finalisedCount: 690)
        }
        let joiner = try network.addNode(currentSlot: 5_000)
        for node in 0..<4 { network.connect(joiner, node) }
        let done = network.run(for: .seconds(900)) {
            $0.nodes[joiner].tree.best == blocks[699].ref
        }
        #expect(done, "seed \(seed): at \(network.nodes[joiner].tree.best)")
        let honest = network.nodes[joiner].offences.filter { $0.peer == PeerHandle(2) }
        #expect(honest.allSatisfy { $0.offence == .timedOut }, "seed \(seed): \(honest)")
        let guilty = network.nodes[joiner].offences.filter { $0.peer != PeerHandle(2) }
        #expect(!guilty.isEmpty, "seed \(seed)")
    }

    @Test("a network that grows stays together, with loss and forks", arguments: seeds(4))
    func growing(seed: UInt64) throws {
        var network = MemoryNetwork(chain: chain, seed: seed)
        network.lossPerMille = 100
        for _ in 0..<5 { try network.addNode(currentSlot: 0) }
        // A ring: blocks have to be passed on.
        for node in 0..<5 { network.connect(node, (node + 1) % 5) }
        for slot: UInt64 in 1...60 {
            for node in 0..<5 { network.feed(node, .slotStarted(SlotNumber(slot))) }
            // Whoever authors builds on what it knows; now and then an author makes two.
            let author = Int(slot % 5)
            let tree = network.nodes[author].tree
            let count = slot % 17 == 0 ? 2 : 1
            for number in 0..<count {
                let parent = tree.best.hash
                let header = try #require(tree.header(parent))
                let state = try #require(tree.state(of: parent))
                let nonce = state.nonces[chain.validators[0].account]
                let block = try chain.block(
                    on: header, state: state, slot: slot,
                    slot % 3 == 0 || number > 0
                        ? [chain.remark([UInt8(number)], by: 0, nonce: nonce)] : []
                ).block
                network.feed(author, .ownBlock(block))
            }
            _ = network.run(for: .seconds(6))
        }
        network.lossPerMille = 0
        _ = network.run(for: .seconds(60))
        let best = network.nodes[0].tree.best
        // A last announcement may be lost; the next block heals it. Let there be one.
        let tree = network.nodes[0].tree
        let header = try #require(tree.header(best.hash))
        let state = try #require(tree.state(of: best.hash))
        let last = try chain.block(on: header, state: state, slot: 61).block
        for node in 0..<5 { network.feed(node, .slotStarted(SlotNumber(61))) }
        network.feed(0, .ownBlock(last))
        let done = network.run(for: .seconds(120)) { network in
            network.nodes.allSatisfy { $0.tree.best == last.ref }
        }
        #expect(done, "seed \(seed): \(network.nodes.map(\.tree.best))")
        for node in network.nodes {
            #expect(node.tree.best.number.rawValue > 40, "seed \(seed)")
            #expect(node.offences.allSatisfy { $0.offence == .timedOut }, "seed \(seed)")
        }
        #expect(network.nodes.contains { !$0.equivocations.isEmpty }, "seed \(seed)")
    }

    @Test("two halves with long chains of their own agree after they meet", arguments: seeds(4))
    func partition(seed: UInt64) throws {
        let trunk = try chain.grow(count: 50, remarkEvery: 5)
        let state = try chain.state(after: trunk)
        let left = try chain.grow(count: 300, on: trunk[49].header, state: state, firstSlot: 100)
        let right = try chain.grow(
            count: 180, on: trunk[49].header, state: state, firstSlot: 500, remarkEvery: 7)
        var network = MemoryNetwork(chain: chain, seed: seed)
        network.lossPerMille = 30
        for node in 0..<4 {
            try network.addNode(
                currentSlot: 2_000, blocks: trunk + (node < 2 ? left : right), finalisedCount: 40)
        }
        network.connect(0, 1)
        network.connect(2, 3)
        _ = network.run(for: .seconds(10))
        network.connect(1, 2)
        let done = network.run(for: .seconds(300)) { network in
            network.nodes.allSatisfy { $0.tree.best == left[299].ref }
        }
        #expect(
            done,
            "seed \(seed): \(network.nodes.map(\.tree.best)) \(network.nodes.map(\.machine.peerHeads))"
        )
        // Votes may name the shorter chain: it is fetched although it is not the best.
        network.feed(0, .wanted(right[179].ref, from: [PeerHandle(1)]))
        network.feed(1, .wanted(right[179].ref, from: [PeerHandle(2)]))
        let fetched = network.run(for: .seconds(300)) {
            $0.nodes[0].tree.contains(right[179].hash)
        }
        #expect(fetched, "seed \(seed)")
        #expect(network.nodes[0].tree.best == left[299].ref)
    }

    @Test("a node that was away fetches what it missed", arguments: seeds(3))
    func away(seed: UInt64) throws {
        let blocks = try chain.grow(count: 500, remarkEvery: 6)
        var network = MemoryNetwork(chain: chain, seed: seed)
        network.lossPerMille = 30
        try network.addNode(currentSlot: 2_000, blocks: blocks, finalisedCount: 480)
        try network.addNode(currentSlot: 2_000, blocks: blocks, finalisedCount: 470)
        for missing in [1, 3, 40, 63, 64, 65, 66, 130, 300] {
            let node = try network.addNode(
                currentSlot: 2_000, blocks: Array(blocks.dropLast(missing)),
                finalisedCount: 180)
            network.connect(node, 0)
            network.connect(node, 1)
            let done = network.run(for: .seconds(200)) {
                $0.nodes[node].tree.best == blocks[499].ref
            }
            #expect(done, "seed \(seed), \(missing) blocks behind")
        }
    }

    @Test("one seed, one course of events", arguments: 1...2)
    func deterministic(seed: UInt64) throws {
        let blocks = try chain.grow(count: 200, remarkEvery: 6)
        func course() throws -> [String] {
            var network = MemoryNetwork(chain: chain, seed: seed)
            network.lossPerMille = 100
            try network.addNode(currentSlot: 2_000, blocks: blocks, finalisedCount: 100)
            try network.addNode(.wrongBlocks, currentSlot: 2_000, blocks: blocks)
            let joiner = try network.addNode(currentSlot: 2_000)
            network.connect(joiner, 0)
            network.connect(joiner, 1)
            var course: [String] = []
            _ = network.run(for: .seconds(60)) {
                course.append("\($0.now.nanoseconds) \($0.nodes[joiner].tree.best)")
                return false
            }
            return course
        }
        let first = try course()
        #expect(first.count > 10)
        #expect(try course() == first)
    }
}
