/// What people see of a test network: a table of the nodes, or a line for each change.
package struct NetworkView: Sendable {
    private var shown: [String: NodeObservation] = [:]

    package init() {}

    private static let columns = [
        ("validator", 10), ("state", 12), ("best", 8), ("final", 8), ("round", 8), ("peers", 6),
    ]

    /// The table, one row a node, and what the connections between them are like below.
    package static func table(_ observations: [NodeObservation], network: String) -> [String] {
        var lines = [row(columns.map(\.0)) + "  final block"]
        for node in observations {
            let answer = node.answer
            let hash = answer.map { String($0.finalHash.prefix(18)) } ?? ""
            lines.append(
                row([
                    node.name, text(node.state, answers: answer != nil), number(answer?.best),
                    number(answer?.final), number(answer?.round), number(answer?.peers),
                ]) + "  " + hash)
        }
        return lines + ["network: \(network)"]
    }

    private static func row(_ cells: [String]) -> String {
        zip(cells, columns).map { cell, column in
            let isText = column.0 == "validator" || column.0 == "state"
            let blanks = String(repeating: " ", count: max(0, column.1 - cell.count))
            return isText ? cell + blanks : blanks + cell
        }.joined(separator: " ")
    }

    private static func number(_ value: UInt64?) -> String { value.map { "\($0)" } ?? "-" }

    private static func text(_ state: NodeObservation.State, answers: Bool) -> String {
        switch state {
        case .notStarted: "not started"
        case .running: answers ? "running" : "no answer"
        case .stopped: "stopped"
        case .failed(let status): "ended (\(status))"
        }
    }

    /// A line for each node that has a new final block, and for each whose state has changed.
    package mutating func changes(_ observations: [NodeObservation]) -> [String] {
        var lines: [String] = []
        for node in observations {
            let before = shown[node.name]
            if before?.state != node.state, before != nil || node.state != .notStarted {
                let state = Self.text(node.state, answers: true)
                lines.append("[\(node.name)] \(state)")
            }
            if let answer = node.answer, answer.final > before?.answer?.final ?? 0 {
                lines.append(
                    "[\(node.name)] Finalised #\(answer.final) (\(answer.finalHash)), "
                        + "best #\(answer.best), round \(answer.round), peers \(answer.peers)")
            }
            var kept = node
            if kept.answer == nil { kept.answer = before?.answer }
            shown[node.name] = kept
        }
        return lines
    }
}
