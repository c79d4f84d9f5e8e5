import BlockSync
import Chain
import Primitives
import Testing

struct CatchUpTests {
    let chain: TestChain
    let blocks: [Block]

    init() throws {
        chain = try TestChain()
        blocks = try chain.grow(count: 400)
    }

    /// Blocks by height, of a chain that begins at height 1.
    private func answer(
        _ sent: SentRequest, from chain: [Block], certificates: [Hash256: [UInt8]] = [:]
    ) throws -> SyncMachine.Input {
        guard case .number(let start) = sent.request.start, start.rawValue >= 1 else {
            Issue.record("not by height: \(sent)")
            return .response(sent.id, .failure(.refused))
        }
        let first = Int(start.rawValue) - 1
        let last = min(first + Int(sent.request.maximumCount), chain.count)
        let part = first < last ? Array(chain[first..<last]) : []
        return .response(
            sent.id, .success(try responseBytes(part, certificates: certificates)))
    }

    /// Answers requests until none is left; returns all effects.
    private func run(
        _ bench: inout Bench, _ effects: [SyncMachine.Effect],
        answer: (SentRequest) throws -> SyncMachine.Input
    ) throws -> [SyncMachine.Effect] {
        var all: [SyncMachine.Effect] = []
        var pending = bench.settle(effects)
        while !pending.isEmpty {
            all += pending
            var next: [SyncMachine.Effect] = []
            for sent in pending.requests {
                next += bench.settle(bench.send(try answer(sent)))
            }
            pending = next
        }
        return all
    }

    @Test func `a joiner follows one peer by height to its head`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerB)
        let effects = bench.connect(peerA, best: blocks[399].ref)
        #expect(
            effects.first
                == .note(.catchingUp(from: BlockNumber(0), to: BlockNumber(400))))
        let sent = try #require(effects.requests.first)
        #expect(
            sent.request
                == BlockRequest(
                    fields: .everything, start: .number(BlockNumber(1)), direction: .ascending,
                    maximumCount: 64))
        let all = try run(&bench, effects) { try answer($0, from: blocks) }
        #expect(all.imported == blocks && bench.tree.best == blocks[399].ref)
        #expect(all.notes.last == .caughtUp(blocks[399].ref))
        #expect(all.requests.map(\.request.maximumCount) == [64, 64, 64, 64, 64, 64, 16])
        // On the way nothing is announced, at the end the head.
        let announced = all.filter { if case .announce = $0 { true } else { false } }
        #expect(announced == [.announce([peerB], bench.announcement(blocks[399]))])
        #expect(!bench.machine.isCatchingUp)
    }

    @Test func `ranges are fetched from several peers at once and taken in order`() throws {
        var bench = Bench(chain: chain)
        let first = try #require(bench.connect(peerA, best: blocks[399].ref).requests.first)
        for peer in [peerB, peerC] { #expect(bench.connect(peer, best: blocks[399].ref) == []) }
        var effects = bench.settle(bench.send(try answer(first, from: blocks)))
        #expect(effects.imported == Array(blocks[..<64]))
        // Now that the chain links, three peers are asked; the answers come in reverse.
        let requests = effects.requests
        #expect(Set(requests.map(\.peer)).count == 3)
        #expect(
            requests.map(\.request.start)
                == [65, 129, 193].map { .number(BlockNumber($0)) })
        effects = []
        for sent in requests.reversed() {
            effects += bench.settle(bench.send(try answer(sent, from: blocks)))
        }
        #expect(effects.imported.prefix(192) == blocks[64..<256])
    }

    @Test func `a short response is taken and its rest asked for`() throws {
        var bench = Bench(chain: chain)
        let effects = bench.connect(peerA, best: blocks[99].ref)
        var starts: [BlockStart] = []
        let all = try run(&bench, effects) { sent in
            starts.append(sent.request.start)
            guard case .number(let start) = sent.request.start else { throw SyncOffence.malformed }
            let first = Int(start.rawValue) - 1
            let count = min(20, Int(sent.request.maximumCount))
            let part = Array(blocks[first..<min(first + count, 100)])
            return .response(sent.id, .success(try responseBytes(part)))
        }
        #expect(all.imported == Array(blocks[..<100]))
        #expect(Array(starts.prefix(3)) == [1, 21, 41].map { .number(BlockNumber($0)) })
    }

    @Test func `a chain that left ours is found by stepping back`() throws {
        var bench = Bench(chain: chain)
        let trunk = try chain.grow(count: 200)
        let fork =
            trunk[..<100]
            + (try chain.grow(
                count: 200, on: trunk[99].header, state: chain.state, firstSlot: 500))
        try bench.load(trunk)
        let effects = bench.connect(peerA, best: fork[299].ref)
        var starts: [UInt32] = []
        let all = try run(&bench, effects) { sent in
            if case .number(let start) = sent.request.start { starts.append(start.rawValue) }
            return try answer(sent, from: Array(fork))
        }
        #expect(all.imported == Array(fork[100...]))
        #expect(bench.tree.best == fork[299].ref)
        #expect(Array(starts.prefix(8)) == [201, 200, 198, 194, 186, 170, 138, 74])
        #expect(all.offences == [])
    }

    @Test func `a peer whose chain lacks our finalised block is left alone`() throws {
        var bench = Bench(chain: chain)
        try bench.load(Array(blocks[..<10]))
        _ = bench.tree.finalise(blocks[4].hash)
        _ = bench.send(.finalised(blocks[4].ref))
        let other = try chain.grow(count: 200, firstSlot: 600)
        let effects = bench.connect(peerA, best: other[199].ref)
        let all = try run(&bench, effects) { try answer($0, from: other) }
        #expect(all.offences == [.conflictsWithFinality])
        #expect(all.imported == [] && bench.tree.best == blocks[9].ref)
        // An honest peer is followed all the same.
        let rest = bench.connect(peerB, best: blocks[399].ref)
        let more = try run(&bench, rest) {
            try answer($0, from: $0.peer == peerA ? other : blocks)
        }
        #expect(more.imported == Array(blocks[10...]))
    }

    @Test func `a peer that claims what it does not have holds nobody up`() throws {
        var bench = Bench(chain: chain)
        let lie = BlockRef(hash: blocks[0].hash, number: BlockNumber(.max))
        var effects = bench.connect(peerA, best: lie)
        effects += bench.connect(peerB, best: blocks[399].ref)
        var all = try run(&bench, effects) {
            try answer($0, from: $0.peer == peerA ? [] : blocks)
        }
        for _ in 0..<20 where bench.tree.best.number.rawValue < 400 {
            bench.now = bench.now + .seconds(5)
            all += try run(&bench, bench.send(.timer(.wake))) {
                try answer($0, from: $0.peer == peerA ? [] : blocks)
            }
        }
        #expect(bench.tree.best == blocks[399].ref)
        #expect(all.offences.allSatisfy { $0 == .unserved })
        #expect(!bench.machine.isCatchingUp)
    }

    @Test func `a peer that keeps silent is left after its time`() throws {
        var bench = Bench(chain: chain)
        let effects = bench.connect(peerA, best: blocks[399].ref)
        #expect(effects.last == .setTimer(.wake, bench.now + .seconds(10)))
        bench.connect(peerB, best: blocks[399].ref)
        let later = bench.wait(.seconds(10))
        #expect(later.offences == [.timedOut])
        #expect(later.requests.map(\.peer) == [peerB])
        let all = try run(&bench, later) { try answer($0, from: blocks) }
        #expect(bench.tree.best == blocks[399].ref && all.imported == blocks)
    }

    @Test func `a chain with a bad block is not followed beyond it`() throws {
        var bench = Bench(chain: chain)
        let bad = chain.badlySealed(blocks[99])
        let evil =
            blocks[..<99] + [bad]
            + (try chain.grow(
                count: 100, on: bad.header, state: chain.state, firstSlot: 200))
        let effects = bench.connect(peerA, best: evil[199].ref)
        var all = try run(&bench, effects) { try answer($0, from: Array(evil)) }
        #expect(all.offences.contains(.badSignature(bad.hash)))
        #expect(all.imported == Array(blocks[..<99]) && bench.tree.best == blocks[98].ref)
        all = try run(&bench, bench.connect(peerB, best: blocks[399].ref)) {
            try answer($0, from: $0.peer == peerA ? Array(evil) : blocks)
        }
        #expect(bench.tree.best == blocks[399].ref)
    }

    @Test func `blocks of slots far ahead end the catching up`() throws {
        var bench = Bench(chain: chain, currentSlot: 100)
        let effects = bench.connect(peerA, best: blocks[399].ref)
        let all = try run(&bench, effects) { try answer($0, from: blocks) }
        #expect(bench.tree.best == blocks[99].ref)
        #expect(all.offences == [])
    }

    @Test func `finality moves the window and certificates come with the blocks`() throws {
        var bench = Bench(
            chain: chain, limits: TreeLimits(maximumDepth: 100, maximumBlockCount: 400))
        var certificates: [Hash256: [UInt8]] = [:]
        for index in stride(from: 49, to: 400, by: 50) {
            certificates[blocks[index].hash] = [UInt8(truncatingIfNeeded: index / 50)]
        }
        var pending = bench.settle(bench.connect(peerA, best: blocks[399].ref))
        var proofs: [[UInt8]] = []
        while !pending.isEmpty {
            let effect = pending.removeFirst()
            switch effect {
            case .request(let id, let peer, let bytes):
                let sent = SentRequest(
                    id: id, peer: peer, request: try BlockRequest(decoding: bytes))
                pending += bench.settle(
                    bench.send(try answer(sent, from: blocks, certificates: certificates)))
            case .justification(let proof, let peer):
                #expect(peer == peerA)
                proofs.append(proof)
                let block = try #require(
                    blocks.first { certificates[$0.hash] == proof && bench.tree.contains($0.hash) })
                if bench.tree.finalise(block.hash) != nil {
                    pending += bench.settle(bench.send(.finalised(block.ref)))
                }
            default: break
            }
            #expect(bench.tree.depth <= 100)
        }
        #expect(bench.tree.best == blocks[399].ref)
        #expect(bench.tree.finalised == blocks[399].ref)
        #expect(proofs.last == [7])
    }

    @Test func `without finality the import stops at the depth and certificates are asked for`()
        throws
    {
        var bench = Bench(
            chain: chain, limits: TreeLimits(maximumDepth: 100, maximumBlockCount: 400))
        let all = try run(&bench, bench.connect(peerA, best: blocks[399].ref)) {
            try answer($0, from: blocks)
        }
        #expect(bench.tree.best == blocks[99].ref && bench.tree.isAtMaximumDepth)
        #expect(all.notes.last == .waitingForFinality(blocks[99].ref))
        // Certificates are asked for by height, from above F.
        let first = try #require(bench.wait(.seconds(2)).requests.first)
        #expect(
            first.request
                == BlockRequest(
                    fields: [.header, .justification], start: .number(BlockNumber(1)),
                    direction: .ascending, maximumCount: 64))
        var effects = bench.send(
            .response(first.id, .success(try headers(Array(blocks[0..<64])))))
        #expect(effects.requests == [])
        let second = try #require(bench.wait(.seconds(2)).requests.first)
        #expect(second.request.start == .number(BlockNumber(65)))
        #expect(second.request.maximumCount == 36)
        effects = bench.send(.response(second.id, .success(try headers([]))))
        #expect(effects.requests == [])
        let third = try #require(bench.wait(.seconds(2)).requests.first)
        #expect(third.request.start == .number(BlockNumber(1)))
        effects = bench.send(
            .response(
                third.id,
                .success(
                    try headers(
                        Array(blocks[0..<64]), certificate: [5], at: blocks[30].hash))))
        #expect(effects.essential == [.justification([5], peerA)])
        // Finality moves: the import goes on.
        _ = bench.tree.finalise(blocks[30].hash)
        let rest = try run(&bench, bench.send(.finalised(blocks[30].ref))) {
            try answer($0, from: blocks)
        }
        #expect(rest.imported == Array(blocks[100..<131]))
    }

    @Test func `a tree that is full of a fork fetches the final chain by height`() throws {
        var bench = Bench(
            chain: chain, limits: TreeLimits(maximumDepth: 10, maximumBlockCount: 400))
        // Ten blocks of a fork; the others' chain differs from the first block on.
        let fork = try chain.grow(count: 10, firstSlot: 5_000)
        try bench.load(fork)
        #expect(bench.tree.isAtMaximumDepth)
        let start = bench.connect(peerA, best: blocks[40].ref)
        let all = try run(&bench, start) { try answer($0, from: blocks) }
        let sent = try #require(
            (all.requests + bench.wait(.seconds(2)).requests).last {
                $0.request.fields == [.header, .justification]
            })
        #expect(sent.request.start == .number(BlockNumber(1)))
        #expect(sent.request.maximumCount == 10)
        let effects = bench.send(
            .response(
                sent.id,
                .success(
                    try headers(
                        Array(blocks[0..<10]), certificate: [7], at: blocks[9].hash))))
        let rest = try run(&bench, effects) { sent in
            let top = try #require(blocks.firstIndex { .hash($0.hash) == sent.request.start })
            let part = blocks[...top].reversed().prefix(Int(sent.request.maximumCount))
            return .response(sent.id, .success(try responseBytes(Array(part))))
        }
        #expect(rest.imported.map(\.hash) == blocks[0..<10].map(\.hash))
        // Now that the blocks are there the certificate is of use.
        let again = try #require(bench.wait(.seconds(2)).requests.first)
        let found = bench.send(
            .response(
                again.id,
                .success(
                    try headers(
                        Array(blocks[0..<10]), certificate: [7], at: blocks[9].hash))))
        #expect(found.essential == [.justification([7], peerA)])
    }

    private func headers(
        _ blocks: [Block], certificate: [UInt8] = [], at hash: Hash256? = nil
    ) throws -> [UInt8] {
        try BlockResponse(
            blocks: blocks.map {
                BlockData(
                    hash: $0.hash, header: $0.header,
                    justifications: $0.hash == hash
                        ? [Justification(engine: .coherence, bytes: certificate)] : [])
            }
        ).encoded()
    }

    @Test func `a wanted block that its announcer withholds is asked of others`() throws {
        var bench = Bench(chain: chain)
        try bench.load(Array(blocks[..<5]))
        bench.connect(peerA, best: blocks[4].ref)
        bench.connect(peerB, best: blocks[5].ref)
        var effects = bench.send(.wanted(blocks[5].ref, from: [peerA]))
        var asked: [PeerHandle] = []
        for _ in 0..<8 {
            for sent in effects.requests {
                asked.append(sent.peer)
                _ = bench.send(.response(sent.id, .failure(.refused)))
            }
            effects = bench.wait(.seconds(2))
        }
        #expect(asked.contains(peerB), "\(asked)")
    }

    @Test func `a peer that lacks a wanted block is not asked for it again and again`() throws {
        var bench = Bench(chain: chain)
        try bench.load(Array(blocks[..<5]))
        bench.connect(peerB, best: blocks[7].ref)
        bench.connect(peerA, best: blocks[4].ref)
        // The only source is busy with something else for as long as it likes.
        let first = bench.send(.wanted(blocks[6].ref, from: [peerA]))
        #expect(first.requests.map(\.peer) == [peerA])
        var effects = bench.send(.wanted(blocks[5].ref, from: [peerA]))
        var askedCount = 0
        while let sent = effects.requests.first(where: { $0.peer == peerB }), askedCount < 10 {
            askedCount += 1
            effects = bench.send(.response(sent.id, .success(try responseBytes([]))))
        }
        #expect(askedCount <= 2)
    }

    @Test func `claims above the depth are followed by height although the gap is small`() throws {
        var bench = Bench(
            chain: chain, limits: TreeLimits(maximumDepth: 20, maximumBlockCount: 400))
        try bench.load(try chain.grow(count: 15, firstSlot: 5_000))
        // 30 is above 20, and no more than 15 above the own head.
        let start = bench.connect(peerA, best: blocks[29].ref)
        let all = try run(&bench, start) {
            try answer($0, from: Array(blocks[..<30]), certificates: [blocks[9].hash: [3]])
        }
        #expect(all.imported.map(\.hash) == blocks[..<20].map(\.hash))
        #expect(all.essential.contains(.justification([3], peerA)))
    }

    @Test func `a block that votes name is fetched from whoever may have it`() throws {
        var bench = Bench(chain: chain)
        try bench.load(Array(blocks[..<5]))
        bench.connect(peerA, best: blocks[4].ref)
        bench.connect(peerB, best: blocks[4].ref)
        // Nobody is known to have it: peers that are high enough are asked in turn.
        #expect(bench.send(.wanted(blocks[5].ref, from: [])).requests == [])
        let effects = bench.send(.wanted(blocks[5].ref, from: [peerB]))
        let sent = try #require(effects.requests.first)
        #expect(sent.peer == peerB && sent.request.start == .hash(blocks[5].hash))
        let answer = Array(blocks[2...5].reversed())
        let rest = bench.settle(
            bench.send(.response(sent.id, .success(try responseBytes(answer)))))
        #expect(rest.imported == [blocks[5]])
        #expect(bench.send(.wanted(blocks[5].ref, from: [peerB])) == [])
        #expect(bench.send(.wanted(chain.genesis.ref, from: [peerB])) == [])
    }

    @Test func `responses that are not what was asked for are refused`() throws {
        let request = BlockRequest(
            fields: .everything, start: .number(BlockNumber(1)), direction: .ascending,
            maximumCount: 64)
        let wrong: [[Block]] = [
            Array(blocks[1..<5]), [blocks[0], blocks[2]], [blocks[0], blocks[0]],
            [blocks[1], blocks[0]], Array(blocks[..<65]),
        ]
        for answer in wrong {
            var bench = Bench(chain: chain)
            let sent = try #require(
                bench.connect(peerA, best: blocks[399].ref).requests.first)
            #expect(sent.request == request)
            let effects = bench.send(.response(sent.id, .success(try responseBytes(answer))))
            #expect(effects.offences.count == 1 && effects.offences[0].weight == .fault)
            #expect(effects.requests == [] && bench.tree.count == 1)
        }
    }
}
