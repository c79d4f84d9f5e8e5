import Foundation
import TestSupport
import Testing

/// A process that signs for validators, and a validator that moves.
@Suite(.serialized) struct SignerProcessTests {
    private func signer(_ net: Testnet, begins: Bool) async throws -> NodeProcess {
        let folder = net.folder.appending(path: "signer").path
        let process = NodeProcess(
            name: "signer", rpcPort: 0,
            arguments: [
                "--keystore-path", "\(folder)/keys", "--log-path", "\(folder)/log", "--socket",
                socket(net),
            ] + (begins ? ["--init-sign-log"] : []),
            logFile: "\(folder).log", program: "quantumharmony-signer")
        try process.start()
        try await process.wait(for: "Listening at")
        return process
    }

    private func socket(_ net: Testnet) -> String {
        net.folder.appending(path: "signer.sock").path
    }

    private func insert(_ uri: String, _ options: [String]) throws {
        let (status, output) = try Program.run(
            "quantumharmony-node", ["key", "insert", "--suri", uri] + options)
        #expect(status == 0, "\(output)")
    }

    /// One target for each slot of each validator, in all that anybody heard.
    private func checkVotes(of nodes: [NodeProcess]) {
        var votes: [String: Set<Substring>] = [:]
        for node in nodes {
            for line in node.log.lines {
                #expect(!line.contains("Double vote"), "\(line)")
                if let match = line.firstMatch(
                    of: #/Received (\w+) of (\S+) from .* for (#\d+ \(.*\)|nil), round (\d+)/#)
                {
                    votes["\(match.2) \(match.1) \(match.4)", default: []].insert(match.3)
                }
            }
        }
        #expect(votes.count > 20, "the logs were understood")
        for (slot, targets) in votes { #expect(targets.count == 1, "\(slot): \(targets)") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `two nodes with one signer never sign twice, and go on when it is back`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        let keys = net.folder.appending(path: "signer/keys").path
        try insert("//Charlie", ["--keystore-path", keys])
        var signer = try await signer(net, begins: true)
        #expect(
            try FileManager.default.attributesOfItem(atPath: socket(net))[.posixPermissions]
                as? Int == 0o600)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let options = ["--signer", "unix:\(socket(net))"]
        let first = try await net.start("charlie", isKeystoreFilled: true, options: options)
        for node in [alice, bob, first] { try await node.waitForFinality(of: 2) }

        // Without Bob its votes are needed, and without the signer there are none.
        bob.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, first] { try await node.waitForFinality(of: height + 2) }
        #expect(signer.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: socket(net)))
        try await first.wait(for: "is gone")
        let stopped = first.log.lines.count
        signer = try await self.signer(net, begins: false)
        try await first.wait(for: "is back", from: stopped)
        let next = try alice.rpc.finalisedNumber()
        for node in [alice, first] { try await node.waitForFinality(of: next + 2) }

        // A second node with the same keys, which knows nothing of the first one's votes.
        let again = try await net.start("bob")
        let second = try await net.start("charlie2", isKeystoreFilled: true, options: options)
        let joined = try alice.rpc.finalisedNumber()
        for node in [alice, again, second] { try await node.waitForFinality(of: joined + 5) }
        checkVotes(of: [alice, bob, again])
        for node in [alice, again, first, second, signer] { #expect(node.stop() == 0) }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a validator moves with its sign log, and signs in one place only`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        for name in ["old", "new"] {
            try insert("//Charlie", ["--chain", net.chain, "--base-path", net.basePath(of: name)])
        }
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let old = try await net.start("old", isKeystoreFilled: true)
        for node in [alice, bob, old] { try await node.waitForFinality(of: 2) }
        let file = net.folder.appending(path: "signlog").path
        func move(_ way: String, _ name: String) throws -> (status: Int32, output: String) {
            try Program.run(
                "quantumharmony-node",
                [
                    "sign-log", way, file, "--chain", net.chain, "--base-path",
                    net.basePath(of: name),
                ]
            )
        }
        let running = try move("export", "old")
        #expect(running.status == 1 && running.output.contains("in use"), "\(running.output)")
        #expect(old.stop() == 0)
        #expect(try move("export", "old").status == 0)
        #expect(try move("export", "old").status == 1, "the file is there")
        #expect(try move("import", "new").status == 0)
        #expect(try move("import", "new").status == 1, "it was taken over")
        let back = try move("import", "old")
        #expect(back.status == 1 && back.output.contains("or newer"), "\(back.output)")

        // Where it was it follows; where it is its votes make blocks final.
        let left = try await net.start("old", isKeystoreFilled: true)
        try await left.wait(for: "does not vote")
        let new = try await net.start("new", isKeystoreFilled: true)
        bob.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, new, left] { try await node.waitForFinality(of: height + 3) }
        checkVotes(of: [alice, bob, new])
        for node in [alice, new, left] { #expect(node.stop() == 0) }
    }
}
