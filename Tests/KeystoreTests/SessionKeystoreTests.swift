import Falcon
import Foundation
import Keystore
import Primitives
import Testing

@Suite("Session keys")
struct SessionKeystoreTests {
    private let directory: TemporaryDirectory
    private let keystore: SessionKeystore

    init() throws {
        directory = try TemporaryDirectory()
        keystore = try SessionKeystore(directory: "\(directory.path)/keystore")
    }

    private func isValid(
        _ signature: [UInt8], _ message: [UInt8], _ publicKey: FalconPublicKey
    ) -> Bool {
        FalconVerifyingKey(publicKey).verify(message: message, paddedSignature: signature)
    }

    @Test("a generated key is kept for the owner only, found again, and signs")
    func generated() async throws {
        let publicKey = try keystore.generate()
        let name = SessionKeystore.name(of: publicKey)
        #expect(name == BLAKE2b256.hash(publicKey.bytes))
        #expect(try keystore.names() == [name])
        #expect(try keystore.contains(name))
        let file = "keystore/66616c63\(name.bytes.hex)"
        #expect(try directory.mode("keystore") == 0o700)
        #expect(try directory.mode(file) == 0o600)
        let content = try directory.read(file)
        #expect(content.hasPrefix("\"0x5a") && content.hasSuffix("\""))
        #expect(content.utf8.count == 4_614)
        let signer = try keystore.signer(for: publicKey)
        #expect(signer.publicKey == publicKey)
        let message = Array("vote".utf8)
        let first = try await signer.sign(message)
        let second = try await signer.sign(message)
        #expect(first.count == 1_280 && first != second)
        #expect(isValid(first, message, publicKey) && isValid(second, message, publicKey))
        #expect(!isValid(first, Array("veto".utf8), publicKey))
    }

    @Test("a key is inserted once and never overwritten")
    func insertion() throws {
        let key = FalconSecretKey(seed: [1])
        try keystore.insert(key)
        let path = keystore.path(of: SessionKeystore.name(of: key.publicKey))
        let before = try Data(contentsOf: URL(filePath: path))
        #expect(throws: KeystoreError.alreadyExists(path: path)) {
            try keystore.insert(FalconSecretKey(seed: [1]))
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        try keystore.insert(FalconSecretKey(seed: [2]))
        #expect(try keystore.names().count == 2)
        #expect(try keystore.names() == keystore.names().sorted())
        #expect(try directory.names("keystore").count == 2)
    }

    @Test("a development key is kept by its URI")
    func developmentKey() throws {
        let account = try DevelopmentAccount(name: "Alice")
        try keystore.insert(account)
        let name = SessionKeystore.name(of: account.makeSecretKey().publicKey)
        #expect(try directory.read("keystore/66616c63\(name.bytes.hex)") == "\"//Alice\"")
        #expect(try SessionKeystore.name(of: keystore.signer(name).publicKey) == name)
    }

    @Test("a keystore that exists is opened with what is in it")
    func reopening() throws {
        let publicKey = try keystore.generate()
        let again = try SessionKeystore(directory: keystore.directory)
        #expect(try again.signer(for: publicKey).publicKey == publicKey)
    }

    @Test("files that are no session keys are passed over")
    func otherFiles() throws {
        let name = String(repeating: "ab", count: 32)
        for file in [
            "README", "66616c63", "6772616e" + name, "66616c63" + name + "00",
            "66616c63" + name.uppercased(), "0x66616c63" + name, ".new-0011", "66616C63" + name,
        ] { try directory.write("\"//Alice\"", to: "keystore/\(file)") }
        #expect(try keystore.names().isEmpty)
        try directory.write("\"//Alice\"", to: "keystore/66616c63" + name)
        #expect(try keystore.names().map(\.bytes.hex) == [name])
    }

    @Test("a key under another's name is refused")
    func wrongName() throws {
        let name = try #require(Hash256([UInt8](repeating: 0xAB, count: 32)))
        try directory.write("\"//Alice\"", to: "keystore/66616c63\(name.bytes.hex)")
        #expect(throws: KeystoreError.wrongName(path: keystore.path(of: name))) {
            try keystore.signer(name)
        }
    }

    @Test("a missing key is an error that says so")
    func missing() throws {
        let path = keystore.path(of: .zero)
        #expect(throws: KeystoreError.missing(path: path)) { try keystore.signer(.zero) }
        #expect(KeystoreError.missing(path: path).description.contains(path))
    }

    @Test("a key that others can read is refused")
    func permissions() throws {
        let publicKey = try keystore.generate()
        let name = SessionKeystore.name(of: publicKey)
        try directory.setMode(0o644, of: "keystore/66616c63\(name.bytes.hex)")
        #expect(
            throws: KeystoreError.permissionsTooWide(path: keystore.path(of: name), mode: 0o644)
        ) { try keystore.signer(name) }
    }

    @Test("every truncation of a key file is refused, and no error shows what is in it")
    func truncations() throws {
        let publicKey = try keystore.generate()
        let name = SessionKeystore.name(of: publicKey)
        let file = "keystore/66616c63\(name.bytes.hex)"
        let content = try directory.read(file)
        let secret = content.dropFirst(20).prefix(16)
        for count in stride(from: 0, to: content.count - 1, by: 37) + [content.count - 1] {
            try directory.write(String(content.prefix(count)), to: file)
            let error = #expect(throws: KeystoreError.self) { try keystore.signer(name) }
            guard case .malformed? = error else {
                Issue.record("\(count): \(String(describing: error))")
                continue
            }
            #expect(!String(reflecting: error).contains(secret))
        }
        try directory.write(content + "\n", to: file)
        #expect(throws: Never.self) { try keystore.signer(name) }
    }

    @Test("changed digits of a key file never give a key", arguments: [1, 2])
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let publicKey = try keystore.generate()
        let name = SessionKeystore.name(of: publicKey)
        let file = "keystore/66616c63\(name.bytes.hex)"
        let content = Array(try directory.read(file))
        for _ in 0..<40 {
            var changed = content
            let position = Int.random(in: 3..<changed.count - 1, using: &generator)
            changed[position] = changed[position] == "0" ? "1" : "0"
            try directory.write(String(changed), to: file)
            #expect(throws: KeystoreError.self, "seed \(seed)") { try keystore.signer(name) }
        }
    }

    @Test(
        "content that is no secret is refused",
        arguments: [
            "", "\"", "\"\"", "//Alice", "\"Alice\"", "\"//Alice///x\"", "\"0x\"", "\"0x5a\"",
            "{\"a\":1}", "\"0x" + String(repeating: "00", count: 2_305) + "\"",
            "\"0x5a" + String(repeating: "ff", count: 2_304) + "\"",
            "\"" + String(repeating: "a", count: 10_000) + "\"",
        ])
    func nonsense(content: String) throws {
        let name = try #require(Hash256([UInt8](repeating: 0xAB, count: 32)))
        try directory.write(content, to: "keystore/66616c63\(name.bytes.hex)")
        let error = #expect(throws: KeystoreError.self) { try keystore.signer(name) }
        guard case .malformed? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("every error says something to do")
    func descriptions() {
        for error: KeystoreError in [
            .missing(path: "/p"), .unreadable(path: "/p", reason: "r"),
            .permissionsTooWide(path: "/p", mode: 0o644), .foreignOwner(path: "/p"),
            .notAFile(path: "/p"), .malformed(path: "/p", reason: "r"), .wrongName(path: "/p"),
            .alreadyExists(path: "/p"), .unwritable(path: "/p", reason: "r"),
        ] { #expect(error.description.contains("/p")) }
        #expect(KeystoreError.noRandomness(reason: "r").description.contains("No key was made"))
        #expect(KeystoreError.invalidURI(reason: "r").description.contains("//Alice"))
    }
}
