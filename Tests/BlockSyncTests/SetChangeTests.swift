import BlockSync
import Chain
import Primitives
import SCALE
import Testing

/// The pool over changes of keys and sets: what it refuses, what it leaves out of blocks, and what
/// it forgets.
@Suite struct SetChangeTests {
    private let state: ChainState
    private let genesis: Header

    init() throws {
        let constants = try ChainConstants(
            specVersion: 1, chainID: "pool", slotDurationMilliseconds: 6_000,
            policy: .standard(validatorCount: 3), sessionLength: 1)
        (state, genesis) = try ChainState.genesis(
            constants: constants, validators: (1...3).map { validator($0) })
    }

    private func extrinsic(
        _ call: Extrinsic.Call, by number: Int, nonce: UInt64
    ) throws -> Extrinsic {
        try #require(
            Extrinsic(
                call: call, signer: validator(number).account, nonce: nonce,
                signature: [UInt8](repeating: 0x3A, count: SignatureFormat.byteCount)))
    }

    private func rotation(to key: Int) -> Extrinsic.Call {
        .rotateKey(
            newKey: validator(key).falconPublicKey,
            proof: [UInt8](repeating: 0x3A, count: SignatureFormat.byteCount))
    }

    private func after(_ body: [Extrinsic]) throws -> ChainState {
        var next = state
        try next.apply(body)
        return next
    }

    @Test func `what the chain refuses never enters`() throws {
        var pool = TransactionPool(evidence: .noEvidence)
        let taken = try extrinsic(rotation(to: 2), by: 1, nonce: 0)
        #expect(
            pool.insert(taken, state: state)
                == .inapplicable(.keyTaken(by: validator(2).account)))
        let evidence = try extrinsic(.evidence([1]), by: 1, nonce: 0)
        #expect(pool.refusal(of: evidence, state: state) == .inapplicable(.invalidEvidence))
        #expect(pool.count == 0)
    }

    @Test func `a remark of a signer whose key has changed is in no block, and makes room`() throws
    {
        var pool = TransactionPool(evidence: .noEvidence)
        let rotates = try extrinsic(rotation(to: 9), by: 1, nonce: 0)
        let old = try extrinsic(.remark([1]), by: 1, nonce: 1)
        let other = try extrinsic(.remark([2]), by: 2, nonce: 0)
        for each in [rotates, old, other] { #expect(pool.insert(each, state: state) == nil) }
        #expect(pool.ready(state: state) == [rotates, other, old])
        let next = try after([rotates])
        #expect(next.setInForce.id == SetID(1))
        #expect(pool.ready(state: next) == [other])
        // Its place is free for one with the new key, on that state only.
        let new = try extrinsic(.remark([3]), by: 1, nonce: 1)
        #expect(pool.refusal(of: new, state: state) == .taken)
        #expect(pool.insert(new, state: next) == nil)
        #expect(pool.ready(state: next) == [new, other] && pool.count == 3)
        #expect(pool.ready(state: state) == [rotates, other])
    }

    @Test func `what neither the finalised nor the best chain finds well signed is forgotten`()
        throws
    {
        var pool = TransactionPool(evidence: .noEvidence)
        let rotates = try extrinsic(rotation(to: 9), by: 1, nonce: 0)
        let old = try extrinsic(.remark([1]), by: 1, nonce: 1)
        for each in [rotates, old] { #expect(pool.insert(each, state: state) == nil) }
        let next = try after([rotates])
        pool.prune(finalisedState: state, bestState: next)
        #expect(pool.count == 2)
        pool.prune(finalisedState: next, bestState: next)
        #expect(pool.count == 0)
    }

    @Test func `of two that exclude each other one waits, until finality has decided`() throws {
        var pool = TransactionPool(evidence: .noEvidence)
        // Two of three leave in one block; the third may not.
        let leaving = try (1...3).map { try extrinsic(.leave, by: $0, nonce: 0) }
        for each in leaving { #expect(pool.insert(each, state: state) == nil) }
        let body = pool.ready(state: state)
        #expect(body.count == 2)
        let next = try after(body)
        #expect(next.setInForce.count == 1)
        pool.prune(finalisedState: next, bestState: next)
        #expect(pool.count == 0)
    }
}
