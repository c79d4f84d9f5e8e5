import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Rule 6: what is sent again, when, and what a peer that is behind is answered with.
@Suite struct ResendTests {
    static func host(
        local: Int? = 0, peers: ClosedRange<UInt64> = 1...2
    ) throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain, local: local)
        for peer in peers {
            _ = host.open(peer)
            _ = host.receive(host.status(), from: peer)
        }
        return (host, chain, try chain.blocks(4))
    }

    /// The times, in milliseconds from now, at which something of the kind goes to a peer.
    static func times(
        of kind: GossipMessageKind, to peer: UInt64, during seconds: Int, _ host: inout Host
    ) -> [Int] {
        let start = host.now
        var times: [Int] = []
        while host.now < start + .seconds(seconds) {
            for sent in host.advance(.milliseconds(10)).sent(kind) where sent.to.contains(peer) {
                times.append(Int((host.now - start).clampedNanoseconds / 1_000_000))
            }
        }
        return times
    }

    @Test func `statuses are sent again from one second backing off to thirty`() throws {
        var (host, _, _) = try Self.host(local: nil)
        _ = host.advance(.milliseconds(100))
        let times = Self.times(of: .status, to: 1, during: 160, &host)
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(gaps == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
    }

    @Test func `own votes are sent again, byte for byte, until a status shows them`() throws {
        var (host, _, blocks) = try Self.host()
        let first = try host.add(blocks[0]).sent(.vote)
        // The prevote timer makes it precommit nil in between.
        let second = host.advance(.milliseconds(900)).sent(.vote)
        #expect(second.count == 1)
        let again = host.advance(.milliseconds(110)).sent(.vote)
        #expect(again.map(\.to) == [[1, 2], [1, 2]])
        #expect(again.map(\.message) == [first[0].message, second[0].message])
        _ = host.receive(host.status(have: [(0, .prevote, [0])]), from: 1)
        let third = host.advance(.milliseconds(1_000)).sent(.vote)
        #expect(third.contains { $0.to == [2] && $0.message == first[0].message })
        #expect(!third.contains { $0.to.contains(1) && $0.message == first[0].message })
    }

    @Test func `nothing but statuses is sent again once all is final`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        _ = host.receive(
            .certificate(try chain.certificate([1, 2, 3], round: 0, for: block)), from: 1)
        for peer in [1, 2] as [UInt64] {
            _ = host.receive(host.status(round: 1, finalised: block), from: peer)
        }
        let effects = host.advance(.seconds(60))
        #expect(Set(effects.sent.map(\.message.kind)) == [.status])
    }

    @Test func `the back-off starts anew with an own vote, a round, a stream and another round`()
        throws
    {
        var (host, _, blocks) = try Self.host()
        _ = host.advance(.seconds(100))
        _ = try host.add(blocks[0])
        #expect(Self.times(of: .status, to: 1, during: 2, &host).contains(1_000))
        _ = host.advance(.seconds(100))
        _ = host.open(7)
        #expect(Self.times(of: .status, to: 1, during: 2, &host).contains(1_000))
        _ = host.advance(.seconds(100))
        let round = host.view.round.rawValue
        _ = host.receive(host.status(round: round + 5), from: 1)
        #expect(Self.times(of: .status, to: 1, during: 2, &host).contains(1_000))
    }

    @Test func `a stream that opens gets status and own votes at once`() throws {
        var (host, _, blocks) = try Self.host()
        let vote = try host.add(blocks[0]).sent(.vote)[0].message
        let effects = host.open(9)
        #expect(effects.sent(to: 9).map(\.kind) == [.status, .vote])
        #expect(effects.sent(to: 9).contains(vote))
        #expect(effects.sent(to: 1).isEmpty)
    }

    @Test func `a peer that shows another round gets the own votes that it lacks at once`() throws {
        var (host, _, blocks) = try Self.host()
        _ = try host.add(blocks[0])
        _ = host.advance(.milliseconds(400))
        let effects = host.receive(host.status(round: 1), from: 1)
        #expect(effects.sent(.vote).map(\.to) == [[1]])
        // The same status again changes nothing.
        #expect(host.receive(host.status(round: 1), from: 1).sent.isEmpty)
    }

    @Test func `a restarted node sends what its sign log holds`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain, local: 0)
        let blocks = try chain.blocks(1)
        _ = try host.add(blocks[0])
        let own = host.view.ownVotes
        #expect(own.count == 1)
        var restarted = try Host(chain, local: 0, startsNow: false)
        _ = try restarted.tree.insert(blocks[0], state: chain.genesisState)
        restarted.gadget = try CoherenceGadget(
            configuration: .init(), domain: chain.domain, local: ValidatorIndex(0),
            recovered: RecoveredVoting(
                finalised: chain.genesis.ref, signRecords: try own.map { try $0.record() }),
            verifier: ToyScheme())
        _ = restarted.tellGadget(.start)
        let effects = restarted.open(1)
        #expect(effects.sent(.vote).map(\.message) == own.map { .vote($0.vote) })
    }

    // MARK: Peers that are behind

    @Test func `a peer in a decided round is answered with the certificate`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        let certificate = try chain.certificate([0, 1, 2, 3], round: 0, for: block)
        _ = host.receive(.certificate(certificate), from: 1)
        // The sender shows that it has it; peer 2 is given the time to show the same.
        _ = host.receive(host.status(round: 1, finalised: block), from: 1)
        let sent = host.advance(.milliseconds(150)).sent(.certificate)
        #expect(sent.map(\.to) == [[2]])
        guard case .certificate(let trimmed)? = sent.first?.message else { return }
        #expect(trimmed.precommits == Array(certificate.precommits.prefix(3)))
        #expect(
            try trimmed.verify(
                set: chain.set, genesisHash: chain.genesis.hash, verifier: ToyScheme()
            ).block == block)
    }

    @Test func `a peer that shows in time that it is not behind gets no certificate`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        _ = host.advance(.milliseconds(30))
        for peer in [1, 2] as [UInt64] {
            _ = host.receive(host.status(round: 1, finalised: block), from: peer)
        }
        #expect(host.advance(.seconds(5)).sent(.certificate).isEmpty)
    }

    @Test func `votes, quorum certificates and statuses of a peer behind are all answered`() throws
    {
        let messages: [(ToyChain, BlockRef) throws -> GossipMessage] = [
            { .vote(try $0.vote(2, .prevote, round: 0, for: $1)) },
            { .voteBundle(try $0.bundle([2], .precommit, round: 0, for: $1)) },
            { .quorumCertificate(try $0.quorumCertificate([1, 2, 3], round: 0, for: $1)) },
            { chain, _ in
                .status(
                    GossipStatus(
                        setID: chain.set.id, round: RoundNumber(0),
                        finalisedNumber: BlockNumber(0), finalisedHash: .zero))
            },
        ]
        for make in messages {
            var (host, chain, blocks) = try Self.host(local: nil)
            let block = blocks[0].header.ref
            _ = try host.add(blocks[0])
            _ = host.receive(
                .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
            _ = host.advance(.seconds(20))
            let answer = host.receive(try make(chain, block), from: 2)
            #expect(answer.sent(to: 2).map(\.kind) == [.certificate])
        }
    }

    @Test func `a peer that holds all precommits gets the certificate only when it makes none`()
        throws
    {
        var (host, chain, blocks) = try Self.host(local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        _ = host.receive(host.status(round: 1, finalised: block), from: 1)
        _ = host.receive(host.status(have: [(0, .precommit, [0, 1, 2])]), from: 2)
        #expect(host.advance(.milliseconds(900)).sent(.certificate).isEmpty)
        #expect(host.advance(.milliseconds(200)).sent(.certificate).map(\.to) == [[2]])
    }

    @Test func `the same certificate is sent to the same peer less and less often`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        var count = 0
        for _ in 0..<1_000 {
            count += host.receive(host.status(), from: 2).sent(.certificate).count
            count += host.advance(.milliseconds(20)).sent(.certificate).count { $0.to == [2] }
        }
        // Twenty seconds: at 0.1, 0.5, 1.3, 2.9, 6.1 ... instead of a hundred times.
        #expect(count >= 5 && count <= 8)
        // A newer certificate starts anew.
        _ = try host.add(blocks[1])
        _ = host.receive(
            .certificate(
                try chain.certificate([0, 1, 2], round: 1, for: blocks[1].header.ref)), from: 1)
        _ = host.receive(host.status(), from: 2)
        let sent = host.advance(.milliseconds(300)).sent(.certificate).filter { $0.to == [2] }
        #expect(sent.count == 1)
    }

    @Test func `a stream that opens behind is answered at once`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        let block = blocks[0].header.ref
        _ = try host.add(blocks[0])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        _ = host.advance(.seconds(1))
        #expect(host.open(8).sent(to: 8).map(\.kind) == [.status, .certificate])
        #expect(host.open(9, round: 1, finalised: block).sent(to: 9).map(\.kind) == [.status])
    }

    @Test func `broken rules that share no certificates share none`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        host.gadget = try CoherenceGadget(
            configuration: .init(), domain: chain.domain, local: nil,
            recovered: RecoveredVoting(finalised: chain.genesis.ref), verifier: ToyScheme(),
            rules: .broken { $0.sharesCertificates = false })
        _ = host.tellGadget(.start)
        let block = try chain.blocks(1)[0]
        _ = try host.add(block)
        _ = host.open(1)
        _ = host.open(2)
        _ = host.receive(
            .certificate(
                try chain.certificate([0, 1, 2], round: 0, for: block.header.ref)), from: 1)
        _ = host.receive(host.status(), from: 2)
        #expect(host.advance(.seconds(60)).sent(.certificate).isEmpty)
    }

    // MARK: Statuses

    @Test func `changes make one status, soon, and no more than one per interval`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        _ = host.advance(.seconds(100))
        _ = try host.add(blocks[0])
        let block = blocks[0].header.ref
        var statuses: [(Int, GossipMessage)] = []
        let start = host.now
        for step in 0..<100 {
            if step < 3 {
                _ = host.receive(
                    .vote(try chain.vote(step, .prevote, round: 0, for: block)), from: 1)
            }
            for sent in host.advance(.milliseconds(5)).sent(.status) {
                let time = Int((host.now - start).clampedNanoseconds / 1_000_000)
                statuses.append((time, sent.message))
            }
        }
        #expect(statuses.map(\.0) == [10, 50])
        guard case .status(let status)? = statuses.last?.1 else { return }
        #expect(
            status.have.map(\.validators.members) == [
                [0, 1, 2].map { ValidatorIndex($0) }, [],
            ])
        #expect(status.highestQuorumRound == RoundNumber(0))
        // Nothing changed: nothing is sent.
        _ = host.handle(.blockImported(block))
        #expect(host.advance(.milliseconds(300)).sent(.status).isEmpty)
    }

    @Test func `a status lists the rounds that are collected and no decided one`() throws {
        var (host, chain, blocks) = try Self.host(local: nil)
        for block in blocks { _ = try host.add(block) }
        let block = blocks[0].header.ref
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        _ = host.receive(.vote(try chain.vote(3, .precommit, round: 0, for: block)), from: 1)
        _ = host.receive(
            .vote(try chain.vote(3, .prevote, round: 2, for: blocks[1].header.ref)), from: 1)
        let sent = host.advance(.milliseconds(100)).sent(.status)
        guard case .status(let status)? = sent.last?.message else { return }
        #expect(status.round == RoundNumber(1) && status.finalisedHash == block.hash)
        #expect(status.have.map(\.round.rawValue) == [1, 1, 2])
        #expect(status.have.map(\.phase) == [.prevote, .precommit, .prevote])
    }
}

extension VerifiedVote {
    /// The sign log's record of the vote, by way of its encoding.
    func record() throws -> SignRecord {
        var encoder = SCALEEncoder()
        encoder.append(slot.setID)
        encoder.append(slot.round)
        encoder.append(slot.phase)
        encoder.append(slot.validator)
        encoder.append(target)
        encoder.appendBytes(bytes)
        return try SCALEDecoder.decode(from: encoder.bytes)
    }
}
