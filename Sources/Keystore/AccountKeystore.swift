internal import Primitives

/// The sr25519 keys of a keystore, as Substrate keeps them: the file's name has the key type and the
/// public key, its content is the URI or `0x` and the seed.
package struct AccountKeystore: Sendable {
    /// The files.
    package let files: KeyFiles
    /// What the keys are for.
    package let type: KeyFiles.KeyType

    package init(_ files: KeyFiles, type: KeyFiles.KeyType) {
        self.files = files
        self.type = type
    }

    /// Keeps the key of a URI, and returns the path of its file.
    ///
    /// - Throws: `invalidURI`, `alreadyExists`; `otherKey` when the public key is not the expected
    ///   one.
    @discardableResult
    package func insert(
        uri: String, expecting publicKey: [UInt8]? = nil
    ) throws(KeystoreError) -> String {
        let key = try Sr25519SecretKey(try SecretURI(uri))
        guard publicKey == nil || publicKey == key.publicKey else { throw .otherKey }
        let file = file(of: key.publicKey)
        try files.create(file, secret: SecretBytes(copying: Array(uri.utf8)))
        return files.path(of: file)
    }

    /// Whether the key of a public key, 32 bytes, is there.
    package func contains(_ publicKey: [UInt8]) throws(KeystoreError) -> Bool {
        try files.all().contains(file(of: publicKey))
    }

    /// The key of a public key.
    package func key(of publicKey: [UInt8]) throws(KeystoreError) -> Sr25519SecretKey {
        let file = file(of: publicKey)
        let secret = try files.secret(in: file)
        let text = secret.withBytes { String(decoding: $0, as: UTF8.self) }
        let key = try Sr25519SecretKey(try SecretURI(text))
        guard key.publicKey == publicKey else { throw .wrongName(path: files.path(of: file)) }
        return key
    }

    private func file(of publicKey: [UInt8]) -> String { type.bytes.hex + publicKey.hex }
}
