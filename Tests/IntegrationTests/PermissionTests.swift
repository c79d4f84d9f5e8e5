import Foundation
import TestSupport
import Testing

/// A validator's files with wrong permissions: the node says which, and ends.
@Suite(.serialized) struct PermissionTests {
    /// Runs the node as a user without the superuser's rights on files.
    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        try Program.run(
            URL(filePath: "/usr/bin/env"),
            [
                "timeout", "20", "setpriv", "--bounding-set=-dac_override,-dac_read_search",
                "--inh-caps=-all",
                NodeProcess.programs.appending(path: "quantumharmony-node").path,
            ] + arguments)
    }

    private func set(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test(.timeLimit(.minutes(1)))
    func `wrong permissions of keys, data and sign log are refused with the path, and mended`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let alice = try await net.start("alice", keys: ["//Alice"])
        try await alice.waitForFinality(of: 2)
        #expect(alice.stop() == 0)
        let final = try #require(
            alice.log.lines.compactMap(NodeProcess.finalisedNumber(in:)).max())
        let chains = net.basePath(of: "alice") + "/chains"
        let chain = try #require(
            FileManager.default.contentsOfDirectory(atPath: chains).first.map { "\(chains)/\($0)" })
        let key = try #require(
            FileManager.default.contentsOfDirectory(atPath: "\(chain)/keystore")
                .first { $0.hasPrefix("66616c63") })

        for secret in ["keystore/\(key)", "network/secret_ed25519"] {
            try set(0o644, of: "\(chain)/\(secret)")
            let refused = try run(alice.arguments)
            #expect(refused.status == 1, "\(secret): \(refused.output.suffix(600))")
            #expect(refused.output.contains("permissions are 644"), "\(refused.output.suffix(600))")
            #expect(refused.output.contains(secret), "\(refused.output.suffix(600))")
            try set(0o600, of: "\(chain)/\(secret)")
        }
        for folder in ["db", "signlog"] {
            let path = "\(chain)/\(folder)"
            let files = try FileManager.default.contentsOfDirectory(atPath: path)
            for file in files { try set(0o400, of: "\(path)/\(file)") }
            try set(0o500, of: path)
            let refused = try run(alice.arguments)
            #expect(refused.status == 1, "\(folder): \(refused.output.suffix(600))")
            for part in ["cannot write \(path)", "Check the permissions"] {
                #expect(refused.output.contains(part), "\(folder): \(refused.output.suffix(600))")
            }
            try set(0o700, of: path)
            for file in files { try set(0o600, of: "\(path)/\(file)") }
        }
        // A place where no data directory can be made.
        let closed = net.folder.appending(path: "closed").path
        try FileManager.default.createDirectory(
            atPath: closed, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o555])
        let refused = try run([
            "--alice", "--validator", "--chain", net.chain, "--base-path", "\(closed)/data",
            "--rpc-port", "0", "--port", "0",
        ])
        #expect(refused.status == 1, "\(refused.output.suffix(600))")
        #expect(
            refused.output.contains("cannot use the folder '\(closed)/data': Permission denied"),
            "\(refused.output.suffix(600))")

        // All is as it was: nothing was lost, and it votes on.
        let again = try await net.start("alice", isKeystoreFilled: true)
        try await again.waitForFinality(of: final + 2)
        #expect(!again.log.lines.contains { $0.contains("does not vote") })
        #expect(again.stop() == 0)
    }
}
