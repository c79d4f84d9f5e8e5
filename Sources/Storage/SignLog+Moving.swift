internal import Foundation
internal import GRDB
package import Primitives
internal import SCALE

/// A sign log in a file, on its way to the machine that goes on with it.
///
/// The file: "quantumharmony/sign-log/1", then in SCALE the chain's id, the names of the keys that
/// the log stands for, the log's database; at the end BLAKE2b-256 of all that. It holds no secrets.
package struct SignLogTransfer: Sendable {
    /// Why a log is not moved: what and why.
    package struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    private static let magic = Array("quantumharmony/sign-log/1".utf8)
    /// The most bytes of a log and of its file.
    package static let maximumByteCount = 256 << 20
    private static let keyLimit = 256

    private let paths: BasePath
    private let chainID: String

    /// - Parameter chainID: as the base path was named with.
    package init(_ paths: BasePath, chainID: String) {
        self.paths = paths
        self.chainID = chainID
    }

    private var logPath: String { "\(paths.signLog)/\(SignLog.fileName)" }

    // MARK: Away

    /// Ends signing here for good, and returns the file.
    ///
    /// The log is put aside first: from then on a node here does not sign. Called again, as after a
    /// crash, it returns the file of the log that was put aside.
    ///
    /// - Parameter keys: the names of the keys in the keystore.
    /// - Throws: `inUse` while a node runs, or that there is no log to move.
    package func export(keys: [Hash256]) throws -> [UInt8] {
        let lock = try ProcessLock(directory: paths.root)
        defer { lock.release() }
        let moved = SignLog.movedPath(paths)
        if try FileSystem.exists(logPath) {
            let (state, log) = try SignLog.open(paths, keptRoundCount: 0)
            guard case .ready = state, let log else {
                throw Refusal("this sign log is not moved: \(Self.reason(state))")
            }
            try log.file.close()
            try FileSystem.rename(logPath, to: moved)
        }
        guard let size = try FileSystem.size(moved), size <= Self.maximumByteCount,
            let database = try FileSystem.read(moved, limit: size)
        else { throw Refusal("there is no sign log in \(paths.signLog)") }
        var encoder = SCALEEncoder(capacity: size + 16_384)
        encoder.appendRaw(Self.magic)
        encoder.appendBytes(Array(chainID.utf8))
        encoder.appendBytes(keys.prefix(Self.keyLimit).flatMap(\.bytes))
        encoder.appendBytes(database)
        return encoder.bytes + BLAKE2b256.hash(encoder.bytes).bytes
    }

    private static func reason(_ state: SignLogState) -> String {
        switch state {
        case .ready: "it is in use"
        case .firstStart: "nothing was signed here"
        case .neverSign(let reason): reason.description
        }
    }

    // MARK: Here

    /// Takes a log over: a node here goes on after it.
    ///
    /// - Parameter keys: the names of the keys in the keystore here.
    /// - Throws: `inUse` while a node runs; that the file is damaged, of another chain or other keys,
    ///   or not newer than what there is.
    package func take(_ file: [UInt8], keys: [Hash256]) throws {
        let lock = try ProcessLock(directory: paths.root)
        defer { lock.release() }
        let database = try check(file, keys: keys)
        try FileSystem.createDirectory(paths.signLog)
        let incoming = logPath + ".incoming"
        defer {
            for suffix in ["", "-wal", "-shm"] { try? FileSystem.removeFile(incoming + suffix) }
        }
        try FileSystem.write(database, to: incoming)
        let extent = try SignLog.extent(at: incoming)
        guard let identity = extent.identity else { throw Refusal("the log in the file is empty") }
        for path in [logPath, SignLog.movedPath(paths)] where try FileSystem.exists(path) {
            let present = try SignLog.extent(at: path)
            guard present.identity == identity || present.isEmpty else {
                throw Refusal(
                    "\(path) is another sign log: a log is not moved over that of other keys")
            }
            guard present.isEmpty || extent.isNewer(than: present) else {
                throw Refusal(
                    "\(path) is as new as the log in the file, or newer: the file is an old one, and "
                        + "signing after it could sign twice")
            }
        }
        if let mark = try FileSystem.read("\(paths.keystore)/\(SignLog.markName)") {
            guard SignLog.parse(mark) == identity else {
                throw Refusal("another sign log was begun beside the keys in \(paths.keystore)")
            }
        }
        try FileSystem.rename(incoming, to: logPath)
        try SignLog.writeMark(identity, paths)
        try FileSystem.removeFile(SignLog.movedPath(paths))
    }

    /// The database in a file.
    private func check(_ file: [UInt8], keys: [Hash256]) throws -> [UInt8] {
        guard file.count > Hash256.byteCount, file.starts(with: Self.magic) else {
            throw Refusal("this is no exported sign log")
        }
        let content = Array(file.dropLast(Hash256.byteCount))
        guard file.suffix(Hash256.byteCount).elementsEqual(BLAKE2b256.hash(content).bytes) else {
            throw Refusal("the file is damaged: copy it again")
        }
        let chain: [UInt8]
        let names: [UInt8]
        let database: [UInt8]
        do throws(SCALEError) {
            var decoder = SCALEDecoder(Array(content.dropFirst(Self.magic.count)))
            chain = try decoder.readBytes(limit: 128)
            names = try decoder.readBytes(limit: Self.keyLimit * Hash256.byteCount)
            database = try decoder.readBytes(limit: Self.maximumByteCount)
            try decoder.finish()
        } catch {
            throw Refusal("the file cannot be read: \(error)")
        }
        guard chain.elementsEqual(chainID.utf8) else {
            throw Refusal("the sign log is of another chain than '\(chainID)'")
        }
        let known = stride(from: 0, to: names.count, by: Hash256.byteCount).compactMap {
            Hash256(names[$0..<min($0 + Hash256.byteCount, names.count)])
        }
        guard !keys.isEmpty else {
            throw Refusal("there are no keys in \(paths.keystore): bring them first")
        }
        if let other = keys.first(where: { !known.contains($0) }) {
            throw Refusal(
                "the key \(other) in \(paths.keystore) is none of those that the sign log is about")
        }
        return database
    }
}

extension SignLog {
    /// How far a log goes.
    struct Extent: Sendable {
        /// Nil for a log that was not begun.
        let identity: [UInt8]?
        /// Set, round and phase of the highest vote.
        let vote: [UInt64]
        /// The newest slot of an own block.
        let authored: UInt64?

        var isEmpty: Bool { vote.isEmpty && authored == nil }

        /// Whether this log knows everything that another one does, and more.
        func isNewer(than other: Extent) -> Bool {
            let isBehind =
                vote.lexicographicallyPrecedes(other.vote)
                || (authored ?? 0) < (other.authored ?? 0)
            return !isBehind && (vote != other.vote || authored != other.authored)
        }
    }

    /// Where the log stands after it was moved away.
    static func movedPath(_ paths: BasePath) -> String { "\(paths.signLog)/\(fileName).moved" }

    /// Opens a log, looks at all of it, and closes it.
    static func extent(at path: String) throws(StorageError) -> Extent {
        let file = try SQLiteFile(path: path, schema: schema)
        let log = SignLog(file: file, keptRoundCount: 0)
        try log.checkContents()
        let identity = try log.identity()
        let extent = try file.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT set_id, round, phase FROM vote
                    ORDER BY set_id DESC, round DESC, phase DESC LIMIT 1
                    """)
            var vote: [UInt64] = []
            if let row {
                for column in ["set_id", "round", "phase"] {
                    vote.append(try row.decode(UInt64.self, forColumn: column))
                }
            }
            return Extent(
                identity: identity, vote: vote,
                authored: try UInt64.fetchOne(db, sql: "SELECT slot FROM authored"))
        }
        try file.close()
        return extent
    }
}
