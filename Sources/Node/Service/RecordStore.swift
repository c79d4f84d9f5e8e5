internal import BlockSync
internal import Coherence
internal import Validator
internal import VoteGossip

/// What the host needs of the storage; every call runs off the caller's thread.
protocol RecordStore: Sendable {
    /// Makes records durable, in their order; they are on the disk when it returns.
    func apply(_ records: [StoredRecord]) async throws
    /// The stored blocks that a peer asked for.
    func blocks(_ query: StoredBlockQuery) async throws -> [StoredBlock]
    /// A stored certificate; nil when there is none.
    func certificate(_ query: CertificateQuery) async throws -> FinalityCertificate?
}
