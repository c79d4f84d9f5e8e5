import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// What is verified how often, at whose cost, and who is blamed.
@Suite struct VerificationTests {
    static func host(
        validators: Int = 4, peers: ClosedRange<UInt64> = 1...4, reserved: Set<UInt64> = []
    ) throws -> (host: Host, chain: ToyChain, block: BlockRef) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain)
        let block = try chain.blocks(1)[0]
        _ = try host.add(block)
        for peer in peers { _ = host.open(peer, isReserved: reserved.contains(peer)) }
        return (host, chain, block.header.ref)
    }

    // MARK: Once per content

    @Test func `the same vote from two peers is verified once`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        let vote = try chain.vote(1, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(vote), from: 1).jobs.count == 1)
        #expect(host.verdicts(on: .vote(vote), from: 2) == [.ignore(.duplicate)])
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.ignore(.duplicate)])
        #expect(host.heldJobs.count == 1 && host.gossip.counters.verificationsShared == 2)
        #expect(host.verifyHeld().delivered.map(\.vote) == [vote])
        #expect(host.gossip.gauges.verifyingCount == 0)
    }

    @Test func `when bytes fail, everybody who sent those very bytes is blamed once`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        let bad = try chain.vote(1, .prevote, round: 0, for: block, badSignature: true)
        for peer in [1, 2, 2, 1] as [UInt64] { _ = host.receive(.vote(bad), from: peer) }
        let effects = host.verifyHeld()
        #expect(effects.punished.map(\.peer) == [1, 2])
        #expect(effects.punished.map(\.offence) == [.badSignature, .badSignature])
    }

    @Test func `junk under an honest name displaces no vote and blames no honest peer`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        let bad = try chain.vote(1, .prevote, round: 0, for: block, badSignature: true)
        let good = try chain.vote(1, .prevote, round: 0, for: block)
        _ = host.receive(.vote(bad), from: 1)
        #expect(host.receive(.vote(good), from: 2).jobs.isEmpty)
        #expect(host.gossip.gauges.verifyingCount == 2)
        let first = host.verifyHeld()
        #expect(first.punished.map(\.peer) == [1])
        #expect(first.jobs.map(\.subject) == [.vote(good)])
        let second = host.verifyHeld()
        #expect(second.delivered.map(\.vote) == [good] && second.punished.isEmpty)
        #expect(host.gossip.gauges.verifyingByteCount == 0)
    }

    @Test func `when the first copy is good, the others are let go without blame`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
        let bad = try chain.vote(1, .prevote, round: 0, for: block, badSignature: true)
        _ = host.receive(.vote(bad), from: 2)
        let effects = host.verifyHeld()
        #expect(effects.delivered.count == 1 && effects.punished.isEmpty && effects.jobs.isEmpty)
        #expect(host.gossip.gauges.verifyingCount == 0)
    }

    @Test func `alternatives are verified in turn, each copy once, and are bounded`() throws {
        var (host, chain, block) = try Self.host(peers: 1...8)
        host.holdsVerification = true
        func copy(_ salt: UInt64, bad: Bool) throws -> GossipMessage {
            .vote(
                try chain.vote(
                    1, .prevote, round: 0, for: block, salt: salt, badSignature: bad))
        }
        _ = host.receive(try copy(1, bad: true), from: 1)
        _ = host.receive(try copy(2, bad: true), from: 2)
        _ = host.receive(try copy(2, bad: true), from: 3)
        _ = host.receive(try copy(3, bad: true), from: 2)
        _ = host.receive(try copy(3, bad: false), from: 4)
        _ = host.receive(try copy(4, bad: true), from: 5)
        // The fifth copy, and the second of peer 2, found no place.
        _ = host.receive(try copy(5, bad: true), from: 6)
        #expect(host.gossip.gauges.verifyingCount == 5)
        #expect(host.verifyHeld().punished.map(\.peer) == [1])
        #expect(host.verifyHeld().punished.map(\.peer) == [2, 3])
        let last = host.verifyHeld()
        #expect(last.punished.isEmpty && last.delivered.count == 1)
        #expect(host.heldJobs.isEmpty && host.gossip.gauges.verifyingCount == 0)
    }

    @Test func `the same certificate from two peers is verified once`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        let certificate = try chain.certificate([0, 1, 2], round: 0, for: block)
        #expect(host.receive(.certificate(certificate), from: 1).jobs.count == 1)
        #expect(host.verdicts(on: .certificate(certificate), from: 2) == [.ignore(.duplicate)])
        let bad = try chain.certificate([0, 1, 2], round: 0, for: block, bad: 1)
        #expect(host.receive(.certificate(bad), from: 3).jobs.count == 1)
        let effects = host.verifyHeld()
        #expect(effects.punished.map(\.peer) == [3])
        #expect(host.tree.finalised == block)
    }

    @Test func `bundles are verified in batches that grow with each valid vote, to a bound`() throws
    {
        var (host, chain, block) = try Self.host(validators: 100)
        let bundle = try chain.bundle(Array(0..<100), .prevote, round: 0, for: block)
        let effects = host.receive(.voteBundle(bundle), from: 1)
        let sizes = effects.compactMap { effect in
            if case .verify(let jobs) = effect { jobs.count } else { nil }
        }
        #expect(sizes == [3, 6, 12, 24, 32, 16, 7])
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 100)
    }

    @Test func `unknown and repeated results change nothing`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
        let outcomes = Host.outcomes(of: host.heldJobs)
        #expect(host.handle(.verified(outcomes)).delivered.count == 1)
        #expect(host.handle(.verified(outcomes)).isEmpty)
        let stranger = VerificationOutcome(
            id: VerificationJobID(999), result: outcomes[0].result)
        #expect(host.handle(.verified([stranger])).isEmpty)
    }

    @Test func `a vote whose round has passed while it was verified is dropped`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        _ = host.receive(.vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
        let held = host.heldJobs
        host.heldJobs = []
        for voter in [2, 3] {
            _ = host.receive(
                .vote(try chain.vote(voter, .prevote, round: 7, for: block)), from: 2)
        }
        _ = host.verifyHeld()
        #expect(host.view.round == RoundNumber(7))
        let before = host.gossip.counters
        #expect(host.handle(.verified(Host.outcomes(of: held))).delivered.isEmpty)
        #expect(host.gossip.counters.verdicts(since: before) == [.ignore(.oldRound)])
    }

    // MARK: Budgets

    @Test func `a peer's budget is six votes per validator at once, then two a second`() throws {
        // Junk for distinct slots: of rounds far ahead, each newer than the one before.
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        var round: UInt64 = 100
        func junk() throws -> [GossipVerdict] {
            round += 1
            let vote = try chain.vote(
                1, .prevote, round: round, for: block, badSignature: true)
            return host.verdicts(on: .vote(vote), from: 1)
        }
        for _ in 0..<24 { #expect(try junk() == []) }
        #expect(try junk() == [.ignore(.overVerificationBudget)])
        _ = host.advance(.milliseconds(1_001))
        for _ in 0..<8 { #expect(try junk() == []) }
        #expect(try junk() == [.ignore(.overVerificationBudget)])
        // Another peer has a budget of its own.
        let vote = try chain.vote(2, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(vote), from: 2).jobs.count == 1)
    }

    @Test func `a flood of messages is ignored before it is read`() throws {
        var (host, _, _) = try Self.host()
        var ignored = 0
        for _ in 0..<2_000 {
            let verdicts = host.verdicts(on: host.status(), from: 1)
            if verdicts == [.ignore(.overMessageBudget)] { ignored += 1 }
        }
        #expect(ignored == 2_000 - 1_024)
        #expect(host.verdicts(on: host.status(), from: 2) == [.accept])
    }

    @Test func `under pressure nobody takes more than an equal share of verification`() throws {
        let chain = try ToyChain(validators: 64)
        var host = try Host(chain)
        let block = try chain.blocks(1)[0]
        _ = try host.add(block)
        for peer in 1...8 as ClosedRange<UInt64> { _ = host.open(peer) }
        host.holdsVerification = true
        // Capacity is 8n = 512 signatures; two floods of 384 each would fill it.
        var round: UInt64 = 10
        func flood(_ peer: UInt64) throws {
            for _ in 0..<6 {
                round += 1
                let bundle = try chain.bundle(
                    Array(0..<64), .prevote, round: round, for: block.header.ref)
                _ = host.receive(.voteBundle(bundle), from: peer)
            }
        }
        try flood(1)
        try flood(2)
        // Peer 1 got no further than half of all; peer 2 got an eighth of a half.
        #expect(host.gossip.gauges.verifyingCount == 256 + 32)
        // Of strangers three each are begun.
        #expect(host.heldJobs.count == 3 + 3)
        #expect(host.gossip.counters.ignored(.verificationBusy) == 768 - 288)
        // An honest peer's vote is verified all the same.
        let vote = try chain.vote(5, .prevote, round: 0, for: block.header.ref)
        #expect(host.receive(.vote(vote), from: 3).jobs.count == 1)
    }

    // MARK: Turns

    @Test(arguments: [false, true])
    func `of a thousand bad votes of a stranger three are verified`(inBundles: Bool) throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        var effects: [GossipEffect] = []
        for number in 0..<1_000 where !inBundles {
            let bad = try chain.vote(
                number % 4, number % 8 < 4 ? .prevote : .precommit, round: UInt64(number / 8 % 2),
                for: block, salt: UInt64(number), badSignature: true)
            effects += host.receive(.vote(bad), from: 1)
        }
        for number in 0..<250 where inBundles {
            let bad = try chain.bundle(
                Array(0..<4), .prevote, round: UInt64(number % 2), for: block,
                salt: UInt64(number), badSignatures: true)
            effects += host.receive(.voteBundle(bad), from: 1)
        }
        while !host.heldJobs.isEmpty { effects += host.verifyHeld() }
        #expect(host.gossip.counters.signaturesChecked == 3)
        #expect(effects.bans.count == 1)
        #expect(host.gossip.gauges.verifyingCount == 0)
    }

    @Test func `votes that wait for a liar's turn are verified in the next sender's`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        for voter in 0..<3 {
            let bad = try chain.vote(
                voter, .precommit, round: 0, for: block, badSignature: true)
            _ = host.receive(.vote(bad), from: 1)
        }
        // Peer 1 is at its limit: this one waits, until an honest peer brings it as well.
        let vote = try chain.vote(3, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(vote), from: 1).jobs.isEmpty)
        #expect(host.receive(.vote(vote), from: 2).jobs.count == 1)
        // And this one waits although its sender is honest, in other bytes than the liar's.
        let junk = try chain.vote(2, .prevote, round: 0, for: block, badSignature: true)
        #expect(host.receive(.vote(junk), from: 1).jobs.isEmpty)
        let real = try chain.vote(2, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(real), from: 3).jobs.count == 1)
        var effects: [GossipEffect] = []
        while !host.heldJobs.isEmpty { effects += host.verifyHeld() }
        #expect(effects.delivered.count == 2 && effects.bans.map(\.peer) == [1])
        #expect(host.gossip.counters.signaturesChecked == 5)
    }

    @Test func `who sent the bytes that wait no more is not charged for the others`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        for voter in 0..<3 {
            let vote = try chain.vote(voter, .precommit, round: 0, for: block)
            _ = host.receive(.vote(vote), from: 1)
        }
        // Peer 1 is at its limit: this one waits, until another one brings the content.
        let passedOn = try chain.vote(3, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(passedOn), from: 1).jobs.isEmpty)
        #expect(host.gossip.gauges.chargedCount == 4)
        let signedAnew = try chain.vote(3, .prevote, round: 0, for: block, salt: 1)
        #expect(host.receive(.vote(signedAnew), from: 2).jobs.count == 1)
        #expect(host.gossip.gauges.chargedCount == 4)
        while !host.heldJobs.isEmpty { _ = host.verifyHeld() }
        let gauges = host.gossip.gauges
        #expect(gauges.verifyingCount == 0 && gauges.chargedCount == 0, "\(gauges)")
    }

    @Test func `a vote that waits in a liar's turn is not lost with the liar`() throws {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        let vote = try chain.vote(3, .prevote, round: 0, for: block)
        for peer in [1, 2] as [UInt64] {
            for voter in 0..<3 {
                let bad = try chain.vote(
                    voter, peer == 1 ? .precommit : .prevote, round: 0, for: block,
                    badSignature: true)
                _ = host.receive(.vote(bad), from: peer)
            }
            // Both are at their limit.
            #expect(host.receive(.vote(vote), from: peer).jobs.isEmpty)
        }
        _ = host.handle(.streamClosed(Host.peer(1)))
        #expect(host.gossip.gauges.verifyingCount == 7)
        _ = host.handle(.streamClosed(Host.peer(2)))
        #expect(host.gossip.gauges.verifyingCount == 6)
    }

    // MARK: Cut off

    @Test func `the third bad signature bans the peer and closes its stream`() throws {
        var (host, chain, block) = try Self.host()
        func bad(_ round: UInt64) throws -> [GossipEffect] {
            host.receive(
                .vote(
                    try chain.vote(1, .prevote, round: round, for: block, badSignature: true)),
                from: 1)
        }
        #expect(try bad(0).bans.isEmpty)
        #expect(try bad(0).bans.isEmpty)
        let third = try bad(1)
        #expect(third.bans.map(\.peer) == [1] && third.bans.map(\.duration) == [.seconds(600)])
        #expect(third.disconnected.map(\.reason) == [.misbehaviour])
        // Until the stream is closed it is not heard and not sent to.
        let vote = try chain.vote(2, .prevote, round: 0, for: block)
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.ignore(.cutOff)])
        let resent = host.advance(.seconds(2))
        #expect(!resent.sent(.status).isEmpty)
        #expect(resent.sent(to: 1).isEmpty)
    }

    @Test func `a peer that comes back finds its offences remembered and its ban doubled`() throws {
        var (host, chain, block) = try Self.host()
        var durations: [Duration] = []
        for round in 0..<6 {
            let bad = try chain.vote(
                1, .prevote, round: UInt64(round % 2), for: block, badSignature: true)
            durations += host.receive(.vote(bad), from: 1).bans.map(\.duration)
            _ = host.handle(.streamClosed(Host.peer(1)))
            _ = host.open(1)
        }
        #expect(durations == [.seconds(600), .seconds(1_200)])
    }

    @Test func `a reserved peer is throttled and never banned`() throws {
        var (host, chain, block) = try Self.host(validators: 10, reserved: [1])
        var effects: [GossipEffect] = []
        for _ in 0..<3 {
            let bad = try chain.vote(1, .prevote, round: 0, for: block, badSignature: true)
            effects += host.receive(.vote(bad), from: 1)
        }
        #expect(effects.bans.isEmpty && effects.disconnected.isEmpty)
        let until = host.now + .seconds(600)
        #expect(effects.contains(.note(.throttled(Host.peer(1), until: until))))
        // A tenth of the budget: 6 votes at once instead of 60.
        host.holdsVerification = true
        let bundle = try chain.bundle(Array(0..<10), .prevote, round: 1, for: block)
        _ = host.receive(.voteBundle(bundle), from: 1)
        #expect(host.gossip.gauges.verifyingCount == 6)
        // It is given its budget back when the time is over.
        _ = host.advance(.seconds(601))
        let next = try chain.bundle(Array(0..<10), .precommit, round: 1, for: block)
        while !host.heldJobs.isEmpty { _ = host.verifyHeld() }
        _ = host.receive(.voteBundle(next), from: 1)
        #expect(host.gossip.gauges.verifyingCount >= 6)
        while !host.heldJobs.isEmpty { _ = host.verifyHeld() }
        _ = host.advance(.seconds(30))
        let last = try chain.bundle(Array(0..<10), .precommit, round: 0, for: block)
        #expect(host.receive(.voteBundle(last), from: 1).jobs.count == 10)
    }

    @Test func `a peer that left before its signature was found bad is blamed all the same`() throws
    {
        var (host, chain, block) = try Self.host()
        host.holdsVerification = true
        var effects: [GossipEffect] = []
        for _ in 0..<3 {
            let bad = try chain.vote(1, .prevote, round: 0, for: block, badSignature: true)
            _ = host.receive(.vote(bad), from: 1)
            _ = host.handle(.streamClosed(Host.peer(1)))
            effects += host.verifyHeld()
            _ = host.open(1)
        }
        #expect(effects.bans.map(\.peer) == [1])
    }

    @Test func `honest duplicates are never punished`() throws {
        var (host, chain, block) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: block)
        var effects: [GossipEffect] = []
        for _ in 0..<5_000 { effects += host.receive(.vote(vote), from: 1) }
        #expect(effects.punished.isEmpty && effects.bans.isEmpty)
    }
}
