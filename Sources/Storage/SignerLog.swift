internal import Foundation
internal import GRDB
package import Primitives

/// What a signing process has signed with each of its keys, the newest slots of each kind.
///
/// As in the node's sign log the rules are triggers of the schema: a slot is added only above all
/// others of its key and kind, entries never change, and the highest one is never removed.
package final class SignerLog: Sendable {
    /// A place that a key signs for once.
    package struct Slot: Sendable, Hashable {
        /// The name of the key.
        package var key: Hash256
        /// The chain; zeros where the signed bytes do not tell.
        package var genesisHash: Hash256
        /// What is signed: kinds do not get in each other's way.
        package var kind: UInt8
        /// The order within a kind: by these three, the first one first.
        package var major: UInt64
        package var middle: UInt64
        package var minor: UInt8

        package init(
            key: Hash256, genesisHash: Hash256, kind: UInt8, major: UInt64, middle: UInt64 = 0,
            minor: UInt8 = 0
        ) {
            self.key = key
            self.genesisHash = genesisHash
            self.kind = kind
            self.major = major
            self.middle = middle
            self.minor = minor
        }
    }

    /// What may be done in a slot.
    package enum Verdict: Sendable, Equatable {
        /// It lies above everything that was signed.
        case free
        /// The same was signed: here is the signature.
        case signed([UInt8])
        /// Something else was signed there.
        case taken(by: String)
        /// It lies below what was signed, and was left out or let go.
        case passed(by: String)
    }

    private static let fileName = "signed.sqlite"
    /// Slots of one key and kind that are kept.
    private static let keptCount = 1_024
    /// What a description has at most.
    private static let descriptionLimit = 512

    private let lock: ProcessLock
    private let file: SQLiteFile

    /// Opens the log of a directory, which one process at a time uses.
    ///
    /// - Parameter begins: whether to begin a log. It must be told: where one is expected its loss
    ///   would make the keys forget what they have signed.
    /// - Throws: `noSignLog` when there is none and none is to be begun, or one is to be begun and
    ///   there is one; `inUse`; `corrupt`.
    package init(directory: String, begins: Bool) throws(StorageError) {
        lock = try ProcessLock(directory: directory)
        let path = "\(directory)/\(Self.fileName)"
        guard try FileSystem.exists(path) != begins else {
            throw .noSignLog(
                reason: begins
                    ? "\(path) is there already: start without --init-sign-log"
                    : "there is no log \(path). If the keys have never signed, say so once with "
                        + "--init-sign-log. If they have, bring the log back from this machine")
        }
        file = try SQLiteFile(path: path, schema: Self.schema)
        try checkContents()
    }

    /// Looks a slot up.
    ///
    /// - Parameter content: the hash of what is to be signed.
    package func verdict(on slot: Slot, content: Hash256) throws(StorageError) -> Verdict {
        try file.read { db in
            let arguments = try Self.arguments(slot)
            if let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT content, description, signature FROM signed
                    WHERE key = ? AND genesis = ? AND kind = ?
                        AND major = ? AND middle = ? AND minor = ?
                    """, arguments: arguments)
            {
                let found = try Hash256(column: row.decode(forColumn: "content"))
                return found == content
                    ? .signed([UInt8](try row.decode(Data.self, forColumn: "signature")))
                    : .taken(by: try row.decode(String.self, forColumn: "description"))
            }
            let above = try String.fetchOne(
                db,
                sql: """
                    SELECT description FROM signed WHERE key = ? AND genesis = ? AND kind = ?
                        AND (major, middle, minor) > (?, ?, ?)
                    ORDER BY major DESC, middle DESC, minor DESC LIMIT 1
                    """, arguments: arguments)
            return above.map(Verdict.passed(by:)) ?? .free
        }
    }

    /// Takes a slot; it is on the disk when this returns.
    ///
    /// - Throws: `contradiction` unless the slot is free.
    package func record(
        _ slot: Slot, content: Hash256, description: String, signature: [UInt8]
    ) throws(StorageError) {
        guard try verdict(on: slot, content: content) == .free else {
            throw .contradiction(reason: "a slot is signed for once")
        }
        let description = String(description.prefix(Self.descriptionLimit))
        try file.write { db in
            let values = try Self.arguments(slot)
            try db.execute(
                sql: """
                    INSERT INTO signed (key, genesis, kind, major, middle, minor,
                        content, description, signature, checksum)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: values
                    + [
                        Data(content), description, Data(signature),
                        Self.checksum(slot, content, description, signature),
                    ])
            try db.execute(
                sql: """
                    DELETE FROM signed WHERE key = :key AND genesis = :genesis AND kind = :kind
                        AND rowid NOT IN (SELECT rowid FROM signed
                            WHERE key = :key AND genesis = :genesis AND kind = :kind
                            ORDER BY major DESC, middle DESC, minor DESC LIMIT :kept)
                    """,
                arguments: [
                    "key": Data(slot.key), "genesis": Data(slot.genesisHash), "kind": slot.kind,
                    "kept": Self.keptCount,
                ])
        }
    }

    /// Ends all use of the log.
    package func close() throws(StorageError) {
        defer { lock.release() }
        try file.close()
    }

    private static func arguments(_ slot: Slot) throws -> StatementArguments {
        [
            Data(slot.key), Data(slot.genesisHash), slot.kind, try column(slot.major),
            try column(slot.middle), slot.minor,
        ]
    }

    private static func checksum(
        _ slot: Slot, _ content: Hash256, _ description: String, _ signature: [UInt8]
    ) -> Data {
        var bytes = slot.key.bytes + slot.genesisHash.bytes + [slot.kind, slot.minor]
        for number in [slot.major, slot.middle] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return SignLog.checksum(bytes + content.bytes + signature + Array(description.utf8))
    }

    /// Compares every row with its checksum.
    private func checkContents() throws(StorageError) {
        let path = file.path
        try file.checkIntegrity()
        try file.read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT * FROM signed")
            while let row = try rows.next() {
                let slot = Slot(
                    key: try Hash256(column: row.decode(forColumn: "key")),
                    genesisHash: try Hash256(column: row.decode(forColumn: "genesis")),
                    kind: try row.decode(UInt8.self, forColumn: "kind"),
                    major: try row.decode(UInt64.self, forColumn: "major"),
                    middle: try row.decode(UInt64.self, forColumn: "middle"),
                    minor: try row.decode(UInt8.self, forColumn: "minor"))
                let expected = Self.checksum(
                    slot, try Hash256(column: row.decode(forColumn: "content")),
                    try row.decode(String.self, forColumn: "description"),
                    [UInt8](try row.decode(Data.self, forColumn: "signature")))
                guard try row.decode(Data.self, forColumn: "checksum") == expected else {
                    throw StorageError.corrupt(path: path, reason: "an entry was changed")
                }
            }
        }
    }

    private static let schema = SQLiteFile.Schema(
        applicationID: 0x5148_5347,
        migrations: [
            """
            CREATE TABLE signed (
                key BLOB NOT NULL CHECK (length(key) = 32),
                genesis BLOB NOT NULL CHECK (length(genesis) = 32),
                kind INTEGER NOT NULL,
                major INTEGER NOT NULL CHECK (major >= 0),
                middle INTEGER NOT NULL CHECK (middle >= 0),
                minor INTEGER NOT NULL CHECK (minor >= 0),
                content BLOB NOT NULL CHECK (length(content) = 32),
                description TEXT NOT NULL,
                signature BLOB NOT NULL,
                checksum BLOB NOT NULL,
                PRIMARY KEY (key, genesis, kind, major, middle, minor)
            ) STRICT;
            CREATE TRIGGER signed_only_rises BEFORE INSERT ON signed
            WHEN EXISTS (SELECT 1 FROM signed WHERE key = NEW.key AND genesis = NEW.genesis
                AND kind = NEW.kind
                AND (major, middle, minor) >= (NEW.major, NEW.middle, NEW.minor))
            BEGIN SELECT RAISE(ABORT, 'a slot is signed for once'); END;
            CREATE TRIGGER signed_never_changed BEFORE UPDATE ON signed
            BEGIN SELECT RAISE(ABORT, 'what was signed is never changed'); END;
            CREATE TRIGGER signed_highest_kept BEFORE DELETE ON signed
            WHEN NOT EXISTS (SELECT 1 FROM signed WHERE key = OLD.key AND genesis = OLD.genesis
                AND kind = OLD.kind
                AND (major, middle, minor) > (OLD.major, OLD.middle, OLD.minor))
            BEGIN SELECT RAISE(ABORT, 'the highest slot is kept'); END;
            """
        ])
}
