import Chain
import Foundation
import TestSupport
import Testing

/// Real validators whose set changes while extrinsics come in, followed by Python with PQClean's
/// Falcon.
@Suite("Changes of the validators, followed by a foreign verifier", .serialized)
struct SetChangeInteropTests {
    /// What may lie between two final blocks. A hand-off block's children are made whether or not
    /// it is final, and its certificate begins round 0 of the new set: so a hand-off costs no more
    /// than a slot whose author makes no block, and a round that fails: two slots of 1 s, and twice
    /// the two phases of D(0) = 500 ms and D(1) = 750 ms.
    private static let longestGapMilliseconds = 2 * 1_000 + 2 * (500 + 750)

    @Test(
        "a key rotates, a validator is replaced, finality goes on, every certificate holds",
        .timeLimit(.minutes(3)))
    func changes() async throws {
        let net = try Testnet(slotMilliseconds: 1_000, validators: 4, sessionLength: 8)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob", keys: ["//Bob"])
        let charlie = try await net.start("charlie")
        let dave = try await net.start("dave")
        let eve = try await net.start("eve", keys: ["//Eve"])
        let all = [alice, bob, charlie, dave, eve]
        let genesis = try alice.rpc.string("chain_getBlockHash", [0])
        let first = try members(at: alice)
        let ports = [alice.rpcPort, charlie.rpcPort]
        let load = try RemarkSender(uri: "//Charlie", genesisHash: genesis, perSecond: 10) { ports }
        defer { load.stop() }
        let (follower, followed) = try follow(alice)
        defer {
            follower.send(SIGKILL)
            follower.waitForExit()
        }
        _ = try await followed.wait(for: "the follower", seconds: 30) {
            $0 == "following from set 0"
        }
        for node in all { try await node.waitForFinality(of: 1) }

        // Bob's node makes a new key and asks for it; it signs from set 1 on.
        let rotation = try Program.run(
            "quantumharmony-node", ["key", "rotate", "--rpc-port", "\(bob.rpcPort)"])
        try #require(rotation.status == 0, "\(rotation.output)")
        let newKey = rotation.output.trimmingCharacters(in: .whitespacesAndNewlines)
        for node in all { try await wait(forSet: 1, at: node) }
        let second = try members(at: alice)
        #expect(second.map(\.account) == first.map(\.account))
        #expect(second[1].key == newKey && first[1].key != newKey)

        // A session has just begun: what is handed in now is done by its end.
        for (uri, node) in [("//Alice", alice), ("//Dave", dave)] {
            var member = try Member(uri: uri, genesisHash: genesis)
            try member.nominate("//Eve", at: node.rpc)
            if uri == "//Dave" { try member.leave(at: node.rpc) }
        }
        load.handIn(try Member(uri: "//Charlie", genesisHash: genesis).nomination(of: "//Eve"))
        for node in all { try await wait(forSet: 2, at: node) }
        let third = try members(at: alice)
        #expect(third.prefix(3) == second.prefix(3))
        #expect(third.count == 4 && third[3].account != first[3].account)

        #expect(
            await followed.ended(within: 60) && follower.waitForExit() == 0, "\(followed.tail())")
        load.stop()
        try checkFinality(followed.lines, at: alice)
        #expect(load.acceptedCount > 50, "the load was real")

        // The rotated key and the newcomer vote: without one of the others both are needed.
        charlie.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, bob, dave, eve] { try await node.waitForFinality(of: height + 3) }
        try verifyCertificates(of: net, at: eve)
        let told = ToldByLogs(of: all)
        #expect(told.finalised.count > 16 && told.votes.count > 60, "the logs were understood")
        #expect(told.votes.keys.contains { $0.hasPrefix("set 2: ") })
        #expect(told.contradictions == [])
        for node in [alice, bob, dave, eve] { #expect(node.stop() == 0) }
        try compareSignLogs(of: all, in: net)
        try InteropPage.note(
            "every finality certificate across a rotated key and a replaced validator, set by set by the documentation, verified with pqcrypto 0.4.0",
            .theirs, with: "websocket-client 1.9.2")
    }

    private func wait(forSet set: Int, at node: NodeProcess) async throws {
        try await node.wait(for: "Validator set \(set) votes from here on", seconds: 90)
    }

    private struct Place: Equatable {
        let account: String
        let key: String
    }

    private func members(at node: NodeProcess) throws -> [Place] {
        let answer = try node.rpc.object("coherence_validators")
        return try #require(answer["validators"] as? [[String: Any]]).map { member in
            Place(
                account: try #require(member["accountId"] as? String),
                key: try #require(member["falconPublicKey"] as? String))
        }
    }

    // MARK: Foreign programs

    private func script(_ name: String) -> String {
        Repository.root.appending(path: "Tests/InteropTests/\(name)").path
    }

    /// Follows until four certificates of set 2 were verified.
    private func follow(_ node: NodeProcess) throws -> (ChildProcess, LineLog) {
        let log = LineLog()
        let process = try ChildProcess(
            Repository.python, [script("follow_sets.py"), "\(node.rpcPort)", "2", "4"]
        ) { bytes in
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
        return (process, log)
    }

    /// Final blocks came one after the other in time, in all three sets, and extrinsics with them.
    private func checkFinality(_ lines: [String], at node: NodeProcess) throws {
        let told = lines.compactMap { $0.firstMatch(of: /^#(\d+) set (\d+) at (\d+)$/) }
            .compactMap { match -> (height: Int, set: Int, time: Int)? in
                guard let height = Int(match.1), let set = Int(match.2), let time = Int(match.3)
                else { return nil }
                return (height, set, time)
            }
        #expect(told.count > 16)
        var longest = 0
        for (before, after) in zip(told, told.dropFirst()) {
            #expect(after.height > before.height)
            let gap = after.time - before.time
            #expect(gap <= Self.longestGapMilliseconds, "\(before) to \(after)")
            longest = max(longest, gap)
            if after.set != before.set {
                print("hand-off to set \(after.set): \(gap) ms from #\(before.height) to the next")
            }
        }
        print("\(told.count) certificates, the longest gap is \(longest) ms")
        for set in 0...2 {
            let heights = told.filter { $0.set == set }.map(\.height)
            let counts = try heights.map { try extrinsicCount(of: $0, at: node) }
            #expect(counts.reduce(0, +) > 10, "set \(set): \(counts)")
        }
    }

    private func extrinsicCount(of height: Int, at node: NodeProcess) throws -> Int {
        let hash = try node.rpc.string("chain_getBlockHash", [height])
        let block = try node.rpc.object("chain_getBlock", [hash])["block"] as? [String: Any]
        return (block?["extrinsics"] as? [Any])?.count ?? 0
    }

    /// No slot is in two sign logs.
    private func compareSignLogs(of nodes: [NodeProcess], in net: Testnet) throws {
        let logs = try nodes.map { node in
            let chains = net.basePath(of: node.name) + "/chains"
            let chain = try #require(
                FileManager.default.contentsOfDirectory(atPath: chains).first)
            return "\(chains)/\(chain)/signlog/votes.sqlite"
        }
        let (status, output) = try Program.run(
            URL(filePath: Repository.python), [script("sign_logs.py")] + logs)
        #expect(status == 0, "\(output)")
    }

    // MARK: Our own verifier

    /// A certificate of each set verifies from the chain's first set on, with the hand-offs in
    /// between, and not without.
    private func verifyCertificates(of net: Testnet, at node: NodeProcess) throws {
        let handOffs = try #require(
            try node.rpc.call("coherence_handOffs", [0]) as? [[String: Any]])
        #expect(handOffs.compactMap { $0["setId"] as? Int } == [0, 1])
        let file = net.folder.appending(path: "handoffs.json").path
        try text(handOffs).write(toFile: file, atomically: true, encoding: .utf8)
        let last = try node.rpc.finalisedNumber()
        let heights = handOffs.compactMap { $0["blockNumber"] as? Int } + [Int(last)]
        for (set, height) in heights.enumerated() {
            let proof = try node.rpc.object("coherence_proveFinality", [height])
            #expect(proof["setId"] as? Int == set)
            let command = ["verify-certificate", "--chain", net.chain]
            let whole = try Program.run(
                "quantumharmony-node", command + ["--hand-offs", file], input: text(proof))
            #expect(whole.status == 0 && whole.output.contains("VALID"), "\(whole.output)")
            let alone = try Program.run("quantumharmony-node", command, input: text(proof))
            #expect((alone.status == 0) == (set == 0), "set \(set): \(alone.output)")
        }
    }

    private func text(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
}
