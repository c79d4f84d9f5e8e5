public import Primitives

/// Why a vote is refused. Every case is the sender's fault, so its peer is penalised.
public enum VoteInvalid: Error, Sendable, Hashable {
    /// The vote belongs to another validator set.
    case wrongSet(expected: SetID, found: SetID)
    /// The voter's account is not in the set.
    case unknownValidator(AccountID)
    /// The voter's index is not in the set.
    case unknownIndex(ValidatorIndex, count: Int)
    /// The round is 2^63 or more.
    case roundOutOfRange(RoundNumber)
    /// A nil vote with a score or a quantum state.
    case nilVoteWithMeasurement
    /// Not min <= average <= max <= 10,000 basis points.
    case inconsistentErrorRates(minimum: UInt32, average: UInt32, maximum: UInt32)
    /// The average QBER, in basis points, is above 11 %.
    case errorRateTooHigh(averageQBER: UInt32)
    /// The score is not the one that the average QBER gives.
    case wrongScore(expected: UInt64, found: UInt64)
    /// The signature does not verify.
    case badSignature
}

extension VoteInvalid: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongSet(let expected, let found):
            "the vote is of set \(found), not of set \(expected)"
        case .unknownValidator(let account): "\(account) is not in the validator set"
        case .unknownIndex(let index, let count):
            "validator index \(index) is not in the set of \(count)"
        case .roundOutOfRange(let round): "round \(round) is not below 2^63"
        case .nilVoteWithMeasurement: "a nil vote carries a score or a quantum state"
        case .inconsistentErrorRates(let minimum, let average, let maximum):
            "the QBERs do not satisfy min \(minimum) <= average \(average) <= max \(maximum) <= 10000"
        case .errorRateTooHigh(let average): "the average QBER \(average) is above 1100 (11 %)"
        case .wrongScore(let expected, let found):
            "the coherence score is \(found), but the average QBER gives \(expected)"
        case .badSignature: "the signature does not verify"
        }
    }
}

/// The conditions that a vote meets before its signature is looked at: one predicate for single
/// votes, quorum certificates and finality certificates alike.
public enum VoteCheck {
    /// Checks round, score and quantum state.
    public static func checkContent(
        round: RoundNumber, target: VoteTarget, coherenceScore: UInt64, quantumState: QuantumState
    ) throws(VoteInvalid) {
        guard round.rawValue < RoundNumber.limit else { throw .roundOutOfRange(round) }
        guard !target.isNil else {
            guard coherenceScore == 0, quantumState == .zero else {
                throw .nilVoteWithMeasurement
            }
            return
        }
        guard quantumState.isConsistent else {
            throw .inconsistentErrorRates(
                minimum: quantumState.minimumQBER, average: quantumState.averageQBER,
                maximum: quantumState.maximumQBER)
        }
        guard let score = quantumState.coherenceScore else {
            throw .errorRateTooHigh(averageQBER: quantumState.averageQBER)
        }
        guard coherenceScore == score else {
            throw .wrongScore(expected: score, found: coherenceScore)
        }
    }
}

extension CoherenceVote {
    /// Checks everything but the signature: set, voter, round, score and quantum state.
    ///
    /// - Returns: the slot that the vote fills.
    public func check(in domain: VotingDomain) throws(VoteInvalid) -> VoteSlot {
        guard setID == domain.set.id else {
            throw .wrongSet(expected: domain.set.id, found: setID)
        }
        guard let slot = domain.slot(of: self) else { throw .unknownValidator(validator) }
        try VoteCheck.checkContent(
            round: round, target: target, coherenceScore: coherenceScore,
            quantumState: quantumState)
        return slot
    }

    /// Checks everything, the signature included.
    public func verify(
        in domain: VotingDomain, using verifier: some SignatureVerifier
    ) throws(VoteInvalid) -> VerifiedVote {
        let slot = try check(in: domain)
        guard
            verifier.verify(
                signature.bytes, message: domain.signedBytes(of: self), by: slot.validator,
                in: domain.set)
        else { throw .badSignature }
        return VerifiedVote(vote: self, index: slot.validator)
    }
}
