import BlockSync
import Chain
import Primitives
import SCALE
import Testing

struct AnnouncementTests {
    let chain: TestChain

    init() throws { chain = try TestChain() }

    @Test func `a block without a body is checked at once, imported and passed on`() throws {
        var bench = Bench(chain: chain)
        #expect(bench.connect(peerA) == [])
        #expect(bench.connect(peerB) == [])
        let block = try chain.grow(count: 1)[0]
        let effects = bench.announce(block, by: peerA)
        guard case .check(let id, let checks)? = effects.first, effects.count == 1 else {
            Issue.record("not one check but \(effects)")
            return
        }
        #expect(checks.map { $0.run(using: TagScheme()) } == [true])
        #expect(!bench.tree.contains(block.hash))
        #expect(
            bench.send(.checked(id, [true])) == [
                .imported(block), .announce([peerB], bench.announcement(block)),
                .handshakeChanged(bench.handshake(best: block.ref)),
                .setTimer(.wake, bench.now + .seconds(30)),
            ])
        #expect(bench.tree.best == block.ref)
        // Nothing more happens when others announce it or the verdict comes again.
        #expect(bench.announce(block, by: peerB) == [])
        #expect(bench.send(.checked(id, [true])) == [])
    }

    @Test func `a body is fetched from the peer that announced the block`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        let block = try chain.grow(count: 1, remarkEvery: 1)[0]
        let asked = bench.announce(block, by: peerB)
        let sent = try #require(asked.requests.first)
        #expect(sent.peer == peerB)
        #expect(
            sent.request
                == BlockRequest(
                    fields: .everything, start: .hash(block.hash), direction: .descending,
                    maximumCount: 1))
        #expect(asked.last == .setTimer(.wake, bench.now + .seconds(2)))
        let effects = bench.send(.response(sent.id, .success(try responseBytes([block]))))
        #expect(
            bench.settle(effects).essential == [
                .imported(block), .announce([peerA], bench.announcement(block)),
            ])
    }

    @Test func `a request is taken back when its block comes otherwise or not in time`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        let blocks = try chain.grow(count: 2, remarkEvery: 1)
        let first = try #require(bench.announce(blocks[0], by: peerA).requests.first)
        #expect(first.peer == peerA)
        // peerA does not answer in time: peerB announces it too and is asked instead.
        _ = bench.announce(blocks[0], by: peerB)
        let late = bench.wait(.seconds(2))
        #expect(late.contains(.abandon(first.id)))
        let second = try #require(late.requests.first)
        #expect(second.peer == peerB)
        // The own chain grows by it meanwhile.
        try bench.load([blocks[0]])
        let dropped = bench.send(.finalised(blocks[0].ref))
        #expect(dropped.contains(.abandon(second.id)))
        // An answer that comes all the same is ignored.
        let answer = try responseBytes([blocks[0]])
        for id in [first.id, second.id] {
            #expect(bench.send(.response(id, .success(answer))).offences == [])
        }
    }

    @Test func `a block with an unknown parent is fetched with its ancestors`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let blocks = try chain.grow(count: 5, remarkEvery: 2)
        let sent = try #require(bench.announce(blocks[4], by: peerA).requests.first)
        #expect(sent.request.maximumCount == 5)
        #expect(sent.request.start == .hash(blocks[4].hash))
        let effects = bench.send(
            .response(sent.id, .success(try responseBytes(blocks.reversed()))))
        #expect(bench.settle(effects).imported == blocks)
        #expect(bench.tree.best == blocks[4].ref)
    }

    @Test func `a fork is walked back until it meets the tree`() throws {
        var bench = Bench(chain: chain)
        let trunk = try chain.grow(count: 150)
        try bench.load(trunk)
        let fork = try chain.grow(
            count: 120, on: trunk[19].header, state: chain.state, firstSlot: 500)
        bench.connect(peerA)
        var effects = bench.announce(fork[119], by: peerA)
        var requests: [SentRequest] = []
        while let sent = effects.requests.first {
            requests.append(sent)
            guard case .hash(let hash) = sent.request.start,
                let top = fork.firstIndex(where: { $0.hash == hash })
            else { break }
            let lowest = max(0, top + 1 - Int(sent.request.maximumCount))
            var answer = Array(fork[lowest...top].reversed())
            // The trunk below the fork comes along when more was asked for.
            let more = Int(sent.request.maximumCount) - answer.count
            answer += trunk[(20 - min(more, 20))..<20].reversed()
            effects = bench.send(.response(sent.id, .success(try responseBytes(answer))))
        }
        #expect(requests.map(\.request.maximumCount) == [4, 64, 64])
        #expect(bench.settle(effects).imported == fork)
        // The fork is at height 140: it is kept beside the longer trunk.
        #expect(bench.tree.best == trunk[149].ref && bench.tree.contains(fork[119].hash))
    }

    @Test func `a withheld body is fetched from another peer`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        let block = try chain.grow(count: 1, remarkEvery: 1)[0]
        let first = try #require(bench.announce(block, by: peerA).requests.first)
        #expect(bench.announce(block, by: peerB).requests == [])
        let effects = bench.wait(.seconds(2))
        #expect(effects.offences == [.timedOut])
        let second = try #require(effects.requests.first)
        #expect(second.peer == peerB)
        let rest = bench.send(.response(second.id, .success(try responseBytes([block]))))
        #expect(bench.settle(rest).imported == [block])
        // The late answer of the first peer is not looked at.
        #expect(bench.send(.response(first.id, .success([1, 2, 3]))) == [])
    }

    @Test func `a body that is not the header's is refused`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let block = try chain.grow(count: 1, remarkEvery: 1)[0]
        let sent = try #require(bench.announce(block, by: peerA).requests.first)
        let empty = Block(header: block.header, extrinsics: [])
        let effects = bench.send(.response(sent.id, .success(try responseBytes([empty]))))
        #expect(effects.offences == [.wrongResponse])
        #expect(effects.requests == [])
    }

    @Test func `a wrong seal is reported and the block forgotten`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let block = try chain.grow(count: 1)[0]
        let forged = chain.badlySealed(block)
        #expect(
            bench.settle(bench.announce(forged, by: peerA)).essential == [
                .report(peerA, .badSignature(forged.hash))
            ])
        #expect(!bench.tree.contains(forged.hash))
        // The sound block comes in all the same.
        #expect(bench.settle(bench.announce(block, by: peerA)).imported == [block])
    }

    @Test func `a verdict of the wrong length counts as a failure`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let block = try chain.grow(count: 1)[0]
        guard case .check(let id, _)? = bench.announce(block, by: peerA).first else {
            Issue.record("no check")
            return
        }
        #expect(bench.send(.checked(id, [])).offences == [.badSignature(block.hash)])
        #expect(bench.send(.checked(CheckID(99), [true])) == [])
    }

    @Test func `descendants of a bad block fall with it, unpunished at first`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        let parent = chain.badlySealed(try chain.grow(count: 1)[0])
        let child = try chain.grow(count: 1, on: parent.header, state: chain.state, firstSlot: 2)[0]
        let first = bench.announce(parent, by: peerA)
        let second = bench.announce(child, by: peerB)
        guard case .check(let parentID, _)? = first.first,
            case .check(let childID, _)? = second.first
        else {
            Issue.record("no checks")
            return
        }
        #expect(bench.send(.checked(childID, [true])) == [])
        let effects = bench.send(.checked(parentID, [false]))
        #expect(effects.first == .report(peerA, .badSignature(parent.hash)))
        #expect(effects.offences.count == 1 && bench.tree.count == 1)
        // The child is still claimed by its announcer, who is asked for it and what it stands on.
        #expect(effects.requests.map(\.peer) == [peerB])
    }

    @Test func `children verified before their parents wait for them`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let blocks = try chain.grow(count: 3)
        var ids: [CheckID] = []
        for block in blocks {
            if case .check(let id, _)? = bench.announce(block, by: peerA).first { ids.append(id) }
        }
        #expect(ids.count == 3)
        #expect(bench.send(.checked(ids[2], [true])) == [])
        #expect(bench.send(.checked(ids[1], [true])) == [])
        #expect(bench.send(.checked(ids[0], [true])).imported == blocks)
    }

    @Test func `a block of the next slot is parked, one further ahead ignored`() throws {
        var bench = Bench(chain: chain, currentSlot: 10)
        bench.connect(peerA)
        let next = try chain.grow(count: 1, firstSlot: 11)[0]
        let far = try chain.grow(count: 1, firstSlot: 12)[0]
        #expect(bench.announce(next, by: peerA) == [])
        #expect(
            bench.announce(far, by: peerA) == [
                .note(.farAhead(far.ref, SlotNumber(12), peerA))
            ])
        #expect(bench.send(.slotStarted(SlotNumber(9))) == [])
        #expect(bench.settle(bench.send(.slotStarted(SlotNumber(11)))).imported == [next])
        #expect(bench.send(.slotStarted(SlotNumber(12))) == [])
    }

    @Test func `a header of another form is reported`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let header = try chain.grow(count: 1)[0].header
        let slotless = Header(
            parentHash: header.parentHash, number: header.number, stateRoot: header.stateRoot,
            extrinsicsRoot: header.extrinsicsRoot, digest: [])
        let block = Block(header: slotless, extrinsics: [])
        #expect(
            bench.announce(block, by: peerA) == [
                .report(peerA, .invalidBlock(slotless.hash, .malformedDigest))
            ])
        for bytes in [
            [], [1], bench.announcement(block) + [0], Array(bench.announcement(block).dropLast()),
        ] {
            #expect(bench.send(.announcement(peerA, bytes)) == [.report(peerA, .malformed)])
        }
    }

    @Test func `a block that breaks the chain's rules is reported`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let header = try chain.grow(count: 1)[0].header
        let lying = Header(
            parentHash: header.parentHash, number: header.number, stateRoot: .zero,
            extrinsicsRoot: header.extrinsicsRoot, digest: header.digest)
        #expect(
            bench.announce(Block(header: lying, extrinsics: []), by: peerA).essential == [
                .report(peerA, .invalidBlock(lying.hash, .wrongStateRoot))
            ])
    }

    @Test func `two blocks of a slot are kept and reported, a third is ignored`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        let twins = try (0..<3).map { number in
            try chain.block(
                on: chain.genesis, state: chain.state, slot: 4,
                [chain.remark([UInt8(number)], by: 0, nonce: 0)]
            ).block
        }
        var effects: [SyncMachine.Effect] = []
        for twin in twins {
            let asked = bench.announce(twin, by: peerA)
            guard let sent = asked.requests.first else { continue }
            effects += bench.settle(
                bench.send(.response(sent.id, .success(try responseBytes([twin])))))
        }
        #expect(effects.imported == Array(twins[..<2]))
        let equivocation = AuthorEquivocation(
            slot: SlotNumber(4), author: chain.validators[1].account, first: twins[0].header,
            second: twins[1].header)
        #expect(effects.contains(.authorEquivocation(equivocation)))
        // A block on top of the third brings it in, as the ancestor of another author's block.
        let child = try chain.grow(
            count: 1, on: twins[2].header, state: try chain.state(after: [twins[2]]),
            firstSlot: 5)[0]
        let sent = try #require(bench.announce(child, by: peerB).requests.first)
        let rest = bench.settle(
            bench.send(.response(sent.id, .success(try responseBytes([child, twins[2]])))))
        #expect(rest.imported == [twins[2], child])
        #expect(bench.tree.best == child.ref)
    }

    @Test func `a peer on another chain or with a broken handshake is reported`() throws {
        var bench = Bench(chain: chain)
        let other = try TestChain(chainID: "other")
        let foreign = BlockAnnouncesHandshake(
            roles: .full, best: other.genesis.ref, genesisHash: other.genesis.hash)
        #expect(
            bench.send(.streamOpened(peerA, handshake: foreign.scaleBytes)) == [
                .report(peerA, .wrongGenesis)
            ])
        #expect(SyncOffence.wrongGenesis.weight == .fatal)
        #expect(
            bench.send(.streamOpened(peerA, handshake: [1])) == [.report(peerA, .malformed)])
        // It is no peer: what it sends is not looked at.
        let block = try chain.grow(count: 1)[0]
        #expect(bench.announce(block, by: peerA) == [])
        #expect(
            bench.send(.request(InboundRequestID(1), peerA, [])) == [.refuse(InboundRequestID(1))])
    }

    @Test func `announcements beyond the budget are dropped and reported once`() throws {
        var bench = Bench(chain: chain) {
            $0.announcementBudget = RateLimit(burst: 4, perSecond: 2)
        }
        bench.connect(peerA)
        var offences: [SyncOffence] = []
        for _ in 0..<20 { offences += bench.send(.announcement(peerA, [])).offences }
        #expect(offences == [.malformed, .malformed, .malformed, .malformed, .flooded])
        bench.now = bench.now + .milliseconds(500)
        #expect(bench.send(.announcement(peerA, [])).offences == [.malformed])
        #expect(bench.send(.announcement(peerA, [])).offences == [.flooded])
    }

    @Test func `what one peer announces and parks is bounded`() throws {
        var bench = Bench(chain: chain, currentSlot: 300)
        bench.connect(peerA)
        bench.connect(peerB)
        // Heads with unknown parents: sixteen are asked for, one after the other.
        for slot: UInt64 in 100..<200 {
            let parent = try chain.grow(count: 1, firstSlot: slot)[0]
            let child = try chain.grow(
                count: 1, on: parent.header, state: chain.state, firstSlot: slot + 1)[0]
            bench.now = bench.now + .milliseconds(1)
            bench.announce(child, by: peerA)
        }
        var asked = 0
        var effects = bench.wait(.seconds(2))
        for _ in 0..<2_000 where !effects.isEmpty {
            asked += effects.requests.count
            effects = bench.wait(.seconds(60))
        }
        #expect(asked > 0 && asked <= 16 * 8)
        // Headers of the next slot: four are parked.
        var blocks: [Block] = []
        for number in 0..<20 {
            blocks.append(
                try chain.block(
                    on: chain.genesis, state: chain.state, slot: 301,
                    [chain.remark([UInt8(number)], by: 0, nonce: 0)]
                ).block)
        }
        for block in blocks { #expect(bench.announce(block, by: peerB) == []) }
        var wanted: Set<Hash256> = []
        effects = bench.send(.slotStarted(SlotNumber(301)))
        while let sent = effects.requests.first {
            if case .hash(let hash) = sent.request.start { wanted.insert(hash) }
            effects = bench.send(.response(sent.id, .success(try responseBytes([]))))
            bench.now = bench.now + .seconds(60)
        }
        #expect(wanted.isSubset(of: Set(blocks[..<4].map(\.hash))))
    }

    @Test func `our own block is imported without its seal being checked and announced`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        let block = try chain.grow(count: 1, remarkEvery: 1)[0]
        #expect(
            bench.send(.ownBlock(block)) == [
                .imported(block), .announce([peerA], bench.announcement(block)),
                .handshakeChanged(bench.handshake(best: block.ref)),
                .setTimer(.wake, bench.now + .seconds(30)),
            ])
        #expect(
            bench.send(.ownBlock(block)) == [
                .note(.ownBlockRefused(block.ref, .notImported(.alreadyKnown)))
            ])
        let orphan = try chain.grow(
            count: 2, on: block.header, state: try chain.state(after: [block]), firstSlot: 5)[1]
        #expect(
            bench.send(.ownBlock(orphan)) == [
                .note(.ownBlockRefused(orphan.ref, .unknownParent))
            ])
        let early = try chain.grow(
            count: 1, on: block.header, state: try chain.state(after: [block]), firstSlot: 1_001)[0]
        #expect(
            bench.send(.ownBlock(early)) == [
                .note(
                    .ownBlockRefused(
                        early.ref,
                        .invalid(.slotAhead(SlotNumber(1_001), current: SlotNumber(1_000)))))
            ])
    }

    @Test func `a best head that stays is announced again to those who did not show it`() throws {
        var bench = Bench(chain: chain)
        bench.connect(peerA)
        bench.connect(peerB)
        bench.connect(peerC)
        let block = try chain.grow(count: 1)[0]
        let effects = bench.settle(bench.announce(block, by: peerA))
        #expect(effects.contains(.announce([peerB, peerC], bench.announcement(block))))
        #expect(effects.last == .setTimer(.wake, bench.now + .seconds(30)))
        #expect(bench.announce(block, by: peerB) == [])
        #expect(bench.wait(.seconds(29)).essential == [])
        #expect(
            bench.wait(.seconds(1)) == [
                .announce([peerC], bench.announcement(block)),
                .setTimer(.wake, bench.now + .seconds(30)),
            ])
        // A new head is announced anew and the wait begins again.
        let next = try chain.grow(count: 1, on: block.header, state: chain.state, firstSlot: 9)[0]
        _ = bench.send(.ownBlock(next))
        #expect(bench.wait(.seconds(29)).essential == [])
        #expect(bench.wait(.seconds(1)).essential.count == 1)
    }

    @Test func `a block is announced only to peers that are not known to have it`() throws {
        var bench = Bench(chain: chain)
        let blocks = try chain.grow(count: 2)
        try bench.load([blocks[0]])
        bench.connect(peerA, best: blocks[0].ref)
        bench.connect(peerB)
        bench.connect(peerC)
        let first = bench.announce(blocks[1], by: peerB)
        bench.announce(blocks[1], by: peerA)
        let effects = bench.settle(first)
        #expect(effects.contains(.announce([peerC], bench.announcement(blocks[1]))))
    }
}
