public import Primitives

/// Why a quorum certificate or finality certificate is refused.
public enum CertificateInvalid: Error, Sendable, Hashable {
    /// The certificate belongs to another validator set.
    case wrongSet(expected: SetID, found: SetID)
    /// The set's number is right, but its hash is not: the certificate's voters are others.
    case wrongSetHash(expected: Hash256, found: Hash256)
    /// The policy is not the one that the set is bound to.
    case wrongPolicy(expected: QuorumPolicy, found: QuorumPolicy)
    /// Nothing is certified: a nil target.
    case nilTarget
    /// The round is 2^63 or more.
    case roundOutOfRange(RoundNumber)
    /// Fewer votes than the quorum.
    case tooFewVotes(found: Int, needed: Int)
    /// More votes than validators.
    case tooManyVotes(found: Int, validators: Int)
    /// The entry at this position (from 0) has an index that is not above the one before.
    case indicesNotIncreasing(position: Int, ValidatorIndex)
    /// The entry at this position (from 0) is no valid vote.
    case invalidVote(position: Int, ValidatorIndex, VoteInvalid)
}

extension CertificateInvalid: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongSet(let expected, let found):
            "the certificate is of set \(found), not of set \(expected)"
        case .wrongSetHash(let expected, let found):
            "the certificate names the set hash \(found), but the set's hash is \(expected)"
        case .wrongPolicy(let expected, let found):
            "the certificate claims the policy \(found.name), but the set has \(expected.name)"
        case .nilTarget: "the certificate is for no block"
        case .roundOutOfRange(let round): "round \(round) is not below 2^63"
        case .tooFewVotes(let found, let needed):
            "the certificate has \(found) votes, but the quorum is \(needed)"
        case .tooManyVotes(let found, let validators):
            "the certificate has \(found) votes of \(validators) validators"
        case .indicesNotIncreasing(let position, let index):
            "entry \(position) has validator index \(index), which is not above the one before"
        case .invalidVote(let position, let index, let reason):
            "entry \(position), of validator \(index): \(reason)"
        }
    }
}

/// The check that quorum certificates and finality certificates share. It never consults a tally.
private func checkQuorum(
    _ entries: [VoteEntry], round: RoundNumber, phase: VotePhase, target: VoteTarget,
    domain: VotingDomain, verifier: some SignatureVerifier
) throws(CertificateInvalid) {
    let set = domain.set
    guard !target.isNil else { throw .nilTarget }
    guard round.rawValue < RoundNumber.limit else { throw .roundOutOfRange(round) }
    guard entries.count <= set.count else {
        throw .tooManyVotes(found: entries.count, validators: set.count)
    }
    guard entries.count >= set.quorum else {
        throw .tooFewVotes(found: entries.count, needed: set.quorum)
    }
    // The cheap conditions for all entries first, so that junk costs no signature checks.
    var votes: [CoherenceVote] = []
    votes.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated() {
        guard position == 0 || entry.validator > entries[position - 1].validator else {
            throw .indicesNotIncreasing(position: position, entry.validator)
        }
        guard let vote = entry.vote(in: set, round: round, phase: phase, target: target) else {
            throw .invalidVote(
                position: position, entry.validator,
                .unknownIndex(entry.validator, count: set.count))
        }
        do {
            _ = try vote.check(in: domain)
        } catch {
            throw .invalidVote(position: position, entry.validator, error)
        }
        votes.append(vote)
    }
    for (position, vote) in votes.enumerated() {
        let index = entries[position].validator
        guard
            verifier.verify(
                vote.signature.bytes, message: domain.signedBytes(of: vote), by: index, in: set)
        else { throw .invalidVote(position: position, index, .badSignature) }
    }
}

extension QuorumCertificate {
    /// Checks the certificate by itself: at least q valid prevotes by strictly increasing index.
    public func verify(
        in domain: VotingDomain, using verifier: some SignatureVerifier
    ) throws(CertificateInvalid) -> VerifiedQuorumCertificate {
        guard setID == domain.set.id else {
            throw .wrongSet(expected: domain.set.id, found: setID)
        }
        try checkQuorum(
            entries, round: round, phase: .prevote, target: target, domain: domain,
            verifier: verifier)
        return VerifiedQuorumCertificate(certificate: self)
    }
}

extension FinalityCertificate {
    /// Checks the certificate offline: right set and policy, and at least q valid precommits by
    /// strictly increasing index.
    ///
    /// - Parameters:
    ///   - set: the validator set that the caller trusts.
    ///   - genesisHash: the chain's genesis hash, which every signature covers.
    ///   - verifier: Falcon-1024, or a test's scheme.
    /// - Throws: what is wrong with it, with the operands.
    /// - Returns: the certificate as one that may be relied on.
    @discardableResult
    public func verify(
        set: ValidatorSet, genesisHash: Hash256, verifier: some SignatureVerifier
    ) throws(CertificateInvalid) -> VerifiedCertificate {
        guard setID == set.id else { throw .wrongSet(expected: set.id, found: setID) }
        guard setHash == set.hash else {
            throw .wrongSetHash(expected: set.hash, found: setHash)
        }
        guard policy == set.policy else {
            throw .wrongPolicy(expected: set.policy, found: policy)
        }
        try checkQuorum(
            precommits, round: round, phase: .precommit, target: target,
            domain: VotingDomain(genesisHash: genesisHash, set: set), verifier: verifier)
        return VerifiedCertificate(certificate: self)
    }
}
