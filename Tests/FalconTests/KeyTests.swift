import Crypto
import Falcon
import Testing

@Suite struct KeyTests {
    private func known() throws -> ResponseVector {
        try ResponseVector.load("falcon-1024.first10.rsp")[0]
    }

    /// The error of loading `bytes` as a secret key, if there is one.
    private func secretKeyError(
        _ bytes: [UInt8], _ parameters: FalconParameters = .falcon1024
    ) -> FalconError? {
        do {
            _ = try FalconSecretKey(bytes: bytes, parameters: parameters)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Sizes

    @Test func `the constants are the parameter set's`() {
        let parameters = FalconParameters.falcon1024
        #expect(Falcon1024.publicKeyByteCount == parameters.publicKeyByteCount)
        #expect(Falcon1024.secretKeyByteCount == parameters.secretKeyByteCount)
        #expect(Falcon1024.paddedSignatureByteCount == parameters.paddedSignatureByteCount)
        #expect(Falcon1024.maximumSignatureByteCount == parameters.maximumSignatureByteCount)
        #expect(Falcon1024.nonceByteCount == FalconParameters.nonceByteCount)
        let small = FalconParameters.falcon512
        #expect(small.publicKeyByteCount == 897)
        #expect(small.secretKeyByteCount == 1281)
    }

    // MARK: Public keys

    @Test func `a public key of every other length is rejected`() throws {
        let bytes = try known().publicKey
        for count in 0..<bytes.count {
            #expect(throws: FalconError.publicKeyLength(actual: count, expected: 1793)) {
                try FalconPublicKey(bytes: Array(bytes[..<count]))
            }
        }
        #expect(throws: FalconError.publicKeyLength(actual: 1794, expected: 1793)) {
            try FalconPublicKey(bytes: bytes + [0])
        }
        #expect(throws: FalconError.publicKeyLength(actual: 1793, expected: 897)) {
            try FalconPublicKey(bytes: bytes, parameters: .falcon512)
        }
    }

    @Test func `a public key with every other header is rejected`() throws {
        var bytes = try known().publicKey
        for header in UInt8.min...UInt8.max where header != 0x0A {
            bytes[0] = header
            #expect(throws: FalconError.publicKeyHeader(actual: header, expected: 0x0A)) {
                try FalconPublicKey(bytes: bytes)
            }
        }
    }

    @Test(arguments: [0, 1, 2, 3, 4, 511, 1022, 1023])
    func `a coefficient of q and more is rejected`(index: Int) throws {
        let bytes = try known().publicKey
        for value in [12288, 12289, 12290, 16383] {
            var changed = bytes
            for bit in 0..<14 {
                let position = 14 * index + bit
                let mask = UInt8(0x80) >> UInt8(position % 8)
                changed[1 + position / 8] &= ~mask
                if value >> (13 - bit) & 1 == 1 {
                    changed[1 + position / 8] |= mask
                }
            }
            if value < 12289 {
                #expect(try FalconPublicKey(bytes: changed).bytes == changed)
            } else {
                #expect(throws: FalconError.publicKeyCoefficientOutOfRange(index: index)) {
                    try FalconPublicKey(bytes: changed)
                }
            }
        }
    }

    // MARK: Secret keys

    @Test(arguments: ["falcon-1024", "falcon-512"])
    func `a secret key has the known bytes and public key`(name: String) throws {
        let parameters = name == "falcon-512" ? FalconParameters.falcon512 : .falcon1024
        for vector in try ResponseVector.load("\(name).first10.rsp") {
            let key = try FalconSecretKey(bytes: vector.secretKey, parameters: parameters)
            #expect(key.bytes == vector.secretKey)
            #expect(key.publicKey.bytes == vector.publicKey)
            #expect(key.parameters == parameters)
        }
    }

    @Test func `a secret key of every other length is rejected`() throws {
        let bytes = try known().secretKey
        for count in 0..<bytes.count {
            #expect(
                secretKeyError(Array(bytes[..<count]))
                    == .secretKeyLength(actual: count, expected: 2305))
        }
        #expect(
            secretKeyError(bytes + [0]) == .secretKeyLength(actual: 2306, expected: 2305))
    }

    @Test func `a secret key with every other header is rejected`() throws {
        var bytes = try known().secretKey
        for header in UInt8.min...UInt8.max where header != 0x5A {
            bytes[0] = header
            #expect(secretKeyError(bytes) == .secretKeyHeader(actual: header, expected: 0x5A))
        }
    }

    @Test func `the least value of a coefficient's range is rejected`() throws {
        let bytes = try known().secretKey
        // The first coefficients of f and g are the top five bits of bytes 1 and 641.
        for index in [1, 641] {
            var changed = bytes
            changed[index] = changed[index] & 0x07 | 0x80
            #expect(secretKeyError(changed) == .secretKeyCoefficientOutOfRange)
        }
        for index in [1281, 1500, 2304] {
            var changed = bytes
            changed[index] = 0x80
            #expect(secretKeyError(changed) == .secretKeyCoefficientOutOfRange)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `every changed bit of a secret key is found`(seed: UInt64) throws {
        let bytes = try known().secretKey
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            var changed = bytes
            let bit = Int.random(in: 8..<(8 * bytes.count), using: &random)
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = secretKeyError(changed)
            #expect(
                error == .secretKeyInconsistent || error == .secretKeyCoefficientOutOfRange,
                "seed \(seed), bit \(bit)")
        }
    }

    @Test func `polynomials that are no key are rejected`() throws {
        let zeros = [0x5A] + [UInt8](repeating: 0, count: 2304)
        #expect(secretKeyError(zeros) == .secretKeyInconsistent)
        // F = f makes G = g, and f G - g F = 0.
        let first = try known().secretKey
        var same = first
        for index in 0..<1024 {
            var value: UInt8 = 0
            for bit in 0..<5 {
                let position = 5 * index + bit
                value = value << 1 | first[1 + position / 8] >> UInt8(7 - position % 8) & 1
            }
            same[1281 + index] = value & 0x10 == 0 ? value : value | 0xE0
        }
        #expect(secretKeyError(same) == .secretKeyInconsistent)
        // F of another key.
        let second = try ResponseVector.load("falcon-1024.first10.rsp")[1].secretKey
        #expect(secretKeyError(Array(first[..<1281] + second[1281...])) == .secretKeyInconsistent)
        var random = SplitMix(seed: 5)
        for _ in 0..<20 {
            #expect(secretKeyError([0x5A] + random.bytes(2304)) != nil)
        }
    }

    // MARK: Generation

    /// SHA-256 of the public keys, computed with the reference's key generation.
    @Test(arguments: [
        ("//Alice", "DF0908BD21291D363E4252668F549951208A223841852B983238944CD0C880B5"),
        ("//Bob", "53DD26E6C7ED4AF07753DEF4C83FAB928A38F509185169D0BFA98B91CD33DC7D"),
        ("//Charlie", "036A9E63701EA0CCE38E204D47543D75B4C519611728FD7749949498398332A6"),
    ])
    func `the development keys are the chain's`(uri: String, digest: String) {
        let key = FalconSecretKey(developmentURI: uri)
        #expect(Hex.encode(SHA256.hash(data: key.publicKey.bytes)) == digest)
        let again = FalconSecretKey(seed: Array("quantumharmony/dev-falcon/1\(uri)".utf8))
        #expect(again.bytes == key.bytes)
    }

    @Test(arguments: FalconParameters.allCases)
    func `generated keys load, sign and verify`(parameters: FalconParameters) throws {
        for seed in UInt8(0)..<8 {
            let key = FalconSecretKey(seed: [seed], parameters: parameters)
            let loaded = try FalconSecretKey(bytes: key.bytes, parameters: parameters)
            #expect(loaded.publicKey == key.publicKey)
            var random = SplitMix(seed: UInt64(seed))
            let message = random.bytes(Int(seed) * 40)
            let signature = loaded.sign(message: message) { random.fill($0) }
            let verifyingKey = FalconVerifyingKey(key.publicKey)
            #expect(verifyingKey.verify(message: message, paddedSignature: signature))
        }
    }

    @Test func `an error of the random source is passed on`() throws {
        struct NoRandomness: Error, Equatable {}
        #expect(throws: NoRandomness()) {
            _ = try FalconSecretKey { (_: UnsafeMutableRawBufferPointer) throws(NoRandomness) in
                throw NoRandomness()
            }
        }
        let key = try FalconSecretKey(bytes: known().secretKey)
        var calls = 0
        let failSecond = { (buffer: UnsafeMutableRawBufferPointer) throws(NoRandomness) in
            calls += 1
            if calls == 2 { throw NoRandomness() }
        }
        do throws(NoRandomness) {
            _ = try key.sign(message: [1], randomness: failSecond)
            Issue.record("signed without randomness")
        } catch {}
        #expect(calls == 2)
    }
}
