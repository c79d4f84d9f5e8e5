import Chain
import Coherence
import Primitives
import Testing

/// Rule 0: slots are decided in increasing order, once, and stored before anything is sent.
@Suite struct SigningTests {
    let chain = LetterChain("A B C", "A X Y")

    @Test func `one signature is asked for per slot however often the reason comes up`() {
        var bench = GadgetBench(chain, known: "A")
        #expect(bench.unsigned.count == 1)
        bench.imports("B C")
        bench.receives(.prevote, round: 0, "A", from: 1)
        bench.handle(.measurement(.usable(Fixture.state)))
        #expect(bench.unsigned.count == 1)
    }

    @Test func `a signature that comes twice is taken once`() {
        var bench = GadgetBench(chain, known: "A")
        let vote = bench.unsigned[0]
        #expect(bench.sign() == ["persist prevote 0 A", "send prevote 0 A"])
        let signature = ToySignatures().sign(
            vote.signedBytes, by: vote.slot.validator, in: bench.domain.set, nonce: 9)
        #expect(bench.handle(.signed(vote.slot, signature)) == [])
    }

    @Test func `a signature for a slot that was never decided is ignored`() {
        var bench = GadgetBench(chain, known: "A")
        let slot = VoteSlot(
            setID: SetID(0), round: RoundNumber(3), phase: .precommit, validator: Fixture.index(0))
        #expect(bench.handle(.signed(slot, [])) == [])
    }

    @Test func `votes are stored in the order of their decisions whatever comes back first`() {
        var bench = GadgetBench(chain, known: "A")
        bench.fires(.prevote(RoundNumber(0)))
        #expect(bench.unsigned.map(\.slot.phase) == [.prevote, .precommit])
        #expect(bench.signWaiting(at: 1) == [])
        #expect(
            bench.signFirst() == [
                "persist prevote 0 A", "send prevote 0 A",
                "persist precommit 0 nil", "send precommit 0 nil",
            ])
    }

    @Test func `a signature that returns after its round was left is stored and sent all the same`()
    {
        var bench = GadgetBench(chain, known: "A")
        bench.receivesCertificate(round: 5, "A", from: 1, 2, 3)
        #expect(bench.gadget.round == RoundNumber(6))
        #expect(bench.sign() == ["persist prevote 0 A", "send prevote 0 A"])
        #expect(bench.view.ownVotes.isEmpty)
    }

    @Test func `after a failure the signer is asked for the same vote again`() {
        var bench = GadgetBench(chain, known: "A")
        let vote = bench.unsigned[0]
        #expect(bench.fails() == ["set signing timer in 250 ms"])
        #expect(bench.notes.contains(.signingFailed(vote.slot)))
        // What would be a reason for another vote changes nothing.
        bench.imports("B C")
        bench.handle(.measurement(.usable(Fixture.state)))
        #expect(bench.unsigned.isEmpty)
        #expect(bench.fires(.signing) == ["sign prevote 0 A"])
        #expect(bench.unsigned == [vote])
        #expect(bench.sign() == ["persist prevote 0 A", "send prevote 0 A"])
    }

    @Test func `the pauses between requests double up to eight seconds, and start anew`() {
        var bench = GadgetBench(chain, known: "A")
        for pause in [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000] {
            #expect(bench.fails() == ["set signing timer in \(pause) ms"])
            bench.fires(.signing)
        }
        bench.sign()
        bench.fires(.prevote(RoundNumber(0)))
        #expect(bench.fails() == ["set signing timer in 250 ms"])
    }

    @Test func `later votes wait for one that failed, and go with it`() {
        var bench = GadgetBench(chain, known: "A")
        bench.fires(.prevote(RoundNumber(0)))
        bench.fails()
        #expect(bench.sign() == [])
        bench.fires(.signing)
        #expect(
            bench.sign() == [
                "persist prevote 0 A", "send prevote 0 A",
                "persist precommit 0 nil", "send precommit 0 nil",
            ])
    }

    @Test func `a failed vote is given up when its round is two behind`() {
        var bench = GadgetBench(chain, known: "A")
        bench.fails()
        bench.receives(.precommit, round: 0, "nil", from: 1, 2, 3)
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(bench.timers[.signing] != nil)
        // The nil precommit of round 0 and the primary's prevote of round 1 wait for it.
        #expect(bench.sign() == [])
        let lines = bench.receives(.precommit, round: 1, "nil", from: 1, 2, 3)
        #expect(
            lines.filter { $0.hasPrefix("persist") || $0.hasPrefix("send") } == [
                "persist precommit 0 nil", "send precommit 0 nil",
                "persist prevote 1 A", "send prevote 1 A",
            ])
        #expect(lines.contains("cancel signing timer"))
        #expect(bench.fires(.signing) == ["no such timer is set"])
    }

    @Test func `a signature that comes after its failure was told is taken all the same`() {
        var bench = GadgetBench(chain, known: "A")
        let vote = bench.unsigned[0]
        bench.fails()
        let signature = ToySignatures().sign(
            vote.signedBytes, by: vote.slot.validator, in: bench.domain.set, nonce: 9)
        #expect(
            bench.handle(.signed(vote.slot, signature)) == [
                "persist prevote 0 A", "send prevote 0 A", "cancel signing timer",
            ])
    }

    @Test func `after a restart a vote that was never signed may be for something else`() {
        var bench = GadgetBench(chain, known: "A")
        bench.fails()
        bench.imports("B")
        bench.restart()
        #expect(bench.unsigned.map(\.target) == [chain.target("B")])
        #expect(bench.timers[.signing] == nil)
    }

    @Test func `no signature is asked for again after signing has ended`() {
        var bench = GadgetBench(chain, known: "A")
        bench.fails()
        bench.receives(.prevote, round: 0, "A", from: 0)
        #expect(bench.view.halt != nil)
        #expect(bench.fires(.signing) == ["no such timer is set"])
    }

    @Test func `a signature of the wrong form counts as a failure`() {
        var bench = GadgetBench(chain, known: "A")
        let slot = bench.unsigned[0].slot
        #expect(
            bench.handle(.signed(slot, [0x3A, 1, 2])) == ["set signing timer in 250 ms"])
        #expect(bench.notes.contains(.signingFailed(slot)))
    }

    @Test func `slots below the last decided one are forfeited`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        // A jump from round 0 to round 3: the nil precommit of round 2, nothing of 0 and 1.
        bench.receives(.prevote, round: 3, "nil", from: 1, 2)
        #expect(bench.sign().contains("persist precommit 2 nil"))
        #expect(bench.receives(.prevote, round: 2, "A", from: 1, 2, 3) == ["persist quorum 2 A"])
        #expect(bench.unsigned.isEmpty)
    }

    @Test func `a late quorum of a round that was left changes no precommit`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.receives(.precommit, round: 0, "nil", from: 1, 2, 3)
        #expect(bench.gadget.round == RoundNumber(1))
        bench.sign()
        #expect(bench.receives(.prevote, round: 0, "A", from: 1, 2) == ["persist quorum 0 A"])
        #expect(bench.view.lockRound == nil)
        #expect(
            bench.disk.recovered.signRecords.filter { $0.slot.round == RoundNumber(0) }
                .map(\.target) == [chain.target("A"), .nothing])
    }

    @Test func `own votes are sent again from the store with the same bytes`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.failRound(withPrecommitsFrom: 1, 2)
        let before = bench.view.ownVotes
        #expect(before.map(\.round.rawValue).prefix(2) == [0, 0])
        bench.restart()
        #expect(bench.view.ownVotes.map(\.bytes) == before.map(\.bytes))
    }

    @Test func `a signer that never answers is not asked for ever`() {
        var bench = GadgetBench(chain, known: "A")
        for round: UInt64 in 0..<100 {
            bench.receives(.precommit, round: round, "nil", from: 1, 2, 3)
        }
        #expect(bench.gadget.round == RoundNumber(100))
        #expect(bench.unsigned.count == 64)
    }
}
