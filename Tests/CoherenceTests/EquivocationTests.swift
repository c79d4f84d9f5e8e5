import Chain
import Coherence
import Primitives
import Testing

/// Double votes, of others and of our own key.
@Suite struct EquivocationTests {
    let chain = LetterChain("A B C", "A X Y")

    @Test func `two targets in one slot are evidence and count for both`() {
        var bench = GadgetBench(chain, local: nil, known: "A B X")
        bench.receives(.precommit, round: 0, "B", from: 0, 1)
        bench.receives(.precommit, round: 0, "X", from: 2)
        #expect(
            bench.receives(.precommit, round: 0, "B", from: 2).prefix(3) == [
                "persist evidence precommit 0", "double vote of 2", "persist certificate 0 B",
            ])
    }

    @Test func `the evidence is ordered by block hash and verifies`() throws {
        for names in [("B", "X"), ("X", "B"), ("nil", "B")] {
            var bench = GadgetBench(chain, local: nil)
            bench.receives(.prevote, round: 0, names.0, from: 2)
            bench.receives(.prevote, round: 0, names.1, from: 2)
            let evidence = try #require(bench.disk.evidence.first)
            #expect(evidence.first.target.hash < evidence.second.target.hash)
            let verified = try evidence.verify(in: bench.domain, using: ToySignatures())
            #expect(verified.slot.validator == Fixture.index(2))
        }
    }

    @Test func `the same target with another signature or state is no evidence`() throws {
        var bench = GadgetBench(chain, local: nil)
        bench.receives(.prevote, round: 0, "A", from: 1, nonce: 1)
        let first = try #require(bench.view.votes(RoundNumber(0), .prevote, wanted: [0b10]).first)
        #expect(bench.receives(.prevote, round: 0, "A", from: 1, nonce: 2) == [])
        let other = try Fixture.vote(
            bench.domain, 1, round: 0, .prevote, chain.target("A"),
            state: QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: 1_100, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: 1_100, maximumQBER: 1_100)
        ).verify(in: bench.domain, using: ToySignatures())
        #expect(bench.handle(.vote(other)) == [])
        #expect(bench.disk.evidence.isEmpty)
        // The first is the one that is kept and counted.
        #expect(bench.view.votes(RoundNumber(0), .prevote, wanted: [0b10]) == [first])
    }

    @Test func `evidence is reported once and a third target is not even kept`() {
        var bench = GadgetBench(chain, local: nil, known: "A B C X")
        bench.receives(.prevote, round: 0, "B", from: 2)
        bench.receives(.prevote, round: 0, "X", from: 2)
        #expect(bench.receives(.prevote, round: 0, "C", from: 2) == [])
        #expect(bench.receives(.prevote, round: 0, "X", from: 2) == [])
        #expect(bench.disk.evidence.count == 1)
        bench.receives(.prevote, round: 0, "C", from: 0, 1)
        #expect(bench.view.highestQuorum == nil)
        bench.receives(.prevote, round: 0, "X", from: 0, 1)
        #expect(bench.view.highestQuorum?.block == chain.ref("X"))
    }

    @Test func `nil and a block in one slot are a double vote`() {
        var bench = GadgetBench(chain, local: nil)
        bench.receives(.precommit, round: 0, "nil", from: 2)
        #expect(bench.receives(.precommit, round: 0, "A", from: 2).contains("double vote of 2"))
    }

    @Test func `the same block at two heights is a double vote`() throws {
        var bench = GadgetBench(chain, local: nil)
        let wrong = try #require(VoteTarget(hash: chain.ref("A").hash, number: BlockNumber(9)))
        bench.receives(.prevote, round: 0, "A", from: 2)
        let lines = bench.handle(
            .vote(Fixture.verified(bench.domain, 2, round: 0, .prevote, wrong)))
        #expect(lines.contains("double vote of 2"))
        #expect(bench.view.votes(for: chain.ref("A").hash).count == 2)
    }

    @Test func `a vote at the wrong height of a known block is not counted`() throws {
        var bench = GadgetBench(chain, local: nil, known: "A")
        let wrong = try #require(VoteTarget(hash: chain.ref("A").hash, number: BlockNumber(9)))
        #expect(
            bench.handle(.vote(Fixture.verified(bench.domain, 2, round: 0, .prevote, wrong))) == [])
        #expect(bench.notes.last == .wrongHeight(wrong))
    }

    @Test func `an equivocator does not count twice as a voter`() {
        var bench = GadgetBench(chain, local: nil, known: "A B X")
        bench.receives(.precommit, round: 0, "B", from: 2)
        bench.receives(.precommit, round: 0, "X", from: 2)
        bench.receives(.precommit, round: 0, "B", from: 1)
        #expect(bench.view.heldCount(RoundNumber(0), .precommit) == 2)
        #expect(bench.timers[.precommit(RoundNumber(0))] == nil)
    }

    @Test func `an equivocation of our own key ends signing`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        #expect(
            bench.receives(.prevote, round: 0, "X", from: 0) == [
                "persist halt: own double vote", "alarm: own double vote",
                "persist evidence prevote 0", "double vote of 0",
            ])
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        #expect(bench.unsigned.isEmpty)
        #expect(bench.view.halt != nil)
    }

    @Test func `an own vote that comes back from others is no alarm`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        #expect(bench.receives(.prevote, round: 0, "A", from: 0, nonce: 77) == [])
        #expect(bench.view.halt == nil)
    }

    @Test func `a vote of our own key that we never signed ends signing`() {
        for round: UInt64 in [0, 1, 2, 50] {
            var bench = GadgetBench(chain, known: "A")
            bench.sign()
            #expect(
                bench.receives(.precommit, round: round, "nil", from: 0).contains(
                    "alarm: own key used elsewhere"), "round \(round)")
            #expect(bench.gadget.round == RoundNumber(0))
        }
    }

    @Test func `a signature that is under way when the alarm comes is not sent`() {
        var bench = GadgetBench(chain, known: "A")
        bench.receives(.prevote, round: 0, "X", from: 0)
        #expect(bench.view.halt != nil)
        #expect(bench.sign() == [])
    }

    @Test func `an observer's former key may vote`() {
        var bench = GadgetBench(chain, local: nil, known: "A")
        bench.receives(.prevote, round: 0, "A", from: 0)
        #expect(bench.view.halt == nil)
    }
}
