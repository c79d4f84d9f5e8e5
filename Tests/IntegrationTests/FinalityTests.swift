import Foundation
import TestSupport
import Testing

/// Real validators in processes of their own: the runs that the plan asks for.
@Suite(.serialized) struct FinalityTests {
    @Test(.timeLimit(.minutes(3)))
    func `two validators find each other and both finalise; one alone goes on with blocks`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice", log: "info,author=debug")
        let bob = try await net.start("bob")
        try await alice.waitForFinality(of: 3)
        try await bob.waitForFinality(of: 3)
        let hashes = try [alice, bob].map {
            try RPCClient(port: $0.rpcPort).string("chain_getBlockHash", [3])
        }
        #expect(hashes[0] == hashes[1])

        bob.kill()
        try await alice.wait(for: "Peer lost")
        let client = RPCClient(port: alice.rpcPort)
        let finalised = try client.finalisedNumber()
        for _ in 0..<2 {
            let start = alice.log.lines.count
            try await alice.wait(for: "Slot author", from: start, seconds: 20)
        }
        #expect(try client.finalisedNumber() <= finalised + 1, "one of three must not finalise")

        let again = try await net.start("bob")
        try await again.waitForFinality(of: finalised + 2, seconds: 10)
        try await alice.waitForFinality(of: finalised + 2, seconds: 10)
        #expect(alice.stop() == 0)
        #expect(again.stop(signal: SIGINT) == 0)
    }

    @Test(.timeLimit(.minutes(3)))
    func `three validators finalise; two go on without the third; it returns and catches up`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let charlie = try await net.start("charlie")
        for node in [alice, bob, charlie] { try await node.waitForFinality(of: 3) }

        charlie.kill()
        let client = RPCClient(port: alice.rpcPort)
        let before = try client.finalisedNumber()
        try await alice.waitForFinality(of: before + 4)
        try await bob.waitForFinality(of: before + 4)

        let again = try await net.start("charlie")
        try await again.waitForFinality(of: before + 6)
        let hashes = try [alice, bob, again].map {
            try RPCClient(port: $0.rpcPort).string("chain_getBlockHash", [Int(before) + 5])
        }
        #expect(Set(hashes).count == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a certificate verifies offline, with our program and with a foreign one`() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        try await bob.waitForFinality(of: 3)
        try await alice.waitForFinality(of: 3)
        let client = RPCClient(port: bob.rpcPort)
        let proof = try client.object("coherence_proveFinality", [2])
        let text = String(
            decoding: try JSONSerialization.data(withJSONObject: proof), as: UTF8.self)
        let ours = try Program.run(
            "quantumharmony-node", ["verify-certificate", "--chain", net.chain], input: text)
        #expect(ours.status == 0, "\(ours.output)")
        #expect(ours.output.contains("VALID"))
        let wrongChain = try Program.run(
            "quantumharmony-node", ["verify-certificate", "--chain", "dev"], input: text)
        #expect(wrongChain.status != 0)

        let request: [String: Any] = [
            "genesisHash": try client.string("chain_getBlockHash", [0]),
            "validators": try client.object("coherence_validators"), "proof": proof, "number": 2,
        ]
        let foreign = try verifyWithPython(request)
        #expect(foreign.status == 0, "\(foreign.output)")
        #expect(foreign.output.hasPrefix("VALID"))
        var forged = request
        forged["proof"] = Self.withFlippedBit(proof)
        #expect(try verifyWithPython(forged).status == 1)
    }

    private func verifyWithPython(
        _ request: [String: Any]
    ) throws -> (status: Int32, output: String) {
        let script = Repository.root.appending(path: "Tests/InteropTests/verify_certificate.py")
            .path
        let input = String(
            decoding: try JSONSerialization.data(withJSONObject: request), as: UTF8.self)
        return try Program.run(URL(filePath: Repository.python), [script], input: input)
    }

    /// The proof with one bit of the last signature's nonce flipped.
    private static func withFlippedBit(_ proof: [String: Any]) -> [String: Any] {
        var forged = proof
        var digits = Array(proof["certificate"] as? String ?? "")
        let place = digits.count - 2 * 1_270
        digits[place] = digits[place] == "0" ? "1" : "0"
        forged["certificate"] = String(digits)
        return forged
    }
}
