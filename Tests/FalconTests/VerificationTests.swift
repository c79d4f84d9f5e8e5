import Falcon
import Foundation
import Testing

@Suite struct VerificationTests {
    // MARK: The reference's verdicts

    /// One entry of the mutation file: either a key for those that follow, or a case.
    struct Mutation: Decodable {
        enum CodingKeys: String, CodingKey {
            case count, name, pk, msg, sig
            case fullKey = "pk_full"
            case verdict = "pqclean_falcon_1024"
            case paddedVerdict = "pqclean_falcon_padded_1024"
        }

        var count: Int
        var name: String?
        var pk: String?
        var msg: String?
        var sig: String?
        var fullKey: String?
        var verdict: Bool?
        var paddedVerdict: Bool?
    }

    @Test func `every mutation gets the reference's verdict, and votes a stricter one`() throws {
        let mutations = try JSONDecoder().decode(
            [Mutation].self, from: Vectors.contents("falcon-1024.mutations.json"))
        var fullKey: [UInt8] = []
        var (cases, accepted) = (0, 0)
        for mutation in mutations {
            if let key = mutation.fullKey {
                fullKey = Hex.decode(key)
                continue
            }
            let name = "\(mutation.name ?? "?") of vector \(mutation.count)"
            let verdict: Bool = try #require(mutation.verdict as Bool?)
            let keyText = try #require(mutation.pk)
            let message = Hex.decode(try #require(mutation.msg))
            let signature = Hex.decode(try #require(mutation.sig))
            let publicKey = try? FalconPublicKey(
                bytes: keyText == "same" ? fullKey : Hex.decode(keyText))
            let key = publicKey.map(FalconVerifyingKey.init)
            let ours =
                key?.verify(message: message, variableLengthSignature: signature) ?? false
            #expect(ours == verdict, "\(name)")
            if let paddedVerdict = mutation.paddedVerdict {
                #expect(ours == paddedVerdict, "\(name)")
            }
            // Of what the reference accepts, only the padded form is a vote.
            let vote = key?.verify(message: message, paddedSignature: signature) ?? false
            #expect(vote == (verdict && signature.count == 1280), "\(name), as a vote")
            cases += 1
            accepted += verdict ? 1 : 0
        }
        #expect(cases == 68)
        #expect(accepted == 6)
    }

    // MARK: The form of votes

    @Test func `the known padded signature is valid`() throws {
        let known = try KnownSignature()
        #expect(known.key.verify(message: known.message, paddedSignature: known.signature))
        #expect(known.key.publicKey.bytes == known.vector.publicKey)
    }

    @Test func `any byte of the tail that is not zero makes a vote invalid`() throws {
        let known = try KnownSignature()
        let lastUsed = try #require(known.signature.lastIndex { $0 != 0 })
        #expect(lastUsed < 1279)
        for index in (lastUsed + 1)..<1280 {
            for value: UInt8 in [1, 0x80, 0xFF] {
                var signature = known.signature
                signature[index] = value
                #expect(
                    !known.key.verify(message: known.message, paddedSignature: signature),
                    "byte \(index) = \(value)")
                #expect(
                    !known.key.verify(
                        message: known.message, variableLengthSignature: signature),
                    "byte \(index) = \(value)")
            }
        }
    }

    @Test func `any other length makes a vote invalid`() throws {
        let known = try KnownSignature()
        for count in 0..<1280 {
            #expect(
                !known.key.verify(
                    message: known.message, paddedSignature: Array(known.signature[..<count])),
                "\(count) bytes")
        }
        for extra in 1...100 {
            let longer = known.signature + [UInt8](repeating: 0, count: extra)
            #expect(
                !known.key.verify(message: known.message, paddedSignature: longer),
                "\(extra) more")
        }
    }

    @Test func `of all truncations only the natural length is valid in the variable form`() throws {
        let known = try KnownSignature()
        let used = try #require(known.signature.lastIndex { $0 != 0 }) + 1
        for count in 0..<1280 {
            let isValid = known.key.verify(
                message: known.message,
                variableLengthSignature: Array(known.signature[..<count]))
            #expect(isValid == (count == used), "\(count) bytes")
        }
    }

    @Test func `every header byte but one is invalid`() throws {
        let known = try KnownSignature()
        for header in UInt8.min...UInt8.max {
            var signature = known.signature
            signature[0] = header
            #expect(
                known.key.verify(message: known.message, paddedSignature: signature)
                    == (header == 0x3A),
                "header \(header)")
        }
    }

    @Test func `every flipped bit makes a signature invalid`() throws {
        let known = try KnownSignature()
        for bit in 0..<(8 * 1280) {
            var signature = known.signature
            signature[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(
                !known.key.verify(message: known.message, paddedSignature: signature),
                "bit \(bit)")
        }
    }

    @Test func `another message or another key makes a signature invalid`() throws {
        let known = try KnownSignature()
        for index in known.message.indices {
            var message = known.message
            message[index] ^= 1
            #expect(!known.key.verify(message: message, paddedSignature: known.signature))
        }
        #expect(!known.key.verify(message: [], paddedSignature: known.signature))
        let other = try ResponseVector.load("falcon-padded-1024.first10.rsp")[1]
        let otherKey = FalconVerifyingKey(try FalconPublicKey(bytes: other.publicKey))
        #expect(!otherKey.verify(message: known.message, paddedSignature: known.signature))
    }

    @Test func `a signature of the other parameter set is invalid`() throws {
        let small = try ResponseVector.load("falcon-512.first10.rsp")[0]
        let key = FalconVerifyingKey(
            try FalconPublicKey(bytes: small.publicKey, parameters: .falcon512))
        let known = try KnownSignature()
        #expect(!key.verify(message: known.message, variableLengthSignature: known.signature))
        #expect(!key.verify(message: known.message, paddedSignature: known.signature))
    }

    // MARK: Hostile bytes

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `random bytes are invalid and do no harm`(seed: UInt64) throws {
        let known = try KnownSignature()
        var random = SplitMix(seed: seed)
        for round in 0..<500 {
            var signature = random.bytes(Int.random(in: 0...3200, using: &random))
            if round % 2 == 0, !signature.isEmpty {
                signature[0] = 0x3A
            }
            if round % 4 == 0 {
                // Sparse: long runs of zeros, as in unary parts.
                for index in signature.indices.dropFirst() where random.next() % 3 != 0 {
                    signature[index] = 0
                }
            }
            #expect(
                !known.key.verify(message: known.message, variableLengthSignature: signature),
                "seed \(seed), round \(round)")
            signature = Array((signature + [UInt8](repeating: 0, count: 1280))[..<1280])
            #expect(
                !known.key.verify(message: known.message, paddedSignature: signature),
                "seed \(seed), round \(round)")
        }
    }

    @Test func `s2 of all zeros, and of the greatest coefficients, is invalid`() throws {
        let known = try KnownSignature()
        let head = Array(known.signature[..<41])
        // A coefficient 0 is 00000000 1; one of 2047 is 01111111, fifteen zeros, 1.
        let zeros = bits(Array(repeating: "000000001", count: 1024).joined())
        let greatest = bits(
            Array(repeating: "01111111" + String(repeating: "0", count: 15) + "1", count: 1024)
                .joined())
        #expect(greatest.count == 3072)
        for compressed in [zeros, greatest, greatest + [0], greatest + zeros] {
            #expect(
                !known.key.verify(
                    message: known.message, variableLengthSignature: head + compressed))
        }
    }

    /// Packs a text of 0 and 1, the first the most significant.
    private func bits(_ text: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (text.utf8.count + 7) / 8)
        for (index, character) in text.utf8.enumerated() where character == 0x31 {
            bytes[index / 8] |= 0x80 >> UInt8(index % 8)
        }
        return bytes
    }
}
