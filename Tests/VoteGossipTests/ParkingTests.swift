import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Verified votes for blocks that are not known yet.
@Suite struct ParkingTests {
    static func host(validators: Int = 4) throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain)
        for peer in 1...3 as ClosedRange<UInt64> { _ = host.open(peer) }
        return (host, chain, try chain.blocks(3))
    }

    @Test func `a vote for an unknown block waits for it and the block is asked for`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        let vote = try chain.vote(1, .prevote, round: 0, for: block)
        let before = host.gossip.counters
        let effects = host.receive(.vote(vote), from: 1)
        #expect(host.gossip.counters.verdicts(since: before) == [.ignore(.parked)])
        #expect(effects.delivered.isEmpty && effects.punished.isEmpty)
        #expect(effects.wantedBlocks.map(\.block) == [block])
        #expect(effects.wantedBlocks.map(\.from) == [[1]])
        #expect(host.gossip.gauges.parkedCount == 1)
        let imported = try host.add(blocks[0])
        #expect(imported.delivered.map(\.vote) == [vote])
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 1)
        #expect(host.gossip.gauges.parkedCount == 0)
    }

    @Test func `a parked vote is not verified again`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
        let again = try chain.vote(1, .prevote, round: 0, for: block, salt: 3)
        #expect(host.verdicts(on: .vote(again), from: 2) == [.ignore(.duplicate)])
        #expect(host.gossip.counters.signaturesChecked == 1)
    }

    @Test func `every sender of a parked vote is worth asking for the block`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        var wanted: [[UInt64]] = []
        for (peer, voter) in [(1, 1), (2, 2), (1, 3)] as [(UInt64, Int)] {
            let vote = try chain.vote(voter, .prevote, round: 0, for: block)
            wanted += host.receive(.vote(vote), from: peer).wantedBlocks.map(\.from)
        }
        #expect(wanted == [[1], [2], [1]])
    }

    @Test func `parked votes are given up after thirty seconds`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
        _ = host.advance(.seconds(29))
        #expect(host.gossip.gauges.parkedCount == 1)
        _ = host.advance(.seconds(2))
        #expect(host.gossip.gauges.parkedCount == 0 && host.gossip.counters.parkedDropped == 1)
        #expect(try host.add(blocks[0]).delivered.isEmpty)
    }

    @Test func `four votes per validator are parked, the newest rounds win`() throws {
        var (host, chain, _) = try Self.host()
        let forks = try (0..<8).map {
            try chain.block(on: chain.genesis, slot: UInt64(50 + $0)).header.ref
        }
        for fork in forks.prefix(4) {
            let vote = try chain.vote(1, .prevote, round: 0, for: fork)
            #expect(host.verdicts(on: .vote(vote), from: 1) == [.ignore(.parked)])
        }
        let fifth = try chain.vote(1, .prevote, round: 0, for: forks[4])
        #expect(host.verdicts(on: .vote(fifth), from: 1) == [.ignore(.parkingFull)])
        let newer = try chain.vote(1, .precommit, round: 1, for: forks[5])
        #expect(host.verdicts(on: .vote(newer), from: 1) == [.ignore(.parked)])
        #expect(host.gossip.gauges.parkedCount == 4 && host.gossip.counters.parkedDropped == 1)
        // Another validator has places of its own.
        let other = try chain.vote(2, .prevote, round: 0, for: forks[0])
        #expect(host.verdicts(on: .vote(other), from: 1) == [.ignore(.parked)])
    }

    @Test func `a peer's parked votes take at most 64 KiB, and what is missing is asked for`()
        throws
    {
        var (host, chain, blocks) = try Self.host(validators: 60)
        let block = blocks[0].header.ref
        let bundle = try chain.bundle(Array(0..<60), .prevote, round: 0, for: block)
        _ = host.receive(.voteBundle(bundle), from: 1)
        let gauges = host.gossip.gauges
        #expect(gauges.parkedByteCount <= 64 * 1024 && gauges.parkedCount == 45)
        #expect(host.gossip.counters.ignored(.parkingFull) == 15)
        // The rest is asked for where it was seen, once the block is there.
        let effects = try host.add(blocks[0])
        #expect(effects.delivered.count == 45)
        #expect(effects.sent(.voteRequest).map(\.to) == [[1]])
        #expect(
            effects.sent(.voteRequest).map(\.message) == [.voteRequest(blockHash: block.hash)])
        _ = host.receive(.voteBundle(bundle), from: 1)
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 60)
    }

    @Test func `a parked vote whose height turns out wrong is its senders' fault`() throws {
        var (host, chain, blocks) = try Self.host()
        let wrong = BlockRef(hash: blocks[0].header.hash, number: BlockNumber(7))
        let vote = try chain.vote(1, .prevote, round: 0, for: wrong)
        #expect(host.verdicts(on: .vote(vote), from: 2) == [.ignore(.parked)])
        let effects = try host.add(blocks[0])
        #expect(effects.delivered.isEmpty)
        #expect(effects.punished.map(\.peer) == [2])
        #expect(effects.punished.map(\.offence) == [.mismatchedNumber])
    }

    @Test func `finality makes room`() throws {
        var (host, chain, blocks) = try Self.host()
        for block in blocks.prefix(2) { _ = try host.add(block) }
        let fork = try chain.block(on: chain.genesis, slot: 50).header.ref
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: fork)), from: 1)
        #expect(host.gossip.gauges.parkedCount == 1)
        let certificate = try chain.certificate([0, 1, 2], round: 0, for: blocks[1].header.ref)
        _ = host.receive(.certificate(certificate), from: 1)
        #expect(host.gossip.gauges.parkedCount == 0)
    }
}
