internal import Crypto

/// One direction of an encrypted connection: a ChaCha20-Poly1305 key and the number of the next
/// message (Noise specification, "The CipherState object").
struct NoiseCipherState: Sendable {
    static let tagByteCount = 16
    static let nonceByteCount = 12

    private let key: SymmetricKey
    /// The number of the next message. 2^64 - 1 is never used.
    private(set) var counter: UInt64

    init(key: SymmetricKey, counter: UInt64 = 0) {
        self.key = key
        self.counter = counter
    }

    /// Encrypts one message and appends it with its tag, 16 bytes longer than the plaintext.
    mutating func seal(
        _ plaintext: UnsafeRawBufferPointer, authenticating header: [UInt8] = [],
        into output: inout [UInt8]
    ) throws(NoiseError) {
        try seal(plaintext, authenticating: header) { output.append(contentsOf: $0) }
    }

    /// Encrypts one message and gives it out with its tag.
    mutating func seal(
        _ plaintext: UnsafeRawBufferPointer, authenticating header: [UInt8] = [],
        append: (UnsafeRawBufferPointer) -> Void
    ) throws(NoiseError) {
        guard counter < .max else { throw .nonceExhausted }
        do {
            let nonce = try withUnsafeBytes(of: nonceWords) { try ChaChaPoly.Nonce(data: $0) }
            let box = try ChaChaPoly.seal(
                plaintext, using: key, nonce: nonce, authenticating: header)
            Self.give(box.combined, from: Self.nonceByteCount, to: append)
        } catch {
            preconditionFailure("a key of 32 bytes and a nonce of 12 encrypt anything: \(error)")
        }
        counter += 1
    }

    /// Four zero bytes and the message number, low byte first.
    private var nonceWords: (UInt32, UInt32, UInt32) {
        (
            0, UInt32(truncatingIfNeeded: counter).littleEndian,
            UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        )
    }

    /// Appends the nonce of the next message, 12 bytes.
    func appendNonce(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: nonceWords) { bytes.append(contentsOf: $0) }
    }

    /// Decrypts one message and appends its plaintext. `sealed` is the nonce of the next message,
    /// the ciphertext and the tag in one piece, which is how the primitive takes them without
    /// another copy.
    mutating func open(
        _ sealed: [UInt8], authenticating header: [UInt8] = [], into output: inout [UInt8]
    ) throws(NoiseError) {
        guard counter < .max else { throw .nonceExhausted }
        let byteCount = sealed.count - Self.nonceByteCount
        guard byteCount >= Self.tagByteCount else {
            throw .messageTooShort(byteCount: max(0, byteCount))
        }
        do {
            let box = try ChaChaPoly.SealedBox(combined: sealed)
            // The form without a header takes a third less time for a short message.
            let plaintext =
                header.isEmpty
                ? try ChaChaPoly.open(box, using: key)
                : try ChaChaPoly.open(box, using: key, authenticating: header)
            Self.give(plaintext, from: 0) { output.append(contentsOf: $0) }
        } catch {
            throw .decryptionFailed
        }
        counter += 1
    }

    /// Gives a contiguous byte string out from an offset on as one block: byte by byte would cost as
    /// much as a short message's encryption.
    private static func give(
        _ bytes: some Collection<UInt8>, from offset: Int, to take: (UnsafeRawBufferPointer) -> Void
    ) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable {
            take(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: $0[offset...])))
        }
        if isContiguous == nil { Array(bytes.dropFirst(offset)).withUnsafeBytes(take) }
    }
}
