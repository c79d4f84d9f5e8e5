internal import Crypto

/// A secret of a key file, encrypted with a password.
///
/// The content is a JSON string as in plain key files: `quantumharmony-encrypted/1:` and in
/// hexadecimal kdf u8 = 1 (Argon2id 1.3), passes u32, memory in KiB u32, salt [16], nonce [12], then
/// the secret under ChaCha20-Poly1305 (RFC 8439) with its tag of 16 bytes; integers are
/// little-endian. What stands before the ciphertext and the file's name are authenticated with it,
/// so that a file cannot be put in another one's place.
enum EncryptedSecret {
    /// What the text begins with.
    static let mark = Array("quantumharmony-encrypted/1:".utf8)
    private static let argon2id: UInt8 = 1
    private static let headerByteCount = 1 + 4 + 4 + KeystorePassword.saltByteCount
    private static let nonceByteCount = 12
    private static let tagByteCount = 16

    /// How much longer than the secret its text is: not more than this, with twice the secret.
    static let overheadByteCount =
        mark.count + 2 * (headerByteCount + nonceByteCount + tagByteCount)

    /// Encrypts a secret with a new salt and a new nonce.
    static func seal(
        _ secret: borrowing SecretBytes, name: String, password: KeystorePassword,
        cost: KeystorePassword.Cost = .standard
    ) throws(KeystoreError) -> SecretBytes {
        let salt = try SystemRandomness.bytes(count: KeystorePassword.saltByteCount)
            .withBytes { Array($0) }
        let header =
            [argon2id] + littleEndian(cost.passCount) + littleEndian(cost.memoryKibibytes) + salt
        let key = try password.stretched(cost, salt: salt)
        let box: ChaChaPoly.SealedBox
        do {
            box = try secret.withBytes {
                try ChaChaPoly.seal(
                    UnsafeRawBufferPointer($0), using: key, authenticating: header + name.utf8)
            }
        } catch {
            throw .noEncryption(reason: "\(error)")
        }
        let digits = SecretBytes(copying: header + Array(box.combined)).hexDigits()
        let text = SecretBytes(count: mark.count + digits.count)
        text.withBytes { target in
            target.copyBytes(from: mark)
            digits.withBytes { digits in
                UnsafeMutableRawBufferPointer(rebasing: target[mark.count...])
                    .copyMemory(from: UnsafeRawBufferPointer(digits))
            }
        }
        return text
    }

    /// Decrypts the text of a file.
    ///
    /// - Throws: `malformed`, `wrongPassword`.
    static func open(
        _ text: UnsafeRawBufferPointer, name: String, password: KeystorePassword, path: String
    ) throws(KeystoreError) -> SecretBytes {
        let digits = UnsafeRawBufferPointer(rebasing: text.dropFirst(mark.count))
        guard let decoded = SecretBytes.reading(hexDigits: digits),
            decoded.count >= headerByteCount + nonceByteCount + tagByteCount
        else { throw .malformed(path: path, reason: "it is cut, or not in hexadecimal digits") }
        let bytes = decoded.withBytes { Array($0) }
        let header = Array(bytes.prefix(headerByteCount))
        guard header[0] == argon2id else {
            throw .malformed(
                path: path, reason: "it was encrypted in an unknown way (\(header[0]))")
        }
        let cost = KeystorePassword.Cost(
            passCount: number(header[1..<5]), memoryKibibytes: number(header[5..<9]))
        guard cost.isAcceptable else {
            throw .malformed(
                path: path,
                reason: "it asks for \(cost.passCount) passes over \(cost.memoryKibibytes) KiB")
        }
        let key = try password.stretched(cost, salt: Array(header[9...]))
        do {
            let box = try ChaChaPoly.SealedBox(combined: bytes.dropFirst(headerByteCount))
            var secret = Array(
                try ChaChaPoly.open(box, using: key, authenticating: header + name.utf8))
            defer { secret.erase() }
            return SecretBytes(copying: secret)
        } catch {
            throw .wrongPassword(path: path)
        }
    }

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
