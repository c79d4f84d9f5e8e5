/// Runs the asynchronous handlers of requests and streams as children of one task, so that none
/// outlives the swarm. Callers bound how many run.
final class JobRunner: Sendable {
    typealias Job = @Sendable () async -> Void

    private let jobs: AsyncStream<Job>.Continuation
    private let task: Task<Void, Never>

    init() {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Job.self, bufferingPolicy: .bufferingOldest(4_096))
        jobs = continuation
        task = Task {
            await withDiscardingTaskGroup { group in
                for await job in stream { group.addTask { await job() } }
                group.cancelAll()
            }
        }
    }

    /// Starts a job; false when the swarm ends or too many wait to start.
    func start(_ job: @escaping Job) -> Bool {
        if case .enqueued = jobs.yield(job) { true } else { false }
    }

    /// Cancels all jobs and waits for their end.
    func shutdown() async {
        jobs.finish()
        task.cancel()
        await task.value
    }
}
