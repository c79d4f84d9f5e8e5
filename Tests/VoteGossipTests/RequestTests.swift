import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Asking for what is missing, and answering those who ask.
@Suite struct RequestTests {
    static func host(
        validators: Int = 4, peers: ClosedRange<UInt64> = 1...3
    ) throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain)
        let blocks = try chain.blocks(3)
        for block in blocks { _ = try host.add(block) }
        for peer in peers { _ = host.open(peer) }
        return (host, chain, blocks)
    }

    static func bits(_ members: [Int], of count: Int = 4) -> Bits {
        Bits(validatorCount: count, members: members.map { ValidatorIndex(UInt16($0)) })
    }

    func roundRequest(
        _ chain: ToyChain, _ members: [Int], round: UInt64 = 0, _ phase: VotePhase = .prevote
    ) -> GossipMessage {
        .roundRequest(
            RoundRequest(
                setID: chain.set.id, round: RoundNumber(round), phase: phase,
                missing: Self.bits(members, of: chain.set.count)))
    }

    // MARK: Serving

    @Test func `a round request is answered with the votes that are wanted and held`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        for voter in [0, 1] {
            _ = host.receive(
                .vote(try chain.vote(voter, .prevote, round: 0, for: block)), from: 1)
        }
        _ = host.receive(.vote(try chain.vote(2, .prevote, round: 0, for: nil)), from: 1)
        let answer = host.receive(roundRequest(chain, [1, 2, 3]), from: 2)
        #expect(answer.sent(.voteBundle).map(\.to) == [[2], [2]])
        #expect(
            answer.sent(.voteBundle).map { ForwardingTests.entries($0.message) } == [[1], [2]])
        #expect(host.gossip.counters.requestsServed == 1)
        // Nothing held, nothing sent.
        #expect(host.receive(roundRequest(chain, [3]), from: 2).sent.isEmpty)
        #expect(host.receive(roundRequest(chain, [1], round: 77), from: 2).sent.isEmpty)
    }

    @Test func `a vote request is answered with all votes held for the block`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        for phase in VotePhase.allCases {
            for voter in [0, 1] {
                _ = host.receive(
                    .vote(try chain.vote(voter, phase, round: 0, for: block)), from: 1)
            }
        }
        _ = host.receive(
            .vote(try chain.vote(2, .prevote, round: 1, for: blocks[1].header.ref)), from: 1)
        let answer = host.receive(.voteRequest(blockHash: block.hash), from: 2)
        #expect(
            answer.sent(.voteBundle).map { ForwardingTests.entries($0.message) }
                == [[0, 1], [0, 1]])
        #expect(host.receive(.voteRequest(blockHash: .zero), from: 2).sent.isEmpty)
    }

    @Test func `answers are rationed, and asking too often is no offence`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = host.receive(
            .vote(try chain.vote(1, .prevote, round: 0, for: blocks[0].header.ref)), from: 1)
        var answers = 0
        for _ in 0..<100 {
            let effects = host.receive(roundRequest(chain, [1]), from: 2)
            answers += effects.sent(.voteBundle).count
            #expect(effects.punished.isEmpty)
        }
        #expect(answers == 8 && host.gossip.counters.ignored(.answeredRecently) == 92)
        _ = host.advance(.seconds(1))
        #expect(host.receive(roundRequest(chain, [1]), from: 2).sent(.voteBundle).count == 1)
    }

    @Test func `a certificate request is answered from storage`() throws {
        var (host, chain, blocks) = try Self.host()
        let certificates = try blocks.enumerated().map {
            try chain.certificate([0, 1, 2], round: UInt64($0.offset), for: $0.element.header.ref)
        }
        // Before anything is final there is nothing to answer.
        _ = host.receive(.certificateRequest(number: BlockNumber(1)), from: 2)
        #expect(host.loads.isEmpty)
        for certificate in certificates { _ = host.receive(.certificate(certificate), from: 1) }
        _ = host.advance(.seconds(30))
        _ = host.receive(host.status(round: 3, finalised: blocks[2].header.ref), from: 2)
        _ = host.receive(.certificateRequest(number: BlockNumber(2)), from: 2)
        #expect(host.loads.map(\.query) == [.lowest(atOrAbove: BlockNumber(2))])
        let answer = host.handle(.certificateLoaded(host.loads[0].id, certificates[1]))
        #expect(answer.sent(to: 2) == [.certificate(certificates[1])])
        // Too soon, and beyond what is final.
        _ = host.receive(.certificateRequest(number: BlockNumber(2)), from: 2)
        _ = host.receive(.certificateRequest(number: BlockNumber(9)), from: 3)
        #expect(host.loads.count == 1)
        _ = host.advance(.milliseconds(201))
        _ = host.receive(.certificateRequest(number: BlockNumber(1)), from: 2)
        #expect(host.loads.count == 2)
        // Nothing stored: nothing sent. The peer gone, an unknown read: nothing either.
        #expect(host.handle(.certificateLoaded(host.loads[1].id, nil)).sent.isEmpty)
        #expect(host.handle(.certificateLoaded(CertificateLoadID(77), certificates[0])).isEmpty)
        _ = host.advance(.milliseconds(201))
        _ = host.receive(.certificateRequest(number: BlockNumber(1)), from: 2)
        _ = host.handle(.streamClosed(Host.peer(2)))
        #expect(host.handle(.certificateLoaded(host.loads[2].id, certificates[0])).isEmpty)
    }

    // MARK: Asking for votes

    @Test func `when a round drags on, what peers show and we lack is asked for`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1])]), from: 1)
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1, 2])]), from: 2)
        _ = host.receive(
            host.status(have: [(0, .prevote, [0]), (0, .precommit, [3])]), from: 3)
        _ = host.receive(
            .vote(try chain.vote(0, .prevote, round: 0, for: blocks[0].header.ref)), from: 1)
        #expect(host.advance(.milliseconds(900)).sent(.roundRequest).isEmpty)
        let asked = host.advance(.milliseconds(200)).sent(.roundRequest)
        #expect(asked.map(\.to) == [[2], [3]])
        #expect(
            asked.map(\.message) == [
                roundRequest(chain, [1, 2]), roundRequest(chain, [3], .precommit),
            ])
        // One request per peer and per round and phase at a time: nothing new after another second.
        #expect(host.advance(.milliseconds(900)).sent(.roundRequest).isEmpty)
    }

    @Test func `a request without an answer goes to the next peer after two seconds`() throws {
        var (host, _, _) = try Self.host()
        for peer in [1, 2, 3] as [UInt64] {
            _ = host.receive(host.status(have: [(0, .prevote, [0, 1])]), from: peer)
        }
        var asked: [(UInt64, Int)] = []
        let start = host.now
        for _ in 0..<80 {
            for sent in host.advance(.milliseconds(100)).sent(.roundRequest) {
                let time = Int((host.now - start).clampedNanoseconds / 100_000_000)
                asked.append((sent.to[0], time))
            }
        }
        #expect(asked.map(\.0) == [1, 2, 3, 1])
        #expect(asked.map(\.1) == [10, 30, 50, 70])
        #expect(host.gossip.counters.requestsTimedOut == 3)
    }

    @Test func `an answer ends the request and is counted like any bundle`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1])]), from: 1)
        #expect(host.advance(.milliseconds(1_100)).sent(.roundRequest).count == 1)
        let bundle = try chain.bundle([0, 1], .prevote, round: 0, for: blocks[0].header.ref)
        #expect(host.receive(.voteBundle(bundle), from: 1).delivered.count == 2)
        let rest = host.advance(.seconds(5))
        #expect(rest.sent(.roundRequest).isEmpty)
        #expect(host.gossip.counters.requestsTimedOut == 0)
    }

    // MARK: Asking for certificates

    @Test func `a certificate that a peer shows is asked for unless it comes by itself`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[1].header.ref
        _ = host.receive(host.status(round: 5, finalised: block), from: 2)
        #expect(host.advance(.milliseconds(250)).sent(.certificateRequest).isEmpty)
        let asked = host.advance(.milliseconds(100)).sent(.certificateRequest)
        #expect(asked.map(\.to) == [[2]])
        #expect(asked.map(\.message) == [.certificateRequest(number: BlockNumber(2))])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 4, for: block)), from: 2)
        #expect(host.tree.finalised == block)
        #expect(host.advance(.seconds(10)).sent(.certificateRequest).isEmpty)

        let next = blocks[2].header.ref
        _ = host.receive(host.status(round: 6, finalised: next), from: 3)
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 5, for: next)), from: 1)
        #expect(host.advance(.seconds(10)).sent(.certificateRequest).isEmpty)
    }

    @Test
    func `liars about their finalised block are asked in turn and never more than one at once`()
        throws
    {
        var (host, chain, _) = try Self.host()
        let far = BlockRef(hash: chain.genesis.hash, number: BlockNumber(.max))
        for peer in [1, 2] as [UInt64] {
            _ = host.receive(host.status(finalised: far), from: peer)
        }
        var asked: [UInt64] = []
        for _ in 0..<100 {
            asked += host.advance(.milliseconds(100)).sent(.certificateRequest).map { $0.to[0] }
        }
        #expect(asked == [1, 2, 1, 2, 1])
    }

    @Test func `a certificate for an unknown block is not asked for again while it is fetched`()
        throws
    {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        _ = host.open(1)
        let blocks = try chain.blocks(5)
        let block = blocks[4].header.ref
        _ = host.receive(host.status(round: 9, finalised: block), from: 1)
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 8, for: block)), from: 1)
        #expect(host.wanted.contains(block))
        #expect(host.advance(.seconds(5)).sent(.certificateRequest).isEmpty)
        for block in blocks { _ = try host.add(block) }
        #expect(host.tree.finalised == block)
    }
}
