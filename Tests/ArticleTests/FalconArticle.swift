import Falcon
import Testing

@Suite("The article on Falcon")
struct FalconArticle {
    /// Random bytes of the operating system.
    private func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var system = SystemRandomNumberGenerator()
        for index in buffer.indices { buffer[index] = system.next() }
    }

    @Test("a key signs, and everybody who has the public key can tell")
    func signing() throws {
        let key = FalconSecretKey(randomness: fill)
        let message = Array("block 42 is final".utf8)
        let signature = key.sign(message: message, randomness: fill)
        #expect(signature.count == Falcon1024.paddedSignatureByteCount)

        let publicKey = try FalconPublicKey(bytes: key.publicKey.bytes)
        let verifier = FalconVerifyingKey(publicKey)
        #expect(verifier.verify(message: message, paddedSignature: signature))
        #expect(!verifier.verify(message: message + [0], paddedSignature: signature))
    }

    @Test("two signatures of one message differ, and both are valid")
    func identity() {
        let key = FalconSecretKey(developmentURI: "//Alice")
        let verifier = FalconVerifyingKey(key.publicKey)
        let message = Array("vote".utf8)
        let first = key.sign(message: message, randomness: fill)
        let second = key.sign(message: message, randomness: fill)
        #expect(first != second)
        #expect(verifier.verify(message: message, paddedSignature: first))
        #expect(verifier.verify(message: message, paddedSignature: second))
    }

    @Test("a key is kept as bytes, and comes back from them")
    func keeping() throws {
        let key = FalconSecretKey(randomness: fill)
        let stored = key.bytes
        let again = try FalconSecretKey(bytes: stored)
        #expect(again.publicKey == key.publicKey)
        #expect(throws: FalconError.self) {
            _ = try FalconSecretKey(bytes: Array(stored.dropLast()))
        }
    }
}
