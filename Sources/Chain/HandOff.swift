package import Primitives
package import SCALE

/// What the header of a hand-off block announces: the set that is in force from its child on.
///
/// Encoding: next_set_id u64, next_set_hash [32], in a consensus digest item of engine `COHR`.
package struct HandOff: Sendable, Hashable, SCALEEncodable, SCALEDecodable {
    /// The next set's number.
    package let setID: SetID
    /// The next set's hash.
    package let setHash: Hash256

    package init(_ set: ValidatorSet) {
        setID = set.id
        setHash = set.hash
    }

    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(setHash)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        setHash = try decoder.read()
    }

    /// The digest of a block without its seal: the slot, and the announcement of a hand-off block.
    /// What authors write and what everybody checks.
    package static func digest(slot: SlotNumber, announcing handOff: HandOff?) -> [DigestItem] {
        [.preRuntime(.aura, slot.scaleBytes)]
            + (handOff.map { [.consensus(.coherence, $0.scaleBytes)] } ?? [])
    }
}

extension Header {
    /// The set that the block hands over to; nil for ordinary blocks.
    package var handOff: HandOff? {
        for case .consensus(.coherence, let bytes) in digest {
            return try? SCALEDecoder.decode(HandOff.self, from: bytes)
        }
        return nil
    }
}
