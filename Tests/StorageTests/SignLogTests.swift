import Chain
import Coherence
import Foundation
import GRDB
import Primitives
import SCALE
import Storage
import Testing

@Suite("Sign log")
struct SignLogTests {
    private let fixture: StoreFixture
    private let blocks: [Block]
    private var chain: TestChain { fixture.chain }
    private var store: NodeStore { fixture.store }

    init() throws {
        fixture = try StoreFixture(begins: false)
        blocks = try fixture.chain.blocks(3)
        try fixture.store.apply(blocks.map(DurableRecord.block))
    }

    private func target(_ index: Int) -> VoteTarget { VoteTarget(blocks[index].ref) }

    private func slots() throws -> [VoteSlot] {
        try store.load().voting.signRecords.map(\.slot)
    }

    @Test("signing begins once, and from then on the log is found again")
    func firstStart() throws {
        #expect(store.signLogState == .firstStart)
        try fixture.reopen()
        #expect(store.signLogState == .firstStart)
        try store.beginSigning()
        #expect(store.signLogState == .ready)
        #expect(throws: StorageError.self) { try store.beginSigning() }
        #expect(throws: StorageError.self) { try store.beginSigning(anewFrom: SetID(1)) }
        try fixture.reopen()
        #expect(store.signLogState == .ready)
        let marked = try Damage.read(fixture.markFile)
        #expect(marked.count == 33)
    }

    @Test("without a log nothing that protects the key is passed over")
    func noLog() throws {
        let vote = try chain.record(target(0), round: 0, phase: .prevote).asRecord
        let lock = try DurableRecord.voting(
            .lock(setID: SetID(0), chain.lock(on: blocks[0].ref, round: 0)))
        for record in [vote, lock] {
            let fork = try chain.blocks(1, fromSlot: 30)[0]
            let error = #expect(throws: StorageError.self) {
                try store.apply([.block(fork), record])
            }
            guard case .noSignLog? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(try store.block(fork.hash) == nil)
        }
        // A follower sees certificates and drops no lock of its own.
        try store.apply([
            .voting(.lock(setID: SetID(0), nil)),
            .voting(
                .highestQuorumCertificate(
                    chain.quorumCertificate(for: blocks[0].ref, round: 1))),
        ])
        #expect(try store.load().voting.highestQuorumCertificate == nil)
    }

    @Test("votes, lock and certificates come back as they were")
    func roundTrip() throws {
        try store.beginSigning()
        let lock = try chain.lock(on: blocks[1].ref, round: 4)
        let highest = chain.quorumCertificate(for: blocks[2].ref, round: 5)
        let votes = try [
            chain.record(target(0), round: 3, phase: .prevote),
            chain.record(.nothing, round: 3, phase: .precommit),
            chain.record(target(1), round: 4, phase: .prevote),
            chain.record(target(1), round: 4, phase: .precommit),
            chain.record(target(1), round: 5, phase: .prevote),
        ]
        try store.apply(votes.map(\.asRecord))
        try store.apply([
            .voting(.lock(setID: SetID(0), lock)), .voting(.highestQuorumCertificate(highest)),
        ])
        for _ in 0..<2 {
            let voting = try store.load().voting
            #expect(voting.signRecords == Array(votes[2...]))
            #expect(voting.lock == lock)
            #expect(voting.highestQuorumCertificate == highest)
            #expect(voting.halt == nil)
            #expect(try store.signedVoteCount() == 5)
            try fixture.reopen()
        }
        try store.apply([.voting(.lock(setID: SetID(0), nil))])
        try fixture.reopen()
        #expect(try store.load().voting.lock == nil)
        #expect(try store.load().voting.highestQuorumCertificate == highest)
    }

    @Test("a slot takes one vote: another one is refused, the same one is no error")
    func oneVotePerSlot() throws {
        try store.beginSigning()
        let vote = try chain.record(target(0), round: 3, phase: .prevote)
        try store.apply([vote.asRecord])
        try store.apply([vote.asRecord])
        let slot = vote.slot
        for other in try [
            chain.record(target(1), round: 3, phase: .prevote),
            chain.record(.nothing, round: 3, phase: .prevote),
        ] {
            #expect(
                throws: StorageError.slotTaken(slot, stored: target(0), offered: other.target)
            ) { try store.apply([other.asRecord]) }
        }
        // The same target signed again has other bytes: it is not stored either.
        let resigned = try chain.record(target(0), round: 3, phase: .prevote, signature: 8)
        #expect(throws: StorageError.self) { try store.apply([resigned.asRecord]) }
        #expect(try store.load().voting.signRecords == [vote])
        // A refused vote takes its whole commit with it.
        let free = try chain.record(target(1), round: 4, phase: .prevote)
        #expect(throws: StorageError.self) {
            try store.apply([free.asRecord, resigned.asRecord])
        }
        #expect(try slots() == [slot])
        // Other phase, round, set and validator are other slots.
        try store.apply(
            try [
                chain.record(target(1), round: 3, phase: .precommit),
                chain.record(target(1), round: 2, phase: .prevote),
                chain.record(target(1), round: 3, phase: .prevote, validator: 1),
            ].map(\.asRecord))
        #expect(try store.signedVoteCount() == 4)
    }

    @Test("a late signature of an earlier slot is stored")
    func lateSignature() throws {
        try store.beginSigning()
        try store.apply([chain.record(target(0), round: 9, phase: .precommit).asRecord])
        try store.apply([chain.record(target(0), round: 8, phase: .prevote).asRecord])
        #expect(try store.signedVoteCount() == 2)
    }

    @Test("old votes are let go, and where they were none can be added")
    func letGo() throws {
        var options = NodeStore.Options()
        options.keptRoundCount = 8
        try fixture.reopen(options: options)
        try store.beginSigning()
        for round in UInt64(0)..<40 {
            try store.apply(
                try [VotePhase.prevote, .precommit].map {
                    try chain.record(target(0), round: round, phase: $0).asRecord
                })
        }
        #expect(try store.signedVoteCount() <= 2 * 16)
        #expect(try slots().map(\.round.rawValue) == [38, 38, 39, 39])
        for round in [UInt64(0), 10, 23] {
            let vote = try chain.record(target(1), round: round, phase: .prevote)
            #expect(throws: StorageError.slotForgotten(vote.slot)) {
                try store.apply([vote.asRecord])
            }
        }
        // A new set: its rounds begin at 0, and the old set is closed for good.
        try store.apply([chain.record(target(1), round: 0, phase: .prevote, set: 1).asRecord])
        #expect(try store.signedVoteCount() == 1)
        let old = try chain.record(target(1), round: 100, phase: .prevote)
        #expect(throws: StorageError.slotForgotten(old.slot)) {
            try store.apply([old.asRecord])
        }
    }

    @Test("the first alarm of a set stays, with or without a log")
    func alarms() throws {
        let first = SafetyAlarm.ownKeyUsedElsewhere(
            chain.vote(target(0), round: 1, phase: .prevote))
        let second = SafetyAlarm.ownKeyUsedElsewhere(
            chain.vote(target(1), round: 2, phase: .prevote))
        try store.apply([.voting(.halt(setID: SetID(0), first))])
        #expect(try store.load().voting.halt == first)
        try store.beginSigning()
        try store.apply([.voting(.halt(setID: SetID(0), second))])
        try store.apply([.voting(.halt(setID: SetID(0), first))])
        try fixture.reopen()
        #expect(try store.load().voting.halt == second)
        try store.close()
        try fixture.paths.purgeChain()
        try fixture.reopen()
        #expect(try store.load().voting.halt == second)
    }

    @Test("the slot of the newest own block only rises, and outlives a purged chain")
    func authoredSlots() throws {
        #expect(throws: StorageError.self) {
            try store.apply([.authored(SlotNumber(5), blocks[0].hash)])
        }
        try store.beginSigning()
        #expect(try store.load().authoredSlot == nil)
        try store.apply([.authored(SlotNumber(5), blocks[0].hash)])
        try store.apply([.authored(SlotNumber(5), blocks[0].hash)])
        for (slot, block) in [(5, blocks[1]), (4, blocks[0]), (4, blocks[1])] as [(UInt64, Block)] {
            #expect(throws: StorageError.self) {
                try store.apply([.authored(SlotNumber(slot), block.hash)])
            }
        }
        try store.apply([.authored(SlotNumber(7), blocks[1].hash)])
        try store.close()
        try fixture.paths.purgeChain()
        try fixture.reopen()
        #expect(try store.load().authoredSlot == SlotNumber(7))
    }

    @Test("a log of the first schema is brought up to date, with all that it holds")
    func migration() throws {
        try store.beginSigning()
        try store.apply([chain.record(target(0), round: 1, phase: .prevote).asRecord])
        try store.close()
        let queue = try DatabaseQueue(path: fixture.signLogFile)
        try queue.write { db in
            try db.execute(sql: "DROP TABLE authored; PRAGMA user_version = 1")
        }
        try queue.close()
        try fixture.reopen()
        #expect(store.signLogState == .ready)
        #expect(try slots().count == 1)
        try store.apply([.authored(SlotNumber(5), blocks[0].hash)])
        #expect(try store.load().authoredSlot == SlotNumber(5))
    }

    @Test(
        "the schema itself refuses to forget, replace and add below the floor",
        arguments: [
            "UPDATE vote SET record = x'00'", "UPDATE vote SET round = round + 1",
            "DELETE FROM vote", "DELETE FROM vote WHERE round = 20",
            "INSERT OR REPLACE INTO vote SELECT set_id, round, phase, validator, x'00', checksum FROM vote",
            "REPLACE INTO vote VALUES (0, 20, 0, 0, x'00', x'00')",
            "INSERT INTO vote VALUES (0, 1, 0, 0, x'00', x'00')",
            "INSERT INTO vote VALUES (0, 30, 2, 0, x'00', x'00')",
            "INSERT INTO vote VALUES (0, -1, 0, 0, x'00', x'00')",
            "INSERT INTO vote VALUES ('a', 30, 0, 0, x'00', x'00')",
            "INSERT INTO vote VALUES (0, 30, 0, 0, NULL, x'00')",
            "UPDATE floor SET round = 0", "DELETE FROM floor",
            "INSERT INTO floor VALUES (2, 0, 0)", "INSERT INTO log VALUES (2, x'00')",
            "UPDATE authored SET slot = 4", "UPDATE authored SET slot = slot",
            "DELETE FROM authored",
            "INSERT OR REPLACE INTO authored VALUES (1, 9, zeroblob(32))",
            "INSERT INTO authored VALUES (2, 9, zeroblob(32))",
        ])
    func schemaRules(statement: String) throws {
        var options = NodeStore.Options()
        options.keptRoundCount = 4
        try fixture.reopen(options: options)
        try store.beginSigning()
        for round in UInt64(0)...20 {
            try store.apply([chain.record(target(0), round: round, phase: .prevote).asRecord])
        }
        try store.apply([.authored(SlotNumber(5), blocks[0].hash)])
        let before = try slots()
        try store.close()
        let queue = try DatabaseQueue(path: fixture.signLogFile)
        #expect(throws: DatabaseError.self) {
            try queue.write { try $0.execute(sql: statement) }
        }
        try queue.close()
        try fixture.reopen(options: options)
        #expect(store.signLogState == .ready)
        #expect(try slots() == before)
    }
}
