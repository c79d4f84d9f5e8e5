internal import CSodium
internal import Crypto
internal import Glibc

/// A password that key files are encrypted with.
//
// Unchecked Sendable: the bytes are written by the initialiser only.
package final class KeystorePassword: @unchecked Sendable {
    /// The most bytes of a password.
    package static let maximumByteCount = 1_024

    private let bytes: SecretBytes

    /// Takes a password of 1 to 1,024 bytes.
    ///
    /// - Throws: `invalidPassword`.
    package init(_ bytes: consuming SecretBytes) throws(KeystoreError) {
        guard bytes.count > 0 else { throw .invalidPassword(reason: "it is empty") }
        guard bytes.count <= Self.maximumByteCount else {
            throw .invalidPassword(reason: "it has more than \(Self.maximumByteCount) bytes")
        }
        self.bytes = bytes
    }

    /// Takes a password as text, which is the caller's to look after.
    package convenience init(_ text: String) throws(KeystoreError) {
        try self.init(SecretBytes(copying: Array(text.utf8)))
    }

    /// Reads a password from a file that only its owner may read; a line's end is left away.
    package convenience init(file path: String) throws(KeystoreError) {
        var content = try SecretFile.read(path, limit: Self.maximumByteCount + 2)
        while let last = content.withBytes({ $0.last }), last == 0x0A || last == 0x0D {
            content.truncate(to: content.count - 1)
        }
        try self.init(content)
    }

    /// How a password is stretched (Argon2id, RFC 9106).
    struct Cost: Sendable, Hashable {
        /// Passes over the memory.
        var passCount: UInt32
        /// The memory, in KiB.
        var memoryKibibytes: UInt32

        /// RFC 9106's second recommendation (section 4), with one lane, which is what libsodium
        /// has: about a fifth of a second.
        static let standard = Cost(passCount: 3, memoryKibibytes: 65_536)

        /// Whether a file may ask for it: a hostile one could hold the node up, or take all memory.
        var isAcceptable: Bool {
            (1...16).contains(passCount) && (8...1_048_576).contains(memoryKibibytes)
        }
    }

    /// The bytes of a salt.
    static let saltByteCount = 16

    /// The key that files are encrypted with.
    func stretched(_ cost: Cost, salt: [UInt8]) throws(KeystoreError) -> SymmetricKey {
        precondition(salt.count == Self.saltByteCount && cost.isAcceptable)
        // Chooses the fastest code of this machine; later calls do nothing.
        guard sodium_init() >= 0 else { throw .noEncryption(reason: "libsodium does not start") }
        let key = SecretBytes(count: 32)
        let status = key.withPointer { key in
            bytes.withPointer { password in
                password.withMemoryRebound(to: CChar.self, capacity: bytes.count) { password in
                    crypto_pwhash_argon2id(
                        key, 32, password, UInt64(bytes.count), salt, UInt64(cost.passCount),
                        Int(cost.memoryKibibytes) * 1_024, crypto_pwhash_argon2id_alg_argon2id13())
                }
            }
        }
        guard status == 0 else {
            throw .noEncryption(reason: "there are no \(cost.memoryKibibytes) KiB of memory for it")
        }
        return key.withBytes { SymmetricKey(data: UnsafeRawBufferPointer($0)) }
    }
}
