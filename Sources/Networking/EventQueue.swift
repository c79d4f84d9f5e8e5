internal import DequeModule
internal import Synchronization

/// A bounded queue from the event loop to one consuming task. The producer never waits: it is told
/// when the queue is full and does without.
final class EventQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: Deque<Element> = []
        var isFinished = false
    }

    private let state = Mutex(State())
    private let signal = Signal()
    private let capacity: Int

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// How many elements wait.
    var count: Int { state.withLock { $0.elements.count } }

    /// Adds an element; false when the queue is full or finished. What `isVital` has twice the
    /// room, so that what may be lost leaves room for what may not.
    @discardableResult
    func offer(_ element: Element, isVital: Bool = false) -> Bool {
        let isTaken = state.withLock { state in
            let limit = isVital ? 2 * capacity : capacity
            guard !state.isFinished, state.elements.count < limit else { return false }
            state.elements.append(element)
            return true
        }
        if isTaken { signal.raise() }
        return isTaken
    }

    /// The next element; nil at the end or when the task is cancelled.
    func next() async -> Element? {
        while !Task.isCancelled {
            let (element, isFinished) = state.withLock { ($0.elements.popFirst(), $0.isFinished) }
            if let element { return element }
            if isFinished { return nil }
            await signal.wait()
        }
        return nil
    }

    /// Ends the sequence after what is queued.
    func finish() {
        state.withLock { $0.isFinished = true }
        signal.raise()
    }
}
