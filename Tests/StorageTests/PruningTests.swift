import Chain
import Coherence
import Primitives
import Storage
import Testing

/// What is removed, in which steps, and what stays for ever.
@Suite struct PruningTests {
    private let directory: TemporaryDirectory
    private let chain: TestChain
    private let blocks: [Block]

    init() throws {
        directory = try TemporaryDirectory()
        chain = try TestChain()
        blocks = try chain.blocks(700)
    }

    private func open(_ retention: BlockRetention) throws -> NodeStore {
        var options = NodeStore.Options()
        options.blocks = retention
        options.recentCertificateCount = 20
        options.certificateInterval = 64
        return try NodeStore(
            try BasePath(root: directory.path, chainID: "test"), genesis: chain.genesis,
            state: chain.state, options: options)
    }

    /// Stores the chain; the certificate of block 40 is the last one of set 0.
    private func fill(_ store: NodeStore) throws {
        for block in blocks {
            let set: UInt64 = block.number.rawValue <= 40 ? 0 : 1
            try store.apply([
                .block(block),
                .voting(.certificate(chain.certificate(for: block.ref, round: 1, set: set))),
                .finalised([block.ref], pruned: []),
            ])
        }
    }

    private func heights(_ store: NodeStore) throws -> [UInt32] {
        try (UInt32(0)...700).filter { try store.finalisedHash(at: BlockNumber($0)) != nil }
    }

    @Test func `the newest blocks, genesis and the hand-off block stay; the rest goes in steps`()
        throws
    {
        var store = try open(.newest(512))
        try fill(store)
        #expect(try heights(store).count == 701)
        let first = try store.prune(limit: 50)
        #expect(first.blockCount == 50 && first.hasMore)
        #expect(try heights(store) == [0, 40] + Array(52...700))
        // Another process goes on where this one stopped.
        try store.close()
        store = try open(.newest(512))
        var steps = 1
        while try store.prune(limit: 50).hasMore { steps += 1 }
        #expect(steps == 3)
        #expect(try heights(store) == [0, 40] + Array(189...700))
        #expect(try store.prune(limit: 50) == PruningStep())
        // What is left is enough to go on with.
        let recovered = try store.load()
        #expect(recovered.finalised.ref == blocks[699].ref)
        // The blocks hold no hand-off: the set in force is the first one.
        #expect(recovered.voting.certificate?.target.number == BlockNumber(40))
        #expect(try store.newestCertificate(of: SetID(0))?.target == VoteTarget(blocks[39].ref))
        try store.close()
    }

    @Test func `peers are given rows of blocks without gaps`() throws {
        let store = try open(.newest(512))
        try fill(store)
        while try store.prune(limit: 100).hasMore {}
        func numbers(_ start: UInt32, ascending: Bool) throws -> [UInt32] {
            try store.finalisedBlocks(
                FinalisedBlockQuery(
                    start: BlockNumber(start), isAscending: ascending, maximumCount: 5)
            ).map(\.block.number.rawValue)
        }
        #expect(try numbers(10, ascending: true) == [])
        #expect(try numbers(40, ascending: true) == [40])
        #expect(try numbers(189, ascending: true) == [189, 190, 191, 192, 193])
        #expect(try numbers(190, ascending: false) == [190, 189])
        #expect(try numbers(0, ascending: true) == [0])
        #expect(try store.block(blocks[9].hash) == nil)
        #expect(try store.header(blocks[9].hash) == nil)
        try store.close()
    }

    @Test func `an archive keeps all blocks, other branches only where that was asked for`() throws
    {
        let other = try chain.block(on: chain.genesis, chain.state, slot: 900).block
        for (retention, isKept) in [
            (BlockRetention.archive, true), (.archiveCanonical, false), (.newest(512), false),
        ] {
            let store = try open(retention)
            if try store.finalised().number == BlockNumber(0) {
                try store.apply([.block(blocks[0]), .block(other)])
                try store.apply([.finalised([blocks[0].ref], pruned: [other.hash])])
            } else {
                let next = blocks[Int(try store.finalised().number.rawValue)]
                try store.apply([.block(next), .block(other)])
                try store.apply([.finalised([next.ref], pruned: [other.hash])])
            }
            #expect(try (store.block(other.hash) != nil) == isKept)
            #expect(try store.load().unfinalised.isEmpty)
            try store.close()
        }
    }

    @Test func `certificates of a shorter retention go in steps, and nothing twice`() throws {
        var options = NodeStore.Options()
        let paths = try BasePath(root: directory.path, chainID: "test")
        var store = try NodeStore(
            paths, genesis: chain.genesis, state: chain.state, options: options)
        try fill(store)
        let before = try store.counts().certificates
        #expect(before == 700)
        try store.close()
        options.recentCertificateCount = 20
        options.certificateInterval = 64
        store = try NodeStore(
            paths, genesis: chain.genesis, state: chain.state, options: options)
        var removed = 0
        while true {
            let step = try store.prune(limit: 100)
            #expect(step.certificateCount <= 100 && step.blockCount == 0)
            removed += step.certificateCount
            if !step.hasMore { break }
        }
        #expect(try store.counts().certificates == before - removed)
        // 40 (the set's last), 63, 127 ... 639, and the newest.
        var kept: [UInt32] = []
        var next = BlockNumber(0)
        while let found = try store.certificate(lowestAtOrAbove: next) {
            kept.append(found.target.number.rawValue)
            next = BlockNumber(found.target.number.rawValue + 1)
        }
        #expect(kept == [40] + (1...10).map { $0 * 64 - 1 } + Array(680...700))
        try store.close()
    }
}
