import Chain
import Coherence
import Primitives

/// Sets, domains and measurements that tests share.
enum Fixture {
    /// A validator whose account and key begin with its number.
    static func identity(_ index: Int) -> ValidatorIdentity {
        let low = UInt8(truncatingIfNeeded: index + 1)
        let high = UInt8(truncatingIfNeeded: (index + 1) >> 8)
        let account = AccountID([low, high] + Array(repeating: 0xAC, count: 30))
        let key = [low, high] + Array(repeating: UInt8(0xFA), count: 1791)
        guard let account, let identity = ValidatorIdentity(account: account, falconPublicKey: key)
        else { fatalError("fixtures have the right sizes") }
        return identity
    }

    static func set(_ count: Int, policy: QuorumPolicy? = nil, id: UInt64 = 0) -> ValidatorSet {
        do {
            return try ValidatorSet(
                id: SetID(id), validators: (0..<count).map(identity),
                policy: policy ?? .standard(validatorCount: count))
        } catch {
            fatalError("fixture sets are valid: \(error)")
        }
    }

    static func domain(_ count: Int, policy: QuorumPolicy? = nil) -> VotingDomain {
        VotingDomain(
            genesisHash: BLAKE2b256.hash(Array("genesis".utf8)), set: set(count, policy: policy))
    }

    /// 0.5 %, between 0.1 % and 0.9 %: score 95.
    static let state = QuantumState(
        validProofs: 12, rejectedProofs: 1, averageQBER: 50,
        entropyPoolHash: BLAKE2b256.hash([1, 2, 3]), reporterCount: 3, minimumQBER: 10,
        maximumQBER: 90)

    static func index(_ value: Int) -> ValidatorIndex { ValidatorIndex(UInt16(value)) }

    /// A vote signed with the toy scheme.
    static func vote(
        _ domain: VotingDomain, _ validator: Int, round: UInt64, _ phase: VotePhase,
        _ target: VoteTarget, state: QuantumState? = nil, nonce: UInt64 = 0
    ) -> CoherenceVote {
        let state = target.isNil ? .zero : state ?? Fixture.state
        let score = target.isNil ? 0 : state.coherenceScore ?? 0
        let account = domain.set.validators[validator].account
        let message = domain.signedBytes(
            round: RoundNumber(round), phase: phase, validator: account, target: target,
            coherenceScore: score, quantumState: state)
        let bytes = ToySignatures().sign(
            message, by: index(validator), in: domain.set, nonce: nonce)
        guard let signature = VoteSignature(bytes) else { fatalError("toy signatures fit") }
        return CoherenceVote(
            validator: account, target: target, coherenceScore: score, quantumState: state,
            signature: signature, phase: phase, round: RoundNumber(round), setID: domain.set.id)
    }

    static func verified(
        _ domain: VotingDomain, _ validator: Int, round: UInt64, _ phase: VotePhase,
        _ target: VoteTarget, nonce: UInt64 = 0
    ) -> VerifiedVote {
        let vote = vote(domain, validator, round: round, phase, target, nonce: nonce)
        do {
            return try vote.verify(in: domain, using: ToySignatures())
        } catch {
            fatalError("fixture votes are valid: \(error)")
        }
    }

    static func entries(
        _ domain: VotingDomain, _ validators: [Int], round: UInt64, _ phase: VotePhase,
        _ target: VoteTarget
    ) -> [VoteEntry] {
        validators.map { VoteEntry(verified(domain, $0, round: round, phase, target)) }
    }

    static func quorumCertificate(
        _ domain: VotingDomain, _ validators: [Int], round: UInt64, _ target: VoteTarget
    ) -> QuorumCertificate {
        QuorumCertificate(
            setID: domain.set.id, round: RoundNumber(round), target: target,
            entries: entries(domain, validators, round: round, .prevote, target))
    }

    static func certificate(
        _ domain: VotingDomain, _ validators: [Int], round: UInt64, _ target: VoteTarget
    ) -> FinalityCertificate {
        FinalityCertificate(
            setID: domain.set.id, setHash: domain.set.hash, round: RoundNumber(round),
            target: target, policy: domain.set.policy,
            precommits: entries(domain, validators, round: round, .precommit, target))
    }
}
