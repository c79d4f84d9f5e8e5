import Crypto
import Falcon
import Testing

@Suite struct SigningTests {
    private func knownKey() throws -> FalconSecretKey {
        try FalconSecretKey(bytes: ResponseVector.load("falcon-1024.first10.rsp")[0].secretKey)
    }

    @Test func `randomness is drawn as a nonce of 40 bytes, then a seed of 48`() throws {
        let key = try knownKey()
        var draws: [Int] = []
        var random = SplitMix(seed: 1)
        let signature = key.sign(message: [1, 2, 3]) { buffer in
            draws.append(buffer.count)
            random.fill(buffer)
        }
        #expect(draws == [40, 48])
        var again = SplitMix(seed: 1)
        #expect(Array(signature[1..<41]) == again.bytes(40))
        #expect(signature[0] == 0x3A)
        #expect(signature.count == 1280)
    }

    /// Signatures whose first attempt takes 1281 or 1282 bytes. Message and seed of the generator are
    /// the number, little-endian; digests are of the signatures that PQClean's `falcon-padded-1024`
    /// makes with the first known key.
    @Test(arguments: [
        (93, 1281, "C8F5DF32806EFDCAEC4A365EDF61D088D1E17571145D2B8E4D87953F7DBA4ED6"),
        (610, 1281, "17016633F4CE083D3BBA7F18F5DA2E3B81AE15558A9151E599F00BDC2901B98F"),
        (708, 1281, "0FBB94257DBB1F29FDFC0BBB8FEF7506724778F0FE97DCBF08BE2913749CE48C"),
        (1420, 1282, "C3B968D68D3F6C9EA92C60FA6D4B31ED224B633F83D2B3DEBAD206899C5BA76F"),
    ])
    func `a signature that does not fit is made again as the reference does`(
        number: Int, naturalByteCount: Int, digest: String
    ) throws {
        let key = try knownKey()
        let message = [UInt8(number & 0xFF), UInt8(number >> 8), 0, 0]
        let seed = message + [UInt8](repeating: 0, count: 44)
        var generator = CounterGenerator(seed: seed)
        let natural = try #require(
            key.signVariableLength(message: message) { generator.fill($0) })
        #expect(natural.count == naturalByteCount)
        generator = CounterGenerator(seed: seed)
        let padded = key.sign(message: message) { generator.fill($0) }
        #expect(padded.count == 1280)
        #expect(padded[1..<41] == natural[1..<41])
        #expect(Hex.encode(SHA256.hash(data: padded)) == digest)
        let verifyingKey = FalconVerifyingKey(key.publicKey)
        #expect(verifyingKey.verify(message: message, paddedSignature: padded))
        #expect(verifyingKey.verify(message: message, variableLengthSignature: natural))
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func `what is signed verifies, in both forms`(seed: UInt64) throws {
        let key = try knownKey()
        let verifyingKey = FalconVerifyingKey(key.publicKey)
        var random = SplitMix(seed: seed)
        for round in 0..<100 {
            let message = random.bytes(Int.random(in: 0...300, using: &random))
            let padded = key.sign(message: message) { random.fill($0) }
            #expect(
                verifyingKey.verify(message: message, paddedSignature: padded),
                "seed \(seed), round \(round)")
            let natural = try #require(
                key.signVariableLength(message: message) { random.fill($0) })
            #expect(
                verifyingKey.verify(message: message, variableLengthSignature: natural),
                "seed \(seed), round \(round)")
            #expect(
                !verifyingKey.verify(message: message + [0], paddedSignature: padded),
                "seed \(seed), round \(round)")
        }
    }

    @Test func `other randomness gives another signature`() throws {
        let key = try knownKey()
        var random = SplitMix(seed: 2)
        let first = key.sign(message: [7]) { random.fill($0) }
        let second = key.sign(message: [7]) { random.fill($0) }
        #expect(first[1..<41] != second[1..<41])
        #expect(first[41...] != second[41...])
    }
}
