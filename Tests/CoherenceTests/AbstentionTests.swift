import Chain
import Coherence
import Primitives
import Testing

/// What a validator does that measures too many errors, and what an observer does.
@Suite struct AbstentionTests {
    let chain = LetterChain("A B C", "A X Y")

    static let noisy = QuantumState(
        validProofs: 1, rejectedProofs: 0, averageQBER: 1_101, entropyPoolHash: .zero,
        reporterCount: 1, minimumQBER: 1_101, maximumQBER: 1_101)

    @Test func `a validator that has measured nothing abstains`() {
        var bench = GadgetBench(chain, known: "A", abstaining: true)
        #expect(
            bench.started == ["enter 0", "set half 0 in 250 ms", "set prevote timer 0 in 500 ms"])
        #expect(bench.receives(.prevote, round: 0, "A", from: 1, 2, 3) == ["persist quorum 0 A"])
        #expect(bench.fires(.prevote(RoundNumber(0))) == ["cancel half 0"])
        #expect(bench.view.lockRound == nil)
    }

    @Test func `above 11 % it abstains and says why`() {
        var bench = GadgetBench(chain)
        bench.handle(.measurement(.usable(Self.noisy)))
        #expect(
            bench.notes.last == .abstaining(.errorRateTooHigh(averageQBER: 1_101)))
        #expect(bench.imports("A").allSatisfy { !$0.hasPrefix("sign") })
        bench.handle(.measurement(.unusable(.stale)))
        #expect(bench.notes.last == .abstaining(.stale))
        let count = bench.notes.count
        bench.handle(.measurement(.unusable(.stale)))
        #expect(bench.notes.count == count)
    }

    @Test func `exactly 11 % still votes with score 0`() {
        let limit = QuantumState(
            validProofs: 1, rejectedProofs: 0, averageQBER: 1_100, entropyPoolHash: .zero,
            reporterCount: 1, minimumQBER: 0, maximumQBER: 10_000)
        var bench = GadgetBench(chain)
        bench.handle(.measurement(.usable(limit)))
        bench.imports("A")
        #expect(bench.unsigned.map(\.coherenceScore) == [0])
    }

    @Test func `while abstaining it signs the nil precommit of a round that it leaves`() {
        var bench = GadgetBench(chain, known: "A", abstaining: true)
        bench.receives(.precommit, round: 0, "nil", from: 1, 2)
        #expect(
            bench.receives(.precommit, round: 0, "nil", from: 3).prefix(2) == [
                "sign precommit 0 nil", "enter 1",
            ])
        #expect(bench.sign() == ["persist precommit 0 nil", "send precommit 0 nil"])
        let vote = bench.view.ownVotes.first?.vote
        #expect(vote?.quantumState == .zero)
        #expect(vote?.coherenceScore == 0)
    }

    @Test func `when the measurement recovers the free slots of the round are used`() {
        var bench = GadgetBench(chain, known: "A", abstaining: true)
        bench.receives(.prevote, round: 0, "A", from: 1, 2, 3)
        #expect(
            bench.handle(.measurement(.usable(Fixture.state))) == [
                "sign prevote 0 A", "persist lock 0 A", "send quorum 0 A", "sign precommit 0 A",
            ])
        #expect(bench.notes.contains(.abstentionEnded))
    }

    @Test func `a vote carries the measurement of the moment of its decision`() {
        var bench = GadgetBench(chain, known: "A")
        let better = QuantumState(
            validProofs: 2, rejectedProofs: 0, averageQBER: 11, entropyPoolHash: .zero,
            reporterCount: 2, minimumQBER: 11, maximumQBER: 11)
        bench.handle(.measurement(.usable(better)))
        bench.sign()
        #expect(bench.view.ownVotes.map(\.vote.quantumState) == [Fixture.state])
        #expect(bench.view.ownVotes.map(\.vote.coherenceScore) == [95])
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        #expect(bench.unsigned.map(\.coherenceScore) == [99])
    }

    @Test func `an observer counts and finalises and never signs`() {
        var bench = GadgetBench(chain, local: nil, known: "A")
        #expect(bench.receives(.prevote, round: 0, "A", from: 0, 1, 2) == [])
        #expect(bench.view.highestQuorum?.block == chain.ref("A"))
        let lines = bench.receives(.precommit, round: 0, "A", from: 1, 2, 3)
        #expect(lines.contains("finalised A in 0"))
        bench.receives(.precommit, round: 1, "nil", from: 1, 2, 3)
        #expect(bench.gadget.round == RoundNumber(2))
        #expect(bench.unsigned.isEmpty)
    }
}
