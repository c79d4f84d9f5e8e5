internal import GRDB

extension StorageError {
    /// What a failure inside a database access means.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StorageError: self = error
        case let error as DatabaseError: self.init(error, path: path)
        default: self = .corrupt(path: path, reason: "a row has an unexpected form")
        }
    }

    private init(_ error: DatabaseError, path: String) {
        let reason =
            "\(error.message ?? "no reason given") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.extendedResultCode.primaryResultCode {
        case .SQLITE_FULL: self = .diskFull(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT:
            self = .corrupt(path: path, reason: reason)
        case .SQLITE_CANTOPEN, .SQLITE_AUTH: self = .unreadable(path: path, reason: reason)
        case .SQLITE_READONLY, .SQLITE_PERM: self = .unwritable(path: path, reason: reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .inUse(path: path, processID: nil)
        case .SQLITE_IOERR: self.init(inputOutput: error.extendedResultCode, reason, path: path)
        default: self = .failed(path: path, reason: reason)
        }
    }

    private init(inputOutput code: ResultCode, _ reason: String, path: String) {
        switch code {
        // SQLite says "full" when a write finds no room, but these when the index of the
        // write-ahead log cannot grow.
        case .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_SHMOPEN, .SQLITE_IOERR_SHMMAP:
            self =
                FileSystem.isFull(path)
                ? .diskFull(path: path) : .failed(path: path, reason: reason)
        case .SQLITE_IOERR_READ, .SQLITE_IOERR_SHORT_READ, .SQLITE_IOERR_CORRUPTFS:
            self = .corrupt(path: path, reason: reason)
        default: self = .failed(path: path, reason: reason)
        }
    }
}
