internal import BlockSync
internal import Chain
internal import Coherence
import Dispatch
internal import Primitives
internal import SCALE
internal import Storage
internal import Validator
internal import VoteGossip

/// The storage as the host and RPC use it: calls that block the disk run on queues of their own,
/// commits one after the other.
final class StorageBridge: RecordStore, ChainHistory {
    private let store: NodeStore
    private let commits = DispatchQueue(label: "storage.commits", qos: .userInitiated)
    private let reads = DispatchQueue(label: "storage.reads")

    private let metrics: MetricsRecorder

    init(_ store: NodeStore, metrics: MetricsRecorder) {
        self.store = store
        self.metrics = metrics
    }

    // MARK: RecordStore

    func apply(_ records: [StoredRecord]) async throws {
        let durable = records.map(Self.durable)
        try await commit(durable)
    }

    /// Writes records of the shell's own, such as bans.
    func apply(_ records: [DurableRecord]) async throws {
        try await commit(records)
    }

    private func commit(_ records: [DurableRecord]) async throws {
        metrics.committed(try await run(on: commits) { try self.store.apply(records) })
    }

    private static func durable(_ record: StoredRecord) -> DurableRecord {
        switch record {
        case .block(let block): .block(block)
        case .authored(let slot, let hash): .authored(slot, hash)
        case .finalised(let blocks, let pruned): .finalised(blocks, pruned: pruned)
        case .voting(let record): .voting(record)
        }
    }

    func blocks(_ query: StoredBlockQuery) async throws -> [StoredBlock] {
        try await run(on: reads) { try self.read(query) }
    }

    private func read(_ query: StoredBlockQuery) throws -> [StoredBlock] {
        let start: BlockNumber
        switch query.start {
        case .number(let number): start = number
        case .hash(let hash):
            guard let block = try store.block(hash) else { return [] }
            guard try store.finalisedHash(at: block.header.number) == hash else {
                return [StoredBlock(block: block)]
            }
            start = block.header.number
        }
        let found = try store.finalisedBlocks(
            FinalisedBlockQuery(
                start: start, isAscending: query.direction == .ascending,
                maximumCount: query.maximumCount, maximumByteCount: query.maximumByteCount,
                includesCertificates: query.includesJustifications))
        return found.map { StoredBlock(block: $0.block, justification: $0.certificate) }
    }

    func certificate(_ query: CertificateQuery) async throws -> FinalityCertificate? {
        try await run(on: reads) {
            switch query {
            case .lowest(let number): try self.store.certificate(lowestAtOrAbove: number)
            case .handOff(let set): try self.store.newestCertificate(of: set)
            }
        }
    }

    // MARK: ChainHistory

    func canonicalHash(at number: BlockNumber) async throws -> Hash256? {
        try await run(on: reads) { try self.store.finalisedHash(at: number) }
    }

    func header(_ hash: Hash256) async throws -> Header? {
        try await run(on: reads) { try self.store.header(hash) }
    }

    func block(_ hash: Hash256) async throws -> Block? {
        try await run(on: reads) { try self.store.block(hash) }
    }

    func validatorSet(_ set: SetID) async throws -> ValidatorSet? {
        try await run(on: reads) { try self.store.validatorSet(set) }
    }

    func canonicalHeaders(
        from first: BlockNumber, through last: BlockNumber
    ) async throws -> [Header] {
        guard first <= last else { return [] }
        return try await run(on: reads) {
            try self.store.finalisedHeaders(first...last, maximumCount: 1_024)
        }
    }

    /// Removes a bounded part of what need not be kept; other commits wait no longer for it than
    /// for each other.
    func prune(limit: Int) async throws -> PruningStep {
        try await run(on: commits) { try self.store.prune(limit: limit) }
    }

    /// What commits have taken so far.
    var statistics: StorageStatistics { store.statistics }

    func bans() async throws -> [StoredBan] {
        try await run(on: reads) { try self.store.bans() }
    }

    /// The address book, the latest seen first.
    func addresses() async throws -> [StoredAddress] {
        try await run(on: reads) { try self.store.addresses() }
    }

    private func run<Value: Sendable>(
        on queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
