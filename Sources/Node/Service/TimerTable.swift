internal import NIOCore
internal import Primitives
internal import Synchronization
internal import Validator

/// The timers of the core: one setting each, the newest counts.
///
/// Fired timers go into a stream that the host reads; a setting that was replaced or cancelled
/// after it fired is recognised by its generation and ignored.
final class TimerTable: Sendable {
    typealias TimerID = ValidatorCore.TimerID

    struct Fired: Sendable {
        let id: TimerID
        let generation: UInt64
    }

    private struct Setting {
        let generation: UInt64
        let task: Scheduled<Void>
    }

    private struct State {
        var settings: [TimerID: Setting] = [:]
        var nextGeneration: UInt64 = 0
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let continuation: AsyncStream<Fired>.Continuation
    /// The timers that fired. The core has few distinct timers, which bounds what can wait here.
    let fired: AsyncStream<Fired>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        (fired, continuation) = AsyncStream.makeStream(of: Fired.self)
    }

    /// Sets a timer; an earlier setting of the same timer no longer counts.
    func set(_ id: TimerID, at instant: Instant) {
        let generation = state.withLock { state in
            state.nextGeneration += 1
            return state.nextGeneration
        }
        let continuation = continuation
        let task = eventLoop.scheduleTask(
            deadline: .uptimeNanoseconds(min(instant.nanoseconds, UInt64(Int64.max)))
        ) { () -> Void in
            continuation.yield(Fired(id: id, generation: generation))
        }
        let replaced = state.withLock { state in
            state.settings.updateValue(
                Setting(generation: generation, task: task), forKey: id)
        }
        replaced?.task.cancel()
    }

    /// Forgets a timer's setting.
    func cancel(_ id: TimerID) {
        state.withLock { $0.settings.removeValue(forKey: id) }?.task.cancel()
    }

    /// Whether a timer that fired still counts; it is used up by the answer.
    func take(_ fired: Fired) -> Bool {
        state.withLock { state in
            guard state.settings[fired.id]?.generation == fired.generation else { return false }
            state.settings[fired.id] = nil
            return true
        }
    }

    /// Cancels everything and ends the stream.
    func shutdown() {
        let settings = state.withLock { state in
            defer { state.settings = [:] }
            return Array(state.settings.values)
        }
        for setting in settings { setting.task.cancel() }
        continuation.finish()
    }
}
