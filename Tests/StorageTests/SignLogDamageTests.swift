import Chain
import Coherence
import Foundation
import GRDB
import Primitives
import Storage
import Testing

@Suite("Lost and damaged sign logs")
struct SignLogDamageTests {
    private let fixture: StoreFixture
    private var store: NodeStore { fixture.store }
    private let votes: [SignRecord]

    init() throws {
        let fixture = try StoreFixture()
        self.fixture = fixture
        let blocks = try fixture.chain.blocks(1)
        let target = VoteTarget(blocks[0].ref)
        votes = try (UInt64(0)..<6).flatMap { round in
            try [VotePhase.prevote, .precommit].map {
                try fixture.chain.record(target, round: round, phase: $0)
            }
        }
        try fixture.store.apply(blocks.map(DurableRecord.block))
        try fixture.store.apply(votes.map(\.asRecord))
        try fixture.store.apply([
            .voting(.lock(setID: SetID(0), fixture.chain.lock(on: blocks[0].ref, round: 5)))
        ])
        try fixture.store.close()
    }

    private func reopened() throws -> SignLogState {
        try fixture.reopen()
        return store.signLogState
    }

    @Test("a missing log ends signing, whatever else is there")
    func missing() throws {
        try FileManager.default.removeItem(atPath: fixture.signLogFile)
        for _ in 0..<2 {
            #expect(try reopened() == .neverSign(.missing(path: fixture.signLogFile)))
        }
        #expect(throws: StorageError.self) { try store.beginSigning() }
        #expect(throws: StorageError.self) { try store.apply([votes[0].asRecord]) }
        #expect(try store.load().voting.signRecords.isEmpty)
        try store.close()
        try FileManager.default.removeItem(atPath: fixture.paths.signLog)
        #expect(try reopened() == .neverSign(.missing(path: fixture.signLogFile)))
    }

    @Test("an empty or foreign file in the log's place ends signing")
    func replaced() throws {
        try Damage.write([], to: fixture.signLogFile)
        guard case .neverSign(.damaged(_, _)) = try reopened() else {
            Issue.record("\(store.signLogState)")
            return
        }
        try store.close()
        try Damage.write(Array("hello".utf8), to: fixture.signLogFile)
        guard case .neverSign(.damaged(_, _)) = try reopened() else {
            Issue.record("\(store.signLogState)")
            return
        }
        try store.close()
        let other = try StoreFixture()
        try other.store.close()
        try Damage.write(try Damage.read(other.signLogFile), to: fixture.signLogFile)
        #expect(try reopened() == .neverSign(.foreign(path: fixture.signLogFile)))
        try store.close()
        try Damage.write(try Damage.read(fixture.databaseFile), to: fixture.signLogFile)
        guard case .neverSign(.damaged(_, _)) = try reopened() else {
            Issue.record("\(store.signLogState)")
            return
        }
    }

    @Test("every truncation of the log ends signing")
    func truncations() throws {
        let whole = try Damage.read(fixture.signLogFile)
        for count in stride(from: 0, to: whole.count, by: 1_024) + [whole.count - 1, 1, 99, 100] {
            try Damage.write(Array(whole[..<count]), to: fixture.signLogFile)
            guard case .neverSign(.damaged(_, _)) = try reopened() else {
                Issue.record("\(count) of \(whole.count) bytes: \(store.signLogState)")
                try store.close()
                continue
            }
            try store.close()
        }
        try Damage.write(whole, to: fixture.signLogFile)
        #expect(try reopened() == .ready)
    }

    @Test("no changed byte gives a log with other votes", arguments: [1, 2, 3, 4])
    func changedBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try Damage.read(fixture.signLogFile)
        try fixture.reopen()
        let voting = try store.load().voting
        try store.close()
        var noticed = 0
        for _ in 0..<60 {
            var changed = whole
            let position = Int.random(in: 0..<changed.count, using: &generator)
            changed[position] ^= UInt8(1) << UInt8.random(in: 0...7, using: &generator)
            try Damage.write(changed, to: fixture.signLogFile)
            do {
                try fixture.reopen()
                if store.signLogState == .ready {
                    let loaded = try store.load().voting
                    #expect(loaded == voting, "seed \(seed), byte \(position)")
                } else {
                    noticed += 1
                }
                try store.close()
            } catch is StorageError {
                // The node does not start.
                noticed += 1
                try? store.close()
            }
        }
        #expect(noticed > 10, "seed \(seed)")
    }

    @Test("a vote that was exchanged for another valid one is noticed")
    func exchangedVotes() throws {
        let queue = try DatabaseQueue(path: fixture.signLogFile)
        try queue.write { db in
            try db.execute(
                sql: """
                    DROP TRIGGER vote_never_changed;
                    UPDATE vote SET record = (SELECT record FROM vote WHERE round = 1 AND phase = 0),
                    checksum = (SELECT checksum FROM vote WHERE round = 1 AND phase = 0)
                    WHERE round = 2 AND phase = 0
                    """)
        }
        try queue.close()
        guard case .neverSign(.damaged(_, let reason)) = try reopened() else {
            Issue.record("\(store.signLogState)")
            return
        }
        #expect(reason.contains("moved"))
    }

    @Test("a lost mark is restored from a log that has votes")
    func lostMark() throws {
        let mark = try Damage.read(fixture.markFile)
        try FileManager.default.removeItem(atPath: fixture.markFile)
        #expect(try reopened() == .ready)
        #expect(try Damage.read(fixture.markFile) == mark)
        #expect(try store.load().voting.signRecords.count == 4)
    }

    @Test("a log that was begun without its mark is still a first start")
    func interruptedBegin() throws {
        let fixture = try StoreFixture()
        try fixture.store.close()
        try FileManager.default.removeItem(atPath: fixture.markFile)
        try fixture.reopen()
        #expect(fixture.store.signLogState == .firstStart)
        try fixture.store.beginSigning()
        try fixture.reopen()
        #expect(fixture.store.signLogState == .ready)
    }

    @Test("a damaged mark ends signing", arguments: ["", "00", "xyz\n"])
    func damagedMark(text: String) throws {
        let whole = String(decoding: try Damage.read(fixture.markFile), as: UTF8.self)
        for content in [text, String(whole.dropLast()), whole + "0"] {
            try Damage.write(Array(content.utf8), to: fixture.markFile)
            #expect(try reopened() == .neverSign(.unreadableMark(path: fixture.markFile)))
            try store.close()
        }
        let other = String(repeating: "0", count: 32) + "\n"
        try Damage.write(Array(other.utf8), to: fixture.markFile)
        #expect(try reopened() == .neverSign(.foreign(path: fixture.signLogFile)))
    }

    @Test("a new log begins in a later set, beside the damaged one")
    func beginAnew() throws {
        try Damage.write(Array("hello".utf8), to: fixture.signLogFile)
        guard case .neverSign = try reopened() else {
            Issue.record("\(store.signLogState)")
            return
        }
        try store.beginSigning(anewFrom: SetID(1))
        #expect(store.signLogState == .ready)
        #expect(throws: StorageError.slotForgotten(votes[11].slot)) {
            try store.apply([votes[11].asRecord])
        }
        let later = try fixture.chain.record(.nothing, round: 0, phase: .prevote, set: 1)
        try store.apply([later.asRecord])
        #expect(try Damage.read(fixture.signLogFile + ".damaged-1") == Array("hello".utf8))
        #expect(try reopened() == .ready)
    }

    @Test("a log of a later version is left alone")
    func newerSchema() throws {
        let queue = try DatabaseQueue(path: fixture.signLogFile)
        try queue.write { try $0.execute(sql: "PRAGMA user_version = 9") }
        try queue.close()
        #expect(
            throws: StorageError.newerSchema(path: fixture.signLogFile, found: 9, supported: 2)
        ) { try fixture.reopen() }
    }

    @Test("every reason says what follows from it")
    func descriptions() {
        for reason: NeverSignReason in [
            .missing(path: "/p"), .damaged(path: "/p", reason: "r"), .foreign(path: "/p"),
            .moved(path: "/p"),
            .unreadableMark(path: "/p"),
        ] {
            #expect(reason.description.contains("/p"))
            #expect(reason.description.contains("must not sign again"))
        }
    }
}
