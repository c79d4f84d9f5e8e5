import Foundation
import TestSupport
import Testing

/// What operators do with a node: look at it, copy its blocks, prune, upgrade it.
@Suite(.serialized) struct OperatorTests {
    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        try Program.run("quantumharmony-node", arguments)
    }

    @Test(.timeLimit(.minutes(2)))
    func `blocks are exported, imported again where they were, and checked`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        for node in [alice, bob] { try await node.waitForFinality(of: 6) }
        let hash = try alice.rpc.string("chain_getBlockHash", [5])
        let file = net.folder.appending(path: "blocks").path
        let options = ["--chain", net.chain, "--base-path"]
        let refused = try run(["export-blocks"] + options + [net.basePath(of: "alice"), file])
        #expect(refused.status == 1 && refused.output.contains("in use"), "\(refused.output)")
        for node in [alice, bob] { #expect(node.stop() == 0) }
        let exported = try run(["export-blocks"] + options + [net.basePath(of: "alice"), file])
        #expect(exported.status == 0, "\(exported.output)")

        // A part first, cut off in the middle of a record, then the whole.
        let bytes = try Data(contentsOf: URL(filePath: file))
        let part = net.folder.appending(path: "part").path
        try bytes.prefix(bytes.count * 2 / 3).write(to: URL(filePath: part))
        let other = net.folder.appending(path: "other").path
        let cut = try run(["import-blocks"] + options + [other, part])
        #expect(cut.status == 1 && cut.output.contains("in the middle"), "\(cut.output)")
        let whole = try run(["import-blocks"] + options + [other, file])
        #expect(whole.status == 0, "\(whole.output)")
        let known = try #require(
            whole.output.firstMatch(of: /(\d+) were known/).flatMap { Int($0.1) })
        #expect(known > 0, "\(whole.output)")
        let checked = try run(["check-block"] + options + [other, "5"])
        #expect(checked.status == 0 && checked.output.contains(hash), "\(checked.output)")
        let missing = try run(["check-block"] + options + [other, "100000"])
        #expect(missing.status == 1 && missing.output.contains("is not stored"))

        // A bit of any signature or body is noticed, and so is another chain.
        var damaged = bytes
        damaged[damaged.count - 700] ^= 1
        let bad = net.folder.appending(path: "bad").path
        try damaged.write(to: URL(filePath: bad))
        let third = net.folder.appending(path: "third").path
        let forged = try run(["import-blocks"] + options + [third, bad])
        #expect(forged.status == 1 && forged.output.contains("not valid"), "\(forged.output)")
        let foreign = try run(
            ["import-blocks", "--chain", "local", "--base-path", third + "-local", file])
        #expect(foreign.status == 1 && foreign.output.contains("another chain"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `the doctor finds a node that runs well, and what is wrong with one that does not`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        for node in [alice, bob] { try await node.waitForFinality(of: 2) }
        let port = try #require(net.peerPort(of: "alice"))
        let arguments = [
            "doctor", "--chain", net.chain, "--base-path", net.basePath(of: "alice"), "--port",
            "\(port)", "--rpc-port", "\(alice.rpcPort)", "--output", "json",
        ]
        func levels() throws -> (status: Int32, levels: [String: String]) {
            let (status, output) = try run(arguments)
            let list = try #require(
                JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: String]])
            let pairs = list.map { ($0["check"] ?? "", $0["level"] ?? "") }
            return (status, Dictionary(pairs) { first, second in max(first, second) })
        }
        let healthy = try levels()
        #expect(healthy.status == 0, "\(healthy)")
        for check in ["base path", "keys", "node", "database", "port for peers"] {
            #expect(healthy.levels[check] == "ok", "\(check): \(healthy)")
        }
        #expect(alice.stop() == 0)
        let stopped = try levels()
        #expect(stopped.levels["node"] == "warning")
        #expect(stopped.levels["database"] == "ok" && stopped.levels["sign log"] == "ok")

        // Keys that others may read, and a database whose pages were written over.
        let folder = URL(filePath: net.basePath(of: "alice")).appending(path: "chains")
        let chain = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder.path).first)
        let base = folder.appending(path: chain)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: base.appending(path: "network/secret_ed25519").path)
        let database = base.appending(path: "db/chain.sqlite")
        var bytes = try Data(contentsOf: database)
        for index in 4_096..<min(bytes.count, 20_480) { bytes[index] = 0x5A }
        try bytes.write(to: database)
        let broken = try levels()
        #expect(broken.status == 1)
        #expect(broken.levels["keys"] == "problem", "\(broken)")
        #expect(broken.levels["database"] == "problem", "\(broken)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a restart for an upgrade takes less than two seconds, and no vote is made twice`()
        async throws
    {
        // A restart is over within a slot, so that it can cost one vote at most.
        let net = try Testnet(slotMilliseconds: 2_000, validators: 4)
        var nodes: [NodeProcess] = []
        for name in ["alice", "bob", "charlie", "dave"] { nodes.append(try await net.start(name)) }
        for node in nodes { try await node.waitForFinality(of: 2) }
        let before = try nodes[0].rpc.finalisedNumber()
        let begin = ContinuousClock.now
        #expect(nodes[3].stop() == 0)
        let again = try await net.start("dave")
        let down = ContinuousClock.now - begin
        #expect(down < .seconds(2), "down for \(down)")
        let stopped = nodes[3]
        nodes[3] = again
        for node in nodes { try await node.waitForFinality(of: before + 5, seconds: 30) }
        let told = ToldByLogs(of: nodes + [stopped])
        #expect(told.votes.count > 20 && told.contradictions == [], "\(told.contradictions)")
        let hashes = try nodes.map { try $0.rpc.string("chain_getBlockHash", [Int(before) + 4]) }
        #expect(Set(hashes).count == 1)
        let late = try lateRounds(
            of: "Dave", by: nodes[0], from: before + 1, slotMilliseconds: 2_000)
        #expect(late.checked >= 4 && late.late.count <= 1, "\(late)")
    }

    /// The rounds that made blocks final in which a validator's precommit came after the slot, or not
    /// at all, as another one's log has it.
    private func lateRounds(
        of name: String, by node: NodeProcess, from height: UInt32, slotMilliseconds: Int
    ) throws -> (checked: Int, late: [String]) {
        var begun: [Substring: Int] = [:]
        var precommitted: [Substring: Int] = [:]
        var rounds: [(round: Substring, height: UInt32)] = []
        for line in node.log.lines {
            guard let clock = line.firstMatch(of: /(\d\d):(\d\d):(\d\d)\.(\d{3})/) else { continue }
            let parts = [clock.1, clock.2, clock.3].compactMap { Int($0) }
            let time = parts.reduce(0) { $0 * 60 + $1 } * 1_000 + (Int(clock.4) ?? 0)
            if let match = line.firstMatch(of: /prevote of \S+ counted: .*, round (\d+)/) {
                begun[match.1] = begun[match.1] ?? time
            }
            if let match = line.firstMatch(of: /precommit of (\S+) counted: .*, round (\d+)/),
                match.1.lowercased() == name.lowercased()
            {
                precommitted[match.2] = precommitted[match.2] ?? time
            }
            if let match = line.firstMatch(of: #/Finalised #(\d+) .* in round (\d+) by/#),
                let number = UInt32(match.1), number >= height
            {
                rounds.append((match.2, number))
            }
        }
        // The newest one's votes may still be on their way.
        let checked = rounds.dropLast()
        let late = checked.filter { round, _ in
            guard let start = begun[round], let end = precommitted[round] else { return true }
            // Midnight lies between the two at worst.
            return (end - start + 86_400_000) % 86_400_000 > slotMilliseconds
        }
        return (checked.count, late.map { "round \($0.round), #\($0.height)" })
    }

    @Test(.timeLimit(.minutes(1)))
    func `log lines are JSON objects on request, and pruning options are checked`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start(
            "alice", options: ["--blocks-pruning", "512", "--certificates-keep", "64"])
        #expect(alice.stop() == 0)
        let bob = try await net.launch("bob", options: ["--log-format", "json"])
        _ = try await bob.wait(for: "JSON-RPC on")
        #expect(bob.stop() == 0)
        for line in bob.log.lines {
            let object = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(Set(object.keys) == ["time", "level", "target", "message", "fields"])
        }
        for (option, value) in [
            ("--blocks-pruning", "511"), ("--blocks-pruning", "some"), ("--certificates-keep", "1"),
            ("--log-format", "xml"),
        ] {
            let refused = try run(["--alice", "--tmp", option, value])
            #expect(refused.status != 0 && refused.output.contains(option), "\(refused.output)")
        }
    }
}
