import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Gossip message 7: what is believed, kept and passed on, and what is punished.
@Suite struct EvidenceTests {
    let chain: ToyChain
    let block: Block

    init() throws {
        chain = try ToyChain(validators: 4)
        block = try chain.blocks(1)[0]
    }

    /// An observer with three peers.
    private func host() throws -> Host {
        var host = try Host(chain)
        _ = try host.add(block)
        for peer in [1, 2, 3] as [UInt64] { _ = host.open(peer) }
        return host
    }

    /// Two votes of a validator in one slot: for block 1 and for nothing.
    private func pair(
        _ validator: Int, round: UInt64 = 5, salt: UInt64 = 0, bad: Bool = false
    ) throws -> DoubleVote {
        DoubleVote(
            try chain.vote(
                validator, .prevote, round: round, for: block.header.ref, salt: salt,
                badSignature: bad),
            try chain.vote(validator, .prevote, round: round, for: nil))
    }

    @Test func `valid evidence is kept and sent once to all others`() throws {
        var host = try host()
        let evidence = try pair(1)
        let effects = host.receive(.equivocation(evidence), from: 2)
        #expect(host.evidence == [evidence])
        #expect(effects.sent(.equivocation).map(\.to) == [[1, 3]])
        #expect(effects.sent(.equivocation).map(\.message) == [.equivocation(evidence)])
        #expect(host.gossip.counters.accepted == 1 && effects.punished.isEmpty)
        // Again, from another one, and with other signatures: known.
        for again in [evidence, try pair(1, salt: 9)] {
            #expect(
                host.verdicts(on: .equivocation(again), from: 3) == [.ignore(.duplicate)])
        }
        #expect(host.evidence.count == 1)
        // Another slot of the same validator is other evidence.
        #expect(host.verdicts(on: .equivocation(try pair(1, round: 6)), from: 3) == [.accept])
    }

    @Test func `the round of evidence does not matter, whatever ours is`() throws {
        var host = try host()
        let far = try pair(2, round: RoundNumber.limit - 1)
        #expect(host.verdicts(on: .equivocation(far), from: 1) == [.accept])
    }

    @Test func `what the gadget has seen goes to every peer, and is known`() throws {
        var host = try host()
        let first = try chain.vote(1, .prevote, round: 0, for: block.header.ref)
        let second = try chain.vote(1, .prevote, round: 0, for: nil)
        _ = host.receive(.vote(first), from: 1)
        let effects = host.receive(.vote(second), from: 1)
        #expect(effects.sent(.equivocation).map(\.to) == [[1, 2, 3]])
        #expect(host.evidence.isEmpty)
        #expect(
            host.verdicts(on: .equivocation(DoubleVote(first, second)), from: 2)
                == [.ignore(.duplicate)])
    }

    @Test func `evidence under verification is verified once`() throws {
        var host = try host()
        host.holdsVerification = true
        let evidence = try pair(1)
        #expect(host.verdicts(on: .equivocation(evidence), from: 1) == [])
        #expect(
            host.verdicts(on: .equivocation(evidence), from: 2) == [.ignore(.duplicate)])
        #expect(host.heldJobs.count == 1 && host.heldJobs.first?.signatureCount == 2)
        let effects = host.verifyHeld()
        // Nobody who sent it gets it.
        #expect(effects.sent(.equivocation).map(\.to) == [[3]])
        #expect(host.evidence == [evidence])
    }

    @Test func `two votes that are no evidence cost points`() throws {
        func judged(_ one: CoherenceVote, _ other: CoherenceVote) throws -> [GossipVerdict] {
            var host = try host()
            return host.verdicts(on: .equivocation(DoubleVote(one, other)), from: 1)
        }
        let ref = block.header.ref
        let vote = try chain.vote(1, .prevote, round: 5, for: ref)
        let others = [
            vote, try chain.vote(1, .prevote, round: 5, for: ref, salt: 4),
            try chain.vote(1, .precommit, round: 5, for: nil),
            try chain.vote(1, .prevote, round: 6, for: nil),
            try chain.vote(2, .prevote, round: 5, for: nil),
            try chain.vote(1, .prevote, round: 5, for: nil, score: 3),
        ]
        for other in others {
            #expect(try judged(vote, other) == [.reject(.malformedEvidence)])
        }
        let high = RoundNumber.limit
        #expect(
            try judged(
                chain.vote(1, .prevote, round: high, for: ref),
                chain.vote(1, .prevote, round: high, for: nil)) == [.reject(.malformedEvidence)])
        let strangers = try ToyChain(validators: 5)
        #expect(
            try judged(
                strangers.vote(4, .prevote, round: 5, for: ref),
                strangers.vote(4, .prevote, round: 5, for: nil)) == [.reject(.malformedEvidence)])
    }

    @Test func `a bad signature is a strike, for all who sent it`() throws {
        var host = try host()
        host.holdsVerification = true
        let evidence = try pair(1, bad: true)
        _ = host.receive(.equivocation(evidence), from: 1)
        _ = host.receive(.equivocation(evidence), from: 2)
        let effects = host.verifyHeld()
        #expect(effects.punished.map(\.peer) == [1, 2])
        #expect(effects.punished.allSatisfy { $0.offence == .badEvidence })
        #expect(Offence.badEvidence.isStrike)
        #expect(effects.sent(.equivocation).isEmpty && host.evidence.isEmpty)
        // The true pair is still taken.
        host.holdsVerification = false
        #expect(host.verdicts(on: .equivocation(try pair(1)), from: 3) == [.accept])
    }

    @Test func `three pieces of false evidence end the connection`() throws {
        var host = try host()
        var bans = 0
        for round in 5...7 as ClosedRange<UInt64> {
            let effects = host.receive(
                .equivocation(try pair(1, round: round, bad: true)), from: 1)
            bans += effects.bans.count
        }
        #expect(bans == 1)
    }

    @Test func `evidence of unknown sets is of no use here`() throws {
        var host = try host()
        let evidence = try DoubleVote(
            chain.vote(1, .prevote, round: 5, for: block.header.ref, set: SetID(3)),
            chain.vote(1, .prevote, round: 5, for: nil, set: SetID(3)))
        #expect(
            host.verdicts(on: .equivocation(evidence), from: 1) == [.ignore(.newerSet)])
    }

    @Test func `an equivocator's ninth piece in a set is not passed on`() throws {
        var host = try host()
        for round in 0..<8 as Range<UInt64> {
            #expect(
                host.verdicts(on: .equivocation(try pair(1, round: round)), from: 1) == [.accept])
        }
        #expect(
            host.verdicts(on: .equivocation(try pair(1, round: 8)), from: 1)
                == [.ignore(.duplicate)])
        #expect(host.verdicts(on: .equivocation(try pair(2, round: 8)), from: 1) == [.accept])
    }

    @Test func `oversize and unordered evidence does not decode`() throws {
        var host = try host()
        let bytes = GossipMessage.equivocation(try pair(1)).scaleBytes
        #expect(bytes.count == 1 + 2 * 1_431)
        #expect(
            host.verdicts(on: bytes + [UInt8](repeating: 0, count: 8 * 1_024), from: 1)
                == [.reject(.oversize)])
        #expect(host.verdicts(on: bytes + [0], from: 1) == [.reject(.trailingBytes)])
        let swapped = [bytes[0]] + bytes[1_432...] + bytes[1..<1_432]
        #expect(host.verdicts(on: swapped, from: 2) == [.reject(.undecodable)])
    }
}
