import Synchronization
import Testnet

/// What nodes answer that are asked at the same time.
final class Answers: Sendable {
    private let values: Mutex<[NodeObservation.Answer?]>

    init(count: Int) { values = Mutex(Array(repeating: nil, count: count)) }

    func set(_ position: Int, _ answer: NodeObservation.Answer) {
        values.withLock { $0[position] = answer }
    }

    func value(_ position: Int) -> NodeObservation.Answer? { values.withLock { $0[position] } }
}
