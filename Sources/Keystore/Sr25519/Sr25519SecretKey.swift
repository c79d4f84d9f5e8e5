internal import Crypto
internal import Primitives

/// An sr25519 secret key: Schnorr signatures over ristretto255 with Merlin transcripts, as
/// Substrate's accounts use them (crate schnorrkel).
package struct Sr25519SecretKey: ~Copyable {
    /// The public key, 32 bytes.
    package let publicKey: [UInt8]
    private let scalar: SecretBytes
    /// What nonces are made with.
    private let nonce: SecretBytes
    /// The 32 bytes that the key was expanded from; none for a key behind a soft junction.
    package let seed: SecretBytes

    private init(
        scalar: consuming SecretBytes, nonce: consuming SecretBytes, seed: consuming SecretBytes
    ) {
        publicKey = Ristretto255.multiplyBase(by: scalar)
        self.scalar = scalar
        self.nonce = nonce
        self.seed = seed
    }

    /// The key of a seed of 32 bytes, schnorrkel's mini secret, expanded in the way of Ed25519: a
    /// clamped half of its SHA-512, divided by the cofactor 8, and the other half for nonces.
    package init(seed: borrowing SecretBytes) {
        precondition(seed.count == SecretPhrase.seedByteCount, "a seed has 32 bytes")
        var hash = seed.withBytes { Array(SHA512.hash(data: UnsafeRawBufferPointer($0))) }
        defer { hash.erase() }
        hash[0] &= 248
        hash[31] = hash[31] & 63 | 64
        for place in 0..<32 {
            let above = place < 31 ? hash[place + 1] : 0
            hash[place] = hash[place] >> 3 | above << 5
        }
        self.init(
            scalar: SecretBytes(copying: hash.prefix(32)),
            nonce: SecretBytes(copying: hash.suffix(32)),
            seed: SecretBytes(copying: seed.withBytes { Array($0) }))
    }

    /// The key that a URI names.
    ///
    /// - Throws: `invalidURI`, and `noRandomness` for soft junctions, whose nonces are new each time.
    package init(_ uri: SecretURI) throws(KeystoreError) {
        var key = Sr25519SecretKey(seed: try uri.seed())
        for junction in uri.junctions {
            key =
                junction.isHard
                ? Sr25519SecretKey(seed: key.hardSeed(junction.chainCode))
                : try key.soft(junction.chainCode)
        }
        self = key
    }

    /// The seed of the key behind a hard junction.
    private borrowing func hardSeed(_ chainCode: [UInt8]) -> SecretBytes {
        var transcript = Self.derivation(chainCode)
        transcript.append("secret-key", secret: scalar)
        return transcript.challenge("HDKD-hard", byteCount: SecretPhrase.seedByteCount)
    }

    /// The key behind a soft junction.
    private borrowing func soft(_ chainCode: [UInt8]) throws(KeystoreError) -> Sr25519SecretKey {
        var transcript = Self.derivation(chainCode)
        transcript.append("public-key", publicKey)
        let step = Ristretto255.reduced(transcript.challenge("HDKD-scalar", byteCount: 64))
        _ = transcript.challenge("HDKD-chaincode", byteCount: 32)
        let random = try SystemRandomness.bytes(count: 32)
        let nonce = transcript.witness(
            "HDKD-nonce", byteCount: 32, secret: self.nonce, random: random)
        return Sr25519SecretKey(
            scalar: Ristretto255.add(scalar, scalar: step), nonce: nonce,
            seed: SecretBytes(count: 0))
    }

    private static func derivation(_ chainCode: [UInt8]) -> MerlinTranscript {
        var transcript = MerlinTranscript(label: "SchnorrRistrettoHDKD")
        transcript.append("sign-bytes", [])
        transcript.append("chain-code", chainCode)
        return transcript
    }

    /// Scalar and nonce, 32 bytes each, little-endian: schnorrkel's own encoding.
    package var bytes: SecretBytes {
        let result = SecretBytes(count: 64)
        result.withBytes { target in
            scalar.withBytes { target.copyMemory(from: UnsafeRawBufferPointer($0)) }
            nonce.withBytes { nonce in
                UnsafeMutableRawBufferPointer(rebasing: target[32...])
                    .copyMemory(from: UnsafeRawBufferPointer(nonce))
            }
        }
        return result
    }

    /// A signature of a message, 64 bytes, another one at each call.
    package borrowing func sign(_ message: [UInt8]) throws(KeystoreError) -> [UInt8] {
        sign(message, random: try SystemRandomness.bytes(count: 32))
    }

    /// A signature made with these 32 random bytes, which must never be used again for another
    /// message: for vectors.
    package borrowing func sign(
        _ message: [UInt8], random: borrowing SecretBytes
    ) -> [UInt8] {
        var transcript = Sr25519Signature.transcript(message, publicKey: publicKey)
        let nonce = Ristretto255.reduced(
            transcript.witness("signing", byteCount: 64, secret: nonce, random: random))
        let commitment = Ristretto255.multiplyBase(by: nonce)
        let challenge = Sr25519Signature.challenge(&transcript, commitment)
        let answer = Ristretto255.multiplyAdd(challenge, scalar, plus: nonce)
        var signature = commitment + answer.withBytes { Array($0) }
        signature[63] |= Sr25519Signature.mark
        return signature
    }
}

/// Checking sr25519 signatures.
package enum Sr25519Signature {
    /// The bytes of a signature: the commitment R, then the scalar s with a mark in its top bit.
    package static let byteCount = 64
    static let mark: UInt8 = 0x80

    /// Whether a signature of a message is one by the holder of a public key.
    package static func isValid(
        _ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]
    ) -> Bool {
        guard signature.count == byteCount, signature[63] & mark != 0,
            Ristretto255.isPoint(publicKey)
        else { return false }
        let commitment = Array(signature.prefix(32))
        var answer = Array(signature.suffix(32))
        answer[31] &= ~mark
        guard Ristretto255.isReduced(answer), Ristretto255.isPoint(commitment) else { return false }
        var transcript = transcript(message, publicKey: publicKey)
        let challenge = challenge(&transcript, commitment)
        let expected = Ristretto255.subtract(
            Ristretto255.multiply(publicKey, by: challenge),
            from: Ristretto255.multiplyBase(by: answer))
        return expected == commitment
    }

    /// What is signed: the message in Substrate's context, and the key.
    static func transcript(_ message: [UInt8], publicKey: [UInt8]) -> MerlinTranscript {
        var transcript = MerlinTranscript(label: "SigningContext")
        transcript.append("", Array("substrate".utf8))
        transcript.append("sign-bytes", message)
        transcript.append("proto-name", Array("Schnorr-sig".utf8))
        transcript.append("sign:pk", publicKey)
        return transcript
    }

    static func challenge(
        _ transcript: inout MerlinTranscript, _ commitment: [UInt8]
    ) -> SecretBytes {
        transcript.append("sign:R", commitment)
        return Ristretto255.reduced(transcript.challenge("sign:c", byteCount: 64))
    }
}
