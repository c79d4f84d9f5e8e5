internal import Foundation
internal import GRDB
internal import Primitives

extension SignLog {
    /// The mark's name beside the keys. It holds the log's identity, so that a log that is missing
    /// or another one is noticed.
    static let markName = "sign-log-mark"
    /// The bytes of a log's identity.
    private static let identityByteCount = 16

    /// Looks for the log of a base path.
    ///
    /// - Returns: the log if it is ready. A mark whose log is missing or damaged is a state, not
    ///   an error: the node goes on as a follower.
    /// - Throws: what keeps the files from being read, and `newerSchema`.
    static func open(
        _ paths: BasePath, keptRoundCount: UInt64
    ) throws(StorageError) -> (state: SignLogState, log: SignLog?) {
        let path = "\(paths.signLog)/\(fileName)"
        let markPath = "\(paths.keystore)/\(markName)"
        let mark = try FileSystem.read(markPath)
        guard try FileSystem.exists(path) else {
            let moved = movedPath(paths)
            guard try !FileSystem.exists(moved) else {
                return (.neverSign(.moved(path: moved)), nil)
            }
            return (mark == nil ? .firstStart : .neverSign(.missing(path: path)), nil)
        }
        let log: SignLog
        let identity: [UInt8]?
        do throws(StorageError) {
            let file = try SQLiteFile(path: path, schema: schema)
            log = SignLog(file: file, keptRoundCount: keptRoundCount)
            try log.checkContents()
            identity = try log.identity()
        } catch {
            guard case .corrupt(_, let reason) = error else { throw error }
            return (.neverSign(.damaged(path: path, reason: reason)), nil)
        }
        guard let mark else {
            // Begun, but the mark was not written any more, or was lost: what the log holds
            // is what counts.
            guard let identity, try log.voteCount() > 0 else { return (.firstStart, nil) }
            try writeMark(identity, paths)
            return (.ready, log)
        }
        guard let expected = parse(mark) else {
            return (.neverSign(.unreadableMark(path: markPath)), nil)
        }
        guard let identity else {
            return (.neverSign(.damaged(path: path, reason: "it is empty")), nil)
        }
        guard identity == expected else { return (.neverSign(.foreign(path: path)), nil) }
        return (.ready, log)
    }

    /// Begins a log, and marks the keys as used.
    ///
    /// - Parameter firstSet: the lowest set that may be signed in.
    static func begin(
        _ paths: BasePath, firstSet: SetID, keptRoundCount: UInt64
    ) throws(StorageError) -> SignLog {
        try FileSystem.createDirectory(paths.signLog)
        try FileSystem.createDirectory(paths.keystore)
        let file = try SQLiteFile(path: "\(paths.signLog)/\(fileName)", schema: schema)
        let log = SignLog(file: file, keptRoundCount: keptRoundCount)
        let identity: [UInt8]
        if let begun = try log.identity() {
            identity = begun
        } else {
            var generator = SystemRandomNumberGenerator()
            identity = (0..<identityByteCount).map { _ in generator.next() }
            try file.write { db in
                try db.execute(
                    sql: "INSERT INTO log (id, identity) VALUES (1, ?)",
                    arguments: [Data(identity)])
                try db.execute(
                    sql: "INSERT INTO floor (id, set_id, round) VALUES (1, ?, 0)",
                    arguments: [try column(firstSet.rawValue)])
            }
        }
        try writeMark(identity, paths)
        return log
    }

    /// Puts a log that cannot be used out of the way, keeping it for whoever looks into it.
    static func setAside(_ paths: BasePath) throws(StorageError) {
        let path = "\(paths.signLog)/\(fileName)"
        guard try FileSystem.exists(path) else { return }
        var number = 1
        while try FileSystem.exists("\(path).damaged-\(number)") { number += 1 }
        for suffix in ["-wal", "-shm", ""] where try FileSystem.exists(path + suffix) {
            try FileSystem.rename(path + suffix, to: "\(path).damaged-\(number)\(suffix)")
        }
    }

    func identity() throws(StorageError) -> [UInt8]? {
        try file.read { db in
            try Data.fetchOne(db, sql: "SELECT identity FROM log WHERE id = 1")
                .map { [UInt8]($0) }
        }
    }

    static func writeMark(_ identity: [UInt8], _ paths: BasePath) throws(StorageError) {
        try FileSystem.createDirectory(paths.keystore)
        try FileSystem.write(
            Array("\(identity.hex)\n".utf8), to: "\(paths.keystore)/\(markName)")
    }

    static func parse(_ mark: [UInt8]) -> [UInt8]? {
        guard mark.count == 2 * identityByteCount + 1, mark.last == 0x0A else { return nil }
        return [UInt8](hex: String(decoding: mark.dropLast(), as: UTF8.self))
    }

    static let schema = SQLiteFile.Schema(
        applicationID: 0x5148_534C,
        migrations: [
            """
            CREATE TABLE log (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                identity BLOB NOT NULL
            ) STRICT;
            CREATE TABLE floor (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                set_id INTEGER NOT NULL CHECK (set_id >= 0),
                round INTEGER NOT NULL CHECK (round >= 0)
            ) STRICT;
            CREATE TABLE vote (
                set_id INTEGER NOT NULL CHECK (set_id >= 0),
                round INTEGER NOT NULL CHECK (round >= 0),
                phase INTEGER NOT NULL CHECK (phase IN (0, 1)),
                validator INTEGER NOT NULL CHECK (validator BETWEEN 0 AND 65535),
                record BLOB NOT NULL,
                checksum BLOB NOT NULL,
                PRIMARY KEY (set_id, round, phase, validator)
            ) STRICT;
            CREATE TABLE item (
                kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
                set_id INTEGER NOT NULL CHECK (set_id >= 0),
                bytes BLOB NOT NULL,
                checksum BLOB NOT NULL,
                PRIMARY KEY (kind, set_id)
            ) STRICT;
            CREATE TRIGGER vote_above_floor BEFORE INSERT ON vote
            WHEN NOT EXISTS (SELECT 1 FROM floor WHERE NEW.set_id > set_id
                OR (NEW.set_id = set_id AND NEW.round >= round))
            BEGIN SELECT RAISE(ABORT, 'a vote below the floor'); END;
            CREATE TRIGGER vote_never_replaced BEFORE INSERT ON vote
            WHEN EXISTS (SELECT 1 FROM vote WHERE set_id = NEW.set_id AND round = NEW.round
                AND phase = NEW.phase AND validator = NEW.validator)
            BEGIN SELECT RAISE(ABORT, 'a second vote of one slot'); END;
            CREATE TRIGGER vote_never_changed BEFORE UPDATE ON vote
            BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END;
            CREATE TRIGGER vote_kept_above_floor BEFORE DELETE ON vote
            WHEN NOT EXISTS (SELECT 1 FROM floor WHERE OLD.set_id < set_id
                OR (OLD.set_id = set_id AND OLD.round < round))
            BEGIN SELECT RAISE(ABORT, 'a vote above the floor is kept'); END;
            CREATE TRIGGER floor_never_falls BEFORE UPDATE ON floor
            WHEN NEW.set_id < OLD.set_id
                OR (NEW.set_id = OLD.set_id AND NEW.round < OLD.round)
            BEGIN SELECT RAISE(ABORT, 'the floor never falls'); END;
            CREATE TRIGGER floor_kept BEFORE DELETE ON floor
            BEGIN SELECT RAISE(ABORT, 'the floor is kept'); END;
            """,
            """
            CREATE TABLE authored (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                slot INTEGER NOT NULL CHECK (slot >= 0),
                hash BLOB NOT NULL CHECK (length(hash) = 32)
            ) STRICT;
            CREATE TRIGGER authored_only_rises BEFORE UPDATE ON authored
            WHEN NEW.slot <= OLD.slot
            BEGIN SELECT RAISE(ABORT, 'a slot is used once'); END;
            CREATE TRIGGER authored_never_replaced BEFORE INSERT ON authored
            WHEN EXISTS (SELECT 1 FROM authored)
            BEGIN SELECT RAISE(ABORT, 'a slot is used once'); END;
            CREATE TRIGGER authored_kept BEFORE DELETE ON authored
            BEGIN SELECT RAISE(ABORT, 'the newest slot is kept'); END;
            """,
        ])
}
