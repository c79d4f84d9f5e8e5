import Foundation
package import Keystore
internal import Storage

/// A keystore as the `key` commands use it, outside a running node.
package struct KeystoreFolder: Sendable {
    private let paths: BasePath?
    private let directory: String

    /// - Parameters:
    ///   - basePath: where nodes keep their files; nil when the keystore's own path is enough.
    ///   - keystorePath: the keystore's folder; nil: the chain's in the base path.
    /// - Throws: what is wrong with the chain specification, or that nothing says where the keys are.
    package init(
        chain: NodeConfiguration.ChainSource, basePath: String?, keystorePath: String?
    ) throws {
        if let keystorePath {
            directory = keystorePath
            paths = nil
            return
        }
        guard let basePath else { throw KeystoreError.missing(path: "--keystore-path") }
        let specification = try ChainSpecification.named(chain.name)
        let paths = try BasePath(root: basePath, chainID: specification.id)
        self.paths = paths
        directory = paths.keystore
    }

    /// Keeps the key of a secret URI.
    ///
    /// - Returns: the file that it was written to.
    package func insert(
        _ scheme: KeyScheme, uri text: String, type name: String, password: KeystorePassword?
    ) throws -> String {
        guard let type = KeyFiles.KeyType(name) else {
            throw KeystoreError.invalidURI(
                reason: "a key type has four letters or digits, such as falc, not '\(name)'")
        }
        let isSession = type.bytes == SessionKeystore.keyType
        guard isSession == (scheme == .falcon1024) else {
            throw KeystoreError.invalidURI(
                reason: "keys of type falc are falcon1024 keys, and these have no other type")
        }
        let keystore = try SessionKeystore(directory: directory, password: password)
        guard isSession else {
            return try AccountKeystore(keystore.files, type: type).insert(uri: text)
        }
        let publicKey = try keystore.insert(SecretURI(text))
        return keystore.path(of: SessionKeystore.name(ofPublicKey: publicKey))
    }

    /// Encrypts, decrypts, or encrypts with another password; refused while a node runs on the
    /// base path.
    ///
    /// - Returns: how many files were written.
    package func changePassword(
        from old: KeystorePassword?, to new: KeystorePassword?
    ) throws -> Int {
        guard FileManager.default.fileExists(atPath: directory) else {
            throw KeystoreError.missing(path: directory)
        }
        let lock = try paths.map { try ProcessLock(directory: $0.root) }
        defer { lock?.release() }
        return try KeyFiles(directory: directory, password: old).changePassword(to: new)
    }
}
