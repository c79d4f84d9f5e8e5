internal import Chain
internal import Primitives

/// The quorum certificates that a validator knows: of the highest rounds, a bounded number.
///
/// Several are kept, not only the highest, because rule 2 unlocks on *any* known certificate of a
/// round between the lock's and the current one, and because the block of the highest may still be
/// unknown.
struct KnownQuorums: Sendable {
    /// How many are kept.
    static let limit = 4

    /// Ascending by round, then by block hash.
    private(set) var all: [VerifiedQuorumCertificate] = []

    /// Takes a certificate; false when one of its round and block is held already, or when it is
    /// below all of a full house.
    mutating func insert(_ certificate: VerifiedQuorumCertificate) -> Bool {
        let position =
            all.firstIndex { !Self.isBelow($0, certificate) } ?? all.endIndex
        if position < all.endIndex, all[position].round == certificate.round,
            all[position].block == certificate.block
        {
            return false
        }
        if all.count == Self.limit {
            guard position > 0 else { return false }
            all.insert(certificate, at: position)
            all.removeFirst()
        } else {
            all.insert(certificate, at: position)
        }
        return true
    }

    private static func isBelow(
        _ left: VerifiedQuorumCertificate, _ right: VerifiedQuorumCertificate
    ) -> Bool {
        (left.round, left.block.hash, left.block.number)
            < (right.round, right.block.hash, right.block.number)
    }
}
