package import Primitives

/// A stand-in for Falcon-1024 that costs next to nothing: signatures of the same size and form, of
/// which one message has many, made of a keyed hash.
///
/// Secret and public key are the same, so it proves nothing to anybody; the simulator's attackers
/// do not forge.
package enum KeyedHashScheme {
    private static let nonceByteCount = 8

    /// The key of a validator.
    package static func publicKey(of validator: Int) -> [UInt8] {
        let seed = BLAKE2b256.hash(Array("simulated key \(validator)".utf8)).bytes
        return (0..<ValidatorIdentity.publicKeyByteCount).map { seed[$0 % seed.count] }
    }

    /// The account of a validator.
    package static func account(of validator: Int) -> AccountID {
        let bytes = BLAKE2b256.hash(Array("simulated account \(validator)".utf8)).bytes
        guard let account = AccountID(bytes) else { preconditionFailure("a hash has 32 bytes") }
        return account
    }

    /// A signature; another `nonce` gives another signature of the same message.
    package static func sign(_ message: [UInt8], key: [UInt8], nonce: UInt64) -> [UInt8] {
        let salt = withUnsafeBytes(of: nonce.littleEndian) { Array($0) }
        return signature(salt: salt, message: message, key: key)
    }

    /// Whether a signature is one of `message` under `key`.
    package static func isValid(_ signature: [UInt8], message: [UInt8], key: [UInt8]) -> Bool {
        guard signature.count == SignatureFormat.byteCount,
            signature[0] == SignatureFormat.firstByte
        else { return false }
        let bodyStart = 1 + nonceByteCount
        let tag = tag(salt: signature[1..<bodyStart], message: message, key: key)
        // The body begins with the tag, and every further byte is the one a tag's length before it.
        guard signature[bodyStart..<bodyStart + tag.count].elementsEqual(tag) else { return false }
        return signature.withUnsafeBytes { signature in
            let body = UnsafeRawBufferPointer(rebasing: signature[bodyStart...])
            var position = tag.count
            var difference: UInt64 = 0
            while position + 8 <= body.count {
                difference |=
                    body.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                    ^ body.loadUnaligned(fromByteOffset: position - tag.count, as: UInt64.self)
                position += 8
            }
            while position < body.count {
                difference |= UInt64(body[position] ^ body[position - tag.count])
                position += 1
            }
            return difference == 0
        }
    }

    private static func tag(
        salt: some Collection<UInt8>, message: [UInt8], key: [UInt8]
    ) -> [UInt8] {
        var input: [UInt8] = []
        input.reserveCapacity(32 + nonceByteCount + message.count)
        input += key.prefix(32)
        input += salt
        input += message
        return BLAKE2b256.hash(input).bytes
    }

    private static func signature(salt: [UInt8], message: [UInt8], key: [UInt8]) -> [UInt8] {
        let tag = tag(salt: salt, message: message, key: key)
        var signature: [UInt8] = [SignatureFormat.firstByte]
        signature.reserveCapacity(SignatureFormat.byteCount + tag.count)
        signature += salt
        while signature.count < SignatureFormat.byteCount { signature += tag }
        signature.removeLast(signature.count - SignatureFormat.byteCount)
        return signature
    }
}

/// Checks signatures of `KeyedHashScheme`.
package struct KeyedHashVerifier: SignatureVerifier {
    private let faults: SigningFaults

    package init(faults: SigningFaults = SigningFaults()) { self.faults = faults }

    package func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let identity = set.validator(at: index) else { return false }
        return verify(signature, message: message, publicKey: identity.falconPublicKey)
    }

    package func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        KeyedHashScheme.isValid(
            signature, message: faults.signedPart(of: message), key: publicKey)
    }
}
