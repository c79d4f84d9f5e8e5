internal import Synchronization

/// A value that is waited for by one task and given by whoever comes first.
final class Settlement<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, Never>)
        case settled(Value)
        case taken
    }

    private let state = Mutex(State.open)

    /// Gives the value; later ones are dropped.
    func settle(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .settled(value)
                return nil
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .settled, .taken:
                return nil
            }
        }
        waiting?.resume(returning: value)
    }

    /// Waits for the value. To be called once.
    func wait() async -> Value {
        await withCheckedContinuation { continuation in
            let value: Value? = state.withLock { state in
                switch state {
                case .open:
                    state = .awaited(continuation)
                    return nil
                case .settled(let value):
                    state = .taken
                    return value
                case .awaited, .taken:
                    preconditionFailure("a settlement is awaited once")
                }
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}

/// The time limit of one request: answers whatever is waited for when the time is up.
///
/// A handler that ignores its cancellation cannot keep the client waiting.
final class CallDeadline: Sendable {
    typealias Outcome = Result<JSONValue, RPCError>

    private struct State {
        var expired = false
        var waiting: Settlement<Outcome>?
    }

    private let state = Mutex(State())

    /// Settles the outcome waited for, and all later ones, as timed out.
    func expire() {
        let waiting = state.withLock { state in
            state.expired = true
            return state.waiting
        }
        waiting?.settle(.failure(.timedOut))
    }

    /// From now on `settlement` is what is waited for.
    func watch(_ settlement: Settlement<Outcome>) {
        let expired = state.withLock { state in
            state.waiting = settlement
            return state.expired
        }
        if expired { settlement.settle(.failure(.timedOut)) }
    }

    /// Whether the time is up.
    var hasExpired: Bool { state.withLock(\.expired) }
}
