import Chain
import Coherence
import Primitives
import Testing

/// Rule 5: how rounds end.
@Suite struct RoundTests {
    let chain = LetterChain("A B C", "A X Y")

    @Test func `the precommit timer starts at a quorum of precommits of any value`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        bench.sign()
        #expect(bench.receives(.precommit, round: 0, "nil", from: 1) == [])
        #expect(
            bench.receives(.precommit, round: 0, "A", from: 2) == [
                "set precommit timer 0 in 500 ms"
            ])
        let lines = bench.fires(.precommit(RoundNumber(0)))
        #expect(lines.first == "enter 1")
        #expect(
            lines.suffix(4) == [
                "cancel half 0", "cancel prevote timer 0", "set half 1 in 375 ms",
                "set prevote timer 1 in 750 ms",
            ])
    }

    @Test func `a round is left at once when no block can get a quorum of precommits any more`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        bench.sign()
        bench.receives(.precommit, round: 0, "nil", from: 1)
        #expect(bench.gadget.round == RoundNumber(0))
        #expect(bench.receives(.precommit, round: 0, "nil", from: 2).first == "enter 1")
    }

    @Test func `who leaves a round without a precommit signs a nil one first`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.receives(.precommit, round: 0, "nil", from: 1, 2)
        #expect(
            bench.receives(.precommit, round: 0, "A", from: 3).prefix(2) == [
                "sign precommit 0 nil", "enter 1",
            ])
    }

    @Test func `a hopeless round is not left before q validators have precommitted in it`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        // Two of four gave up: no block can get three any more, but only two votes are on record.
        bench.receives(.precommit, round: 0, "nil", from: 1, 2)
        #expect(bench.gadget.round == RoundNumber(0))
        // A third vote, here the own one, and at once.
        bench.fires(.prevote(RoundNumber(0)))
        #expect(bench.sign().contains("enter 1"))
    }

    @Test func `a certificate ends all rounds up to its own without a nil precommit`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        #expect(
            bench.receivesCertificate(round: 7, "A", from: 1, 2, 3) == [
                "persist certificate 7 A", "finalised A in 7", "enter 8",
                "cancel half 0", "cancel prevote timer 0",
            ])
    }

    @Test func `a certificate of an earlier round moves finality and not the round`() {
        var bench = GadgetBench(chain, known: "A B")
        bench.sign()
        bench.failRound(withPrecommitsFrom: 1, 2)
        bench.failRound(withPrecommitsFrom: 1, 2)
        #expect(bench.gadget.round == RoundNumber(2))
        let lines = bench.receivesCertificate(round: 1, "A", from: 1, 2, 3)
        #expect(lines.prefix(2) == ["persist certificate 1 A", "finalised A in 1"])
        #expect(bench.gadget.round == RoundNumber(2))
    }

    @Test func `when finality moves the running timers become shorter`() {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        for _ in 0..<3 {
            bench.receives(
                .precommit, round: bench.gadget.round.rawValue, "nil", from: 0, 1, 2)
        }
        #expect(bench.gadget.round == RoundNumber(3))
        #expect(bench.timers[.prevote(RoundNumber(3))] == bench.now + .microseconds(1_687_500))
        #expect(
            bench.receivesCertificate(round: 2, "A", from: 0, 1, 2) == [
                "persist certificate 2 A", "finalised A in 2",
                "set half 3 in 250 ms", "set prevote timer 3 in 500 ms",
            ])
    }

    @Test func `f+1 validators in higher rounds take the others along`() {
        var bench = GadgetBench(chain, validators: 4)
        #expect(bench.receives(.prevote, round: 9, "nil", from: 1) == [])
        // The second highest of their rounds, not the highest.
        #expect(
            bench.receives(.prevote, round: 5, "nil", from: 2) == [
                "sign precommit 4 nil", "enter 5",
            ])
    }

    @Test(arguments: [(2, 1), (3, 1), (4, 2), (7, 3), (10, 4), (100, 34)])
    func `the support that a jump needs`(_ count: Int, _ needed: Int) {
        var bench = GadgetBench(chain, validators: count, local: nil)
        for validator in 0..<needed - 1 {
            bench.receives(.prevote, round: 6, "nil", from: validator)
        }
        #expect(bench.gadget.round == RoundNumber(0))
        bench.receives(.prevote, round: 6, "nil", from: needed - 1)
        #expect(bench.gadget.round == RoundNumber(6))
    }

    @Test func `a jump lands on the (f+1)-th highest round`() {
        var bench = GadgetBench(chain, validators: 7, local: nil)
        for (validator, round): (Int, UInt64) in [(0, 900), (1, 3), (2, 800), (3, 0)] {
            bench.receives(.prevote, round: round, "nil", from: validator)
        }
        #expect(bench.gadget.round == RoundNumber(3))
        bench.receives(.prevote, round: 50, "nil", from: 4)
        #expect(bench.gadget.round == RoundNumber(50))
    }

    @Test func `votes kept for a jump count after it`() {
        var bench = GadgetBench(chain, local: nil, known: "A")
        bench.receives(.precommit, round: 8, "A", from: 1)
        bench.receives(.precommit, round: 8, "A", from: 2)
        #expect(bench.gadget.round == RoundNumber(8))
        #expect(bench.receives(.precommit, round: 8, "A", from: 3).contains("finalised A in 8"))
    }

    @Test func `a quorum certificate of a higher round takes the round there`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        let lines = bench.receivesQuorum(round: 4, "A", from: 1, 2, 3)
        #expect(lines.prefix(2) == ["sign precommit 3 nil", "enter 4"])
        #expect(lines.contains("persist lock 4 A"))
        #expect(bench.gadget.round == RoundNumber(4))
    }

    @Test func `early votes of the next round are evaluated on entering it`() {
        var bench = GadgetBench(chain, validators: 7, known: "A")
        bench.sign()
        // Two of seven in round 1: not enough for a jump.
        bench.receives(.prevote, round: 1, "A", from: 1, 2)
        #expect(bench.gadget.round == RoundNumber(0))
        bench.receives(.precommit, round: 0, "nil", from: 1, 2, 3, 4, 5)
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(bench.view.heldCount(RoundNumber(1), .prevote) == 2)
    }

    @Test func `rounds beyond the horizon are ignored`() {
        var bench = GadgetBench(chain, validators: 3, local: nil, known: "A")
        bench.receives(.prevote, round: 1 << 20, "A", from: 0)
        #expect(bench.gadget.round == RoundNumber(0))
        bench.receivesQuorum(round: 1 << 20, "A", from: 0, 1)
        #expect(bench.gadget.round == RoundNumber(0))
        bench.receives(.prevote, round: (1 << 20) - 1, "A", from: 0)
        #expect(bench.gadget.round == RoundNumber((1 << 20) - 1))
    }

    @Test func `the horizon moves with the certificate`() {
        var bench = GadgetBench(chain, validators: 3, local: nil, known: "A")
        bench.receivesCertificate(round: 10, "A", from: 0, 1)
        bench.receives(.prevote, round: 11 + (1 << 20), "A", from: 0)
        #expect(bench.gadget.round == RoundNumber(11))
        bench.receives(.prevote, round: 10 + (1 << 20), "A", from: 0)
        #expect(bench.gadget.round == RoundNumber(10 + (1 << 20)))
    }

    @Test func `certificates have no horizon`() {
        var bench = GadgetBench(chain, validators: 3, known: "A")
        bench.sign()
        bench.receivesCertificate(round: (1 << 63) - 1, "A", from: 1, 2)
        #expect(bench.view.finalised == chain.ref("A"))
        // No round is left to vote in.
        bench.imports("B")
        #expect(bench.unsigned.isEmpty)
    }

    @Test func `a timer of a round that was left changes nothing`() {
        var bench = GadgetBench(chain, known: "A B")
        bench.sign()
        bench.failRound(withPrecommitsFrom: 1, 2)
        let round = bench.gadget.round
        #expect(bench.handle(.timer(.precommit(RoundNumber(0)))) == [])
        #expect(bench.handle(.timer(.precommit(round))) == [])
        #expect(bench.gadget.round == round)
    }
}
