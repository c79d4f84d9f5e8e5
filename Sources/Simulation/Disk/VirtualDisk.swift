internal import Chain
internal import Coherence
internal import Primitives
package import Validator

/// A node's disk: what is written becomes durable only when the commit ends; a crash before that
/// loses it.
package struct VirtualDisk: Sendable {
    /// What survives a crash.
    package private(set) var durable: DiskImage
    /// The commits under way; more than one only when the shell runs ahead of them.
    private var pending: [[StoredRecord]] = []
    /// Blocks that a faulty disk pretended to have written.
    private var unwritten: [Block] = []
    /// What this disk does wrong, to prove that it is found.
    private let faults: PersistenceFaults

    package init(_ image: DiskImage, faults: PersistenceFaults) {
        durable = image
        self.faults = faults
    }

    /// Begins a commit; the records are durable after `endCommit`.
    package mutating func beginCommit(_ records: [StoredRecord]) {
        precondition(pending.isEmpty || faults.runsAheadOfCommits, "one commit at a time")
        pending.append(
            faults == PersistenceFaults() ? records : records.flatMap { written($0) })
    }

    /// The records of the commit that ends next.
    var oldestCommit: [StoredRecord] { pending.first ?? [] }

    /// Ends the oldest commit: its records are durable.
    package mutating func endCommit() throws(DiskFault) {
        guard !pending.isEmpty else { return }
        let records = pending.removeFirst()
        try durable.applyChain(records)
        try durable.applySignLog(records)
    }

    /// How much of the oldest commit under way a crash leaves.
    package enum Remains: Int, Sendable, CaseIterable {
        /// Nothing.
        case nothing
        /// The chain's file, which is committed first.
        case chain
        /// The records up to some point; the one that was being written there is torn and does not
        /// count.
        case torn
        /// Everything; only the news of it is lost.
        case all
    }

    /// The power fails.
    ///
    /// - Parameter point: where a commit is torn, of chain's and sign log's records counted through.
    package mutating func crash(
        leaving remains: Remains, tornAt point: UInt64 = 0
    ) throws(DiskFault) {
        unwritten = []
        guard let records = pending.first else { return }
        pending = []
        let count = records.count
        switch remains {
        case .nothing: break
        case .chain: try durable.applyChain(records)
        case .all:
            try durable.applyChain(records)
            try durable.applySignLog(records)
        case .torn:
            let whole = Int(point % UInt64(2 * count + 1))
            try durable.applyChain(Array(records.prefix(whole)))
            try durable.applySignLog(Array(records.prefix(max(0, whole - count))))
        }
    }

    /// What a faulty disk writes of a record.
    private mutating func written(_ record: StoredRecord) -> [StoredRecord] {
        switch record {
        case .voting(.vote(_)) where faults.losesVotes: return []
        case .voting(.lock(_, .some(_))) where faults.losesLocks: return []
        case .voting(.certificate(_)) where faults.losesCertificates: return []
        case .block(let block) where faults.losesBlocks:
            unwritten.append(block)
            return []
        case .finalised where faults.losesBlocks:
            defer { unwritten = [] }
            return unwritten.map { .block($0) } + [record]
        default: return [record]
        }
    }
}

/// What a disk, or the shell around it, may do wrong. Production has none of it.
package struct PersistenceFaults: Sendable, Hashable {
    /// Effects after a `persist` run before its record is durable.
    package var runsAheadOfCommits = false
    /// Own votes are not written.
    package var losesVotes = false
    /// Locks are not written.
    package var losesLocks = false
    /// Blocks are written only when they become final.
    package var losesBlocks = false
    /// Certificates are not written.
    package var losesCertificates = false

    package init() {}
}
