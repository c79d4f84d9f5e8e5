import Foundation
import Keystore
import LibP2P
import Testing

@Suite("Node keys")
struct NodeKeyTests {
    struct Vectors: Decodable {
        struct Key: Decodable, Sendable, CustomTestStringConvertible {
            var node_key: String
            var base58: String
            var testDescription: String { base58 }
        }
        var dev_node_keys: [Key]
    }

    static let vectors: Vectors = {
        do {
            return try JSONDecoder().decode(
                Vectors.self, from: VectorFile.contents("libp2p/peerid.json"))
        } catch {
            preconditionFailure("peerid.json: \(error)")
        }
    }()

    @Test("a key in a file gives the vectors' peer id", arguments: vectors.dev_node_keys)
    func vector(key: Vectors.Key) throws {
        let directory = try TemporaryDirectory()
        #expect(NodeKey.identity(hex: key.node_key)?.peerID.description == key.base58)
        for content in [key.node_key, key.node_key.uppercased() + "\n", "0x\(key.node_key)\r\n"] {
            try directory.write(content, to: "secret_ed25519")
            #expect(try NodeKey.load(from: directory.path).peerID.description == key.base58)
        }
    }

    @Test("a missing key is made once, for the owner only, and found again")
    func creation() throws {
        let directory = try TemporaryDirectory()
        let network = "\(directory.path)/chains/local/network"
        #expect(throws: KeystoreError.missing(path: "\(network)/secret_ed25519")) {
            try NodeKey.load(from: network)
        }
        let first = try NodeKey.loadOrCreate(in: network)
        let second = try NodeKey.loadOrCreate(in: network)
        #expect(first.peerID == second.peerID)
        #expect(try directory.mode("chains/local/network/secret_ed25519") == 0o600)
        #expect(try directory.mode("chains/local/network") == 0o700)
        #expect(try directory.names("chains/local/network") == ["secret_ed25519"])
        #expect(try directory.read("chains/local/network/secret_ed25519").count == 64)
        #expect(throws: KeystoreError.alreadyExists(path: "\(network)/secret_ed25519")) {
            try NodeKey.create(in: network)
        }
        #expect(try directory.names("chains/local/network") == ["secret_ed25519"])
        let other = try NodeKey.loadOrCreate(in: "\(directory.path)/other")
        #expect(other.peerID != first.peerID)
    }

    @Test(
        "a key that others can read or change is refused",
        arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777])
    func permissions(mode: Int) throws {
        let directory = try TemporaryDirectory()
        try directory.write(String(repeating: "0", count: 64), to: "secret_ed25519", mode: mode)
        let path = "\(directory.path)/secret_ed25519"
        let expected = KeystoreError.permissionsTooWide(path: path, mode: UInt16(mode))
        #expect(throws: expected) { try NodeKey.load(from: directory.path) }
        #expect(throws: expected) { try NodeKey.loadOrCreate(in: directory.path) }
        #expect(expected.description.contains(String(mode, radix: 8)))
        #expect(expected.description.contains("chmod 600 \(path)"))
    }

    @Test("a key that its owner alone may read is taken", arguments: [0o400, 0o600, 0o700])
    func narrowPermissions(mode: Int) throws {
        let directory = try TemporaryDirectory()
        try directory.write(String(repeating: "0", count: 64), to: "secret_ed25519", mode: mode)
        #expect(throws: Never.self) { try NodeKey.load(from: directory.path) }
    }

    @Test(
        "a damaged key is refused and left as it is",
        arguments: [
            "", "\n", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "g", count: 64), " " + String(repeating: "0", count: 64),
            String(repeating: "0", count: 100_000), String(repeating: "é", count: 32),
        ])
    func damage(content: String) throws {
        let directory = try TemporaryDirectory()
        try directory.write(content, to: "secret_ed25519")
        let error = #expect(throws: KeystoreError.self) {
            try NodeKey.loadOrCreate(in: directory.path)
        }
        guard case .malformed? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try directory.read("secret_ed25519") == content)
    }

    @Test("what is no file, and directories that cannot be written, are errors that say so")
    func notFiles() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/secret_ed25519", withIntermediateDirectories: true)
        #expect(throws: KeystoreError.notAFile(path: "\(directory.path)/secret_ed25519")) {
            try NodeKey.loadOrCreate(in: directory.path)
        }
        try directory.write("", to: "file")
        for path in ["\(directory.path)/file/network", "/dev/null/network", "/proc/network"] {
            #expect(throws: KeystoreError.self) { try NodeKey.loadOrCreate(in: path) }
        }
    }

    @Test("no error shows what is in the file")
    func errorsHideSecrets() throws {
        let directory = try TemporaryDirectory()
        let secret = String(repeating: "5ec7e7", count: 11)
        try directory.write(secret, to: "secret_ed25519")
        let error = #expect(throws: KeystoreError.self) {
            try NodeKey.load(from: directory.path)
        }
        #expect(
            "\(String(describing: error)) \(String(reflecting: error))".contains("5ec7") == false)
    }
}
