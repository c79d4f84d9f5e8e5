public import Primitives
public import SCALE

/// q precommits of one round for exactly one block: proof that the block and all its ancestors are
/// final. Anyone who has the validator set can check it offline.
///
/// Encoding: version u8 = 1, set_id u64, set_hash [32], round u64, block_hash [32], block_number
/// u32, supermajority u8, precommits Vec<VoteEntry>.
public struct FinalityCertificate: Sendable, Hashable {
    /// The validator set's number.
    public let setID: SetID
    /// The validator set's hash.
    public let setHash: Hash256
    /// The round of all the precommits.
    public let round: RoundNumber
    /// The final block; a valid certificate's target is never nil.
    public let target: VoteTarget
    /// The quorum policy; the verifier takes it from the set it trusts and refuses a difference.
    public let policy: QuorumPolicy
    /// The precommits; in a valid certificate at least q, by strictly increasing index.
    public let precommits: [VoteEntry]

    /// The only version there is.
    public static let version: UInt8 = 1

    public init(
        setID: SetID, setHash: Hash256, round: RoundNumber, target: VoteTarget,
        policy: QuorumPolicy, precommits: [VoteEntry]
    ) {
        self.setID = setID
        self.setHash = setHash
        self.round = round
        self.target = target
        self.policy = policy
        self.precommits = precommits
    }
}

extension FinalityCertificate: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(Self.version)
        encoder.append(setID)
        encoder.append(setHash)
        encoder.append(round)
        encoder.append(target)
        encoder.append(policy)
        encoder.appendItems(precommits)
    }

    /// Reads a certificate of version 1 and at most 1,000 precommits.
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let version = try decoder.readByte()
        guard version == Self.version else {
            throw .invalidValue(offset: start, reason: "unknown certificate version \(version)")
        }
        setID = try decoder.read()
        setHash = try decoder.read()
        round = try decoder.read()
        target = try decoder.read()
        policy = try decoder.read()
        precommits = try decoder.readItems(
            limit: ValidatorSet.maximumCount, minimumItemByteCount: VoteEntry.byteCount)
    }
}
