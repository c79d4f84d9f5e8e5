import Foundation
import TestSupport
import Testing

/// The programs of the folder `examples`, against running nodes.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ExampleTests {
    private func follow(_ node: NodeProcess, _ options: [String]) throws -> (
        status: Int32, output: String
    ) {
        let script = Repository.root.appending(path: "examples/follow_finality.py").path
        return try Program.run(
            URL(filePath: Repository.python),
            [script, "--node", "http://127.0.0.1:\(node.rpcPort)"] + options)
    }

    @Test func `the program with a node inside makes blocks final, and ends it in good order`()
        async throws
    {
        let program = NodeProcess(
            name: "embedded", rpcPort: 0, arguments: ["60"], program: "example-embedded-node")
        try program.start()
        try await program.waitForFinality(of: 1)
        #expect(program.stop() == 0)
        #expect(program.log.lines.contains { $0.hasSuffix("Stopped") })
    }

    @Test func `its own end ends the node inside`() throws {
        let (status, output) = try Program.run("example-embedded-node", ["1"])
        #expect(status == 0 && output.contains("Stopped"), "\(output)")
    }

    @Test func `the Python example follows finality and verifies each certificate`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice")
        _ = try await net.start("bob")
        try await alice.waitForFinality(of: 1)
        let validators = try alice.rpc.object("coherence_validators")
        let setHash = try #require(validators["setHash"] as? String)
        let genesis = try alice.rpc.string("chain_getBlockHash", [0])
        let trusted = try follow(
            alice, ["--blocks", "3", "--genesis", genesis, "--set-hash", setHash])
        #expect(trusted.status == 0, "\(trusted.output)")
        let lines = trusted.output.split(separator: "\n")
        #expect(lines.count == 3, "\(trusted.output)")
        var last = 0
        for line in lines {
            let found = try #require(line.firstMatch(of: /^#(\d+) (0x[0-9a-f]{64}) final, set 0/))
            let number = try #require(Int(found.1))
            #expect(number > last)
            last = number
            #expect(try alice.rpc.string("chain_getBlockHash", [number]) == String(found.2))
        }
        // What the node says is compared with what is trusted.
        let other = "0x" + String(repeating: "0", count: 64)
        for option in ["--genesis", "--set-hash"] {
            let refused = try follow(alice, ["--blocks", "1", option, other])
            #expect(refused.status != 0 && refused.output.contains("INVALID"), "\(refused.output)")
        }
    }
}
