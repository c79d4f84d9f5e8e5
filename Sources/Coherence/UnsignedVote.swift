public import Primitives

/// A vote that was decided and waits for its signature. Its slot is taken from now on.
public struct UnsignedVote: Sendable, Hashable {
    /// The slot that the vote fills.
    public let slot: VoteSlot
    /// The voter's account.
    public let validator: AccountID
    /// What the vote is for.
    public let target: VoteTarget
    /// See `CoherenceVote.coherenceScore`.
    public let coherenceScore: UInt64
    /// See `CoherenceVote.quantumState`.
    public let quantumState: QuantumState
    /// The message to sign: `VotingDomain.signedBytes`.
    public let signedBytes: [UInt8]

    /// A vote of a member of the domain's set.
    init(
        domain: VotingDomain, position: VotePosition, validator index: ValidatorIndex,
        target: VoteTarget, quantumState: QuantumState
    ) {
        guard let identity = domain.set.validator(at: index) else {
            preconditionFailure("the voter is a member of the set")
        }
        slot = VoteSlot(
            setID: domain.set.id, round: position.round, phase: position.phase, validator: index)
        validator = identity.account
        self.target = target
        self.quantumState = target.isNil ? .zero : quantumState
        coherenceScore = target.isNil ? 0 : quantumState.coherenceScore ?? 0
        signedBytes = domain.signedBytes(
            round: position.round, phase: position.phase, validator: validator, target: target,
            coherenceScore: coherenceScore, quantumState: self.quantumState)
    }

    /// The vote with its signature; nil when the signature does not have the right form.
    func vote(signature: [UInt8]) -> VerifiedVote? {
        guard let signature = VoteSignature(signature) else { return nil }
        return VerifiedVote(
            vote: CoherenceVote(
                validator: validator, target: target, coherenceScore: coherenceScore,
                quantumState: quantumState, signature: signature, phase: slot.phase,
                round: slot.round, setID: slot.setID),
            index: slot.validator)
    }
}
