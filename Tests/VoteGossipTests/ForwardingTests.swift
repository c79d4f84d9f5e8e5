import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Own votes at once to all; others' votes where a status shows that they are missing.
@Suite struct ForwardingTests {
    /// Validator 0 of `validators` with peers 1 to 3, all statuses shown.
    static func host(
        validators: Int = 7, local: Int? = 0, peers: ClosedRange<UInt64> = 1...3,
        configuration: GossipConfiguration = GossipConfiguration()
    ) throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain, local: local, configuration: configuration)
        for peer in peers {
            _ = host.open(peer)
            _ = host.receive(host.status(), from: peer)
        }
        return (host, chain, try chain.blocks(3))
    }

    static func entries(_ message: GossipMessage) -> [Int] {
        guard case .voteBundle(let bundle) = message else { return [] }
        return bundle.entries.map { Int($0.validator.rawValue) }
    }

    @Test func `an own vote goes to every connected peer at once`() throws {
        var (host, _, blocks) = try Self.host()
        let effects = try host.add(blocks[0])
        let votes = effects.sent(.vote)
        #expect(votes.map(\.to) == [[1, 2, 3]])
        guard case .vote(let vote)? = votes.first?.message else { return }
        #expect(vote.phase == .prevote && vote.target == VoteTarget(blocks[0].header.ref))
        #expect(host.gossip.counters.ownVotesSent == 3)
    }

    @Test func `an own vote goes out even to peers that have shown nothing`() throws {
        var (host, _, blocks) = try Self.host()
        _ = host.open(9)
        #expect(try host.add(blocks[0]).sent(.vote).map(\.to) == [[1, 2, 3, 9]])
    }

    @Test func `another's vote is forwarded only after a status had time to show it`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        let vote = try chain.vote(4, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(vote), from: 1).sent(.voteBundle).isEmpty)
        // Peer 2 shows in time that it has the vote; peer 3 does not.
        #expect(host.advance(.milliseconds(40)).sent(.voteBundle).isEmpty)
        _ = host.receive(host.status(have: [(0, .prevote, [0, 4])]), from: 2)
        _ = host.receive(host.status(have: [(0, .prevote, [0])]), from: 3)
        let bundles = host.advance(.milliseconds(120)).sent(.voteBundle)
        #expect(bundles.map(\.to) == [[3]])
        #expect(bundles.map { Self.entries($0.message) } == [[4]])
        // Once: what was sent is not sent again.
        _ = host.receive(host.status(have: [(0, .prevote, [0])]), from: 3)
        #expect(host.advance(.milliseconds(500)).sent(.voteBundle).isEmpty)
    }

    @Test func `votes that come together leave together, one bundle per target`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        for voter in [2, 3] {
            _ = host.receive(
                .vote(try chain.vote(voter, .prevote, round: 0, for: block)), from: 1)
            _ = host.advance(.milliseconds(3))
        }
        _ = host.receive(.vote(try chain.vote(5, .prevote, round: 0, for: nil)), from: 1)
        let sent = host.advance(.milliseconds(300)).sent(.voteBundle).filter { $0.to == [2] }
        #expect(sent.map { Self.entries($0.message) } == [[2, 3], [5]])
    }

    @Test func `a faster status means a shorter wait`() throws {
        var configuration = GossipConfiguration()
        configuration.bundleDelay = .milliseconds(20)...(.milliseconds(20))
        configuration.statusDelay = .milliseconds(50)
        var (host, chain, blocks) = try Self.host(configuration: configuration)
        for (height, block) in blocks.enumerated() {
            _ = try host.add(block)
            _ = host.advance(.milliseconds(5))
            // Peer 2 confirms our own votes after 5 ms, every time.
            let round = UInt64(height)
            _ = host.receive(host.status(round: round, have: [(round, .prevote, [0])]), from: 2)
            let certificate = try chain.certificate(
                [0, 1, 2, 3, 4], round: round, for: block.header.ref)
            _ = host.receive(.certificate(certificate), from: 1)
            for peer in [1, 2, 3] as [UInt64] {
                _ = host.receive(
                    host.status(round: round + 1, finalised: block.header.ref), from: peer)
            }
        }
        let next = try chain.block(on: blocks[2].header)
        _ = try host.add(next)
        _ = host.receive(
            .vote(try chain.vote(4, .prevote, round: 3, for: next.header.ref)), from: 1)
        let start = host.now
        var firstTo: [UInt64: Duration] = [:]
        for _ in 0..<400 {
            for bundle in host.advance(.milliseconds(1)).sent(.voteBundle) {
                for peer in bundle.to where firstTo[peer] == nil {
                    firstTo[peer] = host.now - start
                }
            }
        }
        let fast = try #require(firstTo[2])
        let slow = try #require(firstTo[3])
        // The wait begins at the longest bundle delay; each sample takes a quarter of the difference
        // off. The bundle's own delay comes on top.
        #expect(slow == .milliseconds(40))
        #expect(fast > .milliseconds(26) && fast <= .milliseconds(32))
    }

    @Test func `what completes a quorum leaves without waiting for company`() throws {
        var (host, chain, blocks) = try Self.host(validators: 7, local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        // Peer 2 shows four nil prevotes; the fifth makes its quorum of nil.
        for voter in 0..<4 {
            _ = host.receive(.vote(try chain.vote(voter, .prevote, round: 0, for: nil)), from: 1)
        }
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1, 2, 3])]), from: 2)
        _ = host.advance(.milliseconds(300))
        _ = host.receive(.vote(try chain.vote(4, .prevote, round: 0, for: nil)), from: 1)
        let sent = host.advance(.milliseconds(50)).sent(.voteBundle).filter { $0.to == [2] }
        #expect(sent.map { Self.entries($0.message) } == [[4]])
        #expect(block.number == BlockNumber(1))
    }

    @Test func `nothing of a round is forwarded after its certificate`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        _ = host.receive(.vote(try chain.vote(4, .precommit, round: 0, for: block)), from: 1)
        _ = host.receive(
            .certificate(try chain.certificate([1, 2, 3, 4, 5], round: 0, for: block)), from: 1)
        #expect(host.tree.finalised == block)
        _ = host.receive(.vote(try chain.vote(6, .precommit, round: 0, for: block)), from: 1)
        let effects = host.advance(.milliseconds(900))
        #expect(effects.sent(.voteBundle).isEmpty && effects.sent(.quorumCertificate).isEmpty)
    }

    @Test func `votes go only to peers that can use them`() throws {
        var (host, chain, blocks) = try Self.host(peers: 1...6)
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        // 2 is two rounds ahead, 3 in another set, 4 cut off, 5 has a newer certificate and lists
        // nothing of this round, 6 a round behind.
        _ = host.receive(host.status(round: 2), from: 2)
        _ = host.receive(host.status(set: SetID(9)), from: 3)
        for _ in 0..<6 { _ = host.receive([3] + [UInt8](repeating: 0, count: 9_000), from: 4) }
        _ = host.receive(
            host.status(
                round: 0, finalised: BlockRef(hash: block.hash, number: BlockNumber(5))), from: 5)
        _ = host.receive(host.status(round: 0), from: 6)
        _ = host.receive(.vote(try chain.vote(4, .prevote, round: 0, for: block)), from: 1)
        let sent = host.advance(.milliseconds(250)).sent(.voteBundle)
        #expect(sent.map(\.to) == [[6]])
    }

    @Test func `a bundle has a bounded number of entries`() throws {
        var (host, chain, blocks) = try Self.host(validators: 200, local: nil)
        _ = try host.add(blocks[0])
        // The peers hold the votes of all but 100.
        let have = Array(0..<100)
        for peer in [2, 3] as [UInt64] {
            _ = host.receive(host.status(have: [(0, .precommit, have)]), from: peer)
        }
        let bundle = try chain.bundle(Array(50..<200), .precommit, round: 0, for: nil)
        _ = host.receive(.voteBundle(bundle), from: 1)
        let sent = host.advance(.milliseconds(300)).sent(.voteBundle).filter { $0.to == [2] }
        #expect(sent.map { Self.entries($0.message).count } == [64, 36])
        #expect(sent.flatMap { Self.entries($0.message) } == Array(100..<200))
    }

    @Test func `an equivocator's two votes are both forwarded`() throws {
        var (host, chain, blocks) = try Self.host()
        for block in blocks.prefix(2) { _ = try host.add(block) }
        for block in blocks.prefix(2) {
            _ = host.receive(
                .vote(try chain.vote(4, .prevote, round: 0, for: block.header.ref)), from: 1)
        }
        let sent = host.advance(.milliseconds(300)).sent(.voteBundle).filter { $0.to == [2] }
        #expect(sent.map { Self.entries($0.message) } == [[4], [4]])
    }

    // MARK: Quorum certificates

    @Test func `a quorum certificate goes to peers that lack most of its prevotes`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        for voter in [1, 2, 3, 4] {
            _ = host.receive(
                .vote(try chain.vote(voter, .prevote, round: 0, for: block)), from: 1)
        }
        #expect(host.view.highestQuorum?.round == RoundNumber(0))
        // Peer 1 sent them all; 2 shows all but one; 3 shows nothing.
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1, 2, 3])]), from: 2)
        let effects = host.advance(.milliseconds(200))
        #expect(effects.sent(.quorumCertificate).map(\.to) == [[3]])
        #expect(effects.sent(.voteBundle).map(\.to) == [[2]])
        #expect(effects.sent(.voteBundle).map { Self.entries($0.message) } == [[4]])
        guard case .quorumCertificate(let sent)? = effects.sent(.quorumCertificate).first?.message
        else { return }
        #expect(sent.entries.count == 5)
    }

    @Test func `a peer that shows a lower quorum certificate is reminded by every re-send`() throws
    {
        var (host, chain, blocks) = try Self.host(local: nil)
        _ = try host.add(blocks[0])
        let quorum = try chain.quorumCertificate(
            [0, 1, 2, 3, 4, 5], round: 0, for: blocks[0].header.ref)
        _ = host.receive(.quorumCertificate(quorum), from: 1)
        _ = host.receive(host.status(quorum: 0, have: [(0, .prevote, [0, 1, 2, 3, 4])]), from: 1)
        // Peer 2 holds the votes and shows no certificate: not urgent, but not forgotten.
        _ = host.receive(host.status(have: [(0, .prevote, [0, 1, 2, 3, 4])]), from: 2)
        let soon = host.advance(.milliseconds(500)).sent(.quorumCertificate)
        #expect(soon.map(\.to) == [[3]])
        let later = host.advance(.seconds(1)).sent(.quorumCertificate)
        #expect(later.contains { $0.to == [2] })
        #expect(!later.contains { $0.to == [1] })
        // Trimmed to exactly q votes.
        guard case .quorumCertificate(let sent)? = soon.first?.message else { return }
        #expect(sent.entries.map(\.validator.rawValue) == [0, 1, 2, 3, 4])
    }

    @Test func `a primary's certificate of an earlier round goes out with its prevote`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        _ = try host.add(blocks[0])
        let quorum = try chain.quorumCertificate(
            [0, 1, 2, 3, 4], round: 0, for: blocks[0].header.ref)
        _ = host.receive(.quorumCertificate(quorum), from: 1)
        _ = host.advance(.milliseconds(300))
        for voter in [1, 2, 3] {
            _ = host.receive(
                .vote(
                    try chain.vote(voter, .prevote, round: 4, for: blocks[0].header.ref)),
                from: 1)
        }
        #expect(host.view.round == RoundNumber(4))
        _ = host.receive(host.status(round: 4, quorum: 0), from: 2)
        let verified = try quorum.verify(in: chain.domain, using: ToyScheme())
        let effects = host.handle(.quorumCertificate(verified))
        // Peer 2 shows it already.
        #expect(effects.sent(.quorumCertificate).map(\.to) == [[1], [3]])
    }
}
