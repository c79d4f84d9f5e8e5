package import Falcon
package import Primitives

/// A directory of Falcon-1024 session keys, in the layout of Substrate's keystore.
///
/// A file's name is the key type's four ASCII bytes and a 32-byte name of the key, in hexadecimal;
/// its content is a JSON string with the secret: a development URI such as "//Alice", or `0x` and
/// the 2,305 bytes of the encoded key. Where Substrate has the public key in the name, here stands
/// its BLAKE2b-256: 1,793 bytes do not fit. Files have mode 0600, the directory 0700.
package struct SessionKeystore: Sendable {
    /// The key type of Falcon session keys: `falc` in ASCII.
    package static let keyType: [UInt8] = Array("falc".utf8)
    /// The secret in hexadecimal, `0x`, quotes and a line's end; URIs are shorter.
    private static let fileLimit = 2 * Falcon1024.secretKeyByteCount + 16

    /// The directory's path.
    package let directory: String

    /// Opens a directory of keys, making it when it is missing.
    package init(directory: String) throws(KeystoreError) {
        try SecretFile.createDirectory(directory)
        self.directory = directory
    }

    /// The name of a key, as it stands in its file's name: BLAKE2b-256 of the public key.
    package static func name(of publicKey: FalconPublicKey) -> Hash256 {
        name(ofPublicKey: publicKey.bytes)
    }

    /// The same for the 1,793 bytes of a public key.
    package static func name(ofPublicKey bytes: [UInt8]) -> Hash256 { BLAKE2b256.hash(bytes) }

    /// Where a key is kept.
    package func path(of name: Hash256) -> String { "\(directory)/\(Self.fileName(name))" }

    private static func fileName(_ name: Hash256) -> String { keyType.hex + name.bytes.hex }

    /// The names of all keys, ascending. Files that are no keys are passed over.
    package func names() throws(KeystoreError) -> [Hash256] {
        try SecretFile.names(in: directory).compactMap { file in
            guard let bytes = [UInt8](hex: file), bytes.starts(with: Self.keyType),
                let name = Hash256(bytes.dropFirst(Self.keyType.count)),
                file == Self.fileName(name)
            else { return nil }
            return name
        }
    }

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

    private func write(
        _ prefix: [UInt8], _ secret: borrowing SecretBytes, name: Hash256
    ) throws(KeystoreError) {
        let content = SecretBytes(count: prefix.count + secret.count + 2)
        content.withBytes { buffer in
            buffer[0] = UInt8(ascii: "\"")
            buffer[buffer.count - 1] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyBytes(from: prefix)
            secret.withBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[(1 + prefix.count)...])
                    .copyMemory(from: UnsafeRawBufferPointer(source))
            }
        }
        try SecretFile.create(Self.fileName(name), in: directory, content: content)
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
        let content = try SecretFile.read(path, limit: Self.fileLimit)
        let key = try content.withBytes { (buffer) throws(KeystoreError) in
            try Self.parse(UnsafeRawBufferPointer(buffer), path: path)
        }
        guard Self.name(of: key.publicKey) == name else { throw .wrongName(path: path) }
        return key
    }

    private static func parse(
        _ content: UnsafeRawBufferPointer, path: String
    ) throws(KeystoreError) -> FalconSecretKey {
        var text = content
        while let last = text.last, last == 0x0A || last == 0x0D {
            text = .init(rebasing: text.dropLast())
        }
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else {
            throw .malformed(path: path, reason: "it is no JSON string")
        }
        text = .init(rebasing: text.dropFirst().dropLast())
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
