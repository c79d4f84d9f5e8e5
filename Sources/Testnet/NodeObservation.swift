/// What is known of one node of a test network at one moment.
package struct NodeObservation: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case notStarted
        /// The process runs; it may not answer yet.
        case running
        /// Stopped or killed because it was asked for.
        case stopped
        /// The process ended and nobody asked for it; minus the signal's number, or the exit status.
        case failed(status: Int32)
    }

    /// What a running node answers.
    package struct Answer: Sendable, Equatable {
        package var best: UInt64
        package var final: UInt64
        /// The finalised block's hash: `0x` and 64 digits.
        package var finalHash: String
        package var round: UInt64
        package var peers: UInt64

        package init(best: UInt64, final: UInt64, finalHash: String, round: UInt64, peers: UInt64) {
            self.best = best
            self.final = final
            self.finalHash = finalHash
            self.round = round
            self.peers = peers
        }
    }

    package let name: String
    package var state: State
    /// Nil when it does not run or does not answer.
    package var answer: Answer?

    package init(name: String, state: State, answer: Answer? = nil) {
        self.name = name
        self.state = state
        self.answer = answer
    }

    /// A number that the node tells of itself; nil while it tells nothing.
    package func value(of metric: Metric) -> UInt64? {
        guard let answer else { return nil }
        return switch metric {
        case .best: answer.best
        case .final: answer.final
        case .round: answer.round
        case .peers: answer.peers
        }
    }
}

/// Holds what nodes say of their final blocks together: two that differ at one height are a fork.
package struct FinalityAgreement: Sendable {
    /// Of so many heights the hash is remembered; the lowest give way.
    package static let heightCount = 10_000
    private var hashes: [UInt64: (hash: String, name: String)] = [:]

    package init() {}

    /// Takes what the nodes say.
    ///
    /// - Returns: the fork, in words, or nil.
    package mutating func take(_ observations: [NodeObservation]) -> String? {
        for observation in observations {
            guard let answer = observation.answer else { continue }
            if let known = hashes[answer.final] {
                guard known.hash == answer.finalHash else {
                    return "FORK: #\(answer.final) is final as \(answer.finalHash) at "
                        + "\(observation.name), and as \(known.hash) at \(known.name)"
                }
                continue
            }
            if hashes.count >= Self.heightCount, let lowest = hashes.keys.sorted().first {
                hashes[lowest] = nil
            }
            hashes[answer.final] = (answer.finalHash, observation.name)
        }
        return nil
    }
}
