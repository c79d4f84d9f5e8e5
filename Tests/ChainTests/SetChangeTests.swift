import Chain
import Primitives
import SCALE
import Testing

/// What extrinsics do to the next validator set, and every way in which they are refused.
struct SetChangeTests {
    typealias Refusal = ChainState.CallRefusal

    /// Why a call of a member is refused on a state; nil when it is not.
    private func refusal(
        _ call: Extrinsic.Call, by number: Int, on state: ChainState
    ) -> Refusal? {
        var execution = BodyExecution(on: state, evidence: .toy)
        do throws(Refusal) {
            try execution.execute(call, by: validator(number).account)
        } catch {
            return error
        }
        return nil
    }

    private func pending(_ tip: SessionChain.Tip) -> [ValidatorIdentity]? {
        tip.state.pendingSet?.validators
    }

    // MARK: Payloads

    @Test func `every call goes both ways and its payload is read strictly`() throws {
        let chain = try SessionChain(4)
        let calls: [(Extrinsic.Call, UInt8, Int)] = [
            (.remark([1, 2]), 0, 2), (try chain.rotation(of: 1, to: 9), 1, 3_073),
            (.evidence([7]), 2, 1), (chain.addition(9), 3, 3_106),
            (.nominateRemoval(validator(2).account), 3, 33), (.leave, 4, 0),
        ]
        for (call, kind, byteCount) in calls {
            let extrinsic = try chain.extrinsic(call, by: 1, on: chain.genesis.state)
            #expect(extrinsic.kind.rawValue == kind && extrinsic.payload.count == byteCount)
            let decoded = try SCALEDecoder.decode(Extrinsic.self, from: extrinsic.scaleBytes)
            #expect(decoded == extrinsic && decoded.call == call)
            guard kind != 0, kind != 2 else { continue }
            let payload = extrinsic.payload
            for wrong in [payload + [0]] + payload.indices.map({ Array(payload.prefix($0)) }) {
                #expect(
                    Extrinsic(
                        kind: extrinsic.kind, signer: extrinsic.signer, nonce: 0, payload: wrong,
                        signature: extrinsic.signature) == nil)
            }
        }
        let unknown = [2] + [UInt8](repeating: 1, count: 32)
        #expect(
            Extrinsic(
                kind: .nominate, signer: validator(1).account, nonce: 0, payload: unknown,
                signature: [UInt8](repeating: 0, count: 1_280)) == nil)
    }

    @Test func `the proof of a key is for one chain, account and key`() throws {
        let chain = try SessionChain(4)
        let call = try chain.rotation(of: 1, to: 9)
        let extrinsic = try chain.extrinsic(call, by: 1, on: chain.genesis.state)
        let checks = try #require(
            chain.checker.signatureChecks(of: extrinsic, state: chain.genesis.state))
        #expect(checks.map { $0.run(using: TagScheme()) } == [true, true])
        #expect(checks[1].key == .bytes(validator(9).falconPublicKey))
        // The same proof with another account, and on another chain.
        let stolen = try chain.extrinsic(call, by: 2, on: chain.genesis.state)
        let ofOther = try #require(
            chain.checker.signatureChecks(of: stolen, state: chain.genesis.state))
        #expect(ofOther.map { $0.run(using: TagScheme()) } == [true, false])
        let elsewhere = BlockChecker(genesisHash: .zero, evidence: .toy)
        let onOther = try #require(
            elsewhere.signatureChecks(of: extrinsic, state: chain.genesis.state))
        #expect(onOther.map { $0.run(using: TagScheme()) } == [false, false])
    }

    @Test func `a block whose key proof does not hold is refused with its signatures`() throws {
        let chain = try SessionChain(4)
        let identity = rotated(1, to: 9)
        let call = Extrinsic.Call.rotateKey(
            newKey: identity.falconPublicKey, proof: chain.proof(rotated(2, to: 9)))
        #expect(throws: SessionChain.BadSignature.self) {
            try chain.grow(
                chain.genesis, [try chain.extrinsic(call, by: 1, on: chain.genesis.state)])
        }
    }

    // MARK: Rotation

    @Test func `a rotation waits for the end of the session and keeps the place`() throws {
        let chain = try SessionChain(4)
        let call = try chain.rotation(of: 2, to: 9)
        var tip = try chain.grow(
            chain.genesis, [try chain.extrinsic(call, by: 2, on: chain.genesis.state)]
        ).tip
        let next = [validator(1), rotated(2, to: 9), validator(3), validator(4)]
        #expect(pending(tip) == next && tip.state.pendingSet?.id == SetID(1))
        #expect(tip.state.setInForce == chain.genesis.state.activeSet)
        tip = try chain.grow(tip, to: 3)
        #expect(tip.header.handOff == nil && pending(tip) == next)
        tip = try chain.grow(tip, to: 4)
        #expect(tip.state.setInForce.validators == next && tip.state.setInForce.id == SetID(1))
        #expect(tip.state.previousSet == chain.genesis.state.activeSet && pending(tip) == nil)
        #expect(tip.header.handOff == HandOff(tip.state.setInForce))
        // The old key signs nothing any more, the new one does.
        let old = try chain.extrinsic(.leave, by: 2, on: chain.genesis.state, nonceOffset: 1)
        #expect(throws: SessionChain.BadSignature.self) { try chain.grow(tip, [old]) }
        let new = try chain.extrinsic(.remark([]), by: 2, on: tip.state)
        #expect(try chain.grow(tip, [new]).tip.state.nonces[validator(2).account] == 2)
    }

    @Test func `a rotation that is taken back is no hand-off`() throws {
        let chain = try SessionChain(4)
        let there = try chain.rotation(of: 2, to: 9)
        let back = try chain.rotation(of: 2, to: 2)
        #expect(
            refusal(back, by: 2, on: chain.genesis.state) == .keyTaken(by: validator(2).account))
        let tip = try chain.grow(
            chain.genesis,
            [
                try chain.extrinsic(there, by: 2, on: chain.genesis.state),
                try chain.extrinsic(back, by: 2, on: chain.genesis.state, nonceOffset: 1),
            ]
        ).tip
        #expect(pending(tip) == nil)
        let end = try chain.grow(tip, to: 4)
        #expect(end.header.handOff == nil && end.state.setInForce.id == SetID(0))
        #expect(end.state.previousSet == nil)
    }

    @Test func `no two members have one key, now or in the next set`() throws {
        let chain = try SessionChain(4)
        let state = chain.genesis.state
        #expect(
            refusal(try chain.rotation(of: 1, to: 3), by: 1, on: state)
                == .keyTaken(by: validator(3).account))
        // Member 3 has given its key up in the next set; it is still its own in this one.
        let tip = try chain.grow(
            chain.genesis,
            [try chain.extrinsic(try chain.rotation(of: 3, to: 9), by: 3, on: state)]
        ).tip
        for key in [3, 9] {
            #expect(
                refusal(try chain.rotation(of: 1, to: key), by: 1, on: tip.state)
                    == .keyTaken(by: validator(3).account))
        }
    }

    // MARK: Nominations

    @Test func `a quorum of the same nominations adds a member at the end`() throws {
        let chain = try SessionChain(4)
        var tip = chain.genesis
        for member in [3, 1] {
            tip = try chain.grow(
                tip, [try chain.extrinsic(chain.addition(9), by: member, on: tip.state)]
            ).tip
            #expect(pending(tip) == nil)
        }
        #expect(tip.state.nominations.map(\.member) == [1, 3].map { validator($0).account })
        // The same member again counts once.
        tip = try chain.grow(
            tip, [try chain.extrinsic(chain.addition(9), by: 1, on: tip.state)]
        ).tip
        #expect(pending(tip) == nil && tip.header.number == BlockNumber(3))
        tip = try chain.grow(
            tip, [try chain.extrinsic(chain.addition(9), by: 4, on: tip.state)]
        ).tip
        #expect(tip.state.setInForce.validators == [1, 2, 3, 4, 9].map { validator($0) })
        #expect(tip.state.nominations.isEmpty)
        // Its first extrinsic.
        tip = try chain.grow(
            tip, [try chain.extrinsic(.remark([]), by: 9, on: tip.state)]
        ).tip
        #expect(tip.state.nonces[validator(9).account] == 1)
    }

    @Test func `a newer nomination replaces the older, and the session's end clears all`() throws {
        let chain = try SessionChain(4)
        var tip = chain.genesis
        let removal = Extrinsic.Call.nominateRemoval(validator(4).account)
        for (member, call) in [(1, removal), (2, removal), (2, chain.addition(9)), (3, removal)] {
            guard tip.header.number.rawValue < 3 else { break }
            tip = try chain.grow(
                tip, [try chain.extrinsic(call, by: member, on: tip.state)]
            ).tip
        }
        #expect(
            tip.state.nominations.map(\.change) == [
                .remove(validator(4).account), .add(validator(9)),
            ])
        tip = try chain.grow(tip, to: 4)
        #expect(tip.state.nominations.isEmpty && pending(tip) == nil)
        #expect(tip.header.handOff == nil)
    }

    @Test func `a quorum removes a member, who votes on until the hand-off`() throws {
        let chain = try SessionChain(4)
        let removal = Extrinsic.Call.nominateRemoval(validator(2).account)
        let tip = try chain.grow(
            chain.genesis,
            try [1, 3, 4].map { try chain.extrinsic(removal, by: $0, on: chain.genesis.state) }
        ).tip
        #expect(pending(tip) == [1, 3, 4].map { validator($0) })
        #expect(refusal(removal, by: 1, on: tip.state) == .notInNextSet(validator(2).account))
        #expect(
            refusal(try chain.rotation(of: 2, to: 9), by: 2, on: tip.state)
                == .notInNextSet(validator(2).account))
        let end = try chain.grow(tip, to: 4)
        let late = try chain.extrinsic(.remark([]), by: 2, on: tip.state)
        #expect(
            throws: BlockInvalid.transition(
                .unknownSigner(position: 0, validator(2).account))
        ) { try chain.grow(end, [late]) }
    }

    @Test func `nobody is added twice, nor with another's key, nor beyond 1,000`() throws {
        let chain = try SessionChain(4)
        let state = chain.genesis.state
        #expect(
            refusal(chain.addition(3), by: 1, on: state) == .accountTaken(validator(3).account))
        let thief = rotated(9, to: 3)
        #expect(
            refusal(.nominateAddition(thief, proof: chain.proof(thief)), by: 1, on: state)
                == .keyTaken(by: validator(3).account))
        let full = try SessionChain(1_000)
        #expect(refusal(full.addition(1_001), by: 1, on: full.genesis.state) == .setFull)
        #expect(refusal(.leave, by: 1, on: full.genesis.state) == nil)
    }

    // MARK: Leaving

    @Test func `a member leaves, but not the last one`() throws {
        let chain = try SessionChain(2)
        let leaving = try chain.extrinsic(.leave, by: 1, on: chain.genesis.state)
        let tip = try chain.grow(chain.genesis, [leaving]).tip
        #expect(pending(tip) == [validator(2)])
        #expect(refusal(.leave, by: 1, on: tip.state) == .notInNextSet(validator(1).account))
        #expect(refusal(.leave, by: 2, on: tip.state) == .setWouldBeEmpty)
        #expect(
            refusal(.nominateRemoval(validator(2).account), by: 1, on: tip.state)
                == .setWouldBeEmpty)
        let end = try chain.grow(tip, to: 4)
        #expect(end.state.setInForce.validators == [validator(2)])
        #expect(end.state.setInForce.author(of: SlotNumber(9)) == ValidatorIndex(0))
    }

    @Test func `sets never change where sessions have no length`() throws {
        let chain = try SessionChain(4, session: 0)
        let state = chain.genesis.state
        let calls: [Extrinsic.Call] = [
            try chain.rotation(of: 1, to: 9), chain.addition(9), .leave,
            .nominateRemoval(validator(2).account),
            .evidence(ToyEvidence.payload(0, validator(2))),
        ]
        for call in calls { #expect(refusal(call, by: 1, on: state) == .setsNeverChange) }
        #expect(refusal(.remark([]), by: 1, on: state) == nil)
        #expect(try chain.grow(chain.genesis, to: 12).state.setInForce.id == SetID(0))
    }
}
