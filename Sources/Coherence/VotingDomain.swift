public import Primitives
internal import SCALE

/// Where votes belong: a chain and a validator set. Both stand in every vote's signed bytes, so
/// that a vote can never be replayed on another chain or in another set.
public struct VotingDomain: Sendable, Hashable {
    /// The hash of the chain's genesis block.
    public let genesisHash: Hash256
    /// The validators that vote.
    public let set: ValidatorSet

    public init(genesisHash: Hash256, set: ValidatorSet) {
        self.genesisHash = genesisHash
        self.set = set
    }

    /// The text that every signed vote begins with.
    public static let separator = "quantumharmony/coherence/vote/1"

    /// What a validator signs, 31 + 213 bytes: separator, genesis_hash [32], set_id u64, setHash
    /// [32], round u64, vote_type u8, validator [32], block_number u32, block_hash [32],
    /// coherence_score u64, quantum_state [56]; integers little-endian, nothing between the fields.
    public func signedBytes(
        round: RoundNumber, phase: VotePhase, validator: AccountID, target: VoteTarget,
        coherenceScore: UInt64, quantumState: QuantumState
    ) -> [UInt8] {
        var encoder = SCALEEncoder(capacity: Self.separator.utf8.count + 256)
        encoder.appendRaw(Self.separator.utf8)
        encoder.append(genesisHash)
        encoder.append(set.id)
        encoder.append(set.hash)
        encoder.append(round)
        encoder.append(phase)
        encoder.append(validator)
        encoder.append(target.number)
        encoder.append(target.hash)
        encoder.append(coherenceScore)
        encoder.append(quantumState)
        return encoder.bytes
    }

    /// What a vote's signature has to cover in this domain.
    public func signedBytes(of vote: CoherenceVote) -> [UInt8] {
        signedBytes(
            round: vote.round, phase: vote.phase, validator: vote.validator, target: vote.target,
            coherenceScore: vote.coherenceScore, quantumState: vote.quantumState)
    }

    /// The slot of a vote; nil when it belongs to another set or its voter is no member.
    public func slot(of vote: CoherenceVote) -> VoteSlot? {
        guard vote.setID == set.id, let index = set.index(of: vote.validator) else { return nil }
        return VoteSlot(setID: set.id, round: vote.round, phase: vote.phase, validator: index)
    }
}
