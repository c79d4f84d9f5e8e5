import Chain
import Coherence
import Foundation
import Primitives
import Storage
import Testing

/// A sign log that moves from one base path to another one.
@Suite struct SignLogTransferTests {
    private let here: StoreFixture
    private let there: TemporaryDirectory
    private let target: VoteTarget
    private let keys = (UInt8(0)..<3).map { BLAKE2b256.hash([$0]) }

    init() throws {
        here = try StoreFixture()
        there = try TemporaryDirectory()
        let block = try here.chain.blocks(1)[0]
        target = VoteTarget(block.ref)
        try here.store.apply([.block(block)])
        try sign(round: 3)
    }

    private func sign(round: UInt64) throws {
        try here.store.apply([
            try here.chain.record(target, round: round, phase: .prevote).asRecord
        ])
    }

    private func paths(_ root: String) throws -> BasePath {
        try BasePath(root: root, chainID: "test")
    }

    private func transfer(_ root: String) throws -> SignLogTransfer {
        SignLogTransfer(try paths(root), chainID: "test")
    }

    private func state(of root: String) throws -> SignLogState {
        let chain = here.chain
        let store = try NodeStore(paths(root), genesis: chain.genesis, state: chain.state)
        defer { try? store.close() }
        return store.signLogState
    }

    private var root: String { here.store.paths.root }

    @Test func `a log moves once: the old place signs no more, the new one goes on`() throws {
        #expect(throws: StorageError.self) { try transfer(root).export(keys: keys) }
        try here.store.close()
        let file = try transfer(root).export(keys: keys)
        guard case .neverSign(.moved) = try state(of: root) else {
            Issue.record("\(try state(of: root))")
            return
        }
        // A crash before the file was written: the same again.
        #expect(try transfer(root).export(keys: keys) == file)
        try transfer(there.path).take(file, keys: [keys[1]])
        #expect(try state(of: there.path) == .ready)
        // Neither here nor there is it taken again.
        for path in [root, there.path] {
            #expect(throws: SignLogTransfer.Refusal.self) {
                try transfer(path).take(file, keys: keys)
            }
        }
        guard case .neverSign = try state(of: root) else {
            Issue.record("the old place signs")
            return
        }
        let chain = here.chain
        let store = try NodeStore(
            paths(there.path), genesis: chain.genesis, state: chain.state)
        let again = try chain.record(target, round: 3, phase: .prevote, signature: 9)
        let other = try chain.record(.nothing, round: 3, phase: .prevote)
        #expect(throws: StorageError.self) { try store.apply([other.asRecord]) }
        #expect(again.slot == other.slot)
        try store.apply([try chain.record(target, round: 4, phase: .prevote).asRecord])
        try store.close()
        // And back.
        let back = try transfer(there.path).export(keys: keys)
        #expect(throws: SignLogTransfer.Refusal.self) {
            try transfer(root).take(file, keys: keys)
        }
        try transfer(root).take(back, keys: keys)
        #expect(try state(of: root) == .ready)
        guard case .neverSign(.moved) = try state(of: there.path) else {
            Issue.record("the old place signs")
            return
        }
    }

    @Test func `a file that is damaged, of other keys or another chain is refused`() throws {
        try here.store.close()
        let file = try transfer(root).export(keys: Array(keys[0...1]))
        let new = try transfer(there.path)
        #expect(throws: SignLogTransfer.Refusal.self) { try new.take(file, keys: keys) }
        #expect(throws: SignLogTransfer.Refusal.self) { try new.take(file, keys: []) }
        let foreign = SignLogTransfer(
            try BasePath(root: there.path, chainID: "other"), chainID: "other")
        #expect(throws: SignLogTransfer.Refusal.self) { try foreign.take(file, keys: [keys[0]]) }
        for place in stride(from: 0, to: file.count, by: 1 + file.count / 40) {
            var changed = file
            changed[place] ^= 1
            #expect(throws: SignLogTransfer.Refusal.self) {
                try new.take(changed, keys: [keys[0]])
            }
            #expect(throws: SignLogTransfer.Refusal.self) {
                try new.take(Array(file.prefix(place)), keys: [keys[0]])
            }
        }
        #expect(try state(of: there.path) == .firstStart)
        try new.take(file, keys: [keys[0]])
        #expect(try state(of: there.path) == .ready)
    }

    @Test func `another log that has signed is not written over`() throws {
        try here.store.close()
        let file = try transfer(root).export(keys: keys)
        let other = try StoreFixture()
        let block = try other.chain.blocks(1)[0]
        try other.store.apply([.block(block)])
        try other.store.apply([
            try other.chain.record(target, round: 1, phase: .prevote).asRecord
        ])
        let path = other.store.paths.root
        #expect(throws: StorageError.self) { try transfer(path).take(file, keys: keys) }
        try other.store.close()
        #expect(throws: SignLogTransfer.Refusal.self) {
            try transfer(path).take(file, keys: keys)
        }
        #expect(throws: SignLogTransfer.Refusal.self) {
            try transfer(there.path).export(keys: keys)
        }
    }
}
