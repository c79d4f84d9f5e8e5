import Foundation
import TestSupport
import Testing

/// Real nodes that find each other, each with a folder of its own.
@Suite(.serialized) struct FindingPeersTests {
    private func node(
        _ name: String, listen: String, in folder: URL, _ options: [String] = []
    ) throws -> NodeProcess {
        let rpcPort = try Program.freePort()
        return NodeProcess(
            name: name, rpcPort: rpcPort,
            arguments: [
                "--chain", "local", "--base-path", folder.appending(path: name).path,
                "--listen-addr", "\(listen)/tcp/\(try Program.freePort())",
                "--rpc-port", "\(rpcPort)", "-l", "info,node=debug,peers=debug",
            ] + options)
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    private func start(_ node: NodeProcess) async throws {
        try node.start()
        try await node.wait(for: "JSON-RPC on")
    }

    private func peerCount(_ node: NodeProcess) throws -> Int {
        try node.rpc.object("system_health")["peers"] as? Int ?? -1
    }

    /// The tests run in a namespace whose only interface is loopback, which multicasts there.
    @Test(.timeLimit(.minutes(1)))
    func `two nodes without a bootnode find each other by multicast within five seconds`()
        async throws
    {
        try await withFolder { folder in
            let first = try node("first", listen: "/ip4/0.0.0.0", in: folder)
            let second = try node("second", listen: "/ip4/0.0.0.0", in: folder)
            try await start(first)
            try await start(second)
            let ids = (try await first.peerID(), try await second.peerID())
            try await first.wait(for: "Connected to \(ids.1)", seconds: 5)
            try await second.wait(for: "Connected to \(ids.0)", seconds: 5)
            // Who is told not to look is not found, and finds nobody.
            let third = try node("third", listen: "/ip4/0.0.0.0", in: folder, ["--no-mdns"])
            try await start(third)
            let fourth = try node("fourth", listen: "/ip4/0.0.0.0", in: folder)
            try await start(fourth)
            try await fourth.wait(for: "Connected to \(ids.0)")
            try await fourth.wait(for: "Connected to \(ids.1)")
            #expect(try peerCount(third) == 0)
            for node in [first, second, third, fourth] { #expect(node.stop() == 0) }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `ten nodes that know one bootnode are all connected within fifteen seconds`() async throws
    {
        try await withFolder { folder in
            let bootnode = try node("node-0", listen: "/ip4/127.0.0.1", in: folder)
            try await start(bootnode)
            let address = "\(try await bootnode.listenAddress())"
            var nodes = [bootnode]
            for number in 1..<10 {
                nodes.append(
                    try node(
                        "node-\(number)", listen: "/ip4/127.0.0.1", in: folder,
                        ["--bootnodes", address]))
                try nodes[number].start()
            }
            var ids: [String] = []
            for node in nodes { ids.append(try await node.peerID()) }
            for node in nodes { try await node.wait(for: "JSON-RPC on") }
            // Two that dial each other at one time may part once before one connection stays.
            let deadline = Date(timeIntervalSinceNow: 15)
            for (number, node) in nodes.enumerated() {
                for (other, id) in ids.enumerated() where other != number {
                    try await node.wait(
                        for: "Connected to \(id)",
                        seconds: max(0.001, deadline.timeIntervalSinceNow))
                }
            }
            while try nodes.contains(where: { try peerCount($0) < 9 }) {
                try #require(Date() < deadline, "a full mesh within fifteen seconds")
                await Task.yield()
            }
            let statistics = try bootnode.rpc.object("coherence_statistics")
            let discovery = statistics["discovery"] as? [String: Any]
            #expect(discovery?["routingPeers"] as? Int == 9)
            for node in nodes { #expect(node.stop() == 0) }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a node finds its peers again after a restart, without a bootnode`() async throws {
        try await withFolder { folder in
            let first = try node("first", listen: "/ip4/127.0.0.1", in: folder)
            try await start(first)
            let address = try await first.listenAddress()
            let second = try node(
                "second", listen: "/ip4/127.0.0.1", in: folder, ["--bootnodes", address])
            try await start(second)
            let id = try await first.peerID()
            try await second.wait(for: "\(id) was reached at")
            #expect(second.stop() == 0)
            // The same folder, and nobody is named.
            let again = try node("second", listen: "/ip4/127.0.0.1", in: folder)
            try await start(again)
            try await again.wait(for: "Connected to \(id)", seconds: 10)
            for node in [first, again] { #expect(node.stop() == 0) }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a node for reserved peers alone lets in whom its operator names while it runs`()
        async throws
    {
        try await withFolder { folder in
            let closed = try node(
                "closed", listen: "/ip4/127.0.0.1", in: folder, ["--reserved-only"])
            try await start(closed)
            let guest = try node(
                "guest", listen: "/ip4/127.0.0.1", in: folder,
                ["--bootnodes", try await closed.listenAddress()])
            try await start(guest)
            let id = try await guest.peerID()
            try await guest.wait(for: "Disconnected from \(try await closed.peerID())")
            #expect(try peerCount(closed) == 0)
            _ = try closed.rpc.call("system_addReservedPeer", [try await guest.listenAddress()])
            try await closed.wait(for: "Connected to \(id)", seconds: 15)
            #expect(try closed.rpc.call("system_reservedPeers") as? [String] == [id])
            _ = try closed.rpc.call("system_removeReservedPeer", [id])
            try await closed.wait(for: "Disconnected from \(id)", seconds: 15)
            #expect(try closed.rpc.call("system_reservedPeers") as? [String] == [])
            for node in [closed, guest] { #expect(node.stop() == 0) }
        }
    }
}
