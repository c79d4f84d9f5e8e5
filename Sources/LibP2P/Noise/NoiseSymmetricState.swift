internal import Crypto

/// The running hash and key of a handshake (Noise specification, "The SymmetricState object"),
/// with SHA-256 and ChaCha20-Poly1305.
struct NoiseSymmetricState: Sendable {
    /// h: covers everything both sides sent and know.
    private(set) var hash: [UInt8]
    /// ck: covers every shared secret so far.
    private var chainingKey: SymmetricKey
    private var cipher: NoiseCipherState?

    /// A name of at most 32 bytes, padded with zeros, is the first hash itself; a longer one is
    /// hashed.
    init(protocolName: String) {
        let name = Array(protocolName.utf8)
        let size = SHA256.byteCount
        hash =
            name.count <= size
            ? name + repeatElement(0, count: size - name.count) : Array(SHA256.hash(data: name))
        chainingKey = SymmetricKey(data: hash)
    }

    /// Whether messages are encrypted by now.
    var hasKey: Bool { cipher != nil }

    mutating func mixHash(_ content: some Collection<UInt8>) {
        hash = Array(SHA256.hash(data: hash + content))
    }

    /// Takes a shared secret into the chaining key and makes the next message key of it.
    mutating func mixKey(_ secret: SymmetricKey) {
        let (next, messageKey) = Self.derive(secret, salt: chainingKey)
        chainingKey = next
        cipher = NoiseCipherState(key: messageKey)
    }

    /// Encrypts a field once there is a key, and takes what is sent into the hash.
    mutating func encryptAndHash(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
        var sent: [UInt8] = []
        if cipher == nil {
            sent = plaintext
        } else {
            let header = hash
            do {
                try plaintext.withUnsafeBytes {
                    try cipher?.seal($0, authenticating: header, into: &sent)
                }
            } catch let error as NoiseError {
                throw error
            } catch {
                preconditionFailure("only Noise errors come from sealing: \(error)")
            }
        }
        mixHash(sent)
        return sent
    }

    /// Decrypts a field once there is a key, and takes what was received into the hash.
    mutating func decryptAndHash(_ received: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
        var plaintext: [UInt8] = []
        if let nonce = cipher.map(Self.nonce) {
            try cipher?.open(nonce + received, authenticating: hash, into: &plaintext)
        } else {
            plaintext = Array(received)
        }
        mixHash(received)
        return plaintext
    }

    /// The keys of the two directions: initiator to responder, responder to initiator.
    func split() -> (NoiseCipherState, NoiseCipherState) {
        let (first, second) = Self.derive(SymmetricKey(data: [UInt8]()), salt: chainingKey)
        return (NoiseCipherState(key: first), NoiseCipherState(key: second))
    }

    private static func nonce(of cipher: NoiseCipherState) -> [UInt8] {
        var nonce: [UInt8] = []
        cipher.appendNonce(to: &nonce)
        return nonce
    }

    /// Noise's HKDF with two outputs is RFC 5869's with empty info and 64 bytes.
    private static func derive(
        _ input: SymmetricKey, salt: SymmetricKey
    ) -> (SymmetricKey, SymmetricKey) {
        let output = salt.withUnsafeBytes {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: input, salt: $0, outputByteCount: 2 * SHA256.byteCount)
        }
        return output.withUnsafeBytes {
            (
                SymmetricKey(data: UnsafeRawBufferPointer(rebasing: $0[..<SHA256.byteCount])),
                SymmetricKey(data: UnsafeRawBufferPointer(rebasing: $0[SHA256.byteCount...]))
            )
        }
    }
}
