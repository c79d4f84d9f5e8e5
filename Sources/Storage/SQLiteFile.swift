internal import GRDB
internal import Synchronization

/// A SQLite database that keeps what it confirms: write-ahead log, synchronised at every commit.
///
/// Schemas are numbered from 1; a database of an older version is brought up to date when it is
/// opened, one of a newer version is refused.
final class SQLiteFile: Sendable {
    /// The statements that make each version out of the one before.
    struct Schema: Sendable {
        /// Marks the file as ours, and what it is for.
        let applicationID: Int32
        let migrations: [String]

        /// The version of the last migration.
        var version: Int { migrations.count }
    }

    /// How a file is opened.
    struct Options: Sendable {
        /// Bounds the file: for tests of a full disk.
        var maximumPageCount: Int?
    }

    /// How long a transaction took.
    struct Timing: Sendable {
        /// From its begin to the commit.
        let preparation: Duration
        /// The commit, with the synchronisation of the disk.
        let commit: Duration
    }

    let path: String
    /// Nil when the file is closed. One access at a time, which SQLite does not need, but GRDB
    /// does not survive an access that meets a closed file.
    private let queue: Mutex<DatabaseQueue?>

    /// Opens a database, making it when it is missing.
    init(path: String, schema: Schema, options: Options = Options()) throws(StorageError) {
        self.path = path
        try Self.checkSize(path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { db in
                try Self.check(db, schema, path: path)
                // Not by GRDB's setting, which lowers the synchronisation below.
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                // NORMAL may lose the last commits with the power.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA cell_size_check = ON")
                try db.execute(sql: "PRAGMA trusted_schema = OFF")
                guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2,
                    try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal"
                else {
                    throw StorageError.failed(path: path, reason: "SQLite does not keep a log")
                }
                try Self.migrate(db, to: schema)
                if let maximum = options.maximumPageCount {
                    try db.execute(sql: "PRAGMA max_page_count = \(maximum)")
                }
            }
            self.queue = Mutex(queue)
        } catch {
            throw StorageError(error, path: path)
        }
        try FileSystem.synchronise(directory: FileSystem.parent(of: path))
    }

    /// SQLite does not notice when a part of the last page is missing.
    private static func checkSize(_ path: String) throws(StorageError) {
        guard let size = try FileSystem.size(path),
            try FileSystem.size(path + "-wal") ?? 0 == 0, size % 512 != 0
        else { return }
        throw .corrupt(path: path, reason: "its end is missing")
    }

    /// Whether the file is one of ours that this program knows; nothing is written to it.
    private static func check(_ db: Database, _ schema: Schema, path: String) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isNew =
            try version == 0 && application == 0
            && Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_schema") == 0
        guard isNew || (application == schema.applicationID && version > 0) else {
            throw StorageError.corrupt(path: path, reason: "it is no database of this program")
        }
        guard version <= schema.version else {
            throw StorageError.newerSchema(
                path: path, found: version, supported: schema.version)
        }
    }

    private static func migrate(_ db: Database, to schema: Schema) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version < schema.version else { return }
        try db.inTransaction(.immediate) {
            for migration in schema.migrations[max(version, 0)...] {
                try db.execute(sql: migration)
            }
            try db.execute(sql: "PRAGMA application_id = \(schema.applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(schema.version)")
            return .commit
        }
    }

    /// Lends the connection.
    private func access<Value: Sendable>(
        _ body: (DatabaseQueue) throws -> Value
    ) throws(StorageError) -> Value {
        try queue.withLock { (queue) throws(StorageError) in
            guard let queue else { throw .failed(path: path, reason: "the file is closed") }
            do {
                return try body(queue)
            } catch {
                throw StorageError(error, path: path)
            }
        }
    }

    /// Writes in one transaction, which is on the disk when this returns. When it throws, nothing
    /// was written.
    @discardableResult
    func write(_ body: (Database) throws -> Void) throws(StorageError) -> Timing {
        let begin = ContinuousClock.now
        var prepared = begin
        try access { queue in
            try queue.inTransaction(.immediate) { db in
                try body(db)
                prepared = .now
                return .commit
            }
        }
        return Timing(preparation: prepared - begin, commit: .now - prepared)
    }

    /// Reads one consistent state.
    func read<Value: Sendable>(
        _ body: (Database) throws -> Value
    ) throws(StorageError) -> Value {
        try access { try $0.read(body) }
    }

    /// Looks at every page, index and constraint.
    ///
    /// - Throws: `corrupt` with the first thing found.
    func checkIntegrity() throws(StorageError) {
        let path = path
        try read { db in
            let result = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") ?? "no result"
            guard result == "ok" else { throw StorageError.corrupt(path: path, reason: result) }
        }
    }

    /// Moves the log's content into the database and closes it. Later accesses fail.
    func close() throws(StorageError) {
        try queue.withLock { (queue) throws(StorageError) in
            do {
                try queue?.close()
            } catch {
                throw StorageError(error, path: path)
            }
            queue = nil
        }
    }
}
