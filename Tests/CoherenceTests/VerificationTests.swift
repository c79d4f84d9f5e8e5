import Chain
import Coherence
import Primitives
import SCALE
import Testing

/// What makes votes and certificates valid, with errors that say what is wrong.
@Suite struct VerificationTests {
    let domain = Fixture.domain(4)
    let chain = LetterChain("A B")
    var target: VoteTarget { chain.target("B") }

    func state(_ minimum: UInt32, _ average: UInt32, _ maximum: UInt32) -> QuantumState {
        QuantumState(
            validProofs: 1, rejectedProofs: 0, averageQBER: average, entropyPoolHash: .zero,
            reporterCount: 1, minimumQBER: minimum, maximumQBER: maximum)
    }

    @Test(
        arguments: [
            (0, 100), (1, 99), (11, 99), (12, 98), (50, 95), (550, 50), (1_089, 1), (1_090, 0),
            (1_100, 0),
        ] as [(UInt32, UInt64)]) func `the score is exact`(_ average: UInt32, _ score: UInt64)
    {
        #expect(state(0, average, 10_000).coherenceScore == score)
    }

    @Test func `the score is the floor for every error rate`() {
        for average: UInt32 in 0...1_100 {
            let score = UInt64(100 * (1_100 - UInt64(average)) / 1_100)
            #expect(state(0, average, average).coherenceScore == score)
        }
        for average: UInt32 in [1_101, 10_000, .max] {
            #expect(state(0, average, average).coherenceScore == nil)
        }
    }

    @Test(
        arguments: [
            (10, 50, 90, true), (50, 50, 50, true), (0, 0, 10_000, true), (0, 1_100, 1_100, true),
            (51, 50, 90, false), (10, 91, 90, false), (10, 50, 10_001, false),
            (0, 1_101, 1_101, false),
        ] as [(UInt32, UInt32, UInt32, Bool)])
    func `a state is valid`(_ low: UInt32, _ mean: UInt32, _ high: UInt32, _ isValid: Bool) {
        #expect(state(low, mean, high).isValid == isValid)
        if case .usable = QuantumMeasurement(judging: state(low, mean, high)) {
            #expect(isValid)
        } else {
            #expect(!isValid)
        }
    }

    func changed(
        _ vote: CoherenceVote, validator: AccountID? = nil, score: UInt64? = nil,
        state: QuantumState? = nil, round: UInt64? = nil, set: UInt64? = nil,
        target: VoteTarget? = nil, phase: VotePhase? = nil
    ) -> CoherenceVote {
        CoherenceVote(
            validator: validator ?? vote.validator, target: target ?? vote.target,
            coherenceScore: score ?? vote.coherenceScore, quantumState: state ?? vote.quantumState,
            signature: vote.signature, phase: phase ?? vote.phase,
            round: round.map(RoundNumber.init) ?? vote.round,
            setID: set.map(SetID.init) ?? vote.setID)
    }

    func error(_ vote: CoherenceVote, in other: VotingDomain? = nil) -> VoteInvalid? {
        do throws(VoteInvalid) {
            _ = try vote.verify(in: other ?? domain, using: ToySignatures())
            return nil
        } catch {
            return error
        }
    }

    @Test func `a vote is refused with the reason`() throws {
        let vote = Fixture.vote(domain, 1, round: 3, .prevote, target)
        #expect(error(vote) == nil)
        #expect(
            error(changed(vote, set: 9)) == .wrongSet(expected: SetID(0), found: SetID(9)))
        let stranger = Fixture.identity(77).account
        #expect(error(changed(vote, validator: stranger)) == .unknownValidator(stranger))
        let far = RoundNumber(1 << 63)
        #expect(error(changed(vote, round: 1 << 63)) == .roundOutOfRange(far))
        #expect(error(changed(vote, score: 94)) == .wrongScore(expected: 95, found: 94))
        #expect(
            error(changed(vote, score: 0, state: state(51, 50, 90)))
                == .inconsistentErrorRates(minimum: 51, average: 50, maximum: 90))
        #expect(
            error(changed(vote, score: 0, state: state(0, 1_101, 1_101)))
                == .errorRateTooHigh(averageQBER: 1_101))
        let nothing = Fixture.vote(domain, 1, round: 3, .prevote, .nothing)
        #expect(error(nothing) == nil)
        #expect(error(changed(nothing, score: 1)) == .nilVoteWithMeasurement)
        #expect(error(changed(nothing, state: Fixture.state)) == .nilVoteWithMeasurement)
    }

    @Test func `the signature covers chain, set, round, phase, voter, target, score and state`() {
        let vote = Fixture.vote(domain, 1, round: 3, .prevote, target)
        let others = [
            changed(vote, validator: domain.set.validators[2].account),
            changed(vote, round: 4), changed(vote, phase: .precommit),
            changed(vote, target: chain.target("A")),
            changed(vote, score: 99, state: state(11, 11, 11)),
            changed(vote, score: 0, state: .zero, target: .nothing),
        ]
        for other in others { #expect(error(other) == .badSignature) }
        let otherChain = VotingDomain(genesisHash: .zero, set: domain.set)
        #expect(error(vote, in: otherChain) == .badSignature)
        let otherPolicy = Fixture.domain(4, policy: .twoThirds)
        #expect(error(vote, in: otherPolicy) == .badSignature)
    }

    func error(_ certificate: FinalityCertificate) -> CertificateInvalid? {
        do throws(CertificateInvalid) {
            try certificate.verify(
                set: domain.set, genesisHash: domain.genesisHash, verifier: ToySignatures())
            return nil
        } catch {
            return error
        }
    }

    func certificate(
        set: UInt64 = 0, hash: Hash256? = nil, round: UInt64 = 5, target: VoteTarget? = nil,
        policy: QuorumPolicy = .moreThanTwoThirds, entries: [VoteEntry]? = nil
    ) -> FinalityCertificate {
        FinalityCertificate(
            setID: SetID(set), setHash: hash ?? domain.set.hash, round: RoundNumber(round),
            target: target ?? self.target, policy: policy,
            precommits: entries
                ?? Fixture.entries(domain, [0, 1, 2], round: 5, .precommit, self.target))
    }

    @Test func `a certificate is refused with the reason`() throws {
        let good = Fixture.entries(domain, [0, 1, 2, 3], round: 5, .precommit, target)
        #expect(error(certificate()) == nil)
        #expect(error(certificate(entries: good)) == nil)
        #expect(error(certificate(set: 1)) == .wrongSet(expected: SetID(0), found: SetID(1)))
        #expect(
            error(certificate(hash: .zero))
                == .wrongSetHash(expected: domain.set.hash, found: .zero))
        #expect(
            error(certificate(policy: .twoThirds))
                == .wrongPolicy(expected: .moreThanTwoThirds, found: .twoThirds))
        #expect(error(certificate(target: .nothing)) == .nilTarget)
        let far = RoundNumber(1 << 63)
        #expect(error(certificate(round: 1 << 63)) == .roundOutOfRange(far))
        #expect(
            error(certificate(entries: Array(good.prefix(2)))) == .tooFewVotes(found: 2, needed: 3))
        #expect(
            error(certificate(entries: good + [good[3]]))
                == .tooManyVotes(found: 5, validators: 4))
        #expect(
            error(certificate(entries: [good[0], good[1], good[1]]))
                == .indicesNotIncreasing(position: 2, Fixture.index(1)))
        #expect(
            error(certificate(entries: [good[1], good[0], good[2]]))
                == .indicesNotIncreasing(position: 1, Fixture.index(0)))
        let stray = VoteEntry(
            validator: Fixture.index(4), coherenceScore: 95, quantumState: Fixture.state,
            signature: good[0].signature)
        #expect(
            error(certificate(entries: [good[0], good[1], stray]))
                == .invalidVote(
                    position: 2, Fixture.index(4), .unknownIndex(Fixture.index(4), count: 4)))
        let wrongScore = VoteEntry(
            validator: Fixture.index(3), coherenceScore: 96, quantumState: Fixture.state,
            signature: good[3].signature)
        #expect(
            error(certificate(entries: [good[0], good[1], wrongScore]))
                == .invalidVote(
                    position: 2, Fixture.index(3), .wrongScore(expected: 95, found: 96)))
        #expect(
            error(certificate(round: 6))
                == .invalidVote(position: 0, Fixture.index(0), .badSignature))
    }

    @Test func `prevotes do not make a certificate, nor precommits a quorum certificate`() throws {
        let prevotes = Fixture.entries(domain, [0, 1, 2], round: 5, .prevote, target)
        #expect(
            error(certificate(entries: prevotes))
                == .invalidVote(position: 0, Fixture.index(0), .badSignature))
        let quorum = QuorumCertificate(
            setID: SetID(0), round: RoundNumber(5), target: target,
            entries: certificate().precommits)
        let domain = domain
        #expect(
            throws: CertificateInvalid.invalidVote(position: 0, Fixture.index(0), .badSignature)
        ) {
            try quorum.verify(in: domain, using: ToySignatures())
        }
    }

    @Test func `every reason reads as a sentence with its operands`() {
        let reasons: [CertificateInvalid] = [
            .wrongSet(expected: SetID(1), found: SetID(2)),
            .wrongSetHash(expected: .zero, found: .zero),
            .wrongPolicy(expected: .twoThirds, found: .moreThanTwoThirds), .nilTarget,
            .roundOutOfRange(RoundNumber(1 << 63)), .tooFewVotes(found: 2, needed: 3),
            .tooManyVotes(found: 5, validators: 4),
            .indicesNotIncreasing(position: 1, Fixture.index(0)),
            .invalidVote(position: 4, Fixture.index(7), .wrongScore(expected: 95, found: 96)),
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(
            reasons.last?.description
                == "entry 4, of validator 7: the coherence score is 96, but the average QBER gives 95"
        )
    }

    @Test func `jobs give what direct verification gives`() throws {
        let vote = Fixture.vote(domain, 1, round: 3, .prevote, target)
        let quorum = Fixture.quorumCertificate(domain, [1, 2, 3], round: 3, target)
        func run(_ subject: VerificationJob.Subject) -> VerificationResult {
            let job = VerificationJob(id: VerificationJobID(8), domain: domain, subject: subject)
            #expect(job.id == VerificationJobID(8))
            return job.run(using: ToySignatures())
        }
        #expect(
            run(.vote(vote)) == .vote(.success(try vote.verify(in: domain, using: ToySignatures())))
        )
        #expect(run(.vote(changed(vote, round: 4))) == .vote(.failure(.badSignature)))
        guard case .quorumCertificate(.success(let verified)) = run(.quorumCertificate(quorum))
        else { throw CertificateInvalid.nilTarget }
        #expect(verified.certificate == quorum)
        guard case .certificate(.success(let final)) = run(.certificate(certificate())) else {
            throw CertificateInvalid.nilTarget
        }
        #expect(final.certificate == certificate())
        let pair = DoubleVote(
            vote, Fixture.vote(domain, 1, round: 3, .prevote, chain.target("A")))
        guard case .doubleVote(.success(let evidence)) = run(.doubleVote(pair)) else {
            throw CertificateInvalid.nilTarget
        }
        #expect(evidence.evidence == pair)
        let prices = [
            VerificationJob.Subject.vote(vote), .quorumCertificate(quorum),
            .certificate(certificate()), .doubleVote(pair),
        ].map {
            VerificationJob(id: VerificationJobID(1), domain: domain, subject: $0)
                .signatureCount
        }
        #expect(prices == [1, 3, 3, 2])
    }

    @Test func `two votes are evidence only in one slot and for two targets`() {
        let vote = Fixture.vote(domain, 1, round: 3, .prevote, target)
        func error(_ other: CoherenceVote) -> DoubleVoteInvalid? {
            do throws(DoubleVoteInvalid) {
                _ = try DoubleVote(vote, other).verify(in: domain, using: ToySignatures())
                return nil
            } catch {
                return error
            }
        }
        let target = chain.target("A")
        #expect(error(Fixture.vote(domain, 1, round: 3, .prevote, target)) == nil)
        #expect(error(Fixture.vote(domain, 1, round: 3, .prevote, .nothing)) == nil)
        #expect(
            error(Fixture.vote(domain, 1, round: 3, .prevote, self.target, nonce: 5)) == .sameTarget
        )
        #expect(error(Fixture.vote(domain, 2, round: 3, .prevote, target)) == .differentSlots)
        #expect(error(Fixture.vote(domain, 1, round: 4, .prevote, target)) == .differentSlots)
        #expect(error(Fixture.vote(domain, 1, round: 3, .precommit, target)) == .differentSlots)
        #expect(error(changed(vote, target: target)) == .invalidVote(.badSignature))
    }

    @Test func `a certificate sums up what its voters measured`() throws {
        func entry(_ index: Int, _ average: UInt32) throws -> VoteEntry {
            let state = state(0, average, average)
            return VoteEntry(
                validator: Fixture.index(index),
                coherenceScore: try #require(state.coherenceScore), quantumState: state,
                signature: Fixture.vote(domain, 0, round: 0, .prevote, .nothing).signature)
        }
        let summary = try #require(
            certificate(entries: [try entry(0, 50), try entry(1, 0), try entry(2, 1_000)]).summary)
        #expect(
            [summary.minimumQBER, summary.meanQBER, summary.maximumQBER] == [0, 350, 1_000])
        #expect([summary.minimumScore, summary.meanScore, summary.maximumScore] == [9, 68, 100])
        #expect(certificate(entries: []).summary == nil)
    }
}
