import Chain
import Coherence
import Primitives
import Testing
import VoteGossip

/// Nodes with the real gadget on a simulated network.
@Suite struct DisseminationTests {
    static func spread(_ low: Int, _ high: Int) -> (Int, Int) -> Duration {
        { from, to in
            // Fixed per pair, different between pairs, the same both ways.
            let pair = UInt64(min(from, to) * 1_000 + max(from, to))
            var random = SeededGenerator(seed: pair)
            return .microseconds(Int.random(in: low...high, using: &random))
        }
    }

    @Test(arguments: [
        (4, 200, 400), (10, 200, 400), (4, 40_000, 60_000), (10, 5_000, 80_000),
    ])
    func `a full mesh finalises every block and receives nearly every vote once`(
        count: Int, low: Int, high: Int
    ) throws {
        let chain = try ToyChain(validators: count)
        var mesh = try Mesh(chain, latency: Self.spread(low, high))
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        let blocks = try chain.blocks(20)
        for (height, block) in blocks.enumerated() {
            mesh.author(block, at: height % count)
            try mesh.run(for: .seconds(6))
            #expect(mesh.commonFinalised == block.header.number)
        }
        print(
            "n", count, "latency", low, high, "d", mesh.duplicationFactor, "received",
            mesh.entriesReceived, mesh.entriesDistinct, "bytes/node/block",
            mesh.sentByteCount / count / 20)
        for host in mesh.hosts { print(host.gossip.counters) }
        #expect(mesh.duplicationFactor <= 1.2)
    }
}
