import Foundation

/// What nodes said in their logs of votes and of finality, put side by side.
package struct ToldByLogs {
    /// The blocks that were called final, by height.
    package private(set) var finalised: [Substring: Set<Substring>] = [:]
    /// The targets of the votes that were received, by slot: set, validator, phase and round.
    package private(set) var votes: [String: Set<Substring>] = [:]
    private var alarms: [String] = []

    /// - Parameter nodes: that ran from the chain's first set on, with coherence=debug; or all of one
    ///   set.
    package init(of nodes: [NodeProcess]) {
        for node in nodes {
            var set: Substring = "0"
            for line in node.log.lines {
                if line.contains("Double vote") || line.contains("CRITICAL") {
                    alarms.append("\(node.name): \(line)")
                }
                if let match = line.firstMatch(of: #/Validator set (\d+) votes from here on/#) {
                    set = match.1
                }
                if let match = line.firstMatch(of: #/Finalised #(\d+) \((0x\w+…\w+)\) in round/#) {
                    finalised[match.1, default: []].insert(match.2)
                }
                if let match = line.firstMatch(
                    of: #/Received (\w+) of (\S+) from .* for (#\d+ \(.*\)|nil), round (\d+)/#)
                {
                    let slot = "set \(set): \(match.2) \(match.1) \(match.4)"
                    votes[slot, default: []].insert(match.3)
                }
            }
        }
    }

    /// What must not be: two blocks of one height, two targets in one slot, alarms.
    package var contradictions: [String] {
        let heights = finalised.filter { $0.value.count > 1 }.map { "#\($0.key): \($0.value)" }
        let slots = votes.filter { $0.value.count > 1 }.map { "\($0.key): \($0.value)" }
        return alarms + heights.sorted() + slots.sorted()
    }
}
