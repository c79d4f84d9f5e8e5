import Primitives

/// The signature scheme of the published vectors, simple to write in any language:
/// 0x3A, then BLAKE2b-256(public key || u32le i || message) for i = 0, 1, … 39, cut to 1,280 bytes.
struct VectorSignatures: SignatureVerifier {
    func sign(_ message: [UInt8], publicKey: [UInt8]) -> [UInt8] {
        var signature = [SignatureFormat.firstByte]
        for counter in UInt8(0)..<40 {
            signature += BLAKE2b256.hash(publicKey + [counter, 0, 0, 0] + message).bytes
        }
        return Array(signature.prefix(SignatureFormat.byteCount))
    }

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let key = set.validator(at: index)?.falconPublicKey else { return false }
        return verify(signature, message: message, publicKey: key)
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        signature == sign(message, publicKey: publicKey)
    }
}
