package import Falcon
package import Primitives

/// A directory of Falcon-1024 session keys, in the layout of Substrate's keystore.
///
/// A file's content is a JSON string with the secret: a development URI such as "//Alice", or `0x`
/// and the 2,305 bytes of the encoded key; with a password, that text encrypted. Where Substrate has
/// the public key in the name, here stands its BLAKE2b-256: 1,793 bytes do not fit.
package struct SessionKeystore: Sendable {
    /// The key type of Falcon session keys: `falc` in ASCII.
    package static let keyType: [UInt8] = Array("falc".utf8)

    /// The files.
    package let files: KeyFiles

    /// The directory's path.
    package var directory: String { files.directory }

    /// Opens a directory of keys, making it when it is missing.
    ///
    /// - Parameter password: what new keys are encrypted with, and those that are encrypted opened.
    package init(
        directory: String, password: KeystorePassword? = nil
    ) throws(KeystoreError) {
        files = try KeyFiles(directory: directory, password: password)
    }

    /// The name of a key, as it stands in its file's name: BLAKE2b-256 of the public key.
    package static func name(of publicKey: FalconPublicKey) -> Hash256 {
        name(ofPublicKey: publicKey.bytes)
    }

    /// The same for the 1,793 bytes of a public key.
    package static func name(ofPublicKey bytes: [UInt8]) -> Hash256 { BLAKE2b256.hash(bytes) }

    /// Where a key is kept.
    package func path(of name: Hash256) -> String { "\(directory)/\(Self.fileName(name))" }

    private static func fileName(_ name: Hash256) -> String { KeyFiles.fileName(keyType, name) }

    /// The names of all keys, ascending. Files that are no keys are passed over.
    package func names() throws(KeystoreError) -> [Hash256] { try files.names(of: Self.keyType) }

    /// Whether a key is there.
    package func contains(_ name: Hash256) throws(KeystoreError) -> Bool {
        try names().contains(name)
    }

    /// Makes a key from the operating system's randomness and keeps it.
    package func generate() throws(KeystoreError) -> FalconPublicKey {
        let key = try FalconSecretKey { (buffer) throws(KeystoreError) in
            try SystemRandomness.fill(buffer)
        }
        try insert(key)
        return key.publicKey
    }

    /// Keeps a key.
    ///
    /// - Throws: `alreadyExists` when it is there.
    package func insert(_ key: borrowing FalconSecretKey) throws(KeystoreError) {
        let secret = SecretBytes(count: Falcon1024.secretKeyByteCount)
        key.withUnsafeBytes { encoded in
            precondition(encoded.count == secret.count, "session keys are Falcon-1024")
            secret.withBytes { $0.copyMemory(from: encoded) }
        }
        let digits = secret.hexDigits()
        try write(Array("0x".utf8), digits, name: Self.name(of: key.publicKey))
    }

    /// Keeps a development account's key by its URI.
    ///
    /// - Throws: `alreadyExists` when it is there.
    package func insert(_ account: DevelopmentAccount) throws(KeystoreError) {
        let key = account.makeSecretKey()
        let nothing = SecretBytes(count: 0)
        try write(Array(account.uri.utf8), nothing, name: Self.name(of: key.publicKey))
    }

    /// Keeps the key of a URI: a development account's as its URI, that of a phrase or seed itself.
    ///
    /// - Parameter publicKey: what the secret has to belong to; nil: whatever it does.
    /// - Returns: the public key.
    /// - Throws: `invalidURI`, `otherKey`, `alreadyExists`.
    @discardableResult
    package func insert(
        _ uri: SecretURI, expecting publicKey: [UInt8]? = nil
    ) throws(KeystoreError) -> [UInt8] {
        let key = try uri.makeFalconKey()
        let found = key.publicKey.bytes
        guard publicKey == nil || publicKey == found else { throw .otherKey }
        if uri.root == nil {
            try insert(uri.developmentAccount())
        } else {
            try insert(key)
        }
        return found
    }

    private func write(
        _ prefix: [UInt8], _ secret: borrowing SecretBytes, name: Hash256
    ) throws(KeystoreError) {
        let content = SecretBytes(count: prefix.count + secret.count)
        content.withBytes { buffer in
            buffer.copyBytes(from: prefix)
            secret.withBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[prefix.count...])
                    .copyMemory(from: UnsafeRawBufferPointer(source))
            }
        }
        try files.create(Self.fileName(name), secret: content)
    }

    /// A signer with the key of that name.
    ///
    /// - Throws: what is wrong with the file; `wrongName` when it holds another key.
    package func signer(_ name: Hash256) throws(KeystoreError) -> InProcessSigner {
        let key = try load(name)
        return InProcessSigner(key)
    }

    /// A signer with the key that belongs to a public key.
    package func signer(
        for publicKey: FalconPublicKey
    ) throws(KeystoreError) -> InProcessSigner {
        try signer(Self.name(of: publicKey))
    }

    private func load(_ name: Hash256) throws(KeystoreError) -> FalconSecretKey {
        let path = path(of: name)
        let secret = try files.secret(in: Self.fileName(name))
        let key = try secret.withBytes { (buffer) throws(KeystoreError) in
            try Self.parse(UnsafeRawBufferPointer(buffer), path: path)
        }
        guard Self.name(of: key.publicKey) == name else { throw .wrongName(path: path) }
        return key
    }

    private static func parse(
        _ text: UnsafeRawBufferPointer, path: String
    ) throws(KeystoreError) -> FalconSecretKey {
        if text.starts(with: "0x".utf8) {
            return try decode(.init(rebasing: text.dropFirst(2)), path: path)
        }
        guard text.starts(with: "//".utf8) else {
            throw .malformed(path: path, reason: "it is neither 0x and a key nor a URI")
        }
        return try development(text, path: path)
    }

    private static func decode(
        _ digits: UnsafeRawBufferPointer, path: String
    ) throws(KeystoreError) -> FalconSecretKey {
        guard let secret = SecretBytes.reading(hexDigits: digits) else {
            throw .malformed(path: path, reason: "the key is not in hexadecimal digits")
        }
        var bytes = secret.withBytes { Array($0) }
        defer { bytes.erase() }
        do throws(FalconError) {
            return try FalconSecretKey(bytes: bytes)
        } catch {
            throw .malformed(path: path, reason: "it is no Falcon-1024 secret key")
        }
    }

    private static func development(
        _ text: UnsafeRawBufferPointer, path: String
    ) throws(KeystoreError) -> FalconSecretKey {
        do throws(KeystoreError) {
            return try DevelopmentAccount(uri: String(decoding: text, as: UTF8.self))
                .makeSecretKey()
        } catch {
            throw .malformed(path: path, reason: "it holds no development URI")
        }
    }
}
