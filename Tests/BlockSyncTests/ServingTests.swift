import BlockSync
import Chain
import Primitives
import Testing

struct ServingTests {
    let chain: TestChain
    let blocks: [Block]
    /// Blocks 1 to 30, finalised up to 10; a fork from 15 with five blocks.
    let fork: [Block]

    init() throws {
        chain = try TestChain()
        blocks = try chain.grow(count: 30, remarkEvery: 3)
        fork = try chain.grow(
            count: 5, on: blocks[14].header, state: try chain.state(after: Array(blocks[..<15])),
            firstSlot: 200)
    }

    private func bench(
        configure: (inout SyncConfiguration) -> Void = { _ in }
    ) throws -> Bench {
        var bench = Bench(chain: chain, configure: configure)
        try bench.load(blocks + fork)
        _ = bench.tree.finalise(blocks[9].hash)
        _ = bench.send(.finalised(blocks[9].ref))
        bench.connect(peerA)
        return bench
    }

    /// What storage has: genesis and the finalised blocks, with a certificate at every fifth.
    private func answer(_ query: StoredBlockQuery) -> [StoredBlock] {
        let stored = [Block(header: chain.genesis, extrinsics: [])] + blocks[..<10]
        let start: Int
        switch query.start {
        case .number(let number): start = Int(number.rawValue)
        case .hash(let hash):
            guard let index = stored.firstIndex(where: { $0.hash == hash }) else { return [] }
            start = index
        }
        guard start < stored.count else { return [] }
        let range =
            query.direction == .ascending
            ? Array(stored[start...]) : Array(stored[...start].reversed())
        return range.prefix(query.maximumCount).map { block in
            let isCertified = query.includesJustifications && block.number.rawValue % 5 == 0
            return StoredBlock(
                block: block, justification: isCertified ? [UInt8(block.number.rawValue)] : nil)
        }
    }

    /// The response to a request, storage reads included.
    private func serve(_ bench: inout Bench, _ request: BlockRequest) throws -> [BlockData] {
        var effects = bench.send(.request(InboundRequestID(7), peerA, try request.encoded()))
        while case .readBlocks(let id, let query)? = effects.first {
            effects = bench.send(.storedBlocks(id, answer(query)))
        }
        guard case .respond(InboundRequestID(7), let bytes)? = effects.first else {
            Issue.record("not a response but \(effects)")
            return []
        }
        return try BlockResponse(decoding: bytes, limit: 128).blocks
    }

    private func request(
        _ start: BlockStart, _ direction: BlockDirection, _ count: UInt32,
        fields: BlockFields = .everything
    ) -> BlockRequest {
        BlockRequest(fields: fields, start: start, direction: direction, maximumCount: count)
    }

    private func numbers(_ data: [BlockData]) -> [UInt32] {
        data.compactMap { $0.header?.number.rawValue }
    }

    @Test func `ascending by height goes through storage into the best chain`() throws {
        var bench = try bench()
        let first = BlockNumber(1)
        let data = try serve(&bench, request(.number(first), .ascending, 64))
        #expect(data.map(\.hash) == blocks.map(\.hash))
        #expect(data.map(\.extrinsics) == blocks.map(\.extrinsics))
        #expect(data[4].justifications == [Justification(engine: .coherence, bytes: [5])])
        #expect(data.filter { !$0.justifications.isEmpty }.count == 2)
        #expect(numbers(try serve(&bench, request(.number(first), .ascending, 4))) == [1, 2, 3, 4])
        let middle = try serve(&bench, request(.number(BlockNumber(9)), .ascending, 4))
        #expect(numbers(middle) == [9, 10, 11, 12])
        let above = try serve(&bench, request(.number(BlockNumber(28)), .ascending, 64))
        #expect(numbers(above) == [28, 29, 30])
        #expect(try serve(&bench, request(.number(BlockNumber(31)), .ascending, 1)) == [])
        #expect(try serve(&bench, request(.number(BlockNumber(.max)), .ascending, 1)) == [])
        let genesis = try serve(&bench, request(.number(BlockNumber(0)), .ascending, 2))
        #expect(numbers(genesis) == [0, 1])
    }

    @Test func `descending by hash goes through the tree into storage`() throws {
        var bench = try bench()
        let all = try serve(&bench, request(.hash(blocks[29].hash), .descending, 128))
        #expect(numbers(all) == (0...30).reversed())
        let few = try serve(&bench, request(.hash(blocks[29].hash), .descending, 3))
        #expect(numbers(few) == [30, 29, 28])
        let across = try serve(&bench, request(.hash(fork[1].hash), .descending, 8))
        #expect(
            across.map(\.hash) == [fork[1], fork[0]].map(\.hash)
                + blocks[9..<15].reversed().map(\.hash))
        let stored = try serve(&bench, request(.hash(blocks[3].hash), .descending, 2))
        #expect(numbers(stored) == [4, 3])
        let byNumber = try serve(&bench, request(.number(BlockNumber(12)), .descending, 4))
        #expect(numbers(byNumber) == [12, 11, 10, 9])
        let low = try serve(&bench, request(.number(BlockNumber(1)), .descending, 4))
        #expect(numbers(low) == [1, 0])
    }

    @Test func `ascending by hash follows the best head above the block`() throws {
        var bench = try bench()
        let onFork = try serve(&bench, request(.hash(fork[0].hash), .ascending, 64))
        #expect(onFork.map(\.hash) == fork.map(\.hash))
        let trunk = try serve(&bench, request(.hash(blocks[14].hash), .ascending, 2))
        #expect(trunk.map(\.hash) == blocks[14...15].map(\.hash))
        let fromF = try serve(&bench, request(.hash(blocks[9].hash), .ascending, 3))
        #expect(numbers(fromF) == [10, 11, 12])
        #expect(try serve(&bench, request(.hash(.zero), .ascending, 3)) == [])
    }

    @Test func `only the fields asked for are sent`() throws {
        var bench = try bench()
        let headers = try serve(
            &bench, request(.number(BlockNumber(4)), .ascending, 64, fields: .header))
        #expect(headers.allSatisfy { $0.extrinsics.isEmpty && $0.justifications.isEmpty })
        #expect(numbers(headers) == Array(4...30))
        let bodies = try serve(
            &bench, request(.number(BlockNumber(4)), .ascending, 64, fields: .body))
        #expect(bodies.allSatisfy { $0.header == nil && $0.justifications.isEmpty })
        #expect(bodies.map(\.extrinsics) == blocks[3...].map(\.extrinsics))
    }

    @Test func `a response keeps to its bytes and its blocks`() throws {
        var bench = try bench { $0.maximumServedByteCount = 5_000 }
        let data = try serve(&bench, request(.number(BlockNumber(11)), .ascending, 64))
        #expect(data.count >= 1 && data.count < 4)
        var tiny = try self.bench { $0.maximumServedByteCount = 1 }
        #expect(try serve(&tiny, request(.number(BlockNumber(11)), .ascending, 64)).count == 1)
        // No count leaves it to us.
        var open = try self.bench()
        #expect(try serve(&open, request(.number(BlockNumber(1)), .ascending, 0)).count == 30)
        #expect(
            try serve(&open, request(.number(BlockNumber(1)), .ascending, .max)).count == 30)
    }

    @Test func `bad and too many requests are refused`() throws {
        var bench = try bench {
            $0.maximumServedCountPerPeer = 2
            $0.requestBudget = RateLimit(burst: 6, perSecond: 1)
        }
        #expect(
            bench.send(.request(InboundRequestID(1), peerA, [1, 2])) == [
                .report(peerA, .malformed), .refuse(InboundRequestID(1)),
            ])
        let bytes = try request(.number(BlockNumber(1)), .ascending, 4).encoded()
        var reads: [ReadID] = []
        for number: UInt64 in 2...3 {
            if case .readBlocks(let id, _)? =
                bench.send(.request(InboundRequestID(number), peerA, bytes)).first
            {
                reads.append(id)
            }
        }
        #expect(reads.count == 2)
        #expect(
            bench.send(.request(InboundRequestID(4), peerA, bytes)) == [
                .refuse(InboundRequestID(4))
            ])
        _ = bench.send(.storedBlocks(reads[0], []))
        #expect(bench.send(.storedBlocks(reads[0], [])) == [])
        #expect(bench.send(.request(InboundRequestID(5), peerA, bytes)).count == 1)
        #expect(
            bench.send(.request(InboundRequestID(6), peerA, bytes)) == [
                .refuse(InboundRequestID(6))
            ])
        #expect(
            bench.send(.request(InboundRequestID(7), peerA, bytes)) == [
                .report(peerA, .flooded), .refuse(InboundRequestID(7)),
            ])
        // Storage that has nothing gives an empty response.
        let empty = bench.send(.storedBlocks(reads[1], []))
        #expect(empty == [.respond(InboundRequestID(3), [])])
    }
}
