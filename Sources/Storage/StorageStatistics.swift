/// What one call of `NodeStore.apply` took.
package struct CommitReport: Sendable, Hashable {
    /// One database's part.
    package struct Part: Sendable, Hashable {
        /// From the transaction's begin to its commit.
        package var preparation: Duration
        /// The commit: writing the log and synchronising the disk.
        package var commit: Duration

        init(_ timing: SQLiteFile.Timing) {
            preparation = timing.preparation
            commit = timing.commit
        }
    }

    /// The chain's database; nil when nothing was written there.
    package var chain: Part?
    /// The sign log; nil when nothing was written there.
    package var signLog: Part?
}

/// What committing has taken since the store was opened, for metrics.
package struct StorageStatistics: Sendable, Hashable {
    /// Durations of one kind.
    package struct Durations: Sendable, Hashable {
        package var count: UInt64 = 0
        package var total: Duration = .zero
        package var longest: Duration = .zero
        package var latest: Duration = .zero

        mutating func add(_ duration: Duration) {
            count += 1
            total += duration
            longest = max(longest, duration)
            latest = duration
        }
    }

    /// Commits of the chain's database, each with one synchronisation of the disk.
    package var chainCommits = Durations()
    /// Commits of the sign log, each with one synchronisation of the disk.
    package var signLogCommits = Durations()

    mutating func add(_ report: CommitReport) {
        if let part = report.chain { chainCommits.add(part.commit) }
        if let part = report.signLog { signLogCommits.add(part.commit) }
    }
}
