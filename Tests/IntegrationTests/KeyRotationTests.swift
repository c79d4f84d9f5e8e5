import Foundation
import TestSupport
import Testing

/// Keys of real nodes: encrypted, and rotated by the operator while blocks become final.
@Suite(.serialized) struct KeyRotationTests {
    @Test(.timeLimit(.minutes(3)))
    func `a validator with an encrypted keystore rotates its key while it runs`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000, validators: 4, sessionLength: 8)
        let alice = try await net.start("alice")
        let password = net.folder.appending(path: "password").path
        try #require(
            FileManager.default.createFile(
                atPath: password, contents: Data("s3cret\n".utf8),
                attributes: [.posixPermissions: 0o600]))
        let folder = ["--chain", net.chain, "--base-path", net.basePath(of: "bob")]
        let insertion = try Program.run(
            "quantumharmony-node",
            ["key", "insert"] + folder + ["--password-filename", password], input: "//Bob\n")
        #expect(insertion.status == 0, "\(insertion.output)")
        try await refusals(net, folder: folder)
        let bob = try await net.start(
            "bob", isKeystoreFilled: true, options: ["--password-filename", password])
        let charlie = try await net.start("charlie")
        let dave = try await net.start("dave")
        let all = [alice, bob, charlie, dave]
        for node in all { try await node.waitForFinality(of: 1) }

        let before = try alice.rpc.sessionKey(ofValidator: 1)
        #expect(try bob.rpc.call("author_hasSessionKeys", [before]) as? Bool == true)
        let rotation = try Program.run(
            "quantumharmony-node", ["key", "rotate", "--rpc-port", "\(bob.rpcPort)"])
        let new = rotation.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(rotation.status == 0 && new.count == 2 + 2 * 1_793, "\(rotation.output)")
        #expect(new != before)
        #expect(try bob.rpc.call("author_hasSessionKeys", [new]) as? Bool == true)
        #expect(try alice.rpc.call("author_hasKey", [new, "falc"]) as? Bool == false)
        for node in all {
            try await node.wait(for: "Validator set 1 votes from here on", seconds: 90)
        }
        #expect(try alice.rpc.sessionKey(ofValidator: 1) == new)

        // Bob votes with the new key, and without one of the others its vote is needed.
        charlie.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, bob, dave] { try await node.waitForFinality(of: height + 3) }
        for node in all {
            #expect(!node.log.lines.contains { $0.contains("Double vote") })
        }
        try followHandOff(net, at: dave)
        #expect(bob.stop() == 0)

        // Both keys are encrypted; after a restart the new one is found.
        let keystore = net.basePath(of: "bob") + "/chains"
        let files = try #require(FileManager.default.enumerator(atPath: keystore))
            .compactMap { $0 as? String }.filter { $0.contains("keystore/66616c63") }
        #expect(files.count == 2)
        for file in files {
            let text = try String(contentsOfFile: "\(keystore)/\(file)", encoding: .utf8)
            #expect(text.hasPrefix("\"quantumharmony-encrypted/1:"))
        }
        let again = try await net.start(
            "bob", isKeystoreFilled: true, options: ["--password-filename", password])
        let now = try alice.rpc.finalisedNumber()
        for node in [alice, again, dave] { try await node.waitForFinality(of: now + 3) }
        for node in [alice, again, dave] { #expect(node.stop() == 0) }
    }

    /// The node does not start without the password, nor with a wrong one, and says why.
    private func refusals(_ net: Testnet, folder: [String]) async throws {
        let start = folder + ["--validator", "--rpc-port", "0", "--port", "0", "--no-mdns"]
        let without = try Program.run("quantumharmony-node", start)
        #expect(without.status == 1 && without.output.contains("give --password-filename"))
        let wrong = try Program.run("quantumharmony-node", start + ["--password", "guess"])
        #expect(wrong.status == 1 && wrong.output.contains("does not open with this password"))
        let both = try Program.run(
            "quantumharmony-node", start + ["--password", "guess", "--password-interactive"])
        #expect(both.status == 64 && both.output.contains("exclude each other"))
    }

    /// A certificate of the new set verifies from the first set on, with the hand-off.
    private func followHandOff(_ net: Testnet, at node: NodeProcess) throws {
        let file = net.folder.appending(path: "handoffs.json").path
        try text(try node.rpc.call("coherence_handOffs", [0]))
            .write(toFile: file, atomically: true, encoding: .utf8)
        let height = try node.rpc.finalisedNumber()
        let proof = try node.rpc.object("coherence_proveFinality", [Int(height)])
        #expect((proof["setId"] as? Int).map { $0 >= 1 } ?? false)
        let command = ["verify-certificate", "--chain", net.chain]
        let whole = try Program.run(
            "quantumharmony-node", command + ["--hand-offs", file], input: text(proof))
        #expect(whole.status == 0 && whole.output.contains("VALID"), "\(whole.output)")
        let alone = try Program.run("quantumharmony-node", command, input: text(proof))
        #expect(alone.status != 0)
    }

    private func text(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    @Test func `operators' commands on keys`() throws {
        let alice = try Program.run(
            "quantumharmony-node", ["key", "inspect", "//Alice", "--scheme", "sr25519"])
        #expect(alice.status == 0)
        for part in [
            "Secret Key URI `//Alice` is account:", "  Network ID:        substrate",
            "  Secret seed:       0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a",
            "  Public key (hex):  0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
            "  SS58 Address:      5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        ] { #expect(alice.output.contains(part), "\(part) is not in \(alice.output)") }
        let kusama = try Program.run(
            "quantumharmony-node",
            ["key", "inspect", "//Alice", "--scheme", "sr25519", "--network", "2"])
        #expect(kusama.output.contains("HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"))

        let made = try Program.run(
            "quantumharmony-node", ["key", "generate", "--output-type", "json"])
        let key = try #require(
            try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [String: String])
        let phrase = try #require(key["secretPhrase"])
        #expect(phrase.split(separator: " ").count == 24)
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let insertion = ["key", "insert", "--keystore-path", folder]
        let inserted = try Program.run("quantumharmony-node", insertion, input: phrase + "\n")
        #expect(inserted.status == 0, "\(inserted.output)")
        #expect(
            inserted.output == "\(folder)/66616c63\(key["keystoreName"] ?? "")\n")
        let again = try Program.run("quantumharmony-node", insertion, input: phrase + "\n")
        #expect(again.status == 1 && again.output.contains("not overwritten"))
        let change = ["key", "change-password", "--keystore-path", folder]
        let encrypted = try Program.run(
            "quantumharmony-node", change + ["--new-password-interactive"], input: "one\n")
        #expect(encrypted.output == "1 key files were encrypted.\n", "\(encrypted.output)")
        let refused = try Program.run("quantumharmony-node", change + ["--plain"])
        #expect(refused.status == 1 && refused.output.contains("no password was given"))
        let decrypted = try Program.run(
            "quantumharmony-node", change + ["--plain", "--password", "one"])
        #expect(decrypted.output == "1 key files were decrypted.\n", "\(decrypted.output)")
    }
}
