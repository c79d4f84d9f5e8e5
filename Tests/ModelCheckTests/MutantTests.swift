import ModelCheck
import Testing

/// The search that finds nothing wrong with the rules finds every rule of safety that is taken
/// away: the shortest ways to a broken promise and to two conflicting certificates, in steps.
@Suite struct MutantTests {
    static let lengths: [String: (first: ModelViolation, steps: Int, fork: Int)] = [
        "votes again in the same round": (.doubleVote, 3, 10),
        "never locks": (.quorumAgainstFinality, 6, 8),
        "forgets its lock at a restart": (.quorumAgainstFinality, 7, 9),
        "forgets its votes at a restart": (.doubleVote, 3, 10),
        "sends votes before they are stored": (.doubleVote, 2, 8),
        "does not store certificates": (.finalityMovedBack, 6, 10),
        "prevotes every imported block": (.doubleVote, 2, 9),
        "decides precommits of rounds that it left": (.quorumAgainstFinality, 6, 8),
        "takes q - 1 votes for a quorum": (.twoQuorums, 2, 4),
        "unlocks by an older quorum": (.quorumAgainstFinality, 8, 10),
        "drops locks above F when F moves": (.quorumAgainstFinality, 11, 13),
        "counts prevotes for ancestors": (.twoQuorums, 2, 10),
        "counts copies of a vote": (.twoQuorums, 2, 4),
        "one Byzantine of three, q = 2": (.twoQuorums, 2, 4),
        "two Byzantine of four, q = 3": (.twoQuorums, 2, 4),
    ]

    @Test(arguments: (ModelMutant.all + ModelMutant.overwhelmed).map(\.name))
    func `is found`(_ name: String) throws {
        let mutant = try #require(
            (ModelMutant.all + ModelMutant.overwhelmed).first { $0.name == name })
        let expected = try #require(Self.lengths[name])
        let finding = mutant.search()
        let first = try #require(finding.first.counterexample)
        #expect(first.violation == expected.first)
        #expect(first.steps.count == expected.steps)
        let fork = try #require(finding.fork.counterexample)
        #expect(fork.violation == .conflictingCertificates)
        #expect(fork.steps.count == expected.fork)
        // What is printed ends in the certificates.
        let lines = Model(mutant.configuration).lines(of: fork)
        #expect(lines[fork.steps.count] == "broken: conflictingCertificates")
        #expect(lines.count >= fork.steps.count + 3)
        #expect(
            lines.dropFirst(fork.steps.count + 1).allSatisfy { $0.hasPrefix("certificate for ") })
    }

    @Test func `every expected length belongs to a mutant`() {
        let names = (ModelMutant.all + ModelMutant.overwhelmed).map(\.name)
        #expect(names.count == Self.lengths.count)
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: ModelMutant.harmless.map(\.name))
    func `a rule of liveness or validity may go without two certificates`(_ name: String) throws {
        let mutant = try #require(ModelMutant.harmless.first { $0.name == name })
        let finding = mutant.search()
        #expect(finding.fork.isExhaustive)
        #expect(finding.fork.counterexample == nil)
    }

    @Test func `a counterexample reads like a story`() throws {
        let mutant = try #require(ModelMutant.all.first { $0.name == "never locks" })
        let fork = try #require(mutant.search().fork.counterexample)
        #expect(
            Model(mutant.configuration).lines(of: fork) == [
                "1. V1 prevotes X in round 0",
                "2. V2 prevotes X in round 0",
                "3. V3 precommits X in round 0 (no lock, F is genesis)",
                "4. V1 precommits X in round 0 (no lock, F is genesis)",
                "5. V2 prevotes Y in round 1",
                "6. V1 prevotes Y in round 1",
                "7. V3 precommits Y in round 1 (no lock, F is genesis)",
                "8. V1 precommits Y in round 1 (no lock, F is genesis)",
                "broken: conflictingCertificates",
                "certificate for X of round 0",
                "certificate for Y of round 1",
            ])
    }
}
