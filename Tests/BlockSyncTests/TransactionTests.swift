import BlockSync
import Chain
import Primitives
import SCALE
import Testing

struct TransactionPoolTests {
    let chain: TestChain

    init() throws { chain = try TestChain() }

    private func limits(
        perAccount: Int = 64, total: Int = 4_096, bytes: Int = 8 << 20
    ) -> TransactionPool.Limits {
        var limits = TransactionPool.Limits()
        limits.countPerAccount = perAccount
        limits.totalCount = total
        limits.totalByteCount = bytes
        return limits
    }

    @Test func `one transaction per account and nonce waits, the first one`() {
        var pool = TransactionPool(evidence: .noEvidence)
        let first = chain.remark([1], by: 0, nonce: 0)
        let second = chain.remark([2], by: 0, nonce: 0)
        let none = pool.insert(first, state: chain.state)
        let refusal = pool.insert(second, state: chain.state)
        #expect(none == nil && refusal == .taken)
        #expect(pool.pending == [first] && pool.byteCount == first.encodedByteCount)
        #expect(pool.transaction(signer: first.signer, nonce: 0) == first)
        #expect(pool.transaction(signer: first.signer, nonce: 1) == nil)
    }

    @Test func `what can not be executed soon is refused`() throws {
        var state = chain.state
        try state.apply([chain.remark([], by: 0, nonce: 0)])
        let pool = TransactionPool(limits: limits(perAccount: 4), evidence: .noEvidence)
        func refusal(_ signer: Int, _ nonce: UInt64) -> TransactionPool.Refusal? {
            pool.refusal(of: chain.remark([], by: signer, nonce: nonce), state: state)
        }
        #expect(refusal(0, 0) == .stale(next: 1))
        #expect(refusal(0, 1) == nil && refusal(0, 4) == nil)
        #expect(refusal(0, 5) == .tooFarAhead(next: 1))
        #expect(refusal(1, .max) == .stale(next: 0))
        let stranger = try TestChain(validatorCount: 4).remark([], by: 3, nonce: 0)
        #expect(pool.refusal(of: stranger, state: state) == .unknownSigner)
    }

    @Test func `a body takes nonces in order, the accounts in turns`() {
        var pool = TransactionPool(evidence: .noEvidence)
        let transactions = [
            chain.remark([1], by: 0, nonce: 0), chain.remark([2], by: 0, nonce: 1),
            chain.remark([3], by: 0, nonce: 3), chain.remark([4], by: 1, nonce: 1),
            chain.remark([5], by: 2, nonce: 0), chain.remark([6], by: 2, nonce: 1),
        ]
        for transaction in transactions.reversed() {
            let refusal = pool.insert(transaction, state: chain.state)
            #expect(refusal == nil)
        }
        // Account 0 lacks nonce 2, account 1 nonce 0.
        #expect(pool.ready(state: chain.state).map(\.payload) == [[1], [5], [2], [6]])
        let one = transactions[0].encodedByteCount
        #expect(pool.ready(state: chain.state, byteLimit: 2 * one).map(\.payload) == [[1], [5]])
        #expect(pool.ready(state: chain.state, byteLimit: one - 1) == [])
    }

    @Test func `a full body fits a block`() throws {
        var pool = TransactionPool(evidence: .noEvidence)
        for nonce in 0..<60 {
            for signer in 0..<3 {
                let size = (nonce * 131 + signer * 977) % 4_096
                let remark = chain.remark(
                    [UInt8](repeating: 1, count: size), by: signer, nonce: UInt64(nonce))
                let refusal = pool.insert(remark, state: chain.state)
                #expect(refusal == nil)
            }
        }
        let body = pool.ready(state: chain.state)
        #expect(Block.byteCount(of: body) <= Block.maximumBodyByteCount)
        #expect(Block.byteCount(of: body) > Block.maximumBodyByteCount - 6_000)
        _ = try chain.block(on: chain.genesis, state: chain.state, slot: 1, body)
    }

    @Test func `the pool is bounded per account, in total and in bytes`() {
        func fill(_ limits: TransactionPool.Limits) -> TransactionPool {
            var pool = TransactionPool(limits: limits, evidence: .noEvidence)
            for nonce in 0..<10 {
                for signer in 0..<3 {
                    _ = pool.insert(
                        chain.remark([], by: signer, nonce: UInt64(nonce)), state: chain.state)
                }
            }
            return pool
        }
        #expect(fill(limits(perAccount: 4)).count == 12)
        #expect(fill(limits(total: 7)).count == 7)
        let size = chain.remark([], by: 0, nonce: 0).encodedByteCount
        let byBytes = fill(limits(bytes: 5 * size + 1))
        #expect(byBytes.count == 5 && byBytes.byteCount == 5 * size)
    }

    @Test func `executed transactions stay until they are final, unless room is needed`() throws {
        var pool = TransactionPool(limits: limits(perAccount: 2), evidence: .noEvidence)
        let old = [chain.remark([1], by: 0, nonce: 0), chain.remark([2], by: 0, nonce: 1)]
        for transaction in old { _ = pool.insert(transaction, state: chain.state) }
        var state = chain.state
        try state.apply(old)
        #expect(pool.ready(state: state) == [] && pool.count == 2)
        // The best chain changes back: they are ready again.
        #expect(pool.ready(state: chain.state) == old)
        let next = chain.remark([3], by: 0, nonce: 2)
        let refusal = pool.insert(next, state: state)
        #expect(refusal == nil && pool.pending == [next])
        pool.prune(finalisedState: state)
        #expect(pool.pending == [next] && pool.byteCount == next.encodedByteCount)
        try state.apply([next])
        pool.prune(finalisedState: state)
        #expect(pool.count == 0 && pool.byteCount == 0)
    }

    @Test("a pool keeps its order, its sums and its bounds", arguments: 1...8)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bounds = limits(perAccount: 6, total: 14, bytes: 30_000)
        var pool = TransactionPool(limits: bounds, evidence: .noEvidence)
        var state = chain.state
        for _ in 0..<300 {
            let signer = Int.random(in: 0..<3, using: &random)
            let next = state.nonces[chain.validators[signer].account]
            let nonce = next &+ UInt64.random(in: 0..<8, using: &random) &- 1
            if nonce != .max {
                let size = Int.random(in: 0..<4_000, using: &random)
                _ = pool.insert(
                    chain.remark([UInt8](repeating: 0, count: size), by: signer, nonce: nonce),
                    state: state)
            }
            if Int.random(in: 0..<10, using: &random) == 0 {
                let body = pool.ready(state: state)
                try state.apply(body)
                if Bool.random(using: &random) { pool.prune(finalisedState: state) }
            }
            let keys = pool.pending.map { ($0.signer, $0.nonce) }
            #expect(
                zip(keys, keys.dropFirst()).allSatisfy { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 },
                "seed \(seed)")
            #expect(pool.byteCount == Block.byteCount(of: pool.pending), "seed \(seed)")
            #expect(pool.count <= 14 && pool.byteCount <= 30_000, "seed \(seed)")
        }
    }
}

struct TransactionGossipTests {
    let chain: TestChain

    init() throws { chain = try TestChain() }

    private func message(_ extrinsics: [Extrinsic]) -> [UInt8] {
        TransactionsMessage(extrinsics).scaleBytes
    }

    @Test func `a transaction from a peer is checked, kept and passed on once`() throws {
        var bench = Bench(chain: chain)
        for peer in [peerA, peerB, peerC] { bench.connect(peer) }
        let remark = chain.remark([1], by: 0, nonce: 0)
        let first = bench.send(.transactions(peerA, message([remark])))
        // A second copy is not checked again while the first one is.
        #expect(bench.send(.transactions(peerB, message([remark]))) == [])
        #expect(bench.settle(first) == [.sendTransactions([peerC], message([remark]))])
        #expect(bench.machine.pool.pending == [remark])
        #expect(bench.send(.transactions(peerC, message([remark]))) == [])
    }

    @Test func `what is submitted here is answered`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let remark = chain.remark([1], by: 0, nonce: 0)
        #expect(
            bench.settle(bench.send(.submit(remark))) == [
                .submitted(remark.hash, .accepted), .sendTransactions([peerA], message([remark])),
            ])
        #expect(
            bench.send(.submit(remark)) == [.submitted(remark.hash, .refused(.taken))])
        let foreign = try TestChain(chainID: "other").remark([1], by: 1, nonce: 0)
        #expect(
            bench.settle(bench.send(.submit(foreign))) == [
                .submitted(foreign.hash, .badSignature)
            ])
        let far = chain.remark([], by: 0, nonce: 100)
        #expect(
            bench.send(.submit(far)) == [
                .submitted(far.hash, .refused(.tooFarAhead(next: 0)))
            ])
    }

    @Test func `bad transactions are reported`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let foreign = try TestChain(chainID: "other").remark([1], by: 1, nonce: 0)
        #expect(
            bench.settle(bench.send(.transactions(peerA, message([foreign])))) == [
                .report(peerA, .badSignature(foreign.hash))
            ])
        let stranger = try TestChain(validatorCount: 4).remark([], by: 3, nonce: 0)
        #expect(
            bench.send(.transactions(peerA, message([stranger]))) == [
                .report(peerA, .badTransaction(stranger.hash))
            ])
        for bytes in [
            [], [4], message([foreign]) + [0],
            [UInt8](repeating: 0, count: TransactionsMessage.maximumByteCount + 1),
        ] {
            #expect(bench.send(.transactions(peerA, bytes)) == [.report(peerA, .malformed)])
        }
        #expect(bench.send(.transactions(peerB, [1])) == [])
        #expect(bench.machine.pool.count == 0)
    }

    /// The sender's best chain may be of a set that has the member, or another key of its.
    @Test func `where sets change a foreign transaction is dropped and no fault`() throws {
        let chain = try TestChain(sessionLength: 10)
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let foreign = try TestChain(chainID: "other").remark([1], by: 1, nonce: 0)
        let stranger = try TestChain(validatorCount: 4).remark([], by: 3, nonce: 0)
        for extrinsic in [foreign, stranger] {
            let offence = SyncOffence.foreignTransaction(extrinsic.hash)
            #expect(
                bench.settle(bench.send(.transactions(peerA, message([extrinsic])))) == [
                    .report(peerA, offence)
                ])
            #expect(offence.weight == .slight)
        }
        #expect(bench.machine.pool.count == 0)
    }

    @Test func `a flood of transactions is dropped and the checks are bounded`() throws {
        var bench = Bench(chain: chain) {
            $0.transactionBudget = RateLimit(burst: 8, perSecond: 1)
            $0.maximumCheckedTransactionCount = 5
        }
        bench.connect(peerA)
        let remarks = (0..<8).map { chain.remark([], by: 0, nonce: UInt64($0)) }
        let effects = bench.send(.transactions(peerA, message(remarks)))
        #expect(effects.count == 5)
        let busy = chain.remark([], by: 1, nonce: 0)
        #expect(bench.send(.submit(busy)) == [.submitted(busy.hash, .busy)])
        #expect(
            bench.send(.transactions(peerA, message(remarks))) == [.report(peerA, .flooded)])
        #expect(bench.send(.transactions(peerA, message(remarks))) == [])
        _ = bench.settle(effects)
        #expect(bench.machine.pool.count == 5)
    }

    @Test func `finality empties the pool of what was executed`() throws {
        var bench = Bench(chain: chain)
        let remark = chain.remark([1], by: 0, nonce: 0)
        _ = bench.settle(bench.send(.submit(remark)))
        let block = try chain.block(
            on: chain.genesis, state: chain.state, slot: 5,
            bench.machine.pool.ready(state: chain.state)
        ).block
        _ = bench.send(.ownBlock(block))
        #expect(bench.machine.pool.pending == [remark])
        _ = bench.tree.finalise(block.hash)
        #expect(bench.send(.finalised(block.ref)) == [])
        #expect(bench.machine.pool.count == 0)
    }
}
