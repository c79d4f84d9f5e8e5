import Chain
import Primitives
import SCALE
import Testing

/// The hand-off block: what its header announces, who votes on what, and forks that hand over
/// differently.
struct HandOffTests {
    let chain: SessionChain

    init() throws { chain = try SessionChain(4) }

    /// Block 3 of a session in which member 4 leaves.
    private func beforeHandOff() throws -> SessionChain.Tip {
        let call = try chain.extrinsic(.leave, by: 4, on: chain.genesis.state)
        return try chain.grow(try chain.grow(chain.genesis, [call]).tip, to: 3)
    }

    private func check(_ block: Block, on tip: SessionChain.Tip) throws {
        _ = try chain.checker.check(
            block, parent: tip.header, parentState: tip.state, currentSlot: SlotNumber(1_000))
    }

    private func with(_ digest: [DigestItem], _ block: Block) -> Block {
        let header = block.header
        return Block(
            header: Header(
                parentHash: header.parentHash, number: header.number, stateRoot: header.stateRoot,
                extrinsicsRoot: header.extrinsicsRoot, digest: digest),
            extrinsics: block.extrinsics)
    }

    @Test func `the announcement stands between slot and seal, in no other block`() throws {
        let tip = try beforeHandOff()
        let (block, after) = try chain.grow(tip)
        let digest = block.header.digest
        let expected = HandOff(after.state.setInForce)
        #expect(digest.count == 3)
        #expect(digest[1] == .consensus(.coherence, expected.scaleBytes))
        #expect(expected.scaleBytes == UInt64(1).scaleBytes + after.state.setInForce.hash.bytes)
        #expect(expected.setHash == after.state.setInForce.hash)
        #expect(throws: BlockInvalid.wrongHandOff(expected: expected, found: nil)) {
            try check(with([digest[0], digest[2]], block), on: tip)
        }
        let other = HandOff(tip.state.setInForce)
        #expect(throws: BlockInvalid.wrongHandOff(expected: expected, found: other)) {
            try check(
                with([digest[0], .consensus(.coherence, other.scaleBytes), digest[2]], block),
                on: tip)
        }
        for item in [
            DigestItem.consensus(.coherence, []), .consensus(.falcon, expected.scaleBytes),
            .consensus(.coherence, expected.scaleBytes + [0]), .other(expected.scaleBytes),
        ] {
            #expect(throws: BlockInvalid.malformedDigest) {
                try check(with([digest[0], item, digest[2]], block), on: tip)
            }
        }
        for wrong in [
            [digest[1], digest[0], digest[2]], [digest[0], digest[1], digest[1], digest[2]],
            [digest[0], digest[2], digest[1]],
        ] {
            #expect(throws: BlockInvalid.malformedDigest) { try check(with(wrong, block), on: tip) }
        }
        let ordinary = try chain.grow(after).block
        #expect(throws: BlockInvalid.wrongHandOff(expected: nil, found: expected)) {
            try check(
                with([ordinary.header.digest[0], digest[1], ordinary.header.digest[1]], ordinary),
                on: after)
        }
    }

    @Test func `the next set seals and signs from the hand-off block's child on`() throws {
        let tip = try chain.grow(try beforeHandOff(), to: 4)
        #expect(tip.state.setInForce.count == 3)
        let builder = try BlockBuilder(
            parent: tip.header, parentState: tip.state, slot: SlotNumber(7), extrinsics: [],
            evidence: .toy)
        // Slot 7 is validator 4's in the old set and validator 2's in the new one.
        #expect(builder.author == ValidatorIndex(1))
    }

    @Test func `each branch has its own hand-off, and each block the set that votes on it`() throws
    {
        var tree = BlockTree(finalisedHeader: chain.genesis.header, state: chain.genesis.state)
        func add(_ tip: SessionChain.Tip, slot: UInt64, _ extrinsics: [Extrinsic] = []) throws
            -> SessionChain.Tip
        {
            let (block, next) = try chain.grow(tip, extrinsics, slot: slot)
            _ = try tree.insert(block, state: next.state)
            return next
        }
        /// A branch of eight blocks whose first has an extrinsic.
        func branch(slot: UInt64, _ extrinsics: [Extrinsic]) throws -> [SessionChain.Tip] {
            var tips = [try add(chain.genesis, slot: slot, extrinsics)]
            for offset in 1...7 {
                tips.append(try add(tips[offset - 1], slot: slot + UInt64(offset)))
            }
            return tips
        }
        let state = chain.genesis.state
        let leaves = try branch(slot: 1, [try chain.extrinsic(.leave, by: 4, on: state)])
        let rotates = try branch(
            slot: 101, [try chain.extrinsic(chain.rotation(of: 1, to: 9), by: 1, on: state)])
        let stays = try branch(slot: 201, [])
        for (branch, handsOver) in [(leaves, true), (rotates, true), (stays, false)] {
            for (position, tip) in branch.enumerated() {
                let set = try #require(tree.votingSet(of: tip.header.hash))
                let isNext = handsOver && position >= 4
                #expect(set == (isNext ? branch[3].state.setInForce : state.setInForce))
                #expect((tip.header.handOff != nil) == (handsOver && position == 3))
                let highest = tree.highestBlock(votedOnBy: SetID(0), upTo: tip.header.hash)
                #expect(highest == (isNext ? branch[3].header.ref : tip.header.ref))
                let next = tree.highestBlock(votedOnBy: SetID(1), upTo: tip.header.hash)
                #expect(next == (isNext ? tip.header.ref : nil))
            }
        }
        #expect(leaves[3].state.setInForce.hash != rotates[3].state.setInForce.hash)
        #expect(leaves[3].state.setInForce.id == rotates[3].state.setInForce.id)
        // The root: the hand-off block belongs to the set that it ends, wherever the tree begins.
        _ = tree.finalise(leaves[3].header.hash)
        #expect(tree.votingSet(of: leaves[3].header.hash) == state.setInForce)
        let reopened = BlockTree(finalisedHeader: leaves[3].header, state: leaves[3].state)
        #expect(reopened.votingSet(of: leaves[3].header.hash) == state.setInForce)
        let later = BlockTree(finalisedHeader: leaves[4].header, state: leaves[4].state)
        #expect(later.votingSet(of: leaves[4].header.hash)?.id == SetID(1))
        #expect(
            tree.highestBlock(votedOnBy: SetID(0), upTo: leaves[7].header.hash)
                == leaves[3].header.ref)
        #expect(tree.highestBlock(votedOnBy: SetID(0), upTo: rotates[7].header.hash) == nil)
    }

    @Test func `the highest block of a set is the one that a walk finds`() throws {
        var tip = chain.genesis
        var tree = BlockTree(finalisedHeader: tip.header, state: tip.state)
        var tips = [tip]
        for number in 1...40 {
            // A new set every eight blocks: odd sessions rotate validator 1's key.
            let isChange = number % 8 == 1
            let call = isChange ? [try chain.rotation(of: 1, to: 100 + number)] : []
            let (block, next) = try chain.grow(
                tip, try call.map { try chain.extrinsic($0, by: 1, on: tip.state) })
            _ = try tree.insert(block, state: next.state)
            tip = next
            tips.append(tip)
        }
        #expect(tip.state.setInForce.id == SetID(5))
        for root in [0, 3, 4, 13] {
            _ = tree.finalise(tips[root].header.hash)
            for set in UInt64(0)...6 {
                for end in root...40 {
                    let walk = tips[root...end].last {
                        tree.votingSet(of: $0.header.hash)?.id == SetID(set)
                    }
                    #expect(
                        tree.highestBlock(votedOnBy: SetID(set), upTo: tips[end].header.hash)
                            == walk?.header.ref, "root \(root), set \(set), end \(end)")
                }
            }
        }
    }

    @Test func `a state in the middle of everything goes both ways`() throws {
        let rotation = try chain.extrinsic(
            try chain.rotation(of: 1, to: 9), by: 1, on: chain.genesis.state)
        var tip = try chain.grow(try chain.grow(chain.genesis, [rotation]).tip, to: 4)
        tip = try chain.grow(
            tip,
            [
                try chain.extrinsic(chain.addition(8), by: 2, on: tip.state),
                try chain.extrinsic(.leave, by: 3, on: tip.state),
                try chain.extrinsic(
                    .evidence(ToyEvidence.payload(0, validator(2))), by: 4, on: tip.state),
            ]
        ).tip
        let state = tip.state
        #expect(state.previousSet != nil && state.pendingSet != nil)
        #expect(state.nominations.count == 1 && state.convictions.count == 1)
        let bytes = state.scaleBytes
        let decoded = try SCALEDecoder.decode(ChainState.self, from: bytes)
        #expect(decoded == state && decoded.root == state.root)
        #expect(state.root == BLAKE2b256.hash(bytes))
        for count in stride(from: 0, to: bytes.count, by: 11) {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(ChainState.self, from: Array(bytes.prefix(count)))
            }
        }
        // Going on from the decoded state is going on from the state.
        #expect(
            try chain.grow(tip).block
                == chain.grow(SessionChain.Tip(header: tip.header, state: decoded)).block)
    }

    @Test func `a state that breaks its own rules is refused`() throws {
        let base = chain.genesis.state
        func set(
            _ id: UInt64, _ members: [Int], _ policy: QuorumPolicy = .moreThanTwoThirds
        ) throws -> ValidatorSet {
            try ValidatorSet(
                id: SetID(id), validators: members.map { validator($0) }, policy: policy)
        }
        func refuses(
            floor: UInt16 = 4, active: ValidatorSet, previous: ValidatorSet? = nil,
            pending: ValidatorSet? = nil, nominations: [Nomination] = [],
            convictions: [Conviction] = []
        ) -> Bool {
            var encoder = SCALEEncoder()
            encoder.append(base.constants)
            encoder.append(floor)
            encoder.append(active)
            encoder.appendOption(previous)
            encoder.appendOption(pending)
            encoder.appendItems(nominations)
            encoder.appendItems(convictions)
            encoder.append(AccountNonces())
            return (try? SCALEDecoder.decode(ChainState.self, from: encoder.bytes)) == nil
        }
        let first = try set(0, [1, 2, 3, 4])
        let second = try set(1, [1, 2, 3])
        #expect(!refuses(active: first) && !refuses(active: second, previous: first))
        #expect(!refuses(active: first, pending: second))
        #expect(refuses(floor: 0, active: first))
        #expect(refuses(active: second))
        #expect(refuses(active: first, previous: second))
        #expect(refuses(active: second, previous: try set(1, [9])))
        #expect(refuses(active: first, pending: try set(2, [1])))
        #expect(refuses(active: first, pending: try set(1, [1, 2, 3, 4])))
        #expect(refuses(active: try set(0, [1], .twoThirds)))
        #expect(refuses(active: first, pending: try set(1, [1], .twoThirds)))
        #expect(refuses(active: second, previous: try set(0, [1], .twoThirds)))
        let wish = Nomination(
            member: validator(1).account, change: .remove(validator(2).account))
        let strange = Nomination(
            member: validator(9).account, change: .remove(validator(2).account))
        #expect(!refuses(active: first, nominations: [wish]))
        #expect(refuses(active: first, nominations: [wish, wish]))
        #expect(refuses(active: first, nominations: [strange]))
        let conviction = Conviction(setID: SetID(0), account: validator(4).account)
        #expect(!refuses(active: first, convictions: [conviction]))
        #expect(!refuses(active: second, previous: first, convictions: [conviction]))
        #expect(refuses(active: first, convictions: [conviction, conviction]))
        let elsewhere = Conviction(setID: SetID(1), account: validator(4).account)
        #expect(refuses(active: second, previous: first, convictions: [elsewhere]))
    }
}
