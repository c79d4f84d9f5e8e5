internal import Chain
internal import Foundation
internal import GRDB
internal import Primitives
internal import Synchronization

/// Which final blocks, and blocks of other branches, are kept.
package enum BlockRetention: Sendable, Hashable {
    /// All blocks, those of other branches too.
    case archive
    /// All final blocks.
    case archiveCanonical
    /// So many newest final blocks, and the hand-off blocks.
    case newest(UInt32)

    /// The fewest blocks that may be kept: peers that were away for a while must find what they
    /// missed, and the state after the finalised block is made of bodies.
    package static let minimumCount: UInt32 = 512
}

/// What one step of pruning removed.
package struct PruningStep: Sendable, Hashable {
    package var blockCount = 0
    package var certificateCount = 0
    /// Whether another step would remove more.
    package var hasMore = false

    package init() {}
}

extension ChainDatabase {
    /// Removes what need not be kept, a bounded number of rows in one transaction.
    ///
    /// Kept for ever are genesis, the newest certificate of each set and its block: what leads a
    /// client from the first validator set to the present one. A block never goes before the
    /// snapshot that the state is made from has passed it.
    ///
    /// - Parameter limit: the most blocks, and the most certificates.
    func prune(limit: Int) throws(StorageError) -> PruningStep {
        let start = pruned.withLock { $0 }
        var step = PruningStep()
        var reached = start
        try file.write { db in
            (step.blockCount, reached.block) = try pruneBlocks(db, from: start.block, limit: limit)
            (step.certificateCount, reached.certificate) = try pruneCertificates(
                db, from: start.certificate, limit: limit)
        }
        pruned.withLock { $0 = reached }
        step.hasMore = step.blockCount == limit || step.certificateCount == limit
        return step
    }

    /// Removes final blocks above a height, the lowest first.
    ///
    /// - Returns: how many, and the height up to which nothing is left to remove.
    private func pruneBlocks(
        _ db: Database, from start: UInt32, limit: Int
    ) throws -> (count: Int, reached: UInt32) {
        guard case .newest(let count) = retention.blocks else { return (0, start) }
        let snapshot = try UInt32.fetchOne(db, sql: "SELECT MAX(number) FROM state") ?? 0
        let finalised = try Self.finalisedHeader(db).number.rawValue
        let kept = max(count, BlockRetention.minimumCount)
        let end = min(snapshot, finalised - min(kept - 1, finalised))
        guard end > start else { return (0, start) }
        let numbers = try UInt32.fetchAll(
            db,
            sql: """
                SELECT number FROM block WHERE final = 1 AND number > :start AND number < :end
                AND NOT EXISTS (
                    SELECT 1 FROM certificate WHERE certificate.number = block.number
                    AND NOT EXISTS (
                        SELECT 1 FROM certificate AS later WHERE later.set_id = certificate.set_id
                        AND later.number > certificate.number))
                ORDER BY number LIMIT :limit
                """, arguments: ["start": start, "end": end, "limit": limit])
        let delete = try db.cachedStatement(
            sql: "DELETE FROM block WHERE final = 1 AND number = ?")
        for number in numbers { try delete.execute(arguments: [number]) }
        return (numbers.count, numbers.count < limit ? end - 1 : numbers.last ?? start)
    }

    /// Removes certificates that are not the newest of their interval or set.
    private func pruneCertificates(
        _ db: Database, from start: UInt32, limit: Int
    ) throws -> (count: Int, reached: UInt32) {
        let newest = try UInt32.fetchOne(db, sql: "SELECT MAX(number) FROM certificate") ?? 0
        let end = newest - min(retention.recentCertificateCount, newest)
        guard end > start else { return (0, start) }
        let numbers = try UInt32.fetchAll(
            db,
            sql: """
                SELECT number FROM certificate WHERE number > :start AND number < :end
                AND EXISTS (
                    SELECT 1 FROM certificate AS later WHERE later.set_id = certificate.set_id
                    AND later.number > certificate.number
                    AND later.number < (certificate.number / :interval + 1) * :interval)
                ORDER BY number LIMIT :limit
                """,
            arguments: [
                "start": start, "end": end, "limit": limit,
                "interval": retention.certificateInterval,
            ])
        let delete = try db.cachedStatement(sql: "DELETE FROM certificate WHERE number = ?")
        for number in numbers { try delete.execute(arguments: [number]) }
        return (numbers.count, numbers.count < limit ? end - 1 : numbers.last ?? start)
    }
}

extension NodeStore {
    /// Removes what need not be kept: at most `limit` blocks and `limit` certificates.
    package func prune(limit: Int) throws(StorageError) -> PruningStep {
        try chain.prune(limit: limit)
    }
}
