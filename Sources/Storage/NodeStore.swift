package import Chain
package import Coherence
package import Primitives
internal import Synchronization

/// Everything that a node keeps of one chain: the chain's database and the sign log.
///
/// Calls block the thread until the disk has answered; they may come from any thread. One process
/// at a time uses a base path.
package final class NodeStore: Sendable {
    /// How much is kept; the defaults serve every chain.
    package struct Options: Sendable {
        /// Votes this many rounds below the newest one leave the sign log.
        package var keptRoundCount: UInt64 = 256
        /// A snapshot of the state is written every so many finalised blocks.
        package var snapshotInterval: UInt32 = 256
        /// All certificates of so many newest blocks are kept.
        package var recentCertificateCount: UInt32 = 4_096
        /// Of older blocks the newest certificate of each so many heights, and of each set.
        package var certificateInterval: UInt32 = 512
        /// Which blocks are kept.
        package var blocks = BlockRetention.archiveCanonical
        /// Bounds the chain's database, in pages of 4 KiB: for tests of a full disk.
        package var maximumPageCount: Int?

        package init() {}
    }

    package let paths: BasePath
    private let options: Options
    private let lock: ProcessLock
    let chain: ChainDatabase
    private let signing: Mutex<Signing>
    private let measurements = Mutex(StorageStatistics())

    private struct Signing: Sendable {
        var state: SignLogState
        var log: SignLog?
    }

    /// Opens what is stored, or begins a chain with its genesis.
    ///
    /// - Throws: `inUse`, `wrongGenesis`, and what can be wrong with the files. Damage of the sign
    ///   log is no error: see `signLogState`.
    package init(
        _ paths: BasePath, genesis: Header, state: ChainState, options: Options = Options()
    ) throws(StorageError) {
        self.paths = paths
        self.options = options
        lock = try ProcessLock(directory: paths.root)
        var retention = ChainDatabase.Retention()
        retention.snapshotInterval = options.snapshotInterval
        retention.recentCertificateCount = options.recentCertificateCount
        retention.blocks = options.blocks
        retention.certificateInterval = options.certificateInterval
        chain = try ChainDatabase(
            directory: paths.database, genesis: genesis, state: state, retention: retention,
            options: SQLiteFile.Options(maximumPageCount: options.maximumPageCount))
        let opened = try SignLog.open(paths, keptRoundCount: options.keptRoundCount)
        signing = Mutex(Signing(state: opened.state, log: opened.log))
    }

    // MARK: The sign log

    /// Whether this node may sign.
    package var signLogState: SignLogState { signing.withLock(\.state) }

    /// Begins the sign log on the first start.
    ///
    /// - Precondition: `signLogState` is `firstStart`, and the chain or the operator vouches that
    ///   the keys have never signed in the active set.
    package func beginSigning() throws(StorageError) {
        try begin(from: SetID(0), expecting: .firstStart)
    }

    /// Begins a new sign log in the place of one that is missing or damaged, for sets from
    /// `firstSet` on: keys that never signed before come into use there.
    package func beginSigning(anewFrom firstSet: SetID) throws(StorageError) {
        guard case .neverSign = signLogState else {
            throw .contradiction(reason: "the sign log is not lost")
        }
        try SignLog.setAside(paths)
        try begin(from: firstSet, expecting: nil)
    }

    private func begin(
        from firstSet: SetID, expecting state: SignLogState?
    ) throws(StorageError) {
        guard state == nil || signLogState == state else {
            throw .contradiction(reason: "the sign log was begun before")
        }
        let log = try SignLog.begin(
            paths, firstSet: firstSet, keptRoundCount: options.keptRoundCount)
        signing.withLock { $0 = Signing(state: .ready, log: log) }
    }

    // MARK: Writing

    /// Makes records durable, in their order: they are on the disk when this returns.
    ///
    /// What belongs to the chain is committed before what belongs to the sign log, so that a block
    /// is durable before a lock or a vote for it. When it throws, what was not committed has left
    /// no trace; records may be applied again.
    ///
    /// - Throws: `noSignLog` for votes and locks while `signLogState` is not `ready`; then nothing
    ///   was written.
    @discardableResult
    package func apply(_ records: [DurableRecord]) throws(StorageError) -> CommitReport {
        let log = signing.withLock(\.log)
        let own = records.filter(SignLog.takes)
        if log == nil && own.contains(where: SignLog.needs) {
            throw .noSignLog(reason: noSignLogReason)
        }
        var report = CommitReport()
        report.chain = try chain.apply(records).map(CommitReport.Part.init)
        report.signLog = try log?.apply(own).map(CommitReport.Part.init)
        measurements.withLock { $0.add(report) }
        return report
    }

    private var noSignLogReason: String {
        switch signLogState {
        case .ready: "the sign log is closed"
        case .firstStart: "this node has not begun to sign"
        case .neverSign(let reason): reason.description
        }
    }

    /// What committing has taken so far.
    package var statistics: StorageStatistics { measurements.withLock { $0 } }

    // MARK: Recovery

    /// What a node goes on with.
    package func load() throws(StorageError) -> RecoveredChain {
        let (block, state, above) = try chain.recovered()
        let set = state.setInForce.id
        let log = signing.withLock(\.log)
        let contents = try log?.contents(of: set) ?? SignLog.Contents()
        let alarm = try chain.alarm(of: set)
        let voting = RecoveredVoting(
            finalised: block.ref, certificate: try chain.newestCertificate(of: set),
            lock: contents.lock, highestQuorumCertificate: contents.highestQuorumCertificate,
            signRecords: contents.records, halt: contents.halt ?? alarm)
        return RecoveredChain(
            evidenceRules: chain.evidenceRules, finalised: block, state: state, unfinalised: above,
            voting: voting, authoredSlot: contents.authoredSlot)
    }

    /// Looks at every page of both databases, and at every row of the sign log.
    ///
    /// - Throws: `corrupt` with the first thing found.
    package func checkIntegrity() throws(StorageError) {
        try chain.file.checkIntegrity()
        try signing.withLock(\.log)?.checkContents()
    }

    /// Ends all use of the files and frees the base path.
    package func close() throws(StorageError) {
        defer { lock.release() }
        let log = signing.withLock { signing in
            defer { signing.log = nil }
            return signing.log
        }
        try log?.file.close()
        try chain.file.close()
    }
}

// MARK: Reading

extension NodeStore {
    /// A stored block, final or not; nil when it is unknown.
    package func block(_ hash: Hash256) throws(StorageError) -> Block? { try chain.block(hash) }

    /// The header of a stored block, final or not; nil when it is unknown.
    package func header(_ hash: Hash256) throws(StorageError) -> Header? {
        try chain.header(hash)
    }

    /// The newest finalised block.
    package func finalised() throws(StorageError) -> BlockRef { try chain.finalised() }

    /// The hash of the finalised block of a height; nil above the newest.
    package func finalisedHash(at number: BlockNumber) throws(StorageError) -> Hash256? {
        try chain.finalisedHash(at: number)
    }

    /// The headers of finalised blocks, ascending.
    package func finalisedHeaders(
        _ numbers: ClosedRange<BlockNumber>, maximumCount: Int
    ) throws(StorageError) -> [Header] {
        try chain.finalisedHeaders(numbers, maximumCount: maximumCount)
    }

    /// Finalised blocks in a row, from a height up or down.
    package func finalisedBlocks(
        _ query: FinalisedBlockQuery
    ) throws(StorageError) -> [FinalisedBlock] { try chain.finalisedBlocks(query) }

    /// The stored certificate of the lowest height at or above this one.
    package func certificate(
        lowestAtOrAbove number: BlockNumber
    ) throws(StorageError) -> FinalityCertificate? {
        try chain.certificate(lowestAtOrAbove: number)
    }

    /// The certificate for exactly this block.
    package func certificate(for hash: Hash256) throws(StorageError) -> FinalityCertificate? {
        try chain.certificate(for: hash)
    }

    /// The certificate of the greatest height of a set: of a set that is over, the one that handed
    /// over to its successor.
    package func newestCertificate(
        of set: SetID
    ) throws(StorageError) -> FinalityCertificate? { try chain.newestCertificate(of: set) }

    /// A validator set of the final chain; nil for one that has not come into force.
    package func validatorSet(_ set: SetID) throws(StorageError) -> ValidatorSet? {
        try chain.validatorSet(set)
    }

    /// Stored evidence, oldest first.
    package func evidence(limit: Int) throws(StorageError) -> [DoubleVote] {
        try chain.evidence(limit: limit)
    }

    /// All bans, those that are over too.
    package func bans() throws(StorageError) -> [StoredBan] { try chain.bans() }

    /// The address book, the latest seen first.
    package func addresses() throws(StorageError) -> [StoredAddress] { try chain.addresses() }

    /// How much is stored.
    package func counts() throws(StorageError) -> StoredCounts { try chain.counts() }

    /// The lowest set that the sign log takes votes of; the first when there is no log.
    package func firstSignableSet() throws(StorageError) -> SetID {
        let log = signing.withLock(\.log)
        return try log?.firstSet() ?? SetID(0)
    }

    /// How many votes the sign log holds; 0 when there is none.
    package func signedVoteCount() throws(StorageError) -> Int {
        let log = signing.withLock(\.log)
        return try log?.voteCount() ?? 0
    }
}
