internal import NIOCore
internal import Synchronization

/// The way onto an event loop that will be shut down: closed before that happens, so that nothing
/// is handed to a loop that no longer runs.
final class LoopGate: Sendable {
    let loop: any EventLoop
    private let isOpen = Mutex(true)

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Runs a task on the loop; false when it does not run any more.
    @discardableResult
    func execute(_ task: @escaping @Sendable () -> Void) -> Bool {
        isOpen.withLock { isOpen in
            if isOpen { loop.execute(task) }
            return isOpen
        }
    }

    /// Lets nothing through any more.
    func close() { isOpen.withLock { $0 = false } }
}

/// A result that one task waits for and the event loop brings.
final class PendingResult<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let signal = Signal()

    /// Brings the result; a second one is ignored.
    func fulfil(_ result: Value) {
        value.withLock { value in if value == nil { value = result } }
        signal.raise()
    }

    /// The result, if it is there.
    var current: Value? { value.withLock { $0 } }

    /// The result; nil when the task was cancelled before it came.
    func wait() async -> Value? {
        while !Task.isCancelled {
            if let result = value.withLock({ $0 }) { return result }
            await signal.wait()
        }
        return value.withLock { $0 }
    }
}
