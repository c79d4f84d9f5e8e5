import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Large sets, in which not all are connected: what a crowd of peers has is asked for, not forwarded
/// by all of them.
@Suite struct CrowdTests {
    // MARK: Networks

    /// A ring in which each is connected to its neighbours at these distances.
    static func ring(
        _ chain: ToyChain, distances: [Int], _ low: Int, _ high: Int,
        configuration: GossipConfiguration = GossipConfiguration()
    ) throws -> Mesh {
        var mesh = try Mesh(
            chain, configuration: configuration, latency: DisseminationTests.spread(low, high))
        for one in chain.set.validators.indices {
            for distance in distances { mesh.connect(one, (one + distance) % chain.set.count) }
        }
        return mesh
    }

    /// Makes blocks final one after the other.
    ///
    /// - Returns: the longest time that one took to become final everywhere.
    static func finalise(_ blocks: [Block], in mesh: inout Mesh) throws -> Duration {
        var slowest = Duration.zero
        try mesh.run(for: .milliseconds(500))
        for (height, block) in blocks.enumerated() {
            let start = mesh.now
            mesh.author(block, at: height)
            let isDone = try mesh.run(atMost: .seconds(6)) {
                $0.commonFinalised == block.header.number
            }
            #expect(isDone)
            slowest = max(slowest, mesh.now - start)
            try mesh.run(for: .seconds(3))
        }
        return slowest
    }

    @Test(arguments: [(200, 400), (5_000, 80_000)])
    func `where not all are connected few votes come twice, and far fewer than without asking`(
        low: Int, high: Int
    ) throws {
        let chain = try ToyChain(validators: 30)
        let distances = [1, 2, 3, 5, 7, 8, 11, 13]
        let blocks = try chain.blocks(2)
        var mesh = try Self.ring(chain, distances: distances, low, high)
        let slowest = try Self.finalise(blocks, in: &mesh)
        #expect(mesh.duplicationFactor <= 1.5, "\(mesh.summary(blocks: 2))")
        #expect(slowest < .seconds(1))
        var configuration = GossipConfiguration()
        configuration.smallestCrowdedSet = .max
        var pushing = try Self.ring(
            chain, distances: distances, low, high, configuration: configuration)
        _ = try Self.finalise(blocks, in: &pushing)
        #expect(pushing.duplicationFactor >= 2, "\(pushing.summary(blocks: 2))")
        #expect(pushing.sentByteCount * 2 > mesh.sentByteCount * 3)
    }

    @Test func `a large full mesh receives nearly every vote once, too`() throws {
        let chain = try ToyChain(validators: 20)
        var mesh = try Mesh(chain, latency: DisseminationTests.spread(5_000, 80_000))
        mesh.connectAll()
        let slowest = try Self.finalise(try chain.blocks(4), in: &mesh)
        #expect(mesh.duplicationFactor <= 1.2, "\(mesh.summary(blocks: 4))")
        #expect(slowest < .seconds(1))
    }

    @Test func `a validator with two peers of a large set follows`() throws {
        let chain = try ToyChain(validators: 18)
        var mesh = try Mesh(chain, latency: DisseminationTests.spread(200, 400))
        for one in 0..<17 { for other in 0..<one { mesh.connect(one, other) } }
        mesh.connect(17, 3)
        mesh.connect(17, 8)
        let slowest = try Self.finalise(try chain.blocks(3), in: &mesh)
        #expect(slowest < .seconds(1), "\(mesh.summary(blocks: 3))")
    }

    // MARK: Who has the votes

    /// Validator 0 of 20 with peers 1 to 12, all statuses shown, and a block.
    static func host() throws -> (host: Host, chain: ToyChain, block: BlockRef) {
        var (host, chain, blocks) = try ForwardingTests.host(validators: 20, peers: 1...12)
        _ = try host.add(blocks[0])
        return (host, chain, blocks[0].header.ref)
    }

    @Test(arguments: [2, 3]) func `what a crowd has waits longer than what fewer have`(
        holders: Int
    ) throws {
        var (host, chain, block) = try Self.host()
        _ = host.receive(.vote(try chain.vote(15, .prevote, round: 0, for: block)), from: 1)
        for peer in 1...12 {
            let shown = peer <= holders ? [0, 15] : [0]
            _ = host.receive(host.status(have: [(0, .prevote, shown)]), from: UInt64(peer))
        }
        let lacking = (holders + 1...12).map { [UInt64($0)] }
        let early = host.advance(.milliseconds(250)).sent(.voteBundle).map(\.to)
        let late = host.advance(.milliseconds(450)).sent(.voteBundle).map(\.to)
        let isCrowd = holders == 3
        #expect(early.sorted { $0[0] < $1[0] } == (isCrowd ? [] : lacking))
        #expect(late.sorted { $0[0] < $1[0] } == (isCrowd ? lacking : []))
    }

    @Test func `proofs that a crowd has wait as well`() throws {
        var (host, chain, block) = try Self.host()
        _ = host.receive(
            .certificate(try chain.certificate(Array(0..<14), round: 0, for: block)), from: 1)
        #expect(host.tree.finalised == block)
        for peer: UInt64 in 1...3 {
            _ = host.receive(host.status(round: 1, finalised: block), from: peer)
        }
        #expect(host.advance(.milliseconds(250)).sent(.certificate).isEmpty)
        // Three of the four that have it send it at one time, so all those behind get it soon.
        let behind = Set(host.advance(.seconds(3)).sent(.certificate).flatMap(\.to))
        #expect(behind == Set(4...12))
    }

    /// Hosts that differ in what chance gives them, all with a certificate of round 5 that peers 1 to
    /// 11 show as well; peer 12 shows this round.
    static func ahead(
        _ count: Int, laggardIn round: UInt64
    ) throws -> (hosts: [Host], block: BlockRef) {
        var hosts: [Host] = []
        var target: BlockRef?
        for seed in 0..<count {
            var configuration = GossipConfiguration()
            configuration.seed = UInt64(seed)
            var (host, chain, blocks) = try ForwardingTests.host(
                validators: 20, peers: 1...12, configuration: configuration)
            _ = try host.add(blocks[0])
            let block = blocks[0].header.ref
            let certificate = try chain.certificate(Array(0..<14), round: 5, for: block)
            _ = host.receive(.certificate(certificate), from: 1)
            for peer: UInt64 in 1...11 {
                _ = host.receive(host.status(round: 6, finalised: block), from: peer)
            }
            _ = host.receive(host.status(round: round), from: 12)
            hosts.append(host)
            target = block
        }
        return (hosts, try #require(target))
    }

    /// How often a host sends peer 12 the newest certificate within a time.
    static func sent(_ host: inout Host, within time: Duration) -> Int {
        host.advance(time).sent(.certificate).count { $0.to == [12] }
    }

    @Test func `a peer in an earlier round gets a certificate at once, from few of the crowd`()
        throws
    {
        var (hosts, block) = try Self.ahead(48, laggardIn: 0)
        let atOnce = hosts.indices.map { Self.sent(&hosts[$0], within: .milliseconds(150)) }
        // A quarter, three of twelve, on average.
        #expect((4...24).contains(atOnce.count { $0 == 1 }) && atOnce.allSatisfy { $0 <= 1 })
        // One that goes on showing that it lacks it gets it from everybody in the end.
        let later = hosts.indices.map { Self.sent(&hosts[$0], within: .seconds(20)) }
        #expect(zip(atOnce, later).allSatisfy { $0 + $1 > 0 })
        // One that shows it does not.
        var (others, _) = try Self.ahead(48, laggardIn: 0)
        let more = others.indices.map {
            _ = Self.sent(&others[$0], within: .milliseconds(150))
            _ = others[$0].receive(others[$0].status(round: 6, finalised: block), from: 12)
            return Self.sent(&others[$0], within: .seconds(20))
        }
        #expect(more.allSatisfy { $0 == 0 })
    }

    @Test func `a peer that has only not made a block final hears from few of the crowd, later`()
        throws
    {
        var (hosts, _) = try Self.ahead(48, laggardIn: 6)
        let early = hosts.indices.map { Self.sent(&hosts[$0], within: .milliseconds(250)) }
        #expect(early.allSatisfy { $0 == 0 })
        let first = hosts.indices.map { Self.sent(&hosts[$0], within: .milliseconds(400)) }
        #expect((4...30).contains(first.count { $0 > 0 }))
    }

    @Test func `a quorum certificate made just now is not repeated before peers can show it`()
        throws
    {
        var (host, chain, block) = try Self.host()
        // The re-send timer fires 1 s after the own vote; the quorum comes just before.
        _ = host.advance(.milliseconds(985))
        var effects: [GossipEffect] = []
        for voter in 1..<14 {
            effects += host.receive(
                .vote(try chain.vote(voter, .prevote, round: 0, for: block)), from: 1)
        }
        effects += host.advance(.milliseconds(30))
        #expect(host.gossip.counters.resends == 1)
        #expect(effects.sent(.quorumCertificate).isEmpty)
    }

    @Test func `a certificate that a peer shows is asked for soon, of any of those that show it`()
        throws
    {
        var asked = Set<UInt64>()
        for seed: UInt64 in 0..<24 {
            var configuration = GossipConfiguration()
            configuration.seed = seed
            var (host, _, blocks) = try ForwardingTests.host(
                validators: 20, peers: 1...12, configuration: configuration)
            _ = try host.add(blocks[0])
            for peer: UInt64 in 5...8 {
                let status = host.status(round: 1, finalised: blocks[0].header.ref)
                _ = host.receive(status, from: peer)
            }
            let requests = host.advance(.milliseconds(150)).sent(.certificateRequest)
            #expect(requests.count == 1)
            asked.formUnion(requests.flatMap(\.to))
        }
        #expect(asked == [5, 6, 7, 8])
    }

    // MARK: Who lacks them

    /// Peers show the vote of validator 15.
    static func show(_ peers: ClosedRange<UInt64>, to host: inout Host) -> [GossipEffect] {
        peers.flatMap { host.receive(host.status(have: [(0, .prevote, [0, 15])]), from: $0) }
    }

    static func requests(_ effects: [GossipEffect]) -> [(to: UInt64, missing: [Int])] {
        effects.sent(.roundRequest).compactMap { sent in
            guard case .roundRequest(let request) = sent.message, let to = sent.to.first else {
                return nil
            }
            return (to, request.missing.members.map { Int($0.rawValue) })
        }
    }

    @Test func `what a crowd has and we lack is asked of one of it`() throws {
        var (host, chain, block) = try Self.host()
        #expect(Self.show(1...3, to: &host).sent(.roundRequest).isEmpty)
        let asked = Self.requests(host.advance(.milliseconds(150)))
        #expect(asked.count == 1 && asked[0].missing == [15] && (1...3).contains(asked[0].to))
        // Unanswered, the next is asked; both at most once while they owe an answer.
        let again = Self.requests(host.advance(.milliseconds(250)))
        #expect(again.count == 1 && again[0].missing == [15] && again[0].to != asked[0].to)
        _ = host.receive(
            .voteBundle(
                try chain.bundle([15], .prevote, round: 0, for: block)), from: again[0].to)
        #expect(Self.requests(host.advance(.milliseconds(900))).isEmpty)
    }

    @Test func `what comes in time or only few show is not asked for`() throws {
        var (host, chain, block) = try Self.host()
        _ = Self.show(1...2, to: &host)
        #expect(Self.requests(host.advance(.milliseconds(500))).isEmpty)
        _ = Self.show(3...3, to: &host)
        _ = host.receive(.vote(try chain.vote(15, .prevote, round: 0, for: block)), from: 4)
        #expect(Self.requests(host.advance(.milliseconds(400))).isEmpty)
    }

    @Test func `whoever has few peers asks the one that shows a vote`() throws {
        var (host, _, blocks) = try ForwardingTests.host(validators: 20, peers: 1...3)
        _ = try host.add(blocks[0])
        _ = Self.show(2...2, to: &host)
        #expect(Self.requests(host.advance(.milliseconds(150))).map(\.to) == [2])
    }

    @Test func `in a small set nobody asks before the re-send`() throws {
        var (host, _, blocks) = try ForwardingTests.host(validators: 16, peers: 1...12)
        _ = try host.add(blocks[0])
        _ = Self.show(1...12, to: &host)
        #expect(Self.requests(host.advance(.milliseconds(900))).isEmpty)
    }

    @Test func `many votes are asked of several peers, each vote once`() throws {
        var (host, _, _) = try Self.host()
        for peer in 1...12 {
            // Every vote but the own one is shown by four or more, no peer shows all.
            let shown = (0..<20).filter { $0 == 0 || ($0 + peer) % 3 == 0 }
            _ = host.receive(host.status(have: [(0, .prevote, shown)]), from: UInt64(peer))
        }
        let asked = Self.requests(host.advance(.milliseconds(150)))
        #expect(asked.count == 3 && Set(asked.map(\.to)).count == 3)
        #expect(asked.flatMap(\.missing).sorted() == Array(1..<20))
    }

    // MARK: Counting

    @Test(arguments: 1...20) func `a crowd is counted as one counts`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...200, using: &random)
        let size = Int.random(in: 1...9, using: &random)
        var crowd = Crowd(validatorCount: count, size: size)
        var counts = [Int](repeating: 0, count: count)
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            let members = (0..<count).filter { _ in Bool.random(using: &random) }
            for member in members { counts[member] += 1 }
            crowd.add(RequestTests.bits(members, of: count))
        }
        let expected = counts.indices.filter { counts[$0] >= size }
        #expect(crowd.votes == RequestTests.bits(expected, of: count), "seed \(seed)")
    }
}
