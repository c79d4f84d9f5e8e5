internal import Foundation
package import Primitives

/// Which session keys may sign when the sign log was lost.
///
/// What a key has signed is not known any more, so that it never signs again, in no set: the chain's
/// own database may be older than its last vote. The keys that are there when the loss is noticed are
/// suspended. If the log is restored they go on. If a key is added instead, which has signed nothing,
/// a new log is begun with it for the sets after the active one, and the others are retired for good.
extension NodeStore {
    /// The names of keys, one a line.
    private static let suspendedName = "suspended-keys"
    private static let retiredName = "retired-keys"
    private static let lineByteCount = 2 * Hash256.byteCount + 1
    /// The most keys that a list has.
    private static let keyLimit = 256

    /// The keys that may sign, of those that are there; a lost sign log is begun anew when there is
    /// a new key.
    ///
    /// - Parameters:
    ///   - present: the names of the keys in the keystore.
    ///   - nextSet: the set after the one in force, the first that a new key may sign in after a
    ///     loss.
    /// - Returns: none while the log is lost and no key is new.
    /// - Throws: `corrupt` when a list of keys is damaged.
    package func usableKeys(
        of present: [Hash256], nextSet: SetID
    ) throws(StorageError) -> [Hash256] {
        let retired = try list(Self.retiredName) ?? []
        guard case .neverSign = signLogState else {
            try FileSystem.removeFile(path(Self.suspendedName))
            return present.filter { !retired.contains($0) }
        }
        guard let suspended = try list(Self.suspendedName) else {
            try write(retired + present.filter { !retired.contains($0) }, Self.suspendedName)
            return []
        }
        let new = present.filter { !suspended.contains($0) }
        guard !new.isEmpty else { return [] }
        // In this order: a crash in between leaves a log that is lost and keys that are known.
        try write(suspended, Self.retiredName)
        try beginSigning(anewFrom: nextSet)
        try FileSystem.removeFile(path(Self.suspendedName))
        return new
    }

    private func path(_ name: String) -> String { "\(paths.keystore)/\(name)" }

    private func list(_ name: String) throws(StorageError) -> [Hash256]? {
        let limit = Self.keyLimit * Self.lineByteCount
        guard let bytes = try FileSystem.read(path(name), limit: limit + 1) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let keys = lines.compactMap { [UInt8](hex: String($0)).flatMap { Hash256($0) } }
        guard bytes.count == keys.count * Self.lineByteCount, keys.count <= Self.keyLimit else {
            throw .corrupt(path: path(name), reason: "it is no list of keys")
        }
        return keys
    }

    private func write(_ keys: [Hash256], _ name: String) throws(StorageError) {
        try FileSystem.createDirectory(paths.keystore)
        let text = keys.suffix(Self.keyLimit).map { $0.bytes.hex + "\n" }.joined()
        try FileSystem.write(Array(text.utf8), to: path(name))
    }
}
