import Chain
import Coherence
import Foundation
import Primitives
import Storage
import Testing

/// A lost sign log retires the keys that were there; a new key begins a new log in a later set.
@Suite struct KeyRetirementTests {
    private let fixture: StoreFixture
    private var store: NodeStore { fixture.store }
    private let target: VoteTarget
    private let keys = (UInt8(0)..<4).map { BLAKE2b256.hash([$0]) }

    /// A store whose log has votes of set 0.
    init() throws {
        let fixture = try StoreFixture()
        self.fixture = fixture
        let block = try fixture.chain.blocks(1)[0]
        target = VoteTarget(block.ref)
        try fixture.store.apply([.block(block)])
        try fixture.store.apply([
            try fixture.chain.record(target, round: 1, phase: .prevote).asRecord
        ])
    }

    private func usable(_ present: ArraySlice<Hash256>) throws -> [Hash256] {
        try store.usableKeys(of: Array(present), nextSet: SetID(3))
    }

    private func losesLog() throws {
        try store.close()
        try FileManager.default.removeItem(atPath: fixture.signLogFile)
        try fixture.reopen()
    }

    @Test func `all keys sign while the log is there`() throws {
        #expect(try usable(keys[0...1]) == Array(keys[0...1]))
        #expect(try store.firstSignableSet() == SetID(0))
    }

    @Test func `after a loss only a key that is added later signs, from a later set on`() throws {
        try losesLog()
        for _ in 0..<2 {
            #expect(try usable(keys[0...1]) == [])
            try fixture.reopen()
            guard case .neverSign = store.signLogState else {
                Issue.record("\(store.signLogState)")
                return
            }
        }
        #expect(try usable(keys[0...2]) == [keys[2]])
        #expect(store.signLogState == .ready)
        #expect(try store.firstSignableSet() == SetID(3))
        let chain = fixture.chain
        let early = try chain.record(target, round: 9, phase: .prevote, set: 2)
        #expect(throws: StorageError.slotForgotten(early.slot)) {
            try store.apply([early.asRecord])
        }
        try store.apply([try chain.record(target, round: 0, phase: .prevote, set: 3).asRecord])
        // For good: over a restart, and whatever comes besides.
        try fixture.reopen()
        #expect(try usable(keys[0...3]) == Array(keys[2...3]))
        #expect(store.signLogState == .ready)
    }

    @Test func `a second loss retires the new key too`() throws {
        try losesLog()
        #expect(try usable(keys[0...0]) == [])
        #expect(try usable(keys[0...1]) == [keys[1]])
        try losesLog()
        #expect(try usable(keys[0...1]) == [])
        #expect(try usable(keys[0...2]) == [keys[2]])
        try fixture.reopen()
        #expect(try usable(keys[0...2]) == [keys[2]])
    }

    @Test func `a log that comes back brings its keys back`() throws {
        try store.close()
        let aside = fixture.signLogFile + ".aside"
        let files = ["", "-wal", "-shm"].filter {
            FileManager.default.fileExists(atPath: fixture.signLogFile + $0)
        }
        for suffix in files {
            try FileManager.default.moveItem(
                atPath: fixture.signLogFile + suffix, toPath: aside + suffix)
        }
        try fixture.reopen()
        #expect(try usable(keys[0...1]) == [])
        try store.close()
        for suffix in files {
            try? FileManager.default.removeItem(atPath: fixture.signLogFile + suffix)
            try FileManager.default.moveItem(
                atPath: aside + suffix, toPath: fixture.signLogFile + suffix)
        }
        try fixture.reopen()
        #expect(store.signLogState == .ready)
        #expect(try usable(keys[0...1]) == Array(keys[0...1]))
        // A later loss begins from the start.
        try losesLog()
        #expect(try usable(keys[0...2]) == [])
    }

    @Test func `a damaged list is noticed`() throws {
        try losesLog()
        #expect(try usable(keys[0...1]) == [])
        let path = fixture.paths.keystore + "/suspended-keys"
        try Data("nonsense".utf8).write(to: URL(filePath: path))
        #expect(throws: StorageError.self) { try usable(keys[0...2]) }
    }
}
