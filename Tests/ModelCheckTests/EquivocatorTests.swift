import Chain
import Coherence
import ModelCheck
import Primitives
import Testing

/// What n = 3 with q = 2 does not survive: docs/threats.md, "Safety: no two conflicting certificates".
@Suite struct EquivocatorTests {
    @Test func `one equivocator among three makes two certificates, and evidence names it`() throws
    {
        var configuration = ModelConfiguration(
            validators: 3, byzantine: 1, rounds: 1, paths: ModelConfiguration.twins, reduced: false)
        #expect(configuration.policy.threshold(validatorCount: 3) == 2)
        var checker = ModelChecker(
            configuration, ignoring: [.twoQuorums, .quorumAgainstFinality, .doubleVote, .alarm])
        let fork = try #require(checker.run().counterexample)
        #expect(fork.violation == .conflictingCertificates)
        #expect(fork.steps.count == 4)

        // Real certificates of what the model found.
        let model = checker.explored
        let last = try #require(fork.steps.last?.state)
        let certificates = model.certificates(in: last)
        #expect(certificates.map(\.round) == [0, 0])
        #expect(certificates.map(\.honestSigners.count) == [1, 1])
        let domain = ModelKeys.domain(configuration, model.tree)
        let culprit = 2
        var precommits: [[VerifiedVote]] = []
        for certificate in certificates {
            let target = VoteTarget(model.tree.blocks[certificate.block])
            let votes = (certificate.honestSigners + [culprit]).map {
                ModelKeys.vote($0, .precommit, round: RoundNumber(0), for: target, in: domain)
            }
            try FinalityCertificate(
                setID: domain.set.id, setHash: domain.set.hash, round: RoundNumber(0),
                target: target, policy: domain.set.policy, precommits: votes.map(VoteEntry.init)
            ).verify(set: domain.set, genesisHash: domain.genesisHash, verifier: NoSignatures())
            precommits.append(votes)
        }

        // Whoever hears the votes of both holds two of one slot, signed by one key only.
        var observer = try CoherenceGadget(
            configuration: .init(), domain: domain, local: nil,
            recovered: RecoveredVoting(finalised: model.tree.blocks[0]), verifier: NoSignatures())
        let tree = model.tree.trees[0]
        var effects = observer.handle(.start, tree: tree, now: .zero)
        for vote in precommits.joined() {
            effects += observer.handle(.vote(vote), tree: tree, now: .zero)
        }
        let evidence = effects.compactMap { effect -> DoubleVote? in
            if case .persist(.evidence(let evidence)) = effect { evidence } else { nil }
        }
        #expect(evidence.count == 1)
        let verified = try #require(evidence.first).verify(in: domain, using: NoSignatures())
        #expect(verified.slot.validator == ValidatorIndex(UInt16(culprit)))
        #expect(verified.slot.round == RoundNumber(0))
        #expect(verified.slot.phase == .precommit)
        #expect(verified.first.target != verified.second.target)

        // With none Byzantine nothing of the kind is reached.
        configuration = ModelConfiguration(
            validators: 3, byzantine: 0, rounds: 2, paths: ModelConfiguration.twins)
        var sound = ModelChecker(configuration)
        let report = sound.run()
        #expect(report.isExhaustive && report.counterexample == nil)
    }
}
