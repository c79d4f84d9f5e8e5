/// A public key prepared for verification: h transformed and scaled, once for all signatures.
///
/// Make one for every validator when a validator set becomes known. Verification is specification
/// algorithm 16 in integers only: recompute s1 = c - s2 h mod q and accept if (s1, s2) is short.
public struct FalconVerifyingKey: Sendable {
    /// The key in its encoded form.
    public let publicKey: FalconPublicKey

    /// h in transformed order, times R / n, centred: a product with it in the transformed domain
    /// comes out of `inverseTimesDegree` with no factor left.
    private let multiplier: [ModQ.Lanes]

    /// Prepares `publicKey`; takes about as long as a fifth of a verification.
    public init(_ publicKey: FalconPublicKey) {
        self.publicKey = publicKey
        let parameters = publicKey.parameters
        let coefficients = publicKey.coefficients
        let vectorCount = parameters.degree / 8
        self.multiplier = withUnsafeTemporaryAllocation(
            byteCount: 2 * parameters.degree, alignment: 64
        ) { memory in
            let h = memory.bindMemory(to: Int16.self).baseAddress.unsafelyUnwrapped
            for index in 0..<parameters.degree {
                h[index] = ModQ.centred(Int(coefficients[index]))
            }
            NumberTheoreticTransform.of(parameters).forward(h)
            // R^2 / n: `multiply` takes one R away.
            let inverseDegree = 12289 - (12289 - 1) / parameters.degree
            let scale = ModQ.Lanes(
                repeating: ModQ.centred((1 << 32) % 12289 * inverseDegree))
            let scaleScaled = scale &* ModQ.Lanes(repeating: ModQ.modulusInverse)
            let lanes = LaneView(h)
            return (0..<vectorCount).map {
                ModQ.centred(ModQ.multiply(lanes[$0], scale, scaleScaled))
            }
        }
    }

    /// Whether `paddedSignature` is a signature of `message` in the one form votes use: exactly
    /// `paddedSignatureByteCount` bytes (1280 for Falcon-1024), the header byte (0x3A), the nonce,
    /// the compressed s2, and zeros to the end.
    ///
    /// Still, whoever holds the secret key can make any number of signatures of one message: a
    /// signature's bytes are never an identity.
    public func verify(message: [UInt8], paddedSignature: [UInt8]) -> Bool {
        guard paddedSignature.count == publicKey.parameters.paddedSignatureByteCount else {
            return false
        }
        return verify(message: message, signature: paddedSignature, allowsPadding: true)
    }

    /// Whether `signature` is a signature of `message` by the rules of the reference
    /// implementations: compressed s2 of its natural length, or padded with zeros to exactly
    /// `paddedSignatureByteCount` bytes.
    ///
    /// Two byte strings pass for what is one signature. Where that matters use
    /// ``verify(message:paddedSignature:)``, as votes do.
    public func verify(message: [UInt8], variableLengthSignature signature: [UInt8]) -> Bool {
        verify(
            message: message, signature: signature,
            allowsPadding: signature.count == publicKey.parameters.paddedSignatureByteCount)
    }

    /// Zeros may follow s2 if `allowsPadding`.
    private func verify(message: [UInt8], signature: [UInt8], allowsPadding: Bool) -> Bool {
        let parameters = publicKey.parameters
        let headByteCount = 1 + FalconParameters.nonceByteCount
        guard signature.count > headByteCount, signature[0] == parameters.signatureHeader,
            // No encoding of s2 is longer: 24 bits a coefficient.
            signature.count <= headByteCount + 3 * parameters.degree
        else { return false }
        return withUnsafeTemporaryAllocation(
            byteCount: VerificationScratch.byteCount(parameters), alignment: 64
        ) { memory in
            let scratch = VerificationScratch(memory, parameters)
            return signature.withUnsafeBytes { signature in
                let compressed = UnsafeRawBufferPointer(rebasing: signature[headByteCount...])
                guard scratch.decompress(compressed, allowsPadding: allowsPadding) else {
                    return false
                }
                message.withUnsafeBytes { message in
                    HashToPoint.hash(
                        nonce: UnsafeRawBufferPointer(rebasing: signature[1..<headByteCount]),
                        message: message, degree: parameters.degree,
                        to: scratch.point)
                }
                return scratch.isShort(multiplier: multiplier)
            }
        }
    }
}
