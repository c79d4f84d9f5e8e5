internal import Chain
internal import Coherence
internal import Foundation
internal import GRDB
internal import Primitives
internal import SCALE

extension ChainDatabase {
    /// Writes the records that belong here, in one transaction; nil when there are none.
    func apply(_ records: [DurableRecord]) throws(StorageError) -> SQLiteFile.Timing? {
        let own = records.filter(Self.takes)
        guard !own.isEmpty else { return nil }
        return try file.write { db in
            for record in own { try apply(record, db) }
        }
    }

    private static func takes(_ record: DurableRecord) -> Bool {
        switch record {
        case .voting(.vote), .voting(.lock), .voting(.highestQuorumCertificate), .authored: false
        case .voting(.certificate), .voting(.evidence), .voting(.halt): true
        case .block, .finalised, .ban, .unban, .address: true
        }
    }

    private func apply(_ record: DurableRecord, _ db: Database) throws {
        switch record {
        case .block(let block): try Self.insert(db, block)
        case .finalised(let blocks, let pruned):
            try finalise(db, blocks)
            try prune(db, pruned)
        case .voting(.certificate(let certificate)): try store(db, certificate)
        case .voting(.evidence(let evidence)): try store(db, evidence)
        case .voting(.halt(let set, let alarm)): try store(db, alarm, of: set)
        case .voting(.vote), .voting(.lock), .voting(.highestQuorumCertificate), .authored: break
        case .ban(let ban): try store(db, ban)
        case .unban(let peer):
            try db.execute(sql: "DELETE FROM ban WHERE peer = ?", arguments: [Data(peer)])
        case .address(let address): try store(db, address)
        }
    }

    // MARK: Blocks

    /// Marks blocks as final. F never moves back, and each block is a child of the one before.
    private func finalise(_ db: Database, _ blocks: [BlockRef]) throws {
        var tip = try Self.finalisedHeader(db).ref
        let mark = try db.cachedStatement(
            sql: """
                UPDATE block SET final = 1
                WHERE hash = ? AND number = ? AND parent = ? AND final = 0
                """)
        for block in blocks {
            try mark.execute(arguments: [
                Data(block.hash), block.number.rawValue, Data(tip.hash),
            ])
            guard db.changesCount == 1 else {
                throw StorageError.contradiction(
                    reason: "the final block \(block) is no stored child of \(tip)")
            }
            tip = block
            if try Self.header(db, block.hash)?.handOff != nil {
                let state = try Self.state(db, at: block.number, evidence: evidenceRules)
                try Self.insert(db, state.setInForce)
            }
        }
        guard let last = blocks.last else { return }
        let snapshot = try UInt32.fetchOne(
            db.cachedStatement(sql: "SELECT MAX(number) FROM state"))
        if last.number.rawValue - min(snapshot ?? 0, last.number.rawValue)
            >= retention.snapshotInterval
        {
            let state = try Self.state(db, at: last.number, evidence: evidenceRules)
            try db.execute(sql: "DELETE FROM state")
            try Self.write(db, state: state, at: last.number)
        }
    }

    /// Removes blocks of other branches: those named, and whatever is not final up to F's height,
    /// such as blocks that the tree had let go earlier.
    private func prune(_ db: Database, _ hashes: [Hash256]) throws {
        let delete = try db.cachedStatement(
            sql: "DELETE FROM block WHERE hash = ? AND final = 0")
        guard retention.blocks != .archive else { return }
        for hash in hashes { try delete.execute(arguments: [Data(hash)]) }
        let finalised = try Self.finalisedHeader(db).number
        try db.cachedStatement(sql: "DELETE FROM block WHERE final = 0 AND number <= ?")
            .execute(arguments: [finalised.rawValue])
    }

    // MARK: State

    static func write(_ db: Database, state: ChainState, at number: BlockNumber) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO state (number, bytes) VALUES (?, ?)",
            arguments: [number.rawValue, Data(state.scaleBytes)])
    }

    /// The state after the finalised block of that height: the newest snapshot below, and the
    /// bodies since. Checked against the header's state root.
    static func state(
        _ db: Database, at number: BlockNumber, evidence: EvidenceRules
    ) throws -> ChainState {
        let snapshot = try Row.fetchOne(
            db,
            sql: """
                SELECT number, bytes FROM state WHERE number <= ? ORDER BY number DESC LIMIT 1
                """, arguments: [number.rawValue])
        guard let snapshot else { throw UnexpectedForm() }
        var state = try ChainState(column: snapshot.decode(forColumn: "bytes"))
        var root: Hash256?
        let first = try snapshot.decode(UInt32.self, forColumn: "number")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT hash, header, body FROM block
                WHERE final = 1 AND number BETWEEN ? AND ? ORDER BY number
                """, arguments: [first, number.rawValue])
        while let row = try rows.next() {
            let block = try block(row)
            if block.number.rawValue > first {
                try state.apply(block.extrinsics, at: block.number, evidence: evidence)
            }
            root = block.header.stateRoot
        }
        guard root == state.root else { throw UnexpectedForm() }
        return state
    }

    // MARK: Certificates and evidence

    private func store(_ db: Database, _ certificate: FinalityCertificate) throws {
        let number = certificate.target.number.rawValue
        let newest = try UInt32.fetchOne(
            db.cachedStatement(sql: "SELECT MAX(number) FROM certificate"))
        try db.cachedStatement(
            sql: """
                INSERT INTO certificate (number, hash, set_id, bytes) VALUES (?, ?, ?, ?)
                ON CONFLICT (number) DO NOTHING
                """
        ).execute(arguments: [
            number, Data(certificate.target.hash), try column(certificate.setID.rawValue),
            Data(certificate.scaleBytes),
        ])
        // Once per interval is enough.
        let interval = retention.certificateInterval
        guard let newest, number > newest, number / interval != newest / interval,
            number > retention.recentCertificateCount
        else { return }
        try db.execute(
            sql: """
                DELETE FROM certificate WHERE number < :limit AND EXISTS (
                    SELECT 1 FROM certificate AS later WHERE later.set_id = certificate.set_id
                    AND later.number > certificate.number
                    AND later.number < (certificate.number / :interval + 1) * :interval)
                """,
            arguments: [
                "limit": number - retention.recentCertificateCount, "interval": interval,
            ])
    }

    private func store(_ db: Database, _ evidence: DoubleVote) throws {
        let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM evidence") ?? 0
        guard count < retention.evidenceCount else { return }
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO evidence (set_id, offender, round, phase, bytes)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                try column(evidence.first.setID.rawValue), Data(evidence.first.validator.bytes),
                try column(evidence.first.round.rawValue), evidence.first.phase.rawValue,
                Data(evidence.scaleBytes),
            ])
    }

    /// The first alarm of a set stays.
    private func store(_ db: Database, _ alarm: SafetyAlarm, of set: SetID) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO alarm (set_id, bytes) VALUES (?, ?)",
            arguments: [try column(set.rawValue), Data(alarm.scaleBytes)])
    }

    // MARK: Peers

    private func store(_ db: Database, _ ban: StoredBan) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO ban (peer, until, count) VALUES (?, ?, ?)",
            arguments: [
                Data(ban.peerID), Int64(clamping: ban.untilUnixSeconds), ban.count,
            ])
        try db.execute(
            sql: """
                DELETE FROM ban WHERE peer IN (
                    SELECT peer FROM ban ORDER BY until DESC, peer LIMIT -1 OFFSET ?)
                """, arguments: [retention.banCount])
    }

    private func store(_ db: Database, _ address: StoredAddress) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO address (peer, address, last_seen) VALUES (?, ?, ?)",
            arguments: [
                Data(address.peerID), address.address,
                Int64(clamping: address.lastSeenUnixSeconds),
            ])
        try db.execute(
            sql: """
                DELETE FROM address WHERE (peer, address) IN (
                    SELECT peer, address FROM address
                    ORDER BY last_seen DESC, peer, address LIMIT -1 OFFSET ?)
                """, arguments: [retention.addressCount])
    }
}
