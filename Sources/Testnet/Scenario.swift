/// What happens on a test network, line by line, and what has to hold: docs/testnet.md.
package struct Scenario: Sendable, Equatable {
    /// One line that does something.
    package struct Step: Sendable, Equatable {
        /// The line's number in the file, from 1.
        package let line: Int
        /// The line as written, without its comment.
        package let text: String
        package let action: ScenarioAction
    }

    /// How many validators the chain has; nil: as the command line says.
    package internal(set) var validatorCount: Int?
    /// A slot's duration; nil: as the command line says.
    package internal(set) var slotMilliseconds: UInt64?
    package internal(set) var steps: [Step] = []
}

/// What one line asks for.
package enum ScenarioAction: Sendable, Equatable {
    /// Start nodes, for the first time or again.
    case start(NodeSelection)
    /// Stop nodes as an operator does: SIGTERM.
    case stop(NodeSelection)
    /// End nodes as a power cut does: SIGKILL.
    case kill(NodeSelection)
    /// Groups of nodes that hear nothing of each other; nodes named in none are one more group.
    case partition([[String]])
    /// All connections carry again, without delay.
    case heal
    /// What two nodes send each other arrives that much later; nil: every two nodes.
    case delay(NodePair?, milliseconds: UInt64)
    /// Nothing, for a while.
    case pause(milliseconds: UInt64)
    /// Something has to become true.
    case wait(Expectation, withinMilliseconds: UInt64)
    /// Something has to stop changing: within the second duration a stretch as long as the first
    /// one begins in which it stays the same.
    case stall(NodeSelection, Metric, forMilliseconds: UInt64, withinMilliseconds: UInt64)
}

/// Two nodes.
package struct NodePair: Sendable, Hashable {
    package let first: String
    package let second: String

    package init(first: String, second: String) {
        self.first = first
        self.second = second
    }
}

/// Which nodes a line is about.
package enum NodeSelection: Sendable, Equatable {
    /// All of the network.
    case all
    /// Those that run at that moment.
    case running
    case named([String])
}

/// A number that a node tells of itself.
package enum Metric: String, Sendable, CaseIterable {
    /// The height of the best block.
    case best
    /// The height of the finalised block.
    case final
    /// The round that is voted in.
    case round
    /// Connected peers.
    case peers
}

/// What has to become true of each node of a selection.
package struct Expectation: Sendable, Equatable {
    package enum Comparison: Sendable, Equatable {
        case atLeast(UInt64)
        case atMost(UInt64)
        case equal(UInt64)
        /// That much more than at the line's beginning.
        case advancesBy(UInt64)
    }

    package let nodes: NodeSelection
    package let metric: Metric
    package let comparison: Comparison

    package init(nodes: NodeSelection, metric: Metric, comparison: Comparison) {
        self.nodes = nodes
        self.metric = metric
        self.comparison = comparison
    }
}

/// Why a text is no scenario, or no command: which line, and what is wrong with it.
package struct ScenarioError: Error, Sendable, Equatable, CustomStringConvertible {
    package let line: Int
    package let reason: String

    package init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    package var description: String { "line \(line): \(reason)" }
}
