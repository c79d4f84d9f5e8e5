internal import Coherence
internal import Foundation
internal import GRDB
internal import Primitives
internal import SCALE

/// What this node has signed, and its lock: the database that double votes are prevented with.
///
/// It stands apart from the chain's database, beside the keys, and is never purged. Its rules are
/// triggers and constraints of the schema, so that no error of this program can break them: a slot
/// takes one vote, votes are never changed, and where old votes were let go no vote can be added.
/// Every row has a checksum, which is compared when the log is opened.
final class SignLog: Sendable {
    static let fileName = "votes.sqlite"

    let file: SQLiteFile
    /// Votes this many rounds below the newest one are let go.
    let keptRoundCount: UInt64

    init(file: SQLiteFile, keptRoundCount: UInt64) {
        self.file = file
        self.keptRoundCount = keptRoundCount
    }

    /// Applies the records that belong here, in one transaction; nil when there are none.
    func apply(_ records: [DurableRecord]) throws(StorageError) -> SQLiteFile.Timing? {
        guard !records.isEmpty else { return nil }
        return try file.write { db in
            for record in records {
                switch record {
                case .voting(let record): try apply(record, db)
                case .authored(let slot, let block): try apply(db, slot, of: block)
                default: break
                }
            }
        }
    }

    /// Whether a record belongs here.
    static func takes(_ record: DurableRecord) -> Bool {
        switch record {
        case .voting(.vote), .voting(.lock), .voting(.highestQuorumCertificate), .voting(.halt),
            .authored:
            true
        default: false
        }
    }

    /// Whether nothing may go on without the log when there is such a record.
    static func needs(_ record: DurableRecord) -> Bool {
        switch record {
        case .voting(.vote), .authored: true
        case .voting(.lock(_, let lock)): lock != nil
        default: false
        }
    }

    private func apply(_ record: VotingRecord, _ db: Database) throws {
        switch record {
        case .vote(let vote):
            try insert(db, vote)
            try letGo(db, newest: vote.slot)
        case .lock(let set, let lock):
            try store(db, .lock, set, lock?.scaleBytes)
        case .highestQuorumCertificate(let certificate):
            try store(db, .highestQuorumCertificate, certificate.setID, certificate.scaleBytes)
        case .halt(let set, let alarm):
            guard try Self.item(db, .halt, set) == nil else { return }
            try store(db, .halt, set, alarm.scaleBytes)
        case .certificate, .evidence: break
        }
    }

    // MARK: Blocks

    /// Takes a slot for an own block.
    private func apply(_ db: Database, _ slot: SlotNumber, of block: Hash256) throws {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT slot, hash FROM authored WHERE id = 1"))
        guard let row else {
            try db.execute(
                sql: "INSERT INTO authored (id, slot, hash) VALUES (1, ?, ?)",
                arguments: [try column(slot.rawValue), Data(block)])
            return
        }
        let newest = SlotNumber(try row.decode(UInt64.self, forColumn: "slot"))
        let hash = try Hash256(column: row.decode(forColumn: "hash"))
        // The same block again, as after a commit whose confirmation was lost.
        guard slot != newest || hash != block else { return }
        guard slot > newest else {
            throw StorageError.contradiction(
                reason: "slot \(slot) is not above slot \(newest), in which a block was made before"
            )
        }
        try db.cachedStatement(sql: "UPDATE authored SET slot = ?, hash = ? WHERE id = 1")
            .execute(arguments: [try column(slot.rawValue), Data(block)])
    }

    // MARK: Votes

    private func insert(_ db: Database, _ record: SignRecord) throws {
        let slot = record.slot
        let bytes = record.scaleBytes
        if let stored = try Self.record(db, slot) {
            // The same vote again, as after a commit whose confirmation was lost.
            guard stored != bytes else { return }
            let target = try SCALEDecoder.decode(SignRecord.self, from: stored).target
            throw StorageError.slotTaken(slot, stored: target, offered: record.target)
        }
        let floor = try Self.floor(db)
        guard (slot.setID.rawValue, slot.round.rawValue) >= (floor.set, floor.round) else {
            throw StorageError.slotForgotten(slot)
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO vote (set_id, round, phase, validator, record, checksum)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            try column(slot.setID.rawValue), try column(slot.round.rawValue), slot.phase.rawValue,
            slot.validator.rawValue, Data(bytes), Self.checksum(bytes),
        ])
    }

    private static func record(_ db: Database, _ slot: VoteSlot) throws -> [UInt8]? {
        try Data.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT record FROM vote
                    WHERE set_id = ? AND round = ? AND phase = ? AND validator = ?
                    """),
            arguments: [
                try column(slot.setID.rawValue), try column(slot.round.rawValue),
                slot.phase.rawValue, slot.validator.rawValue,
            ]
        ).map { [UInt8]($0) }
    }

    static func floor(_ db: Database) throws -> (set: UInt64, round: UInt64) {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT set_id, round FROM floor WHERE id = 1"))
        guard let row else { throw UnexpectedForm() }
        return (
            try row.decode(UInt64.self, forColumn: "set_id"),
            try row.decode(UInt64.self, forColumn: "round")
        )
    }

    /// Raises the floor and removes what is below it, every so many rounds.
    private func letGo(_ db: Database, newest: VoteSlot) throws {
        let floor = try Self.floor(db)
        let round = newest.round.rawValue - min(keptRoundCount, newest.round.rawValue)
        let set = newest.setID.rawValue
        guard set > floor.set || (set == floor.set && round >= floor.round + keptRoundCount) else {
            return
        }
        let arguments: StatementArguments = ["set": try column(set), "round": try column(round)]
        try db.execute(
            sql: "UPDATE floor SET set_id = :set, round = :round WHERE id = 1",
            arguments: arguments)
        try db.execute(
            sql: "DELETE FROM vote WHERE set_id < :set OR (set_id = :set AND round < :round)",
            arguments: arguments)
        try db.execute(
            sql: "DELETE FROM item WHERE set_id < ? AND kind <> ?",
            arguments: [try column(set), Item.halt.rawValue])
    }

    // MARK: Lock and certificates

    /// What there is one of in a set.
    enum Item: Int64 {
        case lock = 0
        case highestQuorumCertificate = 1
        case halt = 2
    }

    private func store(_ db: Database, _ item: Item, _ set: SetID, _ bytes: [UInt8]?) throws {
        let bytes = bytes ?? []
        try db.cachedStatement(
            sql: """
                INSERT INTO item (kind, set_id, bytes, checksum) VALUES (?, ?, ?, ?)
                ON CONFLICT (kind, set_id) DO UPDATE
                SET bytes = excluded.bytes, checksum = excluded.checksum
                """
        ).execute(arguments: [
            item.rawValue, try column(set.rawValue), Data(bytes), Self.checksum(bytes),
        ])
    }

    /// The bytes of an item; nil when there is none or it was dropped.
    static func item(_ db: Database, _ item: Item, _ set: SetID) throws -> [UInt8]? {
        let data = try Data.fetchOne(
            db.cachedStatement(sql: "SELECT bytes FROM item WHERE kind = ? AND set_id = ?"),
            arguments: [item.rawValue, try column(set.rawValue)])
        return data.flatMap { $0.isEmpty ? nil : [UInt8]($0) }
    }

    static func checksum(_ bytes: [UInt8]) -> Data { Data(BLAKE2b256.hash(bytes)) }
}

// MARK: Reading

extension SignLog {
    /// What the log knows of a set.
    struct Contents: Sendable {
        var records: [SignRecord] = []
        var lock: Lock?
        var highestQuorumCertificate: QuorumCertificate?
        var halt: SafetyAlarm?
        var authoredSlot: SlotNumber?
    }

    /// The votes of the two highest rounds of a set that have any, and the set's items.
    func contents(of set: SetID) throws(StorageError) -> Contents {
        try file.read { db in
            let id = try column(set.rawValue)
            let records = try Data.fetchAll(
                db,
                sql: """
                    SELECT record FROM vote WHERE set_id = :set AND round IN (
                        SELECT DISTINCT round FROM vote WHERE set_id = :set
                        ORDER BY round DESC LIMIT 2)
                    ORDER BY round, phase, validator
                    """, arguments: ["set": id])
            func decoded<Value: SCALEDecodable>(_ item: Item) throws -> Value? {
                try Self.item(db, item, set).map { try SCALEDecoder.decode(from: $0) }
            }
            return Contents(
                records: try records.map { try SignRecord(column: $0) },
                lock: try decoded(.lock),
                highestQuorumCertificate: try decoded(.highestQuorumCertificate),
                halt: try decoded(.halt),
                authoredSlot: try UInt64.fetchOne(db, sql: "SELECT slot FROM authored")
                    .map { SlotNumber($0) })
        }
    }

    /// Compares every row with its checksum and what its columns say.
    ///
    /// - Throws: `corrupt` with the first thing found.
    func checkContents() throws(StorageError) {
        let path = file.path
        try file.checkIntegrity()
        try file.read { db in
            let votes = try Row.fetchCursor(
                db, sql: "SELECT set_id, round, phase, validator, record, checksum FROM vote")
            while let row = try votes.next() {
                let bytes = [UInt8](try row.decode(Data.self, forColumn: "record"))
                guard try row.decode(Data.self, forColumn: "checksum") == Self.checksum(bytes)
                else { throw StorageError.corrupt(path: path, reason: "a vote was changed") }
                let slot = try SCALEDecoder.decode(SignRecord.self, from: bytes).slot
                guard
                    try row.decode(UInt64.self, forColumn: "set_id") == slot.setID.rawValue,
                    try row.decode(UInt64.self, forColumn: "round") == slot.round.rawValue,
                    try row.decode(UInt8.self, forColumn: "phase") == slot.phase.rawValue,
                    try row.decode(UInt16.self, forColumn: "validator") == slot.validator.rawValue
                else { throw StorageError.corrupt(path: path, reason: "a vote was moved") }
            }
            let items = try Row.fetchCursor(db, sql: "SELECT bytes, checksum FROM item")
            while let row = try items.next() {
                let bytes = [UInt8](try row.decode(Data.self, forColumn: "bytes"))
                guard try row.decode(Data.self, forColumn: "checksum") == Self.checksum(bytes)
                else { throw StorageError.corrupt(path: path, reason: "an item was changed") }
            }
        }
    }

    /// The lowest set that takes votes.
    func firstSet() throws(StorageError) -> SetID {
        try file.read { SetID(try Self.floor($0).set) }
    }

    /// How many votes are held.
    func voteCount() throws(StorageError) -> Int {
        try file.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM vote") ?? 0 }
    }
}
