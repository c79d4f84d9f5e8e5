package import Primitives

/// A directory of key files in the layout of Substrate's keystore, plain or encrypted.
///
/// A file's name is the key type's four ASCII bytes and 32 bytes that name the key, in hexadecimal;
/// its content is a JSON string with the secret. Files have mode 0600, the directory 0700.
package struct KeyFiles: Sendable {
    /// A key type: four ASCII letters or digits, such as `falc`.
    package struct KeyType: Sendable, Hashable {
        /// The four bytes.
        package let bytes: [UInt8]

        /// Nil for anything but four letters and digits.
        package init?(_ text: String) {
            bytes = Array(text.utf8)
            guard bytes.count == 4, bytes.allSatisfy(Self.isAllowed) else { return nil }
        }

        private static func isAllowed(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: false
            }
        }
    }

    /// The most bytes of a secret, as text.
    private static let secretLimit = 8_192
    private static let fileLimit = 2 * secretLimit + EncryptedSecret.overheadByteCount + 4

    /// The directory's path.
    package let directory: String
    /// What files are encrypted with, and decrypted; nil: they are plain.
    package let password: KeystorePassword?

    /// Opens a directory of keys, making it when it is missing.
    package init(
        directory: String, password: KeystorePassword? = nil
    ) throws(KeystoreError) {
        try SecretFile.createDirectory(directory)
        self.directory = directory
        self.password = password
    }

    static func fileName(_ type: [UInt8], _ name: Hash256) -> String { type.hex + name.bytes.hex }

    func path(of file: String) -> String { "\(directory)/\(file)" }

    /// The names of all keys of a type, ascending. Files that are no keys are passed over.
    package func names(of type: [UInt8]) throws(KeystoreError) -> [Hash256] {
        try SecretFile.names(in: directory).compactMap { file in
            guard let bytes = [UInt8](hex: file), bytes.starts(with: type),
                let name = Hash256(bytes.dropFirst(type.count)), file == Self.fileName(type, name)
            else { return nil }
            return name
        }
    }

    /// The files of keys of every type.
    package func all() throws(KeystoreError) -> [String] {
        try SecretFile.names(in: directory).filter { file in
            file.utf8.count == 72 && [UInt8](hex: file)?.hex == file
        }
    }

    /// Writes a secret, encrypted if there is a password.
    ///
    /// - Throws: `alreadyExists`.
    func create(_ file: String, secret: borrowing SecretBytes) throws(KeystoreError) {
        try SecretFile.create(file, in: directory, content: try content(of: file, secret))
    }

    private func content(
        of file: String, _ secret: borrowing SecretBytes
    ) throws(KeystoreError) -> SecretBytes {
        guard let password else { return Self.quoted(secret) }
        return Self.quoted(try EncryptedSecret.seal(secret, name: file, password: password))
    }

    private static func quoted(_ text: borrowing SecretBytes) -> SecretBytes {
        let content = SecretBytes(count: text.count + 2)
        content.withBytes { buffer in
            buffer[0] = UInt8(ascii: "\"")
            buffer[buffer.count - 1] = UInt8(ascii: "\"")
            text.withBytes { text in
                UnsafeMutableRawBufferPointer(rebasing: buffer[1...])
                    .copyMemory(from: UnsafeRawBufferPointer(text))
            }
        }
        return content
    }

    /// The secret in a file.
    ///
    /// - Throws: `passwordNeeded`, `wrongPassword`, and what is wrong with the file.
    func secret(in file: String) throws(KeystoreError) -> SecretBytes {
        let path = path(of: file)
        let content = try SecretFile.read(path, limit: Self.fileLimit)
        return try content.withBytes { (buffer) throws(KeystoreError) in
            let text = try Self.unquoted(UnsafeRawBufferPointer(buffer), path: path)
            guard text.starts(with: EncryptedSecret.mark) else {
                return SecretBytes(copying: text)
            }
            guard let password else { throw .passwordNeeded(path: path) }
            return try EncryptedSecret.open(text, name: file, password: password, path: path)
        }
    }

    private static func unquoted(
        _ content: UnsafeRawBufferPointer, path: String
    ) throws(KeystoreError) -> UnsafeRawBufferPointer {
        var text = content
        while let last = text.last, last == 0x0A || last == 0x0D {
            text = .init(rebasing: text.dropLast())
        }
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else {
            throw .malformed(path: path, reason: "it is no JSON string")
        }
        return .init(rebasing: text.dropFirst().dropLast())
    }

    /// Whether a file is encrypted.
    package func isEncrypted(_ file: String) throws(KeystoreError) -> Bool {
        let path = path(of: file)
        let content = try SecretFile.read(path, limit: Self.fileLimit)
        return try content.withBytes { (buffer) throws(KeystoreError) in
            try Self.unquoted(UnsafeRawBufferPointer(buffer), path: path)
                .starts(with: EncryptedSecret.mark)
        }
    }

    /// Writes all files anew with another password, or plain for nil.
    ///
    /// Every file is opened first, so that a wrong password changes nothing. Each is replaced whole;
    /// after a crash in between the same call goes on: files that open with the new password only
    /// are left as they are.
    ///
    /// - Returns: how many files were written.
    package func changePassword(to new: KeystorePassword?) throws(KeystoreError) -> Int {
        let target = try KeyFiles(directory: directory, password: new)
        let files = try all()
        var due: [String] = []
        for file in files {
            do throws(KeystoreError) {
                _ = try secret(in: file)
                let isPlain = try !isEncrypted(file)
                if new != nil || !isPlain { due.append(file) }
            } catch {
                switch error {
                case .wrongPassword, .passwordNeeded:
                    guard new != nil else { throw error }
                    _ = try target.secret(in: file)
                default: throw error
                }
            }
        }
        for file in due {
            let secret = try secret(in: file)
            try SecretFile.replace(
                file, in: directory, content: try target.content(of: file, secret))
        }
        return due.count
    }
}
