import Chain
import Coherence
import Primitives
import Testing

/// Rule 0 with a signer that fails, answers late or twice, and crashes in between, in any order.
@Suite struct SigningPropertyTests {
    /// A gadget and a signer that does what the seed says.
    private struct Trial {
        let seed: UInt64
        var bench: GadgetBench
        private var random: SeededGenerator
        /// What the signer was asked for in this life.
        private var requested: [VoteSlot: UnsignedVote] = [:]
        /// What was sent in any life.
        private var sent: [VoteSlot: VoteTarget] = [:]
        private var seenCount = 0
        /// Votes whose signatures the signer has failed to give.
        private var late: [UnsignedVote] = []
        private(set) var failures: [String] = []
        private(set) var retryCount = 0
        private static let blocks = ["A", "B", "C", "X", "Y"]

        init(seed: UInt64, rules: VotingRules) {
            self.seed = seed
            random = SeededGenerator(seed: seed)
            bench = GadgetBench(
                LetterChain("A B C", "A X Y"), known: "A B C X Y", rules: rules)
        }

        private mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

        mutating func run(steps: Int) {
            for _ in 0..<steps where failures.isEmpty {
                act()
                look()
            }
        }

        private mutating func act() {
            switch pick(12) {
            case 0, 1, 2: if !bench.unsigned.isEmpty { bench.signWaiting(at: 0) }
            case 3, 4, 5:
                guard let vote = bench.unsigned.first else { return }
                late.append(vote)
                bench.fails()
            case 6: bench.fires(.signing)
            case 7:
                // A signature that was given up, of a vote of this life or an earlier one.
                guard let vote = late.last else { return }
                late.removeLast()
                let bytes = ToySignatures().sign(
                    vote.signedBytes, by: vote.slot.validator, in: bench.domain.set, nonce: 7)
                guard requested[vote.slot] == vote else { return }
                bench.handle(.signed(vote.slot, bytes))
            case 8: bench.fires(.half(bench.gadget.round))
            case 9: bench.fires(.prevote(bench.gadget.round))
            case 10:
                let name = pick(3) == 0 ? "nil" : Self.blocks[pick(Self.blocks.count)]
                let phase: VotePhase = pick(2) == 0 ? .prevote : .precommit
                for validator in [1, 2, 3] where pick(3) > 0 {
                    bench.receives(
                        phase, round: bench.gadget.round.rawValue, name, from: validator)
                }
            default:
                guard pick(6) == 0 else { return }
                bench.restart()
                requested = [:]
            }
        }

        private mutating func look() {
            for vote in bench.unsigned {
                let earlier = requested.updateValue(vote, forKey: vote.slot)
                if let earlier, earlier != vote {
                    failures.append(
                        "seed \(seed): \(vote.slot), first \(earlier.target), then \(vote.target)")
                }
                if earlier == vote { retryCount += 1 }
            }
            for vote in bench.sent.dropFirst(seenCount) {
                let earlier = sent.updateValue(vote.target, forKey: vote.slot)
                if let earlier, earlier != vote.target {
                    failures.append("seed \(seed): \(vote.slot) sent for two targets")
                }
                let isValid = ToySignatures().verify(
                    vote.vote.signature.bytes, message: bench.domain.signedBytes(of: vote.vote),
                    by: vote.index, in: bench.domain.set)
                if !isValid { failures.append("seed \(seed): a bad signature for \(vote.slot)") }
            }
            seenCount = bench.sent.count
        }
    }

    private func failure(seeds: Range<UInt64>, rules: VotingRules) -> String? {
        for seed in seeds {
            var trial = Trial(seed: seed, rules: rules)
            trial.run(steps: 300)
            if let failure = trial.failures.first { return failure }
        }
        return nil
    }

    @Test func `however often the signer fails, a slot has one content`() {
        let found = failure(seeds: 0..<400, rules: .production)
        #expect(found == nil, "\(found ?? "")")
        var trial = Trial(seed: 1, rules: .production)
        trial.run(steps: 300)
        #expect(trial.retryCount > 0, "nothing was asked for twice")
    }

    @Test func `a gadget that asks for something else after a failure is caught`() {
        #expect(failure(seeds: 0..<400, rules: .broken { $0.retriesSameContent = false }) != nil)
    }
}
