import Synchronization

/// A number that several threads add to.
package final class Counter: Sendable {
    private let number = Mutex(0)

    package init() {}

    package var value: Int { number.withLock { $0 } }
    package func add(_ amount: Int) { number.withLock { $0 += amount } }
}
