internal import Chain
internal import Coherence
internal import Foundation
internal import GRDB
internal import Primitives
internal import SCALE
internal import Synchronization

/// Blocks, certificates, evidence and peers: everything that can be fetched again, or is of use
/// only together with it.
///
/// Blocks are stored once. The finalised chain is marked; the state after the finalised block is
/// made of a snapshot and the bodies since.
final class ChainDatabase: Sendable {
    /// How much is kept.
    struct Retention: Sendable {
        /// A snapshot of the state is written every so many finalised blocks.
        var snapshotInterval: UInt32 = 256
        /// All certificates of so many newest blocks are kept; of older ones the newest of each
        /// `certificateInterval` heights and of each set.
        var recentCertificateCount: UInt32 = 4_096
        var certificateInterval: UInt32 = 512
        /// Which blocks are kept.
        var blocks = BlockRetention.archiveCanonical
        /// Addresses in the book; the oldest give way.
        var addressCount = 1_000
        /// Banned peers; those whose ban ends first give way.
        var banCount = 10_000
        /// Pieces of evidence; once there are so many, no more are taken.
        var evidenceCount = 10_000
    }

    static let fileName = "chain.sqlite"

    let file: SQLiteFile
    let retention: Retention
    /// Judges the evidence in the bodies that are executed again.
    let evidenceRules: EvidenceRules
    /// The heights up to which this process found nothing left to remove.
    let pruned = Mutex<(block: UInt32, certificate: UInt32)>((0, 0))

    /// Opens the database in a directory, or begins one with the chain's genesis.
    ///
    /// - Throws: `wrongGenesis` when it is of another chain, and whatever opening a file throws.
    init(
        directory: String, genesis: Header, state: ChainState, retention: Retention = Retention(),
        options: SQLiteFile.Options = SQLiteFile.Options()
    ) throws(StorageError) {
        self.retention = retention
        evidenceRules = .doubleVotes(genesisHash: genesis.hash)
        try FileSystem.createDirectory(directory)
        file = try SQLiteFile(
            path: "\(directory)/\(Self.fileName)", schema: Self.schema, options: options)
        let path = file.path
        let stored = try file.read { db in
            try Row.fetchOne(db, sql: "SELECT genesis_hash, genesis_number FROM chain").map {
                BlockRef(
                    hash: try Hash256(column: $0.decode(forColumn: "genesis_hash")),
                    number: BlockNumber(try $0.decode(forColumn: "genesis_number")))
            }
        }
        guard let stored else {
            try file.write { try Self.begin($0, genesis: genesis, state: state) }
            return
        }
        guard stored == genesis.ref else {
            throw .wrongGenesis(path: path, expected: genesis.ref, found: stored)
        }
        // Files of schema version 1, when sets never changed, have no sets.
        let set = state.setInForce
        guard try validatorSet(set.id) == nil else { return }
        try file.write { try Self.insert($0, set) }
    }

    private static func begin(_ db: Database, genesis: Header, state: ChainState) throws {
        try db.execute(
            sql: "INSERT INTO chain (id, genesis_hash, genesis_number) VALUES (1, ?, ?)",
            arguments: [Data(genesis.hash), genesis.number.rawValue])
        try insert(db, Block(header: genesis, extrinsics: []))
        try db.execute(sql: "UPDATE block SET final = 1")
        try write(db, state: state, at: genesis.number)
        try insert(db, state.setInForce)
    }

    static let schema = SQLiteFile.Schema(
        applicationID: 0x5148_4442,
        migrations: [
            """
            CREATE TABLE chain (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                genesis_hash BLOB NOT NULL,
                genesis_number INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE block (
                hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
                number INTEGER NOT NULL,
                parent BLOB NOT NULL CHECK (length(parent) = 32),
                header BLOB NOT NULL,
                body BLOB NOT NULL,
                final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1))
            ) STRICT;
            CREATE INDEX block_by_number ON block (number);
            CREATE UNIQUE INDEX final_block_by_number ON block (number) WHERE final = 1;
            CREATE TABLE state (
                number INTEGER PRIMARY KEY,
                bytes BLOB NOT NULL
            ) STRICT;
            CREATE TABLE certificate (
                number INTEGER PRIMARY KEY,
                hash BLOB NOT NULL CHECK (length(hash) = 32),
                set_id INTEGER NOT NULL,
                bytes BLOB NOT NULL
            ) STRICT;
            CREATE INDEX certificate_by_set ON certificate (set_id, number);
            CREATE TABLE evidence (
                set_id INTEGER NOT NULL,
                offender BLOB NOT NULL CHECK (length(offender) = 32),
                round INTEGER NOT NULL,
                phase INTEGER NOT NULL,
                bytes BLOB NOT NULL,
                PRIMARY KEY (set_id, offender, round, phase)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE alarm (
                set_id INTEGER PRIMARY KEY,
                bytes BLOB NOT NULL
            ) STRICT;
            CREATE TABLE ban (
                peer BLOB PRIMARY KEY,
                until INTEGER NOT NULL,
                count INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE address (
                peer BLOB NOT NULL,
                address TEXT NOT NULL,
                last_seen INTEGER NOT NULL,
                PRIMARY KEY (peer, address)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX address_by_age ON address (last_seen);
            """,
            """
            CREATE TABLE validator_set (
                set_id INTEGER PRIMARY KEY,
                bytes BLOB NOT NULL
            ) STRICT;
            """,
        ])
}

// MARK: Rows

extension ChainDatabase {
    /// Stores a block; one that is there already stays as it is.
    static func insert(_ db: Database, _ block: Block) throws {
        var body = SCALEEncoder(capacity: block.bodyByteCount + 4)
        body.appendItems(block.extrinsics)
        try db.cachedStatement(
            sql: """
                INSERT INTO block (hash, number, parent, header, body) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (hash) DO NOTHING
                """
        ).execute(arguments: [
            Data(block.hash), block.number.rawValue, Data(block.header.parentHash),
            Data(block.header.scaleBytes), Data(body.bytes),
        ])
    }

    /// Stores a validator set that has come into force; the sets of a final chain never change.
    static func insert(_ db: Database, _ set: ValidatorSet) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO validator_set (set_id, bytes) VALUES (?, ?)",
            arguments: [try column(set.id.rawValue), Data(set.scaleBytes)])
    }

    /// A header of a row with the columns `hash` and `header`.
    static func header(_ row: Row) throws -> Header {
        let header = try Header(column: row.decode(forColumn: "header"))
        guard header.hash == (try Hash256(column: row.decode(forColumn: "hash"))) else {
            throw UnexpectedForm()
        }
        return header
    }

    /// A block of a row with the columns `hash`, `header` and `body`; what was stored is what
    /// comes back, or it throws.
    static func block(_ row: Row) throws -> Block {
        let header = try row.decode(Data.self, forColumn: "header")
        let body = try row.decode(Data.self, forColumn: "body")
        let block = try Block(column: header + body)
        guard block.hash == (try Hash256(column: row.decode(forColumn: "hash"))),
            Block.extrinsicsRoot(of: block.extrinsics) == block.header.extrinsicsRoot
        else { throw UnexpectedForm() }
        return block
    }

    /// The finalised block.
    static func finalisedHeader(_ db: Database) throws -> Header {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT hash, header FROM block WHERE final = 1 ORDER BY number DESC LIMIT 1
                    """))
        guard let row else { throw UnexpectedForm() }
        return try header(row)
    }
}
