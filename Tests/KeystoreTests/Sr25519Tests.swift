import Crypto
import Falcon
import Foundation
import Keystore
import Primitives
import Testing

/// sr25519 against the vectors of schnorrkel and Substrate.
@Suite("sr25519")
struct Sr25519Tests {
    struct Vectors: Decodable {
        struct Root: Decodable {
            var sr25519_pub: String
            var secret_scalar_le: String
            var nonce: String
        }
        struct Account: Decodable {
            var uri: String
            var sr25519_mini_secret: String
            var sr25519_secret_scalar_le: String
            var sr25519_nonce: String
            var sr25519_pub: String
            var chain_codes: [String]
        }
        struct Signature: Decodable {
            var signer: String
            var `public`: String
            var context: String
            var message: String
            var signature_zero_rng: String
            var signature_from_py_sr25519_bindings: String
        }
        struct Invalid: Decodable {
            var `public`: String
            var message: String
            var signature: String
            var context: String?
            var why: String
        }
        struct Junction: Decodable {
            var body: String
            var chain_code: String
        }
        struct Soft: Decodable {
            var child_pub: String
        }
        struct Merlin: Decodable { var challenge32: String }
        var dev_phrase: String
        var mini_secret: String
        var root: Root
        var accounts: [Account]
        var signatures: [Signature]
        var invalid_signatures: [Invalid]
        var merlin: [Merlin]
        var ristretto_basepoint_multiples: [String]
        var ristretto_invalid_encodings: [String]
        var junctions: [Junction]
        var soft_derivation: Soft
    }

    private let vectors: Vectors

    init() throws {
        vectors = try JSONDecoder().decode(
            Vectors.self, from: VectorFile.contents("keystore/sr25519.json"))
    }

    private func hex(_ bytes: borrowing SecretBytes) -> String { bytes.withBytes { Array($0).hex } }

    private func bytes(_ hex: String) throws -> [UInt8] { try #require([UInt8](hex: hex)) }

    @Test("transcripts give Merlin's and schnorrkel's challenges")
    func transcripts() throws {
        var transcript = MerlinTranscript(label: "test protocol")
        transcript.append("some label", Array("some data".utf8))
        #expect(
            hex(transcript.challenge("challenge", byteCount: 32)) == vectors.merlin[0].challenge32)
        var context = MerlinTranscript(label: "SigningContext")
        context.append("", Array("substrate".utf8))
        context.append("sign-bytes", Array("hello".utf8))
        #expect(hex(context.challenge("x", byteCount: 32)) == vectors.merlin[1].challenge32)
    }

    @Test("multiples of the base point, and encodings that are no points")
    func ristretto() throws {
        #expect(vectors.ristretto_basepoint_multiples.count > 5)
        for (factor, point) in vectors.ristretto_basepoint_multiples.enumerated() {
            let scalar = [UInt8(factor)] + [UInt8](repeating: 0, count: 31)
            #expect(Ristretto255.multiplyBase(by: scalar).hex == point)
            #expect(try Ristretto255.isPoint(bytes(point)))
        }
        for encoding in vectors.ristretto_invalid_encodings {
            #expect(try !Ristretto255.isPoint(bytes(encoding)), "\(encoding)")
        }
        #expect(!Ristretto255.isPoint([]))
    }

    @Test("the development phrase and its accounts have the well-known keys")
    func accounts() throws {
        #expect(vectors.dev_phrase == SecretPhrase.development)
        let root = try Sr25519SecretKey(SecretURI(vectors.dev_phrase))
        #expect(root.publicKey.hex == vectors.root.sr25519_pub)
        #expect(hex(root.seed) == vectors.mini_secret)
        #expect(hex(root.bytes) == vectors.root.secret_scalar_le + vectors.root.nonce)
        #expect(vectors.accounts.count == 10)
        for account in vectors.accounts {
            for uri in [account.uri, vectors.dev_phrase + account.uri] {
                let parsed = try SecretURI(uri)
                #expect(parsed.junctions.map(\.chainCode.hex) == account.chain_codes)
                let key = try Sr25519SecretKey(parsed)
                #expect(key.publicKey.hex == account.sr25519_pub, "\(uri)")
                #expect(hex(key.seed) == account.sr25519_mini_secret)
                #expect(
                    hex(key.bytes) == account.sr25519_secret_scalar_le + account.sr25519_nonce)
            }
            let seeded = try Sr25519SecretKey(SecretURI("0x" + account.sr25519_mini_secret))
            #expect(seeded.publicKey.hex == account.sr25519_pub)
        }
    }

    @Test("junctions have the chain codes of Substrate")
    func junctions() throws {
        for junction in vectors.junctions {
            for mark in ["//", "/"] {
                let uri = try SecretURI(vectors.dev_phrase + mark + junction.body)
                #expect(uri.junctions.map(\.chainCode.hex) == [junction.chain_code])
                #expect(uri.junctions.map(\.isHard) == [mark == "//"])
            }
        }
    }

    @Test("a soft junction leads to the public key that can be derived from the public key")
    func soft() throws {
        let key = try Sr25519SecretKey(SecretURI("//Alice/soft"))
        #expect(key.publicKey.hex == vectors.soft_derivation.child_pub)
        #expect(key.seed.count == 0)
        let signature = try key.sign([1, 2, 3])
        #expect(Sr25519Signature.isValid(signature, of: [1, 2, 3], publicKey: key.publicKey))
    }

    @Test("signatures are schnorrkel's to the bit, and its own are valid")
    func signatures() throws {
        for vector in vectors.signatures {
            #expect(vector.context == "substrate")
            let key = try Sr25519SecretKey(SecretURI(vector.signer))
            let message = try bytes(vector.message)
            #expect(key.publicKey.hex == vector.public)
            #expect(
                key.sign(message, random: SecretBytes(count: 32)).hex == vector.signature_zero_rng)
            let fresh = try key.sign(message)
            #expect(try key.sign(message) != fresh)
            for signature in try [
                fresh, bytes(vector.signature_zero_rng),
                bytes(vector.signature_from_py_sr25519_bindings),
            ] {
                #expect(
                    Sr25519Signature.isValid(signature, of: message, publicKey: key.publicKey))
                #expect(
                    !Sr25519Signature.isValid(
                        signature, of: message + [0], publicKey: key.publicKey))
                for place in signature.indices {
                    var changed = signature
                    changed[place] ^= 1 << (place % 8)
                    #expect(
                        !Sr25519Signature.isValid(changed, of: message, publicKey: key.publicKey))
                }
                for count in [0, 1, 63] {
                    #expect(
                        !Sr25519Signature.isValid(
                            Array(signature.prefix(count)), of: message, publicKey: key.publicKey))
                }
            }
        }
    }

    @Test("what is no signature of a message is none")
    func invalidSignatures() throws {
        for vector in vectors.invalid_signatures where vector.context == nil {
            let isValid = try Sr25519Signature.isValid(
                bytes(vector.signature), of: bytes(vector.message), publicKey: bytes(vector.public))
            #expect(!isValid, "\(vector.why)")
        }
        let signature = try bytes(vectors.signatures[0].signature_zero_rng)
        #expect(!Sr25519Signature.isValid(signature, of: [], publicKey: []))
        #expect(
            !Sr25519Signature.isValid(
                signature, of: [], publicKey: [UInt8](repeating: 0xFF, count: 32)))
    }
}

@Suite("Phrases and secret URIs")
struct SecretURITests {
    @Test("the words are BIP-39's, all of them, in order")
    func words() throws {
        let zeros = try SecretPhrase(
            String(repeating: "abandon ", count: 11) + "about")
        #expect(zeros.words == String(repeating: "abandon ", count: 11) + "about")
        let ones = String(repeating: "zoo ", count: 23) + "vote"
        #expect(try SecretPhrase(ones).words == ones)
        let words = SecretPhrase.allWords
        #expect(words.count == 2_048)
        let text = words.map { $0 + "\n" }.joined()
        let hash = SHA256.hash(data: Foundation.Data(text.utf8)).map { String($0, radix: 16) }
            .map { $0.count == 1 ? "0" + $0 : $0 }.joined()
        #expect(hash == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
        #expect(words == words.sorted())
    }

    @Test(
        "new phrases differ, are read back, and make the same key", arguments: [12, 15, 18, 21, 24])
    func generated(wordCount: Int) throws {
        guard let phrase = try SecretPhrase(wordCount: wordCount),
            let other = try SecretPhrase(wordCount: wordCount)
        else {
            Issue.record("no phrase of \(wordCount) words")
            return
        }
        let words = phrase.words
        #expect(words.split(separator: " ").count == wordCount)
        #expect(words != other.words)
        #expect(try SecretPhrase(words).words == words)
        #expect(
            try Sr25519SecretKey(SecretURI(words)).publicKey
                == Sr25519SecretKey(SecretURI(words + "///")).publicKey)
        #expect(
            try Sr25519SecretKey(SecretURI(words)).publicKey
                != Sr25519SecretKey(SecretURI(words + "///secret")).publicKey)
    }

    @Test(
        "what names no key is refused",
        arguments: [
            "", "///password", "abandon", "0x", "0x12", "0x" + String(repeating: "g", count: 64),
            "0x" + String(repeating: "0", count: 64) + "///password", "//Alice//", "//", "/",
            "bottom drive obey lake curtain smoke basket hold race lonely fit fit",
            "bottom drive obey lake curtain smoke basket hold race lonely fit wal",
            "Bottom drive obey lake curtain smoke basket hold race lonely fit walk",
            String(repeating: "abandon ", count: 24) + "about", String(repeating: "/a", count: 33),
            String(repeating: "a", count: 1_025),
        ])
    func refusals(text: String) {
        #expect(throws: KeystoreError.self) { _ = try Sr25519SecretKey(SecretURI(text)) }
    }

    @Test("a Falcon key of a phrase is always the same; soft junctions are refused")
    func falcon() throws {
        let phrase = SecretPhrase.development
        let first = try SecretURI(phrase).makeFalconKey().publicKey
        #expect(try SecretURI(phrase).makeFalconKey().publicKey == first)
        #expect(try SecretURI(phrase + "//0").makeFalconKey().publicKey != first)
        #expect(try SecretURI(phrase + "///p").makeFalconKey().publicKey != first)
        // A development account is one by its URI alone.
        #expect(
            try SecretURI("//Alice").makeFalconKey().publicKey
                == DevelopmentAccount(uri: "//Alice").makeSecretKey().publicKey)
        // Pinned: keys on paper depend on it.
        #expect(
            SessionKeystore.name(of: first).bytes.hex
                == "9e0a4253cce316321ed41df55e9e9e03e88c963e3894c5b3412e59ed53a6cd1d")
        #expect(throws: KeystoreError.self) { _ = try SecretURI(phrase + "/0").makeFalconKey() }
    }
}
