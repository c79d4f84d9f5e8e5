internal import Chain
internal import Coherence
internal import Foundation
internal import GRDB
internal import Primitives
internal import SCALE

extension ChainDatabase {
    /// The finalised block with the state after it, and the blocks above it, parents first.
    func recovered() throws(StorageError) -> (block: Block, state: ChainState, above: [Block]) {
        try file.read { db in
            let header = try Self.finalisedHeader(db)
            guard let block = try Self.block(db, header.hash) else { throw UnexpectedForm() }
            let state = try Self.state(db, at: header.number, evidence: evidenceRules)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT hash, header, body FROM block WHERE final = 0 AND number > ?
                    ORDER BY number, hash
                    """, arguments: [header.number.rawValue])
            var known: Set<Hash256> = [header.hash]
            var above: [Block] = []
            while let row = try rows.next() {
                let block = try Self.block(row)
                // Not of this tree: an ancestor was let go.
                guard known.contains(block.header.parentHash) else { continue }
                known.insert(block.hash)
                above.append(block)
            }
            return (block, state, above)
        }
    }

    private static func block(_ db: Database, _ hash: Hash256) throws -> Block? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT hash, header, body FROM block WHERE hash = ?"),
            arguments: [Data(hash)]
        ).map(block)
    }

    func block(_ hash: Hash256) throws(StorageError) -> Block? {
        try file.read { try Self.block($0, hash) }
    }

    func header(_ hash: Hash256) throws(StorageError) -> Header? {
        try file.read { try Self.header($0, hash) }
    }

    static func header(_ db: Database, _ hash: Hash256) throws -> Header? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT hash, header FROM block WHERE hash = ?"),
            arguments: [Data(hash)]
        ).map(header)
    }

    func validatorSet(_ set: SetID) throws(StorageError) -> ValidatorSet? {
        guard let id = Int64(exactly: set.rawValue) else { return nil }
        return try file.read { db in
            try Data.fetchOne(
                db.cachedStatement(sql: "SELECT bytes FROM validator_set WHERE set_id = ?"),
                arguments: [id]
            ).map { try ValidatorSet(column: $0) }
        }
    }

    func finalised() throws(StorageError) -> BlockRef {
        try file.read { try Self.finalisedHeader($0).ref }
    }

    func finalisedHash(at number: BlockNumber) throws(StorageError) -> Hash256? {
        try file.read { db in
            try Data.fetchOne(
                db.cachedStatement(sql: "SELECT hash FROM block WHERE final = 1 AND number = ?"),
                arguments: [number.rawValue]
            ).map { try Hash256(column: $0) }
        }
    }

    func finalisedHeaders(
        _ numbers: ClosedRange<BlockNumber>, maximumCount: Int
    ) throws(StorageError) -> [Header] {
        try file.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT hash, header FROM block
                        WHERE final = 1 AND number BETWEEN ? AND ? ORDER BY number LIMIT ?
                        """),
                arguments: [
                    numbers.lowerBound.rawValue, numbers.upperBound.rawValue, maximumCount,
                ]
            ).map(Self.header)
        }
    }

    func finalisedBlocks(_ query: FinalisedBlockQuery) throws(StorageError) -> [FinalisedBlock] {
        try file.read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(sql: query.isAscending ? Self.ascending : Self.descending),
                arguments: [query.start.rawValue, query.maximumCount])
            var blocks: [FinalisedBlock] = []
            var byteCount = 0
            var expected: BlockNumber? = query.start
            while byteCount <= query.maximumByteCount, let row = try rows.next() {
                let block = try Self.block(row)
                // What was pruned ends the row of blocks; above F there is nothing either way.
                guard block.number == expected || (!query.isAscending && blocks.isEmpty) else {
                    break
                }
                expected =
                    query.isAscending
                    ? block.number.successor
                    : block.number.rawValue == 0 ? nil : BlockNumber(block.number.rawValue - 1)
                let certificate = try row.decode(Data?.self, forColumn: "certificate")
                byteCount += block.encodedByteCount
                if query.includesCertificates { byteCount += certificate?.count ?? 0 }
                blocks.append(
                    FinalisedBlock(
                        block: block,
                        certificate: query.includesCertificates
                            ? certificate.map { [UInt8]($0) } : nil))
            }
            return blocks
        }
    }

    private static let ascending = """
        SELECT block.hash, header, body, certificate.bytes AS certificate
        FROM block LEFT JOIN certificate
        ON certificate.number = block.number AND certificate.hash = block.hash
        WHERE final = 1 AND block.number >= ? ORDER BY block.number ASC LIMIT ?
        """

    private static let descending = """
        SELECT block.hash, header, body, certificate.bytes AS certificate
        FROM block LEFT JOIN certificate
        ON certificate.number = block.number AND certificate.hash = block.hash
        WHERE final = 1 AND block.number <= ? ORDER BY block.number DESC LIMIT ?
        """

    // MARK: Certificates and evidence

    private func certificate(
        where condition: String, _ argument: (any DatabaseValueConvertible)?
    ) throws(StorageError) -> FinalityCertificate? {
        try file.read { db in
            try Data.fetchOne(
                db.cachedStatement(sql: "SELECT bytes FROM certificate WHERE \(condition) LIMIT 1"),
                arguments: [argument]
            ).map { try FinalityCertificate(column: $0) }
        }
    }

    func certificate(
        lowestAtOrAbove number: BlockNumber
    ) throws(StorageError) -> FinalityCertificate? {
        try certificate(where: "number >= ? ORDER BY number", number.rawValue)
    }

    func certificate(for hash: Hash256) throws(StorageError) -> FinalityCertificate? {
        try certificate(
            where: "number = (SELECT number FROM block WHERE hash = ?1) AND hash = ?1", Data(hash))
    }

    func newestCertificate(of set: SetID) throws(StorageError) -> FinalityCertificate? {
        guard let id = Int64(exactly: set.rawValue) else { return nil }
        return try certificate(where: "set_id = ? ORDER BY number DESC", id)
    }

    func evidence(limit: Int) throws(StorageError) -> [DoubleVote] {
        try file.read { db in
            try Data.fetchAll(
                db, sql: "SELECT bytes FROM evidence ORDER BY set_id, round, phase LIMIT ?",
                arguments: [limit]
            ).map { try DoubleVote(column: $0) }
        }
    }

    func alarm(of set: SetID) throws(StorageError) -> SafetyAlarm? {
        guard let id = Int64(exactly: set.rawValue) else { return nil }
        return try file.read { db in
            try Data.fetchOne(
                db, sql: "SELECT bytes FROM alarm WHERE set_id = ?", arguments: [id]
            ).map { try SafetyAlarm(column: $0) }
        }
    }

    // MARK: Peers and counts

    func bans() throws(StorageError) -> [StoredBan] {
        try file.read { db in
            try Row.fetchAll(db, sql: "SELECT peer, until, count FROM ban ORDER BY peer").map {
                let peer = try $0.decode(Data.self, forColumn: "peer")
                let until = try $0.decode(Int64.self, forColumn: "until")
                return StoredBan(
                    peerID: [UInt8](peer), untilUnixSeconds: UInt64(clamping: until),
                    count: try $0.decode(forColumn: "count"))
            }
        }
    }

    func addresses() throws(StorageError) -> [StoredAddress] {
        try file.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT peer, address, last_seen FROM address ORDER BY last_seen DESC, peer"
            ).map {
                let peer = try $0.decode(Data.self, forColumn: "peer")
                let lastSeen = try $0.decode(Int64.self, forColumn: "last_seen")
                return StoredAddress(
                    peerID: [UInt8](peer), address: try $0.decode(forColumn: "address"),
                    lastSeenUnixSeconds: UInt64(clamping: lastSeen))
            }
        }
    }

    func counts() throws(StorageError) -> StoredCounts {
        try file.read { db in
            func count(_ table: String) throws -> Int {
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? 0
            }
            return StoredCounts(
                blocks: try count("block"), certificates: try count("certificate"),
                evidence: try count("evidence"), bans: try count("ban"),
                addresses: try count("address"))
        }
    }
}
