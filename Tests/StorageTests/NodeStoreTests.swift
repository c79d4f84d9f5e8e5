import Chain
import Coherence
import Foundation
import Primitives
import SCALE
import Storage
import Testing

@Suite("Node store")
struct NodeStoreTests {
    private let fixture: StoreFixture
    private var chain: TestChain { fixture.chain }
    private var store: NodeStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test("a store begins with genesis and finds it again")
    func firstStart() throws {
        for _ in 0..<2 {
            let recovered = try store.load()
            #expect(recovered.finalised.header == chain.genesis)
            #expect(recovered.state.root == chain.state.root)
            #expect(recovered.unfinalised.isEmpty)
            #expect(recovered.voting == RecoveredVoting(finalised: chain.genesis.ref))
            #expect(try recovered.makeTree().best == chain.genesis.ref)
            #expect(try store.finalised() == chain.genesis.ref)
            try fixture.reopen()
        }
    }

    @Test("unfinalised blocks come back, parents before their children, as the same tree")
    func unfinalised() throws {
        let main = try chain.blocks(6)
        let fork = try chain.blocks(4, fromSlot: 10)
        try store.apply((main + fork).map(DurableRecord.block))
        // Once more: nothing changes.
        try store.apply([.block(main[3])])
        try fixture.reopen()
        let recovered = try store.load()
        #expect(Set(recovered.unfinalised.map(\.hash)) == Set((main + fork).map(\.hash)))
        var known: Set<Hash256> = [chain.genesis.hash]
        for block in recovered.unfinalised {
            #expect(known.contains(block.header.parentHash))
            known.insert(block.hash)
        }
        let tree = try recovered.makeTree()
        #expect(tree.best == main[5].ref)
        #expect(tree.count == 11)
        #expect(tree.block(main[3].hash) == main[3])
        #expect(tree.state(of: main[5].hash)?.root == main[5].header.stateRoot)
    }

    @Test("finalised blocks stay, other branches go, and the state is the one after F")
    func finalisation() throws {
        let main = try chain.blocks(6)
        let fork = try chain.blocks(4, fromSlot: 10)
        try store.apply((main + fork).map(DurableRecord.block))
        try store.apply([
            .voting(.certificate(chain.certificate(for: main[2].ref, round: 4))),
            .finalised(main[...2].map(\.ref), pruned: [fork[0].hash, fork[1].hash]),
        ])
        for _ in 0..<2 {
            let recovered = try store.load()
            #expect(recovered.finalised == main[2])
            #expect(recovered.state.root == main[2].header.stateRoot)
            #expect(recovered.unfinalised == Array(main[3...]))
            #expect(recovered.voting.certificate?.target.block == main[2].ref)
            #expect(try store.finalised() == main[2].ref)
            // Below F everything else is gone; what hangs in the air above it is not loaded.
            #expect(try store.block(fork[2].hash) == nil)
            #expect(try store.block(fork[3].hash) == fork[3])
            try fixture.reopen()
        }
        try store.apply([.finalised(main[3...5].map(\.ref), pruned: [])])
        #expect(try store.block(fork[3].hash) == nil)
        #expect(try store.counts().blocks == 7)
        #expect(try store.load().unfinalised.isEmpty)
    }

    @Test("the state is found again whether a snapshot is near or far")
    func snapshots() throws {
        var options = NodeStore.Options()
        options.snapshotInterval = 4
        let fixture = try StoreFixture(options: options)
        let blocks = try chain.blocks(23)
        for (index, block) in blocks.enumerated() {
            try fixture.store.apply([
                .block(block), .finalised([block.ref], pruned: []),
            ])
            if index % 5 == 0 { try fixture.reopen() }
            let recovered = try fixture.store.load()
            #expect(recovered.finalised == block)
            #expect(recovered.state.root == block.header.stateRoot)
        }
        let leap = try StoreFixture(options: options)
        try leap.store.apply(blocks.map(DurableRecord.block))
        try leap.store.apply([.finalised(blocks.map(\.ref), pruned: [])])
        #expect(try leap.store.load().state.root == blocks[22].header.stateRoot)
    }

    @Test("finality that contradicts what is stored is refused and leaves no trace")
    func contradictions() throws {
        let main = try chain.blocks(4)
        let fork = try chain.blocks(4, fromSlot: 10)
        let unknown = try chain.blocks(1, fromSlot: 50)
        try store.apply((main + fork).map(DurableRecord.block))
        try store.apply([.finalised([main[0].ref, main[1].ref], pruned: [])])
        let wrong: [[BlockRef]] = [
            [main[3].ref], [fork[2].ref], [fork[0].ref], [main[1].ref], [chain.genesis.ref],
            [unknown[0].ref], [main[2].ref, fork[3].ref],
            [BlockRef(hash: main[2].hash, number: BlockNumber(9))],
        ]
        for blocks in wrong {
            let error = #expect(throws: StorageError.self) {
                try store.apply([
                    .voting(.certificate(chain.certificate(for: main[3].ref, round: 1))),
                    .finalised(blocks, pruned: []),
                ])
            }
            guard case .contradiction? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(try store.finalised() == main[1].ref)
        #expect(try store.counts().certificates == 0)
        try store.apply([.finalised([main[2].ref], pruned: [])])
    }

    @Test("stored blocks and headers are read by hash, height and range")
    func historicReads() throws {
        let blocks = try chain.blocks(10)
        let certificates = [3, 7].map { chain.certificate(for: blocks[$0].ref, round: UInt64($0)) }
        try store.apply(blocks.map(DurableRecord.block))
        try store.apply([.finalised(blocks[...7].map(\.ref), pruned: [])])
        try store.apply(certificates.map { .voting(.certificate($0)) })
        #expect(try store.block(blocks[9].hash) == blocks[9])
        #expect(try store.header(blocks[4].hash) == blocks[4].header)
        #expect(try store.header(.zero) == nil)
        #expect(try store.finalisedHash(at: BlockNumber(0)) == chain.genesis.hash)
        #expect(try store.finalisedHash(at: BlockNumber(8)) == blocks[7].hash)
        #expect(try store.finalisedHash(at: BlockNumber(9)) == nil)
        let headers = try store.finalisedHeaders(
            BlockNumber(3)...BlockNumber(20), maximumCount: 4)
        #expect(headers == blocks[2...5].map(\.header))
        var query = FinalisedBlockQuery(start: BlockNumber(6), maximumCount: 10)
        #expect(try store.finalisedBlocks(query).map(\.block) == Array(blocks[5...7]))
        #expect(try store.finalisedBlocks(query).allSatisfy { $0.certificate == nil })
        query.includesCertificates = true
        #expect(
            try store.finalisedBlocks(query).map(\.certificate) == [
                nil, nil, certificates[1].scaleBytes,
            ])
        query.isAscending = false
        #expect(
            try store.finalisedBlocks(query).map(\.block.number.rawValue) == [6, 5, 4, 3, 2, 1, 0])
        query.maximumCount = 2
        #expect(try store.finalisedBlocks(query).count == 2)
        query.maximumCount = 10
        query.maximumByteCount = 2_000
        #expect(try store.finalisedBlocks(query).count == 2)
        query.maximumByteCount = 0
        #expect(try store.finalisedBlocks(query).count == 1)
    }

    @Test("certificates are found at or above a height, for a block and by set")
    func certificates() throws {
        let blocks = try chain.blocks(9)
        let stored = [
            chain.certificate(for: blocks[1].ref, round: 1),
            chain.certificate(for: blocks[4].ref, round: 5),
            chain.certificate(for: blocks[7].ref, round: 0, set: 1),
        ]
        try store.apply(blocks.map(DurableRecord.block))
        try store.apply(stored.map { .voting(.certificate($0)) })
        // A second one of the same block: the first stays.
        try store.apply([
            .voting(.certificate(chain.certificate(for: blocks[4].ref, round: 6)))
        ])
        for _ in 0..<2 {
            for (number, expected) in [
                (UInt32(0), stored[0]), (2, stored[0]), (3, stored[1]), (5, stored[1]),
                (6, stored[2]), (8, stored[2]),
            ] {
                #expect(
                    try store.certificate(lowestAtOrAbove: BlockNumber(number)) == expected)
            }
            #expect(try store.certificate(lowestAtOrAbove: BlockNumber(9)) == nil)
            #expect(try store.certificate(for: blocks[4].hash) == stored[1])
            #expect(try store.certificate(for: blocks[5].hash) == nil)
            #expect(try store.newestCertificate(of: SetID(0)) == stored[1])
            #expect(try store.newestCertificate(of: SetID(1)) == stored[2])
            #expect(try store.newestCertificate(of: SetID(2)) == nil)
            #expect(try store.newestCertificate(of: SetID(.max)) == nil)
            #expect(try store.load().voting.certificate == stored[1])
            try fixture.reopen()
        }
    }

    @Test("old certificates are thinned out, and each set keeps its last one")
    func certificateRetention() throws {
        var options = NodeStore.Options()
        options.recentCertificateCount = 10
        options.certificateInterval = 8
        let fixture = try StoreFixture(options: options)
        for number in UInt32(1)...80 {
            let block = BlockRef(
                hash: BLAKE2b256.hash([UInt8(number)]), number: BlockNumber(number))
            let set: UInt64 = number <= 20 ? 0 : 1
            try fixture.store.apply([
                .voting(.certificate(chain.certificate(for: block, round: 1, set: set)))
            ])
        }
        var kept: [UInt32] = []
        var next = BlockNumber(0)
        while let found = try fixture.store.certificate(lowestAtOrAbove: next) {
            kept.append(found.target.number.rawValue)
            next = BlockNumber(found.target.number.rawValue + 1)
        }
        #expect(kept == [7, 15, 20, 23, 31, 39, 47, 55, 63] + Array(70...80))
        let last = try fixture.store.newestCertificate(of: SetID(0))
        #expect(last?.target.number == BlockNumber(20))
    }

    @Test("evidence is kept once per slot and offender")
    func evidence() throws {
        let blocks = try chain.blocks(2)
        let targets = blocks.map { VoteTarget($0.ref) }
        func evidence(_ round: UInt64, _ validator: UInt16, _ signature: UInt8) -> DoubleVote {
            DoubleVote(
                chain.vote(
                    targets[0], round: round, phase: .prevote, validator: validator,
                    signature: signature),
                chain.vote(
                    targets[1], round: round, phase: .prevote, validator: validator,
                    signature: signature))
        }
        let all = [evidence(1, 0, 1), evidence(1, 1, 1), evidence(2, 0, 1)]
        try store.apply(all.map { .voting(.evidence($0)) })
        try store.apply([.voting(.evidence(evidence(1, 0, 2)))])
        try fixture.reopen()
        #expect(try store.evidence(limit: 10).count == 3)
        #expect(try Set(store.evidence(limit: 10)) == Set(all))
        #expect(try store.evidence(limit: 1).count == 1)
    }

    @Test("bans and addresses come back, are replaced and removed")
    func peers() throws {
        let first = StoredBan(peerID: [1, 2], untilUnixSeconds: 100, count: 1)
        let again = StoredBan(peerID: [1, 2], untilUnixSeconds: .max, count: 2)
        let other = StoredBan(peerID: [3], untilUnixSeconds: 50, count: 1)
        let address = StoredAddress(
            peerID: [9], address: "/ip4/127.0.0.1/tcp/30333", lastSeenUnixSeconds: 7)
        var later = address
        later.lastSeenUnixSeconds = 8
        try store.apply([.ban(first), .ban(other), .ban(again), .address(address), .address(later)])
        try fixture.reopen()
        var kept = again
        kept.untilUnixSeconds = UInt64(Int64.max)
        #expect(try store.bans() == [kept, other])
        #expect(try store.addresses() == [later])
        try store.apply([.unban(peerID: [1, 2]), .unban(peerID: [77])])
        #expect(try store.bans() == [other])
    }

    @Test("the address book is bounded; what was not seen for longest gives way")
    func addressBound() throws {
        let records = (0..<1_100).map { number in
            DurableRecord.address(
                StoredAddress(
                    peerID: [UInt8(number % 7)], address: "/ip4/10.0.0.1/tcp/\(number)",
                    lastSeenUnixSeconds: UInt64(number)))
        }
        try store.apply(records)
        let addresses = try store.addresses()
        #expect(addresses.map(\.lastSeenUnixSeconds) == Array((100..<1_100).reversed()))
    }

    @Test("commits are measured, and an empty one touches no disk")
    func statistics() throws {
        let blocks = try chain.blocks(1)
        let nothing = try store.apply([])
        #expect(nothing.chain == nil && nothing.signLog == nil)
        let report = try store.apply([
            .block(blocks[0]),
            chain.record(VoteTarget(blocks[0].ref), round: 0, phase: .prevote).asRecord,
        ])
        let chainPart = try #require(report.chain)
        let signPart = try #require(report.signLog)
        #expect(
            chainPart.commit > .zero && chainPart.preparation > .zero && signPart.commit > .zero)
        let statistics = store.statistics
        #expect(statistics.chainCommits.count == 1 && statistics.signLogCommits.count == 1)
        #expect(statistics.chainCommits.longest == chainPart.commit)
        #expect(statistics.signLogCommits.total == signPart.commit)
    }

    @Test("purging removes the chain and keeps keys and sign log")
    func purge() throws {
        let blocks = try chain.blocks(3)
        try store.apply(blocks.map(DurableRecord.block))
        try store.apply([
            chain.record(VoteTarget(blocks[0].ref), round: 3, phase: .prevote).asRecord
        ])
        #expect(throws: StorageError.self) { try fixture.paths.purgeChain() }
        try store.close()
        try fixture.paths.purgeChain()
        try fixture.paths.purgeChain()
        #expect(!FileManager.default.fileExists(atPath: fixture.paths.database))
        try fixture.reopen()
        #expect(store.signLogState == .ready)
        let recovered = try store.load()
        #expect(recovered.finalised.header == chain.genesis)
        #expect(recovered.unfinalised.isEmpty)
        #expect(recovered.voting.signRecords.map(\.slot.round) == [RoundNumber(3)])
    }

    @Test("a closed store refuses everything and can be closed again")
    func closed() throws {
        let store = fixture.store
        try store.close()
        #expect(throws: StorageError.self) { try store.finalised() }
        #expect(throws: StorageError.self) {
            try store.apply([.ban(StoredBan(peerID: [1], untilUnixSeconds: 1, count: 1))])
        }
    }
}
