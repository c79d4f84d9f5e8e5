internal import Chain
internal import Coherence
internal import Primitives
internal import VoteGossip

/// What RPC reads of the blocks and certificates below the finalised one.
protocol ChainHistory: Sendable {
    /// The hash of the final block at a height.
    func canonicalHash(at number: BlockNumber) async throws -> Hash256?
    /// A stored header, final or not.
    func header(_ hash: Hash256) async throws -> Header?
    /// A stored block, final or not.
    func block(_ hash: Hash256) async throws -> Block?
    /// The headers of the final blocks of these heights, ascending.
    func canonicalHeaders(
        from first: BlockNumber, through last: BlockNumber
    ) async throws -> [Header]
    /// A validator set of the final chain; nil for one that has not come into force.
    func validatorSet(_ set: SetID) async throws -> ValidatorSet?
    /// A stored certificate; nil when there is none.
    func certificate(_ query: CertificateQuery) async throws -> FinalityCertificate?
}
