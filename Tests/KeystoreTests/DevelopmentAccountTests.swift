import Falcon
import Foundation
import Keystore
import Primitives
import Testing

@Suite("Development accounts")
struct DevelopmentAccountTests {
    struct Vectors: Decodable {
        struct Account: Decodable {
            var uri: String
            var sr25519_pub: String
            var sr25519_ss58_42: String
        }
        var accounts: [Account]
    }

    @Test(
        "the well-known accounts have their sr25519 public keys",
        arguments: ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"])
    func wellKnown(name: String) throws {
        let vectors = try JSONDecoder().decode(
            Vectors.self, from: VectorFile.contents("keystore/sr25519.json"))
        let vector = try #require(vectors.accounts.first { $0.uri == "//\(name)" })
        let account = try DevelopmentAccount(name: name)
        #expect(account.uri == "//\(name)")
        #expect(account.account.bytes.hex == vector.sr25519_pub)
        #expect(SS58Address(account.account)?.description == vector.sr25519_ss58_42)
    }

    @Test("any other account is a hash of its URI")
    func derived() throws {
        let account = try DevelopmentAccount(uri: "//V7")
        let hash = BLAKE2b256.hash(Array("quantumharmony/dev-account/1//V7".utf8))
        #expect(account.account.bytes == hash.bytes)
        #expect(try DevelopmentAccount(uri: "//Alice//stash").account != account.account)
        #expect(try DevelopmentAccount(uri: "//a-b_C//9").uri == "//a-b_C//9")
    }

    @Test(
        "what names no development account is refused",
        arguments: [
            "", "Alice", "/Alice", "//", "//Alice/soft", "//Alice///password", "//Alice//",
            "//Ali ce", "//Alicé", "///Alice", "0x00", "// Alice",
            "//" + String(repeating: "a", count: 33), String(repeating: "//a", count: 50),
            "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice",
        ])
    func refusals(uri: String) {
        #expect(throws: KeystoreError.self) { try DevelopmentAccount(uri: uri) }
    }

    @Test("an account's Falcon key is always the same, and each account has its own")
    func falconKeys() throws {
        let alice = try DevelopmentAccount(name: "Alice").makeSecretKey().publicKey
        let again = try DevelopmentAccount(uri: "//Alice").makeSecretKey().publicKey
        let bob = try DevelopmentAccount(name: "Bob").makeSecretKey().publicKey
        #expect(alice == again)
        #expect(alice != bob)
        // Pinned: a chain specification names these keys.
        #expect(
            SessionKeystore.name(of: alice).bytes.hex
                == "8b9e71fc6bb49a80335cdc44f5e4a82dc4470bf709940a38a596df7faa5a203f")
    }
}
