import Foundation
import TestSupport
import Testing

/// The commands of docs/operations.md, "Two and three validators by hand", as an operator types
/// them: the built-in chain, slots of six seconds, the usual ports.
@Suite(.serialized) struct PlanCommandsTests {
    @Test(.timeLimit(.minutes(3)))
    func `Alice and Bob by hand, then Charlie: all finalise`() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-plan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func start(_ name: String, _ port: Int, _ rpcPort: Int, _ bootnode: String?) throws
            -> NodeProcess
        {
            let node = NodeProcess(
                name: name, rpcPort: rpcPort,
                arguments: [
                    "--\(name)", "--validator", "--base-path",
                    folder.appending(path: name).path, "--chain", "local", "--port", "\(port)",
                    "--rpc-port", "\(rpcPort)",
                ] + (bootnode.map { ["--bootnodes", $0] } ?? []))
            try node.start()
            return node
        }
        let alice = try start("alice", 30333, 9944, nil)
        let bootnode = "/ip4/127.0.0.1/tcp/30333/p2p/\(try await alice.peerID())"
        let bob = try start("bob", 30334, 9945, bootnode)
        for node in [alice, bob] { try await node.waitForFinality(of: 1) }
        let charlie = try start("charlie", 30335, 9946, bootnode)
        try await charlie.waitForFinality(of: 2)
        let votes = try RPCClient(port: 9946).call(
            "coherence_votes", [RPCClient(port: 9946).string("chain_getFinalizedHead")])
        #expect((votes as? [Any])?.count ?? 0 >= 2)
        for node in [alice, bob, charlie] { #expect(node.stop(signal: SIGINT) == 0) }
    }
}
