import LibP2P
import Primitives
import Testing

/// Signatures of other libraries' identities: secp256k1 and RSA, made with OpenSSL.
@Suite("Identity signatures of the other key types")
struct IdentitySignatureTests {
    private typealias Vector = SecurityVectors.IdentitySignaturesFile.Signature

    private func key(_ vector: Vector, _ type: PublicKey.KeyType) throws -> PublicKey {
        try PublicKey(type: type, content: bytes(vector.key))
    }

    @Test("secp256k1: right ones are valid, whichever half s is in; altered ones are not")
    func secp256k1() throws {
        let vectors = SecurityVectors.identitySignatures.secp256k1
        #expect(vectors.count == 20)
        for (number, vector) in vectors.enumerated() {
            let key = try key(vector, .secp256k1)
            let (message, signature) = (try bytes(vector.message), try bytes(vector.signature))
            #expect(try key.isValidSignature(signature, for: message))
            let other = try bytes(try #require(vector.otherHalf))
            #expect(try key.isValidSignature(other, for: message))
            #expect(try !key.isValidSignature(signature, for: message + [0]))
            for length in 0..<signature.count {
                #expect(try !key.isValidSignature(Array(signature[..<length]), for: message))
            }
            #expect(try !key.isValidSignature(signature + [0], for: message))
            // Every bit of one, a few of the others: a check costs a millisecond.
            for bit in number == 0 ? 0..<(8 * signature.count) : 40..<48 {
                var altered = signature
                altered[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(try !key.isValidSignature(altered, for: message), "bit \(bit)")
            }
            let next = try self.key(vectors[(number + 1) % vectors.count], .secp256k1)
            #expect(try !next.isValidSignature(signature, for: message))
            // The point with the other y.
            var mirrored = key.content
            mirrored[0] ^= 1
            let mirror = try PublicKey(type: .secp256k1, content: mirrored)
            #expect(try !mirror.isValidSignature(signature, for: message))
        }
    }

    @Test("secp256k1: no zeros, nothing from n on, no integer in another form")
    func secp256k1Ranges() throws {
        let vector = SecurityVectors.identitySignatures.secp256k1[0]
        let key = try key(vector, .secp256k1)
        let message = try bytes(vector.message)
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        for hex in [
            "3006020100020101", "3006020101020100", "3006020101020101",
            "3026022100\(order)020101", "3026020101022100\(order)",
            "3026022100\(String(repeating: "ff", count: 32))020101",
            // A leading zero too many, negative numbers, an empty one, a long length, more behind.
            "300702020001020101", "3006020181020101", "30050200020101", "308106020101020101",
            "3009020101020101020101", "", "30", "3006020101020102ff",
            "3028022201\(String(repeating: "00", count: 33))020101",
        ] {
            #expect(try !key.isValidSignature(bytes(hex), for: message), "\(hex)")
        }
    }

    @Test("secp256k1: what is no point is no key")
    func secp256k1Points() throws {
        // x = 5 is on no point of the curve; x = p and x = 2^256 - 1 are none of the field.
        for hex in [
            "02" + String(repeating: "00", count: 31) + "05",
            "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            "03" + String(repeating: "ff", count: 32),
        ] {
            let key = try PublicKey(type: .secp256k1, content: bytes(hex))
            #expect(throws: KeyError.malformedKey(.secp256k1), "\(hex)") {
                try key.isValidSignature(bytes("3006020101020101"), for: [])
            }
        }
    }

    @Test("RSA of 2,048 bits and more: right ones are valid, altered ones are not")
    func rsa() throws {
        let vectors = SecurityVectors.identitySignatures.rsa
        #expect(vectors.map(\.bits) == [2_048, 3_072, 4_096])
        for vector in vectors {
            let key = try key(vector, .rsa)
            let (message, signature) = (try bytes(vector.message), try bytes(vector.signature))
            #expect(try key.isValidSignature(signature, for: message))
            #expect(try !key.isValidSignature(signature, for: message + [1]))
            #expect(try !key.isValidSignature([], for: message))
            #expect(try !key.isValidSignature(signature + [0], for: message))
            #expect(try !key.isValidSignature(Array(signature.dropLast()), for: message))
            for place in stride(from: 0, to: signature.count, by: 37) {
                var altered = signature
                altered[place] ^= 0x10
                #expect(try !key.isValidSignature(altered, for: message))
            }
            var cut = key.content
            cut.removeLast()
            let broken = try PublicKey(type: .rsa, content: cut)
            #expect(throws: KeyError.malformedKey(.rsa)) {
                try broken.isValidSignature(signature, for: message)
            }
        }
    }

    @Test("RSA keys that are too short to trust are told apart from what is no key")
    func shortRSA() throws {
        let vector = SecurityVectors.identitySignatures.shortRSA
        let key = try key(vector, .rsa)
        #expect(throws: KeyError.unsupportedKeyType(.rsa)) {
            try key.isValidSignature(bytes(vector.signature), for: bytes(vector.message))
        }
    }
}
