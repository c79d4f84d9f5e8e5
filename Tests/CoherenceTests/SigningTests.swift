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

    @Test func `a failed signature leaves its slot taken and lets later votes go`() {
        var bench = GadgetBench(chain, known: "A")
        let prevote = bench.unsigned[0].slot
        bench.fires(.prevote(RoundNumber(0)))
        bench.signWaiting(at: 1)
        #expect(
            bench.handle(.signingFailed(prevote)) == [
                "persist precommit 0 nil", "send precommit 0 nil",
            ])
        #expect(bench.notes.contains(.signingFailed(prevote)))
        bench.imports("B")
        #expect(bench.gadget.round == RoundNumber(0))
        #expect(bench.view.ownVotes.map(\.phase) == [.precommit])
    }

    @Test func `a signature of the wrong form counts as a failure`() {
        var bench = GadgetBench(chain, known: "A")
        let slot = bench.unsigned[0].slot
        #expect(bench.handle(.signed(slot, [0x3A, 1, 2])) == [])
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
        bench.receives(.precommit, round: 0, "nil", from: 1, 2)
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
