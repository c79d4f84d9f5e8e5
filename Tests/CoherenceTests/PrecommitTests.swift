import Chain
import Coherence
import Primitives
import Testing

/// Rules 3 and 4 at the gadget.
@Suite struct PrecommitTests {
    let chain = LetterChain("A B C", "A X Y")

    func prevoted(_ known: String = "A", validators: Int = 4) -> GadgetBench {
        var bench = GadgetBench(chain, validators: validators, known: known)
        bench.sign()
        return bench
    }

    @Test func `a quorum of prevotes locks the block durably before the precommit is signed`() {
        var bench = prevoted()
        #expect(bench.receives(.prevote, round: 0, "A", from: 1) == [])
        #expect(
            bench.receives(.prevote, round: 0, "A", from: 2) == [
                "persist lock 0 A", "send quorum 0 A", "sign precommit 0 A",
            ])
        #expect(bench.sign() == ["persist precommit 0 A", "send precommit 0 A"])
        #expect(bench.view.lockRound == RoundNumber(0))
        #expect(bench.view.highestQuorum?.block == chain.ref("A"))
    }

    @Test func `a quorum certificate does what its prevotes would`() {
        var bench = prevoted()
        #expect(
            bench.receivesQuorum(round: 0, "A", from: 1, 2, 3) == [
                "persist lock 0 A", "send quorum 0 A", "sign precommit 0 A",
            ])
        #expect(bench.receivesQuorum(round: 0, "A", from: 1, 2, 3) == [])
    }

    @Test func `the round is precommitted once`() {
        var bench = prevoted()
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        #expect(bench.receives(.prevote, round: 0, "A", from: 3) == [])
        #expect(bench.fires(.prevote(RoundNumber(0))) == ["cancel half 0"])
        #expect(bench.unsigned.map(\.slot.phase) == [.precommit])
    }

    @Test func `a quorum for an unknown block is precommitted when the block arrives`() {
        var bench = prevoted()
        #expect(
            bench.receives(.prevote, round: 0, "B", from: 1, 2, 3) == ["want B"])
        #expect(bench.view.highestQuorum == nil)
        #expect(
            bench.imports("B") == ["persist lock 0 B", "send quorum 0 B", "sign precommit 0 B"])
    }

    @Test func `without a quorum the prevote timer brings a nil precommit`() {
        var bench = prevoted()
        bench.receives(.prevote, round: 0, "A", from: 1)
        #expect(bench.fires(.half(RoundNumber(0))) == [])
        #expect(bench.fires(.prevote(RoundNumber(0))) == ["sign precommit 0 nil"])
        // A quorum that comes later is remembered but locks nothing: the slot is taken.
        #expect(bench.receives(.prevote, round: 0, "A", from: 2) == ["persist quorum 0 A"])
        #expect(bench.view.lockRound == nil)
        #expect(bench.view.highestQuorum?.round == RoundNumber(0))
    }

    @Test func `a quorum of nil prevotes brings a nil precommit at once`() {
        var bench = GadgetBench(chain, validators: 4)
        #expect(bench.receives(.prevote, round: 0, "nil", from: 1, 2) == ["sign precommit 0 nil"])
    }

    @Test func `as soon as no block can get a quorum the precommit is nil`() {
        var bench = prevoted("A X Y")
        // Own prevote Y, then A, then X: one vote is missing, three are needed.
        #expect(bench.receives(.prevote, round: 0, "A", from: 1) == [])
        #expect(bench.receives(.prevote, round: 0, "X", from: 2) == ["sign precommit 0 nil"])
    }

    @Test func `votes for a descendant do not count for its ancestor`() {
        var bench = prevoted("A B C")
        bench.receives(.prevote, round: 0, "B", from: 1)
        #expect(bench.receives(.prevote, round: 0, "A", from: 2) == ["sign precommit 0 nil"])
        #expect(bench.view.lockRound == nil)
        for (validator, name) in [(1, "C"), (2, "B"), (3, "A")] {
            bench.receives(.precommit, round: 0, name, from: validator)
        }
        #expect(bench.certificate == nil)
    }

    @Test func `a quorum of precommits for exactly one block makes it final`() {
        var bench = prevoted("A B")
        bench.receives(.prevote, round: 0, "B", from: 1, 2)
        bench.sign()
        #expect(bench.receives(.precommit, round: 0, "B", from: 1) == [])
        #expect(
            bench.receives(.precommit, round: 0, "B", from: 2) == [
                "persist certificate 0 B", "finalised B in 0", "persist no lock", "enter 1",
                "cancel half 0", "cancel prevote timer 0",
            ])
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(bench.view.finalised == chain.ref("B"))
        #expect(bench.view.certificate?.certificate.precommits.count == 3)
        #expect(bench.imports("C").first == "sign prevote 1 C")
    }

    @Test func `the certificate that the tally makes verifies by itself`() throws {
        var bench = prevoted("A")
        bench.receives(.prevote, round: 0, "A", from: 1, 2)
        bench.sign()
        bench.receives(.precommit, round: 0, "A", from: 3, 1)
        let certificate = try #require(bench.certificate?.certificate)
        #expect(certificate.precommits.map(\.validator.rawValue) == [0, 1, 3])
        try certificate.verify(
            set: bench.domain.set, genesisHash: bench.domain.genesisHash,
            verifier: ToySignatures())
    }

    @Test func `a quorum of nil precommits never makes anything final`() {
        var bench = GadgetBench(chain, local: nil)
        #expect(bench.receives(.precommit, round: 0, "nil", from: 0, 1) == [])
        #expect(bench.receives(.precommit, round: 0, "nil", from: 2, 3) == ["enter 1"])
        #expect(bench.certificate == nil)
    }

    @Test func `late precommits of the round before still make a block final`() {
        var bench = prevoted("A B")
        bench.receives(.prevote, round: 0, "B", from: 1, 2)
        bench.sign()
        bench.receives(.precommit, round: 0, "nil", from: 1, 2)
        #expect(bench.gadget.round == RoundNumber(1))
        bench.sign()
        // Equivocation is what makes a late quorum possible here; counted for both targets.
        bench.receives(.precommit, round: 0, "B", from: 3)
        let lines = bench.receives(.precommit, round: 0, "B", from: 1)
        #expect(lines.contains("finalised B in 0"))
        #expect(bench.gadget.round == RoundNumber(1))
    }

    @Test func `precommits of the next round make a block final whatever the local round`() {
        var bench = prevoted("A B")
        let lines = bench.receives(.precommit, round: 1, "B", from: 1, 2, 3)
        #expect(lines.contains("finalised B in 1"))
        #expect(bench.gadget.round == RoundNumber(2))
    }

    @Test func `a lone validator finalises alone`() {
        var bench = GadgetBench(chain, validators: 1)
        #expect(
            bench.imports("A") == [
                "sign prevote 0 A", "set half 0 in 250 ms", "set prevote timer 0 in 500 ms",
            ])
        #expect(
            bench.sign() == [
                "persist prevote 0 A", "send prevote 0 A",
                "persist lock 0 A", "send quorum 0 A", "sign precommit 0 A",
                "persist precommit 0 A", "send precommit 0 A",
                "persist certificate 0 A", "finalised A in 0", "persist no lock", "enter 1",
                "cancel half 0", "cancel prevote timer 0",
            ])
        #expect(bench.imports("B").first == "sign prevote 1 B")
    }

    @Test(arguments: [
        (1, 1), (2, 2), (3, 2), (4, 3), (6, 5), (7, 5), (100, 67), (1_000, 667),
    ]) func `the quorum is exact`(_ count: Int, _ quorum: Int) {
        var bench = GadgetBench(chain, validators: count, local: nil, known: "A")
        for validator in 0..<quorum - 1 {
            bench.receives(.precommit, round: 0, "A", from: validator)
        }
        #expect(bench.certificate == nil)
        bench.receives(.precommit, round: 0, "A", from: quorum - 1)
        #expect(bench.certificate?.block == chain.ref("A"))
    }
}
