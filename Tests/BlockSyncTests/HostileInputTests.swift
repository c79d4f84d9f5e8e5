import BlockSync
import Chain
import Primitives
import SCALE
import Testing

/// Random inputs, sound and unsound, in any order: the machine never traps, keeps its bounds, and
/// lets nothing into the tree whose signatures were not checked.
struct HostileInputTests {
    /// What a course of random inputs knows.
    private struct Course {
        var bench: Bench
        var random: SeededGenerator
        /// Blocks of three branches, some of them bad.
        let blocks: [Block]
        var requests: [SentRequest] = []
        var checks: [(id: CheckID, checks: [SignatureCheck])] = []
        var reads: [ReadID] = []
        /// The seals that were found to hold, by the hash that they sign.
        var sealed: Set<[UInt8]> = []
        var imported = 0
        var nextInbound: UInt64 = 0

        mutating func pick<Item>(_ items: [Item]) -> Item? { items.randomElement(using: &random) }

        mutating func peer() -> PeerHandle {
            PeerHandle(UInt64.random(in: 1...6, using: &random))
        }

        mutating func chance(_ percent: Int) -> Bool {
            Int.random(in: 0..<100, using: &random) < percent
        }

        /// The bytes, sometimes changed or cut.
        mutating func spoiled(_ bytes: [UInt8]) -> [UInt8] {
            guard chance(10), !bytes.isEmpty else { return bytes }
            var bytes = bytes
            let position = Int.random(in: 0..<bytes.count, using: &random)
            if chance(50) {
                bytes[position] ^= UInt8.random(in: 1...255, using: &random)
            } else {
                bytes.removeSubrange(position...)
            }
            return bytes
        }

        mutating func ref() -> BlockRef {
            guard let block = pick(blocks) else { return bench.chain.genesis.ref }
            if chance(80) { return block.ref }
            let number = UInt32.random(in: 0 ... .max, using: &random)
            return BlockRef(hash: block.hash, number: BlockNumber(number))
        }

        mutating func input() -> SyncMachine.Input? {
            switch Int.random(in: 0..<16, using: &random) {
            case 0:
                let best = ref()
                return .streamOpened(peer(), handshake: spoiled(bench.handshake(best: best)))
            case 1: return chance(20) ? .streamClosed(peer()) : nil
            case 2, 3, 4:
                guard let block = pick(blocks) else { return nil }
                return .announcement(peer(), spoiled(bench.announcement(block)))
            case 5, 6, 7: return response()
            case 8:
                nextInbound += 1
                let request = BlockRequest(
                    fields: .everything,
                    start: chance(50) ? .hash(ref().hash) : .number(ref().number),
                    direction: chance(50) ? .ascending : .descending,
                    maximumCount: UInt32.random(in: 0...200, using: &random))
                let bytes = (try? request.encoded()) ?? []
                return .request(InboundRequestID(nextInbound), peer(), spoiled(bytes))
            case 9:
                guard let id = pick(reads) else { return nil }
                reads.removeAll { $0 == id }
                let stored = blocks.prefix(Int.random(in: 0...5, using: &random))
                return .storedBlocks(id, stored.map { StoredBlock(block: $0) })
            case 10:
                let remark = bench.chain.remark(
                    [1], by: Int.random(in: 0..<3, using: &random),
                    nonce: UInt64.random(in: 0..<70, using: &random))
                return chance(30)
                    ? .submit(remark)
                    : .transactions(peer(), spoiled(TransactionsMessage([remark]).scaleBytes))
            case 11: return .wanted(ref(), from: [peer()])
            case 12: return .slotStarted(SlotNumber(bench.machine.currentSlot.rawValue + 1))
            case 13:
                bench.now = bench.now + .milliseconds(Int.random(in: 0..<4_000, using: &random))
                return .timer(.wake)
            default: return verdict()
            }
        }

        private mutating func response() -> SyncMachine.Input? {
            guard let sent = pick(requests) else { return nil }
            requests.removeAll { $0 == sent }
            if chance(15) {
                return .response(
                    sent.id, .failure(chance(50) ? .refused : .disconnected))
            }
            var answer: [Block] = []
            switch sent.request.start {
            case .hash(let hash):
                var step = blocks.first { $0.hash == hash }
                while let block = step, answer.count < Int(sent.request.maximumCount) {
                    answer.append(block)
                    step = blocks.first { $0.hash == block.header.parentHash }
                }
            case .number(let number):
                // A random branch: several blocks may have a height.
                var next = number.rawValue
                while answer.count < Int(sent.request.maximumCount),
                    let block = pick(
                        blocks.filter { block in
                            block.number.rawValue == next
                                && (answer.last.map { $0.hash == block.header.parentHash } ?? true)
                        })
                {
                    answer.append(block)
                    next += 1
                }
            }
            if chance(5) { answer.reverse() }
            return .response(sent.id, .success(spoiled((try? responseBytes(answer)) ?? [])))
        }

        private mutating func verdict() -> SyncMachine.Input? {
            guard let check = pick(checks) else { return nil }
            checks.removeAll { $0.id == check.id }
            let verdicts = check.checks.map { $0.run(using: TagScheme()) }
            if !verdicts.contains(false), let seal = check.checks.first {
                sealed.insert(seal.message)
            }
            return .checked(check.id, verdicts)
        }

        mutating func perform(_ effects: [SyncMachine.Effect], seed: UInt64) {
            requests += effects.requests
            for effect in effects {
                switch effect {
                case .check(let id, let signatures): checks.append((id, signatures))
                case .readBlocks(let id, let query):
                    #expect(query.maximumCount >= 1, "seed \(seed)")
                    reads.append(id)
                case .imported(let block):
                    imported += 1
                    #expect(sealed.contains(block.header.preSealHash.bytes), "seed \(seed)")
                    #expect(bench.tree.contains(block.hash), "seed \(seed)")
                case .request(_, _, let bytes):
                    #expect(bytes.count <= BlockRequest.maximumByteCount, "seed \(seed)")
                default: break
                }
            }
        }
    }

    private func branches(_ chain: TestChain) throws -> [Block] {
        let trunk = try chain.grow(count: 120, remarkEvery: 9)
        let state = try chain.state(after: Array(trunk[..<60]))
        let fork = try chain.grow(
            count: 40, on: trunk[59].header, state: state, firstSlot: 130, remarkEvery: 5)
        let bad = chain.badlySealed(trunk[30])
        let onBad = try chain.grow(
            count: 20, on: bad.header, state: try chain.state(after: Array(trunk[..<31])),
            firstSlot: 60)
        let dead = try chain.grow(count: 30, firstSlot: 300)
        return trunk + fork + [bad] + onBad + dead
    }

    @Test("random inputs never break a bound or the tree", arguments: seeds(6))
    func anything(seed: UInt64) throws {
        let chain = try TestChain()
        let bench = Bench(
            chain: chain, currentSlot: 150,
            limits: TreeLimits(maximumDepth: 40, maximumBlockCount: 60)
        ) { configuration in
            configuration.maximumVerifyingCount = 80
            configuration.maximumTargetCount = 12
            configuration.maximumTargetCountPerPeer = 4
            configuration.maximumCollectedByteCount = 40_000
            configuration.maximumParkedCount = 6
            configuration.maximumServedCount = 5
            configuration.maximumCheckedTransactionCount = 7
            configuration.catchUpGap = 16
            configuration.maximumBlocksPerRequest = 16
        }
        var course = Course(
            bench: bench, random: SeededGenerator(seed: seed), blocks: try branches(chain))
        var lastFinalised = BlockNumber(0)
        for _ in 0..<6_000 {
            if let input = course.input() {
                course.perform(course.bench.send(input), seed: seed)
            }
            if course.chance(1), course.bench.tree.depth > 20 {
                let tree = course.bench.tree
                let height = BlockNumber(tree.finalised.number.rawValue + 5)
                if let hash = tree.ancestor(of: tree.best.hash, at: height) {
                    _ = course.bench.tree.finalise(hash)
                    let ref = BlockRef(hash: hash, number: height)
                    course.perform(course.bench.send(.finalised(ref)), seed: seed)
                }
            }
            let tree = course.bench.tree
            #expect(tree.finalised.number >= lastFinalised, "seed \(seed)")
            lastFinalised = tree.finalised.number
            #expect(tree.depth <= 40 && tree.count <= 60, "seed \(seed)")
            let load = course.bench.machine.load
            #expect(load.peers <= 6 && load.requests <= load.peers, "seed \(seed): \(load)")
            #expect(load.targets <= 12 && load.parked <= 6, "seed \(seed): \(load)")
            #expect(load.collectedByteCount <= 40_000 + 8_000, "seed \(seed): \(load)")
            #expect(load.verifying <= 80 + 4 * 16 + 40, "seed \(seed): \(load)")
            #expect(load.windows <= 4 && load.served <= 5, "seed \(seed): \(load)")
            #expect(load.checkedTransactions <= 7, "seed \(seed): \(load)")
        }
        // The course went somewhere.
        #expect(course.imported > 60, "seed \(seed): \(course.imported)")
    }
}
