internal import Synchronization

/// Runs jobs on a fixed number of tasks, off the actor that asked for them.
///
/// What may wait is bounded by those who ask: the vote gossip's verification budgets, one seal a
/// slot, one vote a phase. `queuedCount` tells how much does.
final class WorkPool: Sendable {
    typealias Job = @Sendable () async -> Void

    private let jobs: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation
    private let workerCount: Int
    private let queued = Mutex(0)

    /// - Parameter workerCount: how many jobs run at one time, at least 1.
    init(workerCount: Int) {
        precondition(workerCount >= 1)
        self.workerCount = workerCount
        (jobs, continuation) = AsyncStream.makeStream(of: Job.self)
    }

    /// How many jobs wait or run.
    var queuedCount: Int { queued.withLock { $0 } }

    /// Takes a job; it is dropped when the pool was shut down.
    func submit(_ job: @escaping Job) {
        queued.withLock { $0 += 1 }
        continuation.yield(job)
    }

    /// Runs jobs until `shutdown`.
    func run() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<workerCount {
                group.addTask {
                    for await job in self.jobs {
                        await job()
                        self.queued.withLock { $0 -= 1 }
                    }
                }
            }
        }
    }

    /// No more jobs; those that wait are still run.
    func shutdown() { continuation.finish() }
}
