import Chain
import Coherence
import Foundation
import GRDB
import Primitives
import Storage
import Testing

@Suite("Storage failures")
struct FailureTests {
    private func isCorrupt(_ error: StorageError?) -> Bool {
        if case .corrupt? = error { true } else { false }
    }

    /// Opens a store and reads all of it.
    private func openAndRead(_ fixture: StoreFixture) throws {
        try fixture.reopen()
        let recovered = try fixture.store.load()
        _ = try recovered.makeTree()
        let count = Int(recovered.finalised.number.rawValue) + 1
        let query = FinalisedBlockQuery(
            start: BlockNumber(0), maximumCount: count, includesCertificates: true)
        let blocks = try fixture.store.finalisedBlocks(query)
        guard blocks.count == count else {
            throw StorageError.corrupt(path: "", reason: "blocks are missing")
        }
    }

    /// A store with 12 blocks, 8 of them final, closed.
    private func filled() throws -> StoreFixture {
        let fixture = try StoreFixture()
        let blocks = try fixture.chain.blocks(12)
        try fixture.store.apply(blocks.map(DurableRecord.block))
        try fixture.store.apply([
            .voting(.certificate(fixture.chain.certificate(for: blocks[7].ref, round: 1))),
            .finalised(blocks[...7].map(\.ref), pruned: []),
        ])
        try fixture.store.close()
        return fixture
    }

    @Test("a second use of a base path is refused and names the first process")
    func inUse() throws {
        let fixture = try StoreFixture()
        let expected = StorageError.inUse(
            path: fixture.directory.path, processID: ProcessInfo.processInfo.processIdentifier)
        #expect(throws: expected) { try fixture.open(at: fixture.directory.path) }
        #expect(throws: expected) { try ProcessLock(directory: fixture.directory.path) }
        #expect(expected.description.contains("\(ProcessInfo.processInfo.processIdentifier)"))
        try fixture.store.close()
        let lock = try ProcessLock(directory: fixture.directory.path)
        #expect(throws: expected) { try fixture.reopen() }
        lock.release()
        lock.release()
        try fixture.reopen()
    }

    @Test("a lock that was let go without release is free")
    func abandonedLock() throws {
        let directory = try TemporaryDirectory()
        do {
            let lock = try ProcessLock(directory: directory.path)
            withExtendedLifetime(lock) {}
        }
        try ProcessLock(directory: directory.path).release()
    }

    @Test("the database of another chain is refused and named")
    func wrongGenesis() throws {
        let fixture = try StoreFixture()
        try fixture.store.close()
        let other = try TestChain(name: "other")
        let expected = StorageError.wrongGenesis(
            path: fixture.databaseFile, expected: other.genesis.ref,
            found: fixture.chain.genesis.ref)
        #expect(throws: expected) {
            try NodeStore(fixture.paths, genesis: other.genesis, state: other.state)
        }
        #expect(expected.description.contains(other.genesis.hash.description))
        #expect(expected.description.contains(fixture.chain.genesis.hash.description))
        // The base path is free again.
        try fixture.reopen()
    }

    @Test("a database of a later version is left alone")
    func newerSchema() throws {
        let fixture = try filled()
        let queue = try DatabaseQueue(path: fixture.databaseFile)
        try queue.write { try $0.execute(sql: "PRAGMA user_version = 3") }
        try queue.close()
        let before = try Damage.read(fixture.databaseFile)
        #expect(
            throws: StorageError.newerSchema(path: fixture.databaseFile, found: 3, supported: 2)
        ) { try fixture.reopen() }
        #expect(try Damage.read(fixture.databaseFile) == before)
    }

    @Test("a database of another program, and what is none, are damage")
    func foreignFiles() throws {
        let fixture = try filled()
        try FileManager.default.removeItem(atPath: fixture.databaseFile)
        let queue = try DatabaseQueue(path: fixture.databaseFile)
        try queue.write { try $0.execute(sql: "CREATE TABLE t (a)") }
        try queue.close()
        #expect(isCorrupt(#expect(throws: StorageError.self) { try fixture.reopen() }))
        try Damage.write(Array(repeating: 0x41, count: 10_000), to: fixture.databaseFile)
        #expect(isCorrupt(#expect(throws: StorageError.self) { try fixture.reopen() }))
        // The sign log in its place is not taken for it either.
        try Damage.write(try Damage.read(fixture.signLogFile), to: fixture.databaseFile)
        #expect(isCorrupt(#expect(throws: StorageError.self) { try fixture.reopen() }))
    }

    @Test("every truncation of the database is noticed")
    func truncations() throws {
        let fixture = try filled()
        let whole = try Damage.read(fixture.databaseFile)
        for count in stride(from: 512, to: whole.count, by: 3_000) + [1, 99, 100, whole.count - 1] {
            try Damage.write(Array(whole[..<count]), to: fixture.databaseFile)
            let error = #expect(throws: StorageError.self, "\(count) of \(whole.count) bytes") {
                try openAndRead(fixture)
            }
            #expect(isCorrupt(error), "\(count): \(String(describing: error))")
            try? fixture.store.close()
        }
        try Damage.write(whole, to: fixture.databaseFile)
        try openAndRead(fixture)
    }

    @Test("changed bytes never give other blocks", arguments: [1, 2, 3])
    func changedBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fixture = try filled()
        let whole = try Damage.read(fixture.databaseFile)
        try fixture.reopen()
        let before = try fixture.store.load()
        try fixture.store.close()
        var noticed = 0
        for _ in 0..<60 {
            var changed = whole
            let position = Int.random(in: 0..<changed.count, using: &generator)
            changed[position] ^= UInt8(1) << UInt8.random(in: 0...7, using: &generator)
            try Damage.write(changed, to: fixture.databaseFile)
            do {
                try openAndRead(fixture)
                let after = try fixture.store.load()
                #expect(after.finalised == before.finalised, "seed \(seed), byte \(position)")
                #expect(after.state.root == before.state.root, "seed \(seed), byte \(position)")
                #expect(
                    Set(after.unfinalised).isSubset(of: Set(before.unfinalised)),
                    "seed \(seed), byte \(position)")
            } catch is StorageError {
                noticed += 1
            }
            try? fixture.store.close()
        }
        #expect(noticed > 10, "seed \(seed)")
    }

    @Test("what stands where files should be is an error that says so")
    func unusablePlaces() throws {
        let fixture = try StoreFixture()
        try fixture.store.close()
        try FileManager.default.removeItem(atPath: fixture.databaseFile)
        try FileManager.default.createDirectory(
            atPath: fixture.databaseFile, withIntermediateDirectories: true)
        let error = #expect(throws: StorageError.self) { try fixture.reopen() }
        guard case .unreadable(fixture.databaseFile, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        for root in ["/proc/nothing", "/dev/null", "\(fixture.databaseFile)/../chain.sqlite-x\0"] {
            #expect(throws: StorageError.self) { try fixture.open(at: root) }
        }
        guard
            case .unwritable? = #expect(
                throws: StorageError.self,
                performing: {
                    try fixture.open(at: "/proc/nothing")
                })
        else {
            Issue.record("a place that cannot be written was taken")
            return
        }
    }

    @Test(
        "a chain id that leads elsewhere is refused",
        arguments: [
            "", ".", "..", "../x", "a/b", "a\\b", "a b", "é", "a\0b", ".hidden",
            String(repeating: "a", count: 129),
        ])
    func chainIDs(id: String) {
        #expect(throws: StorageError.invalidChainID(id)) {
            try BasePath(root: "/tmp", chainID: id)
        }
    }

    @Test("paths follow from base path and chain id")
    func layout() throws {
        let paths = try BasePath(root: "/base//", chainID: "local_testnet-1.0")
        #expect(paths.root == "/base")
        #expect(paths.database == "/base/chains/local_testnet-1.0/db")
        #expect(paths.keystore == "/base/chains/local_testnet-1.0/keystore")
        #expect(paths.network == "/base/chains/local_testnet-1.0/network")
        #expect(paths.signLog == "/base/chains/local_testnet-1.0/signlog")
        #expect(try BasePath(root: "/", chainID: "x").database == "/chains/x/db")
    }

    @Test("a full disk is told as such, loses nothing, and writing goes on when there is room")
    func fullDisk() throws {
        var options = NodeStore.Options()
        options.maximumPageCount = 40
        let fixture = try StoreFixture(options: options)
        let blocks = try fixture.chain.blocks(60)
        var stored = 0
        var error: StorageError?
        for block in blocks {
            do {
                try fixture.store.apply([.block(block), .finalised([block.ref], pruned: [])])
                stored += 1
            } catch let failure {
                error = failure
                break
            }
        }
        #expect(error == .diskFull(path: fixture.databaseFile))
        #expect(error?.description.contains("Make room") == true)
        #expect(stored > 5 && stored < 60)
        // Reads go on, and what was confirmed is there.
        #expect(try fixture.store.finalised() == blocks[stored - 1].ref)
        #expect(throws: StorageError.diskFull(path: fixture.databaseFile)) {
            try fixture.store.apply([.block(blocks[stored]), .block(blocks[stored + 1])])
        }
        try fixture.reopen(options: NodeStore.Options())
        #expect(try fixture.store.load().finalised == blocks[stored - 1])
        for block in blocks[stored...] {
            try fixture.store.apply([.block(block), .finalised([block.ref], pruned: [])])
        }
        #expect(try fixture.store.load().finalised == blocks[59])
    }

    @Test("a full disk keeps a vote from the sign log: the chain comes first")
    func fullDiskBeforeVote() throws {
        var options = NodeStore.Options()
        options.maximumPageCount = 40
        let fixture = try StoreFixture(options: options)
        let blocks = try fixture.chain.blocks(60)
        var votes = 0
        var isFull = false
        while !isFull {
            let vote = try fixture.chain.record(
                VoteTarget(blocks[votes].ref), round: UInt64(votes), phase: .prevote)
            do {
                try fixture.store.apply([.block(blocks[votes]), vote.asRecord])
                votes += 1
            } catch StorageError.diskFull {
                isFull = true
            }
        }
        #expect(try fixture.store.signedVoteCount() == votes)
        #expect(try fixture.store.counts().blocks == votes + 1)
    }

    @Test("every error says what is wrong and what to do")
    func descriptions() throws {
        let slot = VoteSlot(
            setID: SetID(0), round: RoundNumber(3), phase: .prevote, validator: ValidatorIndex(1))
        let block = BlockRef(hash: .zero, number: BlockNumber(0))
        for error: StorageError in [
            .inUse(path: "/p", processID: nil), .unreadable(path: "/p", reason: "r"),
            .unwritable(path: "/p", reason: "r"), .corrupt(path: "/p", reason: "r"),
            .newerSchema(path: "/p", found: 2, supported: 1),
            .wrongGenesis(path: "/p", expected: block, found: block), .diskFull(path: "/p"),
            .failed(path: "/p", reason: "r"),
        ] { #expect(error.description.contains("/p"), "\(error)") }
        for error: StorageError in [
            .slotTaken(slot, stored: .nothing, offered: .nothing), .slotForgotten(slot),
        ] { #expect(error.description.contains("refusing")) }
        #expect(StorageError.noSignLog(reason: "because").description.contains("because"))
        #expect(StorageError.contradiction(reason: "because").description.contains("because"))
        #expect(StorageError.invalidChainID("a/b").description.contains("a/b"))
    }
}
