import Falcon
import Foundation
import Keystore
import Primitives
import Testing

@Suite("Encrypted keys")
struct EncryptionTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let password: KeystorePassword

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/keystore"
        password = try KeystorePassword("correct horse")
    }

    private func keystore(_ password: KeystorePassword?) throws -> SessionKeystore {
        try SessionKeystore(directory: path, password: password)
    }

    private func onlyFile() throws -> String { try #require(directory.names("keystore").first) }

    @Test("a key is encrypted for whoever has the password, and nobody else")
    func encrypted() throws {
        let publicKey = try keystore(password).generate()
        let name = SessionKeystore.name(of: publicKey)
        let file = "keystore/66616c63\(name.bytes.hex)"
        let content = try directory.read(file)
        #expect(try directory.mode(file) == 0o600)
        #expect(content.hasPrefix("\"quantumharmony-encrypted/1:01") && content.hasSuffix("\""))
        let again = try KeystorePassword("correct horse")
        #expect(try keystore(again).signer(name).publicKey == publicKey)
        let file2 = "\(directory.path)/\(file)"
        #expect(throws: KeystoreError.wrongPassword(path: file2)) {
            _ = try keystore(KeystorePassword("wrong horse")).signer(name)
        }
        #expect(throws: KeystoreError.passwordNeeded(path: file2)) {
            _ = try keystore(nil).signer(name)
        }
        #expect(try keystore(nil).names() == [name])
    }

    @Test("any change of a file is noticed, and a renamed file is none of its name")
    func changes() throws {
        let name = SessionKeystore.name(of: try keystore(password).generate())
        let file = "keystore/" + (try onlyFile())
        let whole = Array(try directory.read(file).utf8)
        // The mark, algorithm, salt, nonce, ciphertext, tag, the quote; the costs are bounded below.
        for place in [0, 5, 28, 29, 47, 80, 110, 500, whole.count - 2, whole.count - 1] {
            var changed = whole
            changed[place] = changed[place] == UInt8(ascii: "1") ? 0x32 : 0x31
            try directory.write(String(decoding: changed, as: UTF8.self), to: file)
            #expect(throws: KeystoreError.self) { _ = try keystore(password).signer(name) }
        }
        for count in stride(from: 0, to: whole.count, by: 997) {
            try directory.write(String(decoding: whole.prefix(count), as: UTF8.self), to: file)
            #expect(throws: KeystoreError.self) { _ = try keystore(password).signer(name) }
        }
        let other = Hash256.zero
        try directory.write(
            String(decoding: whole, as: UTF8.self),
            to: "keystore/66616c63\(other.bytes.hex)")
        #expect(throws: KeystoreError.self) { _ = try keystore(password).signer(other) }
    }

    @Test(
        "a file cannot ask for more time or memory than is good",
        arguments: [
            "0000000000000100", "1100000000000100", "ffffffff00000100", "0300000001001000",
            "03000000ffffffff", "0300000000000000", "0300000007000000",
        ])
    func costs(digits: String) throws {
        let name = SessionKeystore.name(of: try keystore(password).generate())
        let file = "keystore/" + (try onlyFile())
        let text = try directory.read(file)
        let start = text.index(text.startIndex, offsetBy: 30)
        let end = text.index(start, offsetBy: 16)
        #expect(text[start..<end] == "0300000000000100")
        try directory.write(text.replacingCharacters(in: start..<end, with: digits), to: file)
        #expect {
            _ = try keystore(password).signer(name)
        } throws: { "\($0)".contains("it asks for") }
    }

    @Test("a plain keystore is encrypted, gets another password, and is decrypted again")
    func changing() throws {
        let plain = try keystore(nil)
        try plain.insert(DevelopmentAccount(uri: "//Alice"))
        let names = try [plain.names()[0], SessionKeystore.name(of: plain.generate())].sorted()
        try directory.write("not a key", to: "keystore/notes.txt")
        let other = try KeystorePassword("battery staple")
        #expect(try plain.files.changePassword(to: password) == 2)
        #expect(try keystore(password).names() == names)
        for name in names { _ = try keystore(password).signer(name) }
        #expect(throws: KeystoreError.self) { _ = try keystore(nil).signer(names[0]) }
        // A wrong password changes nothing.
        #expect(throws: KeystoreError.self) { try keystore(other).files.changePassword(to: nil) }
        #expect(throws: KeystoreError.self) { try keystore(nil).files.changePassword(to: nil) }
        for name in names { _ = try keystore(password).signer(name) }
        #expect(try keystore(password).files.changePassword(to: other) == 2)
        // Again, as after a crash: what is done is done.
        #expect(try keystore(password).files.changePassword(to: other) == 0)
        for name in names { _ = try keystore(other).signer(name) }
        #expect(try keystore(other).files.changePassword(to: nil) == 2)
        for name in names { _ = try keystore(nil).signer(name) }
        #expect(try directory.read("keystore/notes.txt") == "not a key")
        #expect(try directory.names("keystore").count == 3)
    }

    @Test("with a password plain keys still open, and new ones are encrypted")
    func mixed() throws {
        let old = SessionKeystore.name(of: try keystore(nil).generate())
        let new = SessionKeystore.name(of: try keystore(password).generate())
        let both = try keystore(password)
        for name in [old, new] { _ = try both.signer(name) }
        #expect(try both.files.all().filter { try both.files.isEncrypted($0) }.count == 1)
    }

    @Test("passwords come from files that only their owner can read")
    func passwordFiles() throws {
        let name = SessionKeystore.name(of: try keystore(password).generate())
        try directory.write("correct horse\n", to: "password")
        let file = "\(directory.path)/password"
        _ = try keystore(KeystorePassword(file: file)).signer(name)
        try directory.setMode(0o644, of: "password")
        #expect(throws: KeystoreError.permissionsTooWide(path: file, mode: 0o644)) {
            _ = try KeystorePassword(file: file)
        }
        for wrong in ["", "\n", String(repeating: "a", count: 1_025)] {
            try directory.write(wrong, to: "password")
            #expect(throws: KeystoreError.self) { _ = try KeystorePassword(file: file) }
        }
        #expect(throws: KeystoreError.self) { _ = try KeystorePassword("") }
    }

    @Test("account keys are kept under their public key, plain or encrypted")
    func accounts() throws {
        let type = try #require(KeyFiles.KeyType("acco"))
        let alice = try Sr25519SecretKey(SecretURI("//Alice")).publicKey
        for password in [nil, password] {
            let files = try KeyFiles(directory: "\(path)-\(password == nil)", password: password)
            let accounts = AccountKeystore(files, type: type)
            #expect(try !accounts.contains(alice))
            let file = try accounts.insert(uri: "//Alice", expecting: alice)
            #expect(file.hasSuffix("/6163636f\(alice.hex)"))
            #expect(try accounts.contains(alice))
            #expect(try accounts.key(of: alice).publicKey == alice)
            #expect(throws: KeystoreError.alreadyExists(path: file)) {
                try accounts.insert(uri: "//Alice")
            }
            #expect(throws: KeystoreError.otherKey) {
                try accounts.insert(uri: "//Bob", expecting: alice)
            }
        }
        for wrong in ["", "abc", "abcde", "a/bc", "ab.c"] {
            #expect(KeyFiles.KeyType(wrong) == nil)
        }
    }
}
