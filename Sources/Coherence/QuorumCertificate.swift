public import Primitives
public import SCALE

/// q prevotes of one round for exactly one block: what allows a validator to lock that block, and
/// others to leave an older lock.
///
/// Encoding (that of gossip's vote bundle): set_id u64, round u64, vote_type u8 = 0, block_hash
/// [32], block_number u32, entries Vec<VoteEntry>.
public struct QuorumCertificate: Sendable, Hashable {
    /// The validator set.
    public let setID: SetID
    /// The round of all the prevotes.
    public let round: RoundNumber
    /// The block; a valid certificate's target is never nil.
    public let target: VoteTarget
    /// The prevotes; in a valid certificate at least q, by strictly increasing index.
    public let entries: [VoteEntry]

    public init(setID: SetID, round: RoundNumber, target: VoteTarget, entries: [VoteEntry]) {
        self.setID = setID
        self.round = round
        self.target = target
        self.entries = entries
    }
}

extension QuorumCertificate: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(round)
        encoder.append(VotePhase.prevote)
        encoder.append(target)
        encoder.appendItems(entries)
    }

    /// Reads a certificate of at most 1,000 entries.
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        round = try decoder.read()
        let start = decoder.offset
        guard try decoder.read(VotePhase.self) == .prevote else {
            throw .invalidValue(offset: start, reason: "a quorum certificate holds prevotes")
        }
        target = try decoder.read()
        entries = try decoder.readItems(
            limit: ValidatorSet.maximumCount, minimumItemByteCount: VoteEntry.byteCount)
    }
}
