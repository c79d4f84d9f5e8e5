import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Peers that send whatever they like.
@Suite struct HostilePeersTests {
    /// Messages made of valid parts, damaged and put together at random.
    struct Attacker {
        let chain: ToyChain
        let blocks: [BlockRef]
        var random: SeededGenerator

        mutating func number(_ range: Range<UInt64>) -> UInt64 {
            UInt64.random(in: range, using: &random)
        }

        mutating func index() -> Int { Int(number(0..<UInt64(chain.set.count))) }

        mutating func round() -> UInt64 {
            switch number(0..<8) {
            case 0: number(0..<(1 << 22))
            case 1: number((1 << 63)..<(.max))
            default: number(0..<6)
            }
        }

        mutating func block() -> BlockRef? {
            switch number(0..<8) {
            case 0: return nil
            case 1:
                return BlockRef(
                    hash: BLAKE2b256.hash(number(0..<50).scaleBytes),
                    number: BlockNumber(UInt32(number(0..<20))))
            case 2:
                let block = blocks[Int(number(0..<UInt64(blocks.count)))]
                return BlockRef(hash: block.hash, number: BlockNumber(UInt32(number(0..<9))))
            default: return blocks[Int(number(0..<UInt64(blocks.count)))]
            }
        }

        mutating func vote() throws -> CoherenceVote {
            try chain.vote(
                index(), Bool.random(using: &random) ? .prevote : .precommit, round: round(),
                for: block(), set: number(0..<20) == 0 ? SetID(number(0..<3)) : nil,
                salt: number(0..<3), badSignature: number(0..<6) == 0)
        }

        mutating func bits() -> Bits {
            number(0..<6) == 0
                ? Bits(packed: (0..<number(0..<126)).map { _ in UInt8(number(0..<256)) })
                : Bits(validatorCount: chain.set.count, members: [ValidatorIndex(UInt16(index()))])
        }

        mutating func message() throws -> [UInt8] {
            var bytes = try wellFormed().scaleBytes
            switch number(0..<10) {
            case 0:
                let place = Int(number(0..<UInt64(bytes.count)))
                bytes[place] = UInt8(number(0..<256))
            case 1: bytes = Array(bytes.prefix(Int(number(0..<UInt64(bytes.count)))))
            case 2: bytes += [0, 1, 2]
            case 3:
                bytes = (0..<number(0..<300)).map { _ in UInt8(number(0..<256)) }
            default: break
            }
            return bytes
        }

        private mutating func wellFormed() throws -> GossipMessage {
            switch number(0..<9) {
            case 0, 1: return .vote(try vote())
            case 2:
                let target = block()
                let (round, count) = (round(), number(0..<UInt64(chain.set.count) + 1))
                return .voteBundle(
                    try chain.bundle(
                        (0..<count).map { _ in index() }, .prevote, round: round, for: target))
            case 3:
                let indices = (0..<chain.set.count).filter { _ in number(0..<4) > 0 }
                let bad = number(0..<3) == 0 ? indices.first : nil
                return .quorumCertificate(
                    try chain.quorumCertificate(
                        indices, round: round(), for: block() ?? blocks[0], bad: bad))
            case 4:
                let indices = (0..<chain.set.count).filter { _ in number(0..<2) > 0 }
                return .certificate(
                    try chain.certificate(
                        indices, round: round(), for: block() ?? blocks[0], bad: indices.first))
            case 5:
                return .status(
                    GossipStatus(
                        setID: SetID(number(0..<20) == 0 ? 1 : 0), round: RoundNumber(round()),
                        finalisedNumber: BlockNumber(UInt32(number(0..<9))), finalisedHash: .zero,
                        lockRound: RoundNumber(round()), highestQuorumRound: RoundNumber(round()),
                        have: (0..<number(0..<7)).map {
                            .init(
                                round: RoundNumber($0 / 2),
                                phase: $0 % 2 == 0 ? .prevote : .precommit,
                                validators: bits())
                        }))
            case 6:
                return .roundRequest(
                    RoundRequest(
                        setID: SetID(0), round: RoundNumber(round()), phase: .prevote,
                        missing: bits()))
            case 7: return .voteRequest(blockHash: block()?.hash ?? .zero)
            default: return .certificateRequest(number: BlockNumber(UInt32(number(0..<9))))
            }
        }
    }

    @Test(arguments: 1...12) func `no bytes make the machine trap or pass its bounds`(
        seed: Int
    ) throws {
        let count = [1, 3, 4, 7, 10, 31][seed % 6]
        let chain = try ToyChain(validators: count)
        var host = try Host(chain, local: seed % 2 == 0 ? 0 : nil)
        let blocks = try chain.blocks(6)
        for block in blocks.prefix(3) { _ = try host.add(block) }
        var attacker = Attacker(
            chain: chain, blocks: blocks.map(\.header.ref),
            random: SeededGenerator(seed: UInt64(seed)))
        var open: [UInt64] = []
        var replay: [[GossipEffect]] = []
        for step in 0..<2_500 {
            let peer = attacker.number(0..<90)
            switch attacker.number(0..<40) {
            case 0: _ = host.handle(.streamClosed(Host.peer(peer)))
            case 1: replay.append(host.advance(.milliseconds(Int(attacker.number(0..<3_000)))))
            case 2: host.holdsVerification.toggle()
            case 3: replay.append(host.verifyHeld())
            default:
                if !open.contains(peer) || attacker.number(0..<30) == 0 {
                    _ = host.open(
                        peer, round: attacker.number(0..<9), isReserved: peer % 7 == 0)
                    open.append(peer)
                }
                let before = host.gossip.counters
                _ = host.receive(try attacker.message(), from: peer)
                #expect(host.gossip.counters != before, "seed \(seed), step \(step)")
            }
            if step == 1_500, !host.tree.contains(blocks[3].header.hash),
                host.tree.contains(blocks[3].header.parentHash)
            {
                _ = try host.add(blocks[3])
            }
            try check(host, count, "seed \(seed), step \(step)")
        }
        #expect(host.gossip.counters.accepted > 0 && host.gossip.counters.bans > 0)
    }

    private func check(_ host: Host, _ count: Int, _ comment: String) throws {
        let gauges = host.gossip.gauges
        let configuration = GossipConfiguration()
        #expect(gauges.heldByteCount <= gauges.byteBudget, "\(comment)")
        #expect(gauges.peerCount <= configuration.maximumPeerCount, "\(comment)")
        #expect(gauges.parkedCount <= configuration.parkedPerValidator * count, "\(comment)")
        let capacity = GossipConfiguration.verificationCapacity(validatorCount: count)
        #expect(gauges.verifyingCount <= capacity * 5 + 16, "\(comment)")
        #expect(host.gossipTimers.count <= GossipTimer.allCases.count, "\(comment)")
        #expect(host.gossip.counters.duplicationFactor >= 1, "\(comment)")
    }

    @Test func `the same inputs give the same effects`() throws {
        func run() throws -> [GossipEffect] {
            let chain = try ToyChain(validators: 7)
            var host = try Host(chain, local: 2)
            let blocks = try chain.blocks(3)
            var attacker = Attacker(
                chain: chain, blocks: blocks.map(\.header.ref), random: SeededGenerator(seed: 5))
            var effects: [GossipEffect] = []
            for peer in 0..<20 as Range<UInt64> { effects += host.open(peer) }
            for block in blocks { effects += try host.add(block) }
            for _ in 0..<800 {
                effects += host.receive(try attacker.message(), from: attacker.number(0..<20))
                effects += host.advance(.milliseconds(7))
            }
            return effects
        }
        #expect(try run() == run())
    }

    @Test func `floods of one peer delay neither own votes nor finality`() throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(chain, observers: 1, latency: DisseminationTests.spread(200, 400))
        mesh.connectAll()
        try mesh.run(for: .milliseconds(500))
        var attacker = Attacker(
            chain: chain, blocks: [chain.genesis.ref], random: SeededGenerator(seed: 9))
        for block in try chain.blocks(5) {
            for _ in 0..<300 { mesh.inject(try attacker.message(), from: 4, to: 0) }
            let start = mesh.now
            mesh.author(block, at: 0)
            let isDone = try mesh.run(atMost: .seconds(6)) {
                $0.hosts[0].tree.finalised == block.header.ref
            }
            #expect(isDone && mesh.now - start < .milliseconds(200))
            try mesh.run(for: .seconds(1))
        }
    }
}
