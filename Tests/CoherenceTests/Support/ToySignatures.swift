import Primitives

/// A signature scheme with Falcon's sizes and randomness and without its security: a tag over key,
/// nonce and message. One message has as many signatures as there are nonces.
struct ToySignatures: SignatureVerifier {
    func sign(_ message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet, nonce: UInt64)
        -> [UInt8]
    {
        guard let key = set.validator(at: index)?.falconPublicKey else { return [] }
        return sign(message, with: key, nonce: nonce)
    }

    func sign(_ message: [UInt8], with key: [UInt8], nonce: UInt64) -> [UInt8] {
        var signature = [SignatureFormat.firstByte] + Self.bytes(nonce)
        signature += Self.bytes(Self.tag(key, nonce, message))
        signature += Array(repeating: 0, count: SignatureFormat.byteCount - signature.count)
        return signature
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let key = set.validator(at: index)?.falconPublicKey else { return false }
        return verify(signature, message: message, publicKey: key)
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == SignatureFormat.byteCount else { return false }
        let nonce = signature[1..<9].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return signature == sign(message, with: publicKey, nonce: nonce)
    }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    private static func tag(_ key: [UInt8], _ nonce: UInt64, _ message: [UInt8]) -> UInt64 {
        var state = 0xCBF2_9CE4_8422_2325 ^ nonce
        for byte in key.prefix(40) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        for byte in message { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return state
    }
}

/// Accepts everything: for searches that never forge.
struct TrustingVerifier: SignatureVerifier {
    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool { true }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool { true }
}
