import Chain
import Primitives
import SCALE
import Testing

/// Evidence on the chain: who is convicted, who is excluded, and when neither happens.
struct ConvictionTests {
    private func evidence(_ set: UInt64, _ offender: Int) -> Extrinsic.Call {
        .evidence(ToyEvidence.payload(set, validator(offender)))
    }

    private func grow(
        _ chain: SessionChain, _ tip: SessionChain.Tip, _ calls: (Int, Extrinsic.Call)...
    ) throws -> SessionChain.Tip {
        try chain.grow(
            tip, try calls.map { try chain.extrinsic($1, by: $0, on: tip.state) }
        ).tip
    }

    private func refused(
        _ reason: ChainState.CallRefusal, position: Int = 0
    ) -> BlockInvalid { .transition(.refused(position: position, reason)) }

    @Test func `an equivocator is convicted by anybody's evidence and out of the next set`() throws
    {
        let chain = try SessionChain(6)
        let tip = try grow(chain, chain.genesis, (4, evidence(0, 2)))
        let conviction = Conviction(setID: SetID(0), account: validator(2).account)
        #expect(tip.state.convictions == [conviction])
        #expect(tip.state.pendingSet?.validators == [1, 3, 4, 5, 6].map { validator($0) })
        let end = try chain.grow(tip, to: 4)
        #expect(end.state.setInForce.count == 5 && end.state.convictions == [conviction])
    }

    @Test func `evidence holds only with the signatures of the offender`() throws {
        let chain = try SessionChain(6)
        let extrinsic = try chain.extrinsic(evidence(0, 2), by: 4, on: chain.genesis.state)
        let checks = try #require(
            chain.checker.signatureChecks(of: extrinsic, state: chain.genesis.state))
        #expect(
            checks.map(\.key) == [
                .member(ValidatorIndex(3), chain.genesis.state.activeSet),
                .member(ValidatorIndex(1), chain.genesis.state.activeSet),
            ])
    }

    @Test func `nobody is convicted twice in one set`() throws {
        let chain = try SessionChain(6)
        let conviction = Conviction(setID: SetID(0), account: validator(2).account)
        #expect(throws: refused(.knownEvidence(conviction), position: 1)) {
            try grow(chain, chain.genesis, (4, evidence(0, 2)), (5, evidence(0, 2)))
        }
        let tip = try grow(chain, chain.genesis, (4, evidence(0, 2)))
        #expect(throws: refused(.knownEvidence(conviction))) {
            try grow(chain, tip, (5, evidence(0, 2)))
        }
    }

    @Test func `evidence against strangers, and of no known set, is none`() throws {
        let chain = try SessionChain(6)
        for call in [evidence(0, 9), evidence(1, 2), .evidence([]), .evidence([1, 2, 3])] {
            #expect(throws: refused(.invalidEvidence)) { try grow(chain, chain.genesis, (1, call)) }
        }
    }

    @Test func `evidence is taken about the set just left, and no older one`() throws {
        let chain = try SessionChain(6)
        func leave(_ tip: SessionChain.Tip, _ member: Int) throws -> SessionChain.Tip {
            let height = tip.header.number.rawValue + 4
            return try chain.grow(try grow(chain, tip, (member, .leave)), to: height)
        }
        let first = try leave(chain.genesis, 6)
        #expect(first.state.setInForce.id == SetID(1))
        let convicted = try grow(chain, first, (1, evidence(0, 2)))
        #expect(convicted.state.pendingSet?.validators == [1, 3, 4, 5].map { validator($0) })
        // Somebody who has left is convicted, and there is nobody to exclude.
        let gone = try grow(chain, first, (1, evidence(0, 6)))
        #expect(gone.state.pendingSet == nil && gone.state.convictions.count == 1)
        let second = try leave(try chain.grow(gone, to: 8), 5)
        #expect(second.state.setInForce.id == SetID(2) && second.state.convictions.isEmpty)
        #expect(throws: refused(.invalidEvidence)) { try grow(chain, second, (1, evidence(0, 2))) }
        #expect(try grow(chain, second, (1, evidence(1, 2))).state.convictions.count == 1)
    }

    @Test func `a chain that began with four keeps four`() throws {
        let chain = try SessionChain(5)
        let tip = try grow(chain, chain.genesis, (1, evidence(0, 2)), (1 + 2, evidence(0, 5)))
        #expect(tip.state.convictions.count == 2)
        #expect(tip.state.pendingSet?.validators == [1, 3, 4, 5].map { validator($0) })
        let four = try SessionChain(4)
        let stays = try grow(four, four.genesis, (1, evidence(0, 2)))
        #expect(stays.state.pendingSet == nil && stays.state.convictions.count == 1)
    }

    @Test func `a chain that began with three excludes down to one`() throws {
        let chain = try SessionChain(3)
        let tip = try grow(
            chain, chain.genesis, (1, evidence(0, 1)), (2, evidence(0, 2)), (3, evidence(0, 3)))
        #expect(tip.state.convictions.count == 3)
        #expect(tip.state.pendingSet?.validators == [validator(3)])
    }

    @Test func `a chain may keep equivocators`() throws {
        let chain = try SessionChain(6, excludes: false)
        let tip = try grow(chain, chain.genesis, (1, evidence(0, 2)))
        #expect(tip.state.convictions.count == 1 && tip.state.pendingSet == nil)
    }
}
