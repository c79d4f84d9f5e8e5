import Foundation
import Keystore
import Primitives
import Testing

@Suite("The development keys of docs/protocol.md")
struct ProtocolExampleTests {
    struct Key: Decodable, Equatable {
        let uri: String
        let account: String
        let address: String
        let fingerprint: String
    }

    @Test("keys and accounts are those of the page")
    func keys() throws {
        let listed = try JSONDecoder().decode(
            [Key].self, from: VectorFile.contents("protocol/dev-keys.json"))
        #expect(listed.count == 7)
        for key in listed {
            let account = try DevelopmentAccount(uri: key.uri)
            let publicKey = account.makeSecretKey().publicKey
            #expect(
                key
                    == Key(
                        uri: account.uri, account: account.account.bytes.hex,
                        address: try #require(SS58Address(account.account)).description,
                        fingerprint: BLAKE2b256.hash(publicKey.bytes).bytes.hex))
        }
    }
}
