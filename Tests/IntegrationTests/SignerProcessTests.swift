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
        let told = ToldByLogs(of: nodes)
        #expect(told.votes.count > 20, "the logs were understood")
        #expect(told.contradictions == [])
    }

    /// A program that connects and stays until its input ends; it has connected.
    private func client(at path: String) async throws -> ChildProcess {
        let log = LineLog()
        let client = try ChildProcess(
            Repository.python,
            [
                "-c",
                "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                    + "print('connected', flush=True); sys.stdin.read()", path,
            ]
        ) { bytes in
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
        _ = try await log.wait(for: "the connection", seconds: 20) { $0 == "connected" }
        return client
    }

    @Test(.timeLimit(.minutes(1)))
    func
        `a signer without free descriptors waits for one; one that cannot accept ends with the reason`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 1_000)
        let keys = net.folder.appending(path: "signer/keys").path
        try insert("//Charlie", ["--keystore-path", keys])
        let signer = try await signer(net, begins: true)
        let id = "\(try #require(signer.processID))"
        func allow(_ count: Int) throws {
            let limited = try Program.run(
                URL(filePath: "/usr/bin/env"), ["prlimit", "--pid", id, "--nofile=\(count):"])
            #expect(limited.status == 0, "\(limited.output)")
        }
        // No more than the standard streams is allowed from now on. The descriptor of one more
        // connection may have been taken already: waiting for it does that.
        let first = try await client(at: socket(net))
        defer { first.closeInput() }
        try await signer.wait(for: "A node has connected")
        try allow(3)
        let second = try await client(at: socket(net))
        defer { second.closeInput() }
        let third = try await client(at: socket(net))
        defer { third.closeInput() }
        try await signer.wait(for: "have to wait: Too many open files")
        #expect(signer.isRunning)
        try allow(256)
        try await signer.wait(for: "are accepted again")
        #expect(signer.log.lines.count { $0.contains("have to wait") } == 1)
        #expect(signer.stop() == 0)

        let library = try Preload.library("Tests/IntegrationTests/fault_shim.c", in: net.folder)
        let deaf = NodeProcess(
            name: "deaf", rpcPort: 0,
            arguments: signer.arguments.filter { $0 != "--init-sign-log" },
            environment: ["LD_PRELOAD": library, "ACCEPT_ERRNO": "\(EINVAL)"],
            program: "quantumharmony-signer")
        try deaf.start()
        #expect(deaf.waitForExit() == 1)
        #expect(
            deaf.log.lines.contains {
                $0.contains(
                    "no more connections can be accepted at \(socket(net)): Invalid argument")
            }, "\(deaf.log.tail())")
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
    func `a key is rotated in the signer, and votes from the next set on`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000, validators: 4, sessionLength: 8)
        try insert(
            "//Charlie", ["--keystore-path", net.folder.appending(path: "signer/keys").path])
        var signer = try await signer(net, begins: true)
        let options = ["--signer", "unix:\(socket(net))"]
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let dave = try await net.start("dave")
        var charlie = try await net.start("charlie", isKeystoreFilled: true, options: options)
        for node in [alice, bob, charlie, dave] { try await node.waitForFinality(of: 1) }

        let before = try alice.rpc.sessionKey(ofValidator: 2)
        #expect(try charlie.rpc.call("author_hasKey", [before, "falc"]) as? Bool == true)
        let rotation = try Program.run(
            "quantumharmony-node", ["key", "rotate", "--rpc-port", "\(charlie.rpcPort)"])
        let new = rotation.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(rotation.status == 0 && new.count == 2 + 2 * 1_793, "\(rotation.output)")
        #expect(new != before)
        #expect(try charlie.rpc.call("author_hasKey", [new, "falc"]) as? Bool == true)
        try await signer.wait(for: "was made")
        // The node has no secrets of its own.
        let files = try #require(
            FileManager.default.enumerator(atPath: net.basePath(of: "charlie")))
        #expect(!files.contains { ($0 as? String)?.contains("66616c63") ?? true })
        for node in [alice, bob, charlie, dave] {
            try await node.wait(for: "Validator set 1 votes from here on", seconds: 90)
        }
        #expect(try alice.rpc.sessionKey(ofValidator: 2) == new)

        // Without Bob the new key's votes are needed; also when both have been started anew.
        bob.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, charlie, dave] { try await node.waitForFinality(of: height + 3) }
        #expect(charlie.stop() == 0)
        #expect(signer.stop() == 0)
        signer = try await self.signer(net, begins: false)
        charlie = try await net.start("charlie", isKeystoreFilled: true, options: options)
        let next = try alice.rpc.finalisedNumber()
        for node in [alice, charlie, dave] { try await node.waitForFinality(of: next + 3) }
        checkVotes(of: [alice, dave])
        for node in [alice, charlie, dave, signer] { #expect(node.stop() == 0) }
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
