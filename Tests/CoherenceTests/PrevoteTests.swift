import Chain
import Coherence
import Primitives
import Testing

/// Rules 1 and 2 at the gadget.
@Suite struct PrevoteTests {
    let chain = LetterChain("A B C D E F G H I J K L", "A X Y", "A P Q R S T")

    /// A bench in round 1 with k = 1 that knows some blocks; round 0 failed.
    func afterOneFailure(
        _ known: String, local: Int = 0, validators: Int = 4
    ) -> GadgetBench {
        var bench = GadgetBench(chain, validators: validators, local: local, known: known)
        bench.sign()
        let others = (0..<validators).filter { $0 != local }
        bench.fires(.prevote(RoundNumber(0)))
        bench.sign()
        for other in others {
            bench.receives(.precommit, round: 0, "nil", from: other)
        }
        bench.sign()
        return bench
    }

    /// A validator that is not the primary of round 1, and the primary.
    func others(validators: Int = 4) -> (primary: Int, local: Int, rest: [Int]) {
        let bench = GadgetBench(chain, validators: validators, local: nil)
        let primary = Int(bench.gadget.primary(of: RoundNumber(1)).rawValue)
        let rest = (0..<validators).filter { $0 != primary }
        return (primary, rest[0], Array(rest.dropFirst()))
    }

    @Test func `in the first round after finality every validator prevotes its best head at once`()
    {
        var bench = GadgetBench(chain)
        #expect(bench.started == ["enter 0"])
        #expect(
            bench.imports("A") == [
                "sign prevote 0 A", "set half 0 in 250 ms", "set prevote timer 0 in 500 ms",
            ])
        #expect(bench.imports("B") == [])
        #expect(bench.sign() == ["persist prevote 0 A", "send prevote 0 A"])
    }

    @Test func `it prevotes on entering when the block is there already`() {
        let bench = GadgetBench(chain, known: "A B")
        #expect(
            bench.started == [
                "enter 0", "sign prevote 0 B", "set half 0 in 250 ms",
                "set prevote timer 0 in 500 ms",
            ])
    }

    @Test func `nothing happens while no block is above the finalised one`() {
        var bench = GadgetBench(chain)
        #expect(bench.started == ["enter 0"])
        #expect(bench.timers.isEmpty)
        #expect(bench.receives(.prevote, round: 0, "nil", from: 1) == [])
    }

    @Test func `a vote for a block starts the timers although the block is unknown`() {
        var bench = GadgetBench(chain)
        #expect(
            bench.receives(.prevote, round: 0, "B", from: 1) == [
                "set half 0 in 250 ms", "set prevote timer 0 in 500 ms",
            ])
        #expect(bench.fires(.half(RoundNumber(0))) == [])
        #expect(bench.fires(.prevote(RoundNumber(0))) == ["sign precommit 0 nil"])
    }

    @Test func `a precommit for a block starts the timers too`() {
        var bench = GadgetBench(chain)
        #expect(
            bench.receives(.precommit, round: 0, "B", from: 1) == [
                "set half 0 in 250 ms", "set prevote timer 0 in 500 ms",
            ])
    }

    @Test func `the duration of a round grows by one half with every failure up to 30 s`() {
        let expected: [UInt64: Int64] = [
            0: 500, 1: 750, 2: 1_125, 3: 1_687, 4: 2_531, 10: 28_832, 11: 30_000, 1 << 40: 30_000,
        ]
        for (failed, milliseconds) in expected.sorted(by: { $0.key < $1.key }) {
            let duration = VotingTimings.standard.roundDuration(failedRounds: failed)
            #expect(duration.clampedNanoseconds / 1_000_000 == milliseconds, "k = \(failed)")
        }
    }

    @Test func `timers start again after a restart`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        #expect(
            bench.restart() == [
                "enter 0", "set half 0 in 250 ms", "set prevote timer 0 in 500 ms",
            ])
    }

    @Test func `the primary is the round plus the set's seed modulo n`() {
        let bench = GadgetBench(chain, validators: 7, local: nil)
        let seed = bench.domain.set.hash.bytes.prefix(8).reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        for round: UInt64 in [0, 1, 2, 6, 7, 100, (1 << 63) - 1] {
            let expected = (round % 7 + seed % 7) % 7
            #expect(bench.gadget.primary(of: RoundNumber(round)).rawValue == UInt16(expected))
        }
    }

    @Test func `after a failed round the primary prevotes at once`() {
        let primary = others().primary
        var bench = GadgetBench(chain, local: primary, known: "A B")
        bench.sign()
        bench.fires(.prevote(RoundNumber(0)))
        bench.sign()
        for other in (0..<4).filter({ $0 != primary }).prefix(2) {
            bench.receives(.precommit, round: 0, "nil", from: other)
        }
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(bench.unsigned.map(\.slot.phase) == [.prevote])
        #expect(bench.unsigned.first?.target == chain.target("B"))
    }

    @Test func `after a failed round the others wait for the primary and prevote the same`() {
        let (primary, local, rest) = others()
        var bench = afterOneFailure("A B X Y", local: local)
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(bench.unsigned.isEmpty)
        #expect(bench.receives(.prevote, round: 1, "Y", from: rest[0]) == [])
        #expect(
            bench.receives(.prevote, round: 1, "A", from: primary) == ["sign prevote 1 A"])
    }

    @Test func `without a word from the primary the others choose at half time`() {
        let (_, local, _) = others()
        var bench = afterOneFailure("A B", local: local)
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 B"])
    }

    @Test func `a nil hint ends the waiting`() {
        let (primary, local, _) = others()
        var bench = afterOneFailure("A B", local: local)
        #expect(
            bench.receives(.prevote, round: 1, "nil", from: primary) == ["sign prevote 1 B"])
    }

    @Test func `a hint for an unknown block is fetched and followed when it arrives`() {
        let (primary, local, _) = others()
        var bench = afterOneFailure("A B", local: local)
        #expect(bench.receives(.prevote, round: 1, "C", from: primary) == ["want C"])
        #expect(bench.imports("C") == ["sign prevote 1 C"])
    }

    @Test func `a hint that comes too late is not followed`() {
        let (primary, local, _) = others()
        var bench = afterOneFailure("A B", local: local)
        bench.receives(.prevote, round: 1, "C", from: primary)
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 B"])
        #expect(bench.imports("C") == [])
    }

    @Test func `only the primary's first prevote is the hint`() {
        let (primary, local, _) = others()
        var bench = afterOneFailure("A B", local: local)
        bench.receives(.prevote, round: 1, "C", from: primary)
        #expect(
            bench.receives(.prevote, round: 1, "A", from: primary) == [
                "persist evidence prevote 1", "double vote of \(primary)",
            ])
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 B"])
    }

    @Test func `a hint on a fork is followed if the fork is at most 8 blocks shorter`() {
        let (primary, local, _) = others()
        // The best head K is at height 11, the fork's head Y at height 3.
        var bench = afterOneFailure("A B C D E F G H I J K X Y", local: local)
        #expect(
            bench.receives(.prevote, round: 1, "X", from: primary) == ["sign prevote 1 X"])
        var longer = afterOneFailure("A B C D E F G H I J K L X Y", local: local)
        #expect(longer.receives(.prevote, round: 1, "Y", from: primary) == [])
        #expect(longer.fires(.half(RoundNumber(1))) == ["sign prevote 1 L"])
    }

    @Test func `a hint on a much shorter fork is followed with a certificate for the fork`() {
        let (primary, local, _) = others()
        let known = "A B C D E F G H I J K L X Y"
        var bench = afterOneFailure(known, local: local)
        bench.receives(.prevote, round: 1, "Y", from: primary)
        #expect(
            bench.receivesQuorum(round: 0, "X", from: 0, 1, 2) == [
                "sign prevote 1 Y", "persist quorum 0 X",
            ])
    }

    @Test func `a certificate on the part that both forks share justifies no deep reorganisation`()
    {
        let (primary, local, _) = others()
        var bench = afterOneFailure("A B C D E F G H I J K L X Y", local: local)
        bench.receives(.prevote, round: 1, "Y", from: primary)
        #expect(
            bench.receivesQuorum(round: 0, "A", from: 0, 1, 2) == ["persist quorum 0 A"])
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 L"])
    }

    @Test func `the choice after a failure descends from the highest certified block`() {
        let (_, local, _) = others()
        var bench = afterOneFailure("A B C X Y", local: local)
        bench.receivesQuorum(round: 0, "X", from: 0, 1, 2)
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 Y"])
    }

    @Test func `the primary sends its highest certificate along`() {
        let primary = others().primary
        var bench = GadgetBench(chain, local: primary, known: "A B C X Y")
        bench.sign()
        bench.receivesQuorum(round: 0, "X", from: 0, 1, 2)
        // X has a quorum in round 0, so it was locked and precommitted; the others did not.
        bench.sign()
        for other in [0, 1, 2, 3].filter({ $0 != primary }).prefix(2) {
            bench.receives(.precommit, round: 0, "nil", from: other)
        }
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(
            bench.lastLines.filter { $0.hasPrefix("send") || $0.hasPrefix("sign") } == [
                "send quorum 0 X", "sign prevote 1 Y",
            ])
    }

    @Test func `a validator that knows no candidate prevotes nil at half time`() {
        let (_, local, rest) = others()
        var bench = afterOneFailure("", local: local)
        // Nobody had a block: the round began idle and failed by the votes of the others.
        #expect(bench.gadget.round == RoundNumber(1))
        #expect(
            bench.receives(.prevote, round: 1, "C", from: rest[0]) == [
                "set half 1 in 375 ms", "set prevote timer 1 in 750 ms",
            ])
        #expect(bench.fires(.half(RoundNumber(1))) == ["sign prevote 1 nil"])
    }

    @Test func `a target cap holds votes below the head`() {
        let capped = CoherenceGadget.Configuration(targetCap: .init(depth: 2))
        var bench = GadgetBench(chain, known: "A B C D", configuration: capped)
        #expect(bench.unsigned.map(\.target) == [chain.target("B")])
        bench = GadgetBench(chain, known: "A B", configuration: capped)
        #expect(bench.unsigned.isEmpty)
        #expect(bench.imports("C").first == "sign prevote 0 A")
    }
}
