/// Why a key cannot be had or kept: what, why, and what to do. Never holds anything secret.
package enum KeystoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// The file or directory cannot be read.
    case unreadable(path: String, reason: String)
    /// Others than the owner could read or change the file.
    case permissionsTooWide(path: String, mode: UInt16)
    /// The file belongs to another user.
    case foreignOwner(path: String)
    /// A directory, a device or the like stands where a key file should.
    case notAFile(path: String)
    /// The content is no key.
    case malformed(path: String, reason: String)
    /// The key in the file is not the one that its name says.
    case wrongName(path: String)
    /// The secret belongs to another public key than was said.
    case otherKey
    /// A key is there already; it is not overwritten.
    case alreadyExists(path: String)
    /// The file cannot be written.
    case unwritable(path: String, reason: String)
    /// The operating system gave no randomness.
    case noRandomness(reason: String)
    /// A text that names no key.
    case invalidURI(reason: String)
    /// The file is encrypted, and no password was given.
    case passwordNeeded(path: String)
    /// The file does not open with the password.
    case wrongPassword(path: String)
    /// A text that cannot be a password.
    case invalidPassword(reason: String)
    /// Nothing can be encrypted or decrypted.
    case noEncryption(reason: String)
    /// The process that keeps the key gave no signature.
    case signerFailed(reason: String)
    /// A signing process cannot serve the nodes that use it.
    case signerNotServing(reason: String)

    package var description: String {
        switch self {
        case .missing(let path):
            "there is no key file \(path): create it with the key command, or check the base path."
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason). Check that the node's user owns it."
        case .permissionsTooWide(let path, let mode):
            """
            refusing to use \(path): its permissions are \(String(mode, radix: 8)), so that other \
            users can read or change it. Assume that the key is known, or run: chmod 600 \(path)
            """
        case .foreignOwner(let path):
            "refusing to use \(path): it belongs to another user. Run the node as its owner."
        case .notAFile(let path):
            "cannot read \(path): it is no ordinary file. Move it away."
        case .malformed(let path, let reason):
            "the key file \(path) is damaged: \(reason). Restore it from a backup."
        case .wrongName(let path):
            """
            the key file \(path) holds another key than its name says: it was renamed or mixed up. \
            Restore the name, or insert the key again.
            """
        case .otherKey: "the secret does not belong to this public key: check both."
        case .alreadyExists(let path):
            "a key exists at \(path) and is not overwritten: move it away first if you mean to."
        case .unwritable(let path, let reason):
            "cannot write \(path): \(reason). Check space and permissions of its directory."
        case .noRandomness(let reason):
            "the operating system gave no randomness: \(reason). No key was made."
        case .invalidURI(let reason):
            "this names no key: \(reason). Development keys are named like //Alice."
        case .passwordNeeded(let path):
            """
            the key file \(path) is encrypted and no password was given: give --password-filename, \
            --password-interactive or --password.
            """
        case .wrongPassword(let path):
            """
            the key file \(path) does not open with this password: the password is wrong, or the \
            file was changed or renamed. Nothing was done. Try again, or restore the file from a backup.
            """
        case .invalidPassword(let reason): "this is no password: \(reason). Choose another one."
        case .noEncryption(let reason): "keys cannot be encrypted or decrypted: \(reason)."
        case .signerFailed(let reason): "the signer gave no signature: \(reason)"
        case .signerNotServing(let reason): "the signer cannot serve: \(reason)"
        }
    }
}
