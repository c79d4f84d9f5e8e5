internal import Synchronization

/// Wakes the task that waits for something to happen: what is raised while nobody waits is kept
/// for the next one. For one waiting task at a time; a second one may be woken in its place.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Wakes who waits, or the next who will.
    func raise() {
        let woken = state.withLock { state in
            defer { state.waiting = [] }
            state.isRaised = state.waiting.isEmpty
            return state.waiting
        }
        for continuation in woken { continuation.resume() }
    }

    /// Returns when the signal is raised or the task is cancelled: the caller looks which.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return true
                    }
                    state.waiting.append(continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
