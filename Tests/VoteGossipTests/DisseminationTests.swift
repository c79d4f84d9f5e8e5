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
        #expect(mesh.duplicationFactor <= 1.2)
    }

    @Test(arguments: [4, 7, 12])
    func `votes travel around a ring and every vote is needed`(count: Int) throws {
        let chain = try ToyChain(validators: count)
        var mesh = try Mesh(chain, latency: Self.spread(200, 400))
        for index in 0..<count { mesh.connect(index, (index + 1) % count) }
        try mesh.run(for: .milliseconds(500))
        var slowest: Duration = .zero
        for (height, block) in try chain.blocks(10).enumerated() {
            let start = mesh.now
            mesh.author(block, at: height % count)
            let isDone = try mesh.run(atMost: .seconds(6)) {
                $0.commonFinalised == block.header.number
            }
            #expect(isDone)
            slowest = max(slowest, mesh.now - start)
            try mesh.run(for: .seconds(1))
        }
        #expect(mesh.duplicationFactor <= 1.5)
        #expect(slowest < .milliseconds(100 * count))
    }

    @Test func `observers relay between validators that are not connected`() throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, observers: 2, latency: Self.spread(200, 400))
        for validator in 0..<4 {
            mesh.connect(validator, 4)
            mesh.connect(validator, 5)
        }
        try mesh.run(for: .milliseconds(500))
        for block in try chain.blocks(10) {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(2))
            #expect(mesh.commonFinalised == block.header.number)
        }
    }

    @Test(arguments: 1...8) func `a lossy network delays finality and never stops it`(
        seed: Int
    ) throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, seed: UInt64(seed), latency: Self.spread(200, 4_000))
        mesh.lossPercent = 25
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        let blocks = try chain.blocks(10)
        for block in blocks {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(6))
        }
        let last = try #require(blocks.last).header.number
        let isDone = try mesh.run(atMost: .seconds(30)) { $0.commonFinalised == last }
        #expect(isDone, "seed \(seed)")
    }

    @Test(arguments: [5, 60, 600]) func `finality moves soon after a partition heals`(
        seconds: Int
    ) throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, latency: Self.spread(200, 400))
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        let blocks = try chain.blocks(3 + seconds / 6)
        for block in blocks.prefix(2) {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(6))
        }
        #expect(mesh.commonFinalised == BlockNumber(2))
        for one in 0..<2 { for other in 2..<4 { mesh.disconnect(one, other) } }
        for block in blocks.dropFirst(2) {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(6))
        }
        #expect(mesh.commonFinalised == BlockNumber(2))
        for one in 0..<2 { for other in 2..<4 { mesh.connect(one, other) } }
        let start = mesh.now
        let isDone = try mesh.run(atMost: .seconds(60)) {
            $0.commonFinalised > BlockNumber(2)
        }
        #expect(isDone)
        #expect(mesh.now - start < .seconds(3))
    }

    @Test func `one crash of four costs no additional round`() throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, latency: Self.spread(200, 400))
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        for peer in 0..<3 { mesh.disconnect(peer, 3) }
        for (height, block) in try chain.blocks(10).enumerated() {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(6))
            #expect(mesh.hosts[0].tree.finalised == block.header.ref)
            #expect(mesh.hosts[0].view.round == RoundNumber(UInt64(height) + 1))
        }
    }

    @Test func `a node that was away learns the newest certificate at once`() throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, latency: Self.spread(200, 400))
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        for peer in 0..<3 { mesh.disconnect(peer, 3) }
        let blocks = try chain.blocks(20)
        for block in blocks {
            mesh.author(block, at: 0)
            try mesh.run(for: .seconds(6))
        }
        #expect(mesh.hosts[3].tree.finalised.number == BlockNumber(0))
        for peer in 0..<3 { mesh.connect(peer, 3) }
        let isDone = try mesh.run(atMost: .milliseconds(100)) {
            $0.hosts[3].tree.finalised.number == BlockNumber(20)
        }
        #expect(isDone)
    }
}
