import Foundation
import TestSupport
import Testing

/// Real validators whose set changes while they run.
@Suite(.serialized) struct HandOffTests {
    private static let votesFrom = "votes from here on"

    @Test(.timeLimit(.minutes(5)))
    func `a key rotates, one validator replaces another, and every certificate can be followed`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 1_000, validators: 4, sessionLength: 8)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob", keys: ["//Bob", "//Bob//next"])
        let charlie = try await net.start("charlie")
        let dave = try await net.start("dave")
        let eve = try await net.start("eve", keys: ["//Eve"])
        let all = [alice, bob, charlie, dave, eve]
        let first = try accounts(at: alice)
        let genesis = try alice.rpc.string("chain_getBlockHash", [0])
        var members = try ["//Alice", "//Bob", "//Charlie", "//Dave"].map {
            try Member(uri: $0, genesisHash: genesis)
        }
        for node in all { try await node.waitForFinality(of: 1) }

        // Bob's new key signs from set 1 on.
        let oldKey = try keys(at: alice)[1]
        try members[1].rotateKey(to: "//Bob//next", at: bob.rpc)
        for node in all { try await wait(forSet: 1, at: node) }
        #expect(try accounts(at: alice) == first)
        #expect(try keys(at: alice)[1] != oldKey)

        // A session has just begun: what is handed in now is done by its end.
        for place in 0..<3 { try members[place].nominate("//Eve", at: all[place].rpc) }
        try members[3].leave(at: dave.rpc)
        for node in all { try await wait(forSet: 2, at: node) }
        let second = try accounts(at: alice)
        #expect(second.count == 4)
        #expect(second.prefix(3) == first.prefix(3))
        #expect(second[3] != first[3])

        // The newcomer votes, and without one of the others its vote is needed.
        charlie.kill()
        let height = try alice.rpc.finalisedNumber()
        for node in [alice, bob, dave, eve] { try await node.waitForFinality(of: height + 4) }
        try verifyCertificates(of: net, at: eve)
        checkLogs(of: all)
        for node in [alice, bob, dave, eve] { #expect(node.stop() == 0) }
    }

    private func wait(forSet set: Int, at node: NodeProcess) async throws {
        try await node.wait(for: "Validator set \(set) \(Self.votesFrom)", seconds: 90)
    }

    private func members(at node: NodeProcess, _ field: String) throws -> [String] {
        let answer = try node.rpc.object("coherence_validators")
        let validators = answer["validators"] as? [[String: Any]] ?? []
        return validators.compactMap { $0[field] as? String }
    }

    private func accounts(at node: NodeProcess) throws -> [String] {
        try members(at: node, "accountId")
    }

    private func keys(at node: NodeProcess) throws -> [String] {
        try members(at: node, "falconPublicKey")
    }

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

    /// One block a height, and one target for each slot of each set, in all that anybody heard.
    private func checkLogs(of nodes: [NodeProcess]) {
        var finalised: [Substring: Set<Substring>] = [:]
        var votes: [String: Set<Substring>] = [:]
        for node in nodes {
            var set: Substring = "0"
            for line in node.log.lines {
                #expect(!line.contains("Double vote") && !line.contains("CRITICAL"), "\(line)")
                if let match = line.firstMatch(of: #/Validator set (\d+) votes from here on/#) {
                    set = match.1
                }
                if let match = line.firstMatch(of: #/Finalised #(\d+) \((0x\w+…\w+)\) in round/#) {
                    finalised[match.1, default: []].insert(match.2)
                }
                if let match = line.firstMatch(
                    of: #/Received (\w+) of (\S+) from .* for (#\d+ \(.*\)|nil), round (\d+)/#)
                {
                    let slot = "set \(set): \(match.2) \(match.1) \(match.4)"
                    votes[slot, default: []].insert(match.3)
                }
            }
        }
        #expect(finalised.count > 16 && votes.count > 60, "the logs were understood")
        for (height, blocks) in finalised { #expect(blocks.count == 1, "#\(height): \(blocks)") }
        for (slot, targets) in votes { #expect(targets.count == 1, "\(slot): \(targets)") }
        #expect(votes.keys.contains { $0.hasPrefix("set 2: ") })
    }
}
