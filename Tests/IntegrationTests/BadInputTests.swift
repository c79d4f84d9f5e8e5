import Foundation
import TestSupport
import Testing

/// What goes wrong outside ends in a clear error, never in a trap, and loses nothing.
@Suite(.serialized) struct BadInputTests {
    private func start(_ arguments: [String]) throws -> (status: Int32, output: String) {
        try Program.run("quantumharmony-node", arguments)
    }

    @Test func `a chain specification that is missing, no JSON or incomplete is refused`() throws {
        let missing = try start(["--chain", "/nonexistent/chain.json", "--tmp"])
        #expect(missing.status != 0)
        #expect(missing.output.contains("cannot read the chain specification"))
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
        defer { try? FileManager.default.removeItem(at: file) }
        for text in [
            "", "garbage", "[]", "{}", "{\"id\": 3}", String(repeating: "[", count: 100_000),
        ] {
            try text.write(to: file, atomically: true, encoding: .utf8)
            let malformed = try start(["--chain", file.path, "--tmp"])
            #expect(malformed.status == 1, "\(text.prefix(20)): \(malformed.output.suffix(300))")
            #expect(malformed.output.contains("is not valid"), "\(malformed.output.suffix(300))")
        }
    }

    @Test func `a bootnode in the chain specification that names no peer is refused`() throws {
        let (status, text) = try start(["build-spec", "--chain", "local"])
        #expect(status == 0)
        var fields = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        fields["bootNodes"] = ["/ip4/127.0.0.1/tcp/1"]
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try JSONSerialization.data(withJSONObject: fields).write(to: file)
        let refused = try start(["--chain", file.path, "--tmp"])
        #expect(refused.status == 1)
        #expect(refused.output.contains("bootNodes"), "\(refused.output.suffix(300))")
    }

    @Test func `wrong options are refused with the reason`() throws {
        for (arguments, reason) in [
            (["--alice", "--bob"], "one validator"), (["--node-key", "12"], "64 hexadecimal"),
            (["--bootnodes", "/ip4/127.0.0.1/tcp/1"], "/p2p/"),
            (["--bootnodes", "x"], "multiaddr"),
            (["--public-addr", "/ip4/0.0.0.0/tcp/1"], "--public-addr"),
            (["--public-addr", "/ip4/8.8.8.8/udp/1"], "--public-addr"),
            (["--suri", "Alice"], "--suri"), (["--quantum-source", "ftp://x"], "--quantum-source"),
            (["-l", "chain=loud"], "unknown log level"),
        ] {
            let result = try start(arguments)
            #expect(result.status != 0)
            #expect(result.output.contains(reason), "\(arguments): \(result.output)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a base path and ports in use are refused, and the running node goes on`() async throws {
        let net = try Testnet()
        let alice = try await net.start("alice")
        let again = try start(alice.arguments)
        #expect(again.status == 1)
        #expect(again.output.contains("is in use by process"), "\(again.output)")
        let taken = try start([
            "--tmp", "--listen-addr", "/ip4/127.0.0.1/tcp/\(try Program.freePort())", "--rpc-port",
            "\(alice.rpcPort)",
        ])
        #expect(taken.status == 1)
        #expect(taken.output.contains("another process listens there"), "\(taken.output)")
        let port = try #require(alice.peerPort)
        let peers = try start([
            "--tmp", "--listen-addr", "/ip4/127.0.0.1/tcp/\(port)", "--rpc-port", "0",
        ])
        #expect(peers.status == 1)
        #expect(peers.output.contains("cannot listen for peers"), "\(peers.output)")
        #expect(try RPCClient(port: alice.rpcPort).string("system_chain") == "Local Testnet")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a corrupt database is refused; keys and sign log stay`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        try await alice.wait(for: "counted")
        #expect(alice.stop() == 0)
        let chain = net.folder.appending(path: "alice/chains/local")
        let database = try #require(
            FileManager.default.contentsOfDirectory(
                at: chain.appending(path: "db"), includingPropertiesForKeys: nil
            ).first { $0.pathExtension == "sqlite" })
        try Data(repeating: 0x5A, count: 8_192).write(to: database)
        let result = try start(alice.arguments)
        #expect(result.status == 1)
        #expect(result.output.contains("purge-chain"), "\(result.output)")
        let purge = try start([
            "purge-chain", "--chain", net.chain, "--base-path",
            net.folder.appending(path: "alice").path, "-y",
        ])
        #expect(purge.status == 0, "\(purge.output)")
        let signLog = try FileManager.default.contentsOfDirectory(
            atPath: chain.appending(path: "signlog").path)
        #expect(!signLog.isEmpty)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a live chain refuses development keys and simulated measurements`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let spec = try start(["build-spec", "--chain", "local", "--kind", "live", "--id", "live"])
        try spec.output.write(to: file, atomically: true, encoding: .utf8)
        let key = try start(["--chain", file.path, "--alice", "--validator", "--tmp"])
        #expect(key.status == 1)
        #expect(key.output.contains("development key"), "\(key.output)")
        let source = try start([
            "--chain", file.path, "--validator", "--tmp", "--quantum-source", "simulated",
        ])
        #expect(source.status == 1)
        #expect(source.output.contains("simulated quantum source"), "\(source.output)")
    }

    @Test(.timeLimit(.minutes(1)))
    func `nodes of two chains tell each other apart and leave each other alone`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let other = try Testnet(slotMilliseconds: 600)
        let alice = try await net.start("alice")
        let bootnode = try #require(net.bootnode)
        let bob = try await other.start("bob", options: ["--bootnodes", bootnode])
        try await bob.wait(for: "follows another chain")
        try await alice.wait(for: "follows another chain")
        #expect(!alice.log.lines.contains { $0.contains("Peer joined") })
        for node in [alice, bob] { #expect(node.stop() == 0, "\(node.log.tail())") }
    }

    @Test(.timeLimit(.minutes(1)))
    func `garbage on both ports changes nothing`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let port = try #require(alice.peerPort)
        var generator = SystemRandomNumberGenerator()
        for target in [port, alice.rpcPort] {
            for size in [1, 20, 1_000, 70_000] {
                let garbage = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
                _ = try? RPCClient(port: target).exchange(garbage + Array("\r\n\r\n".utf8))
            }
        }
        #expect(alice.isRunning)
        #expect(try RPCClient(port: alice.rpcPort).string("system_name") == "quantumharmony-node")
        #expect(alice.stop() == 0)
    }
}
