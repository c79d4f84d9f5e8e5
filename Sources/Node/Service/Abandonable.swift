internal import Synchronization

/// Work that whoever asked for it may lose interest in, before it begins or while it runs.
package final class Abandonable: Sendable {
    private enum State {
        case waiting
        /// With what cancels it.
        case running(@Sendable () -> Void)
        case abandoned
    }

    private let state = Mutex(State.waiting)

    package init() {}

    /// The operation's result; nil when it was abandoned. Call it once. The operation ends early when
    /// its task is cancelled.
    package func run<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async
        -> Value?
    {
        let task = state.withLock { state -> Task<Value, Never>? in
            if case .abandoned = state { return nil }
            let task = Task { await operation() }
            state = .running { task.cancel() }
            return task
        }
        guard let task else { return nil }
        let value = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        let isAbandoned = state.withLock { if case .abandoned = $0 { true } else { false } }
        return isAbandoned ? nil : value
    }

    /// The result is not wanted any more.
    package func abandon() {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            defer { state = .abandoned }
            if case .running(let cancel) = state { return cancel }
            return nil
        }
        cancel?()
    }
}
