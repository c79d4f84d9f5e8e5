public import Primitives
public import SCALE

/// One validator's part of a bundle or certificate, whose header holds what all entries share:
/// { validator_index u16, coherence_score u64, quantum_state, signature [1280] }.
public struct VoteEntry: Sendable, Hashable {
    /// The voter's position in its set.
    public let validator: ValidatorIndex
    /// See `CoherenceVote.coherenceScore`.
    public let coherenceScore: UInt64
    /// See `CoherenceVote.quantumState`.
    public let quantumState: QuantumState
    /// See `CoherenceVote.signature`.
    public let signature: VoteSignature

    /// The encoding has this many bytes.
    public static let byteCount = 2 + 8 + QuantumState.byteCount + 1280

    public init(
        validator: ValidatorIndex, coherenceScore: UInt64, quantumState: QuantumState,
        signature: VoteSignature
    ) {
        self.validator = validator
        self.coherenceScore = coherenceScore
        self.quantumState = quantumState
        self.signature = signature
    }

    /// The entry that stands for a vote in a bundle of its round, phase and target.
    public init(_ vote: VerifiedVote) {
        self.init(
            validator: vote.index, coherenceScore: vote.vote.coherenceScore,
            quantumState: vote.vote.quantumState, signature: vote.vote.signature)
    }

    /// The vote that the entry stands for; nil when the index is not in `set`.
    public func vote(
        in set: ValidatorSet, round: RoundNumber, phase: VotePhase, target: VoteTarget
    ) -> CoherenceVote? {
        guard let identity = set.validator(at: validator) else { return nil }
        return CoherenceVote(
            validator: identity.account, target: target, coherenceScore: coherenceScore,
            quantumState: quantumState, signature: signature, phase: phase, round: round,
            setID: set.id)
    }
}

extension VoteEntry: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(validator)
        encoder.append(coherenceScore)
        encoder.append(quantumState)
        encoder.append(signature)
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        validator = try decoder.read()
        coherenceScore = try decoder.readInteger()
        quantumState = try decoder.read()
        signature = try decoder.read()
    }
}
