/// Who is on a test network, where they listen, and through which relay each reaches each other.
///
/// No node learns another one's own address: it knows the relays', and tells nobody its own. So
/// a relay that holds back what it has cuts two nodes apart.
package struct NetworkPlan: Sendable {
    package struct Node: Sendable, Equatable {
        /// As people call it: alice, or v7.
        package let name: String
        /// Of the development account: //Alice, or //V7.
        package let uri: String
        /// The node key: 64 hexadecimal digits.
        package let key: String
        package let peerID: String
        /// Where it listens for peers, on loopback.
        package let port: UInt16
        package let rpcPort: UInt16
        /// Of the metrics for Prometheus.
        package let metricsPort: UInt16

        package init(
            name: String, uri: String, key: String, peerID: String, port: UInt16, rpcPort: UInt16,
            metricsPort: UInt16
        ) {
            self.name = name
            self.uri = uri
            self.key = key
            self.peerID = peerID
            self.port = port
            self.rpcPort = rpcPort
            self.metricsPort = metricsPort
        }
    }

    /// What one node dials instead of another.
    package struct Relay: Sendable, Equatable {
        /// The positions of who dials and who is meant.
        package let dialler: Int
        package let target: Int
        /// Where the relay listens, on loopback.
        package let port: UInt16

        package init(dialler: Int, target: Int, port: UInt16) {
            self.dialler = dialler
            self.target = target
            self.port = port
        }
    }

    package let nodes: [Node]
    package let relays: [Relay]
    /// The chain specification's file.
    package let chain: String
    /// Where the nodes' folders are.
    package let folder: String

    package init(nodes: [Node], relays: [Relay], chain: String, folder: String) {
        self.nodes = nodes
        self.relays = relays
        self.chain = chain
        self.folder = folder
    }

    private static let named = ["alice", "bob", "charlie", "dave", "eve", "ferdie"]

    /// The name and the URI of the validator of that position, from 0.
    package static func name(of position: Int) -> (name: String, uri: String) {
        guard position < named.count else {
            return ("v\(position + 1)", "//V\(position + 1)")
        }
        let name = named[position]
        return (name, "//" + name.prefix(1).uppercased() + name.dropFirst())
    }

    /// What people are told when the network has been started.
    package var summary: String {
        let words = [
            "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
        ]
        let count = nodes.count < words.count ? words[nodes.count] : "\(nodes.count)"
        let first = nodes.first
        return """
            \(count) validator\(nodes.count == 1 ? " is" : "s are") running.

              look:    http://127.0.0.1:\(first?.rpcPort ?? 0)/dashboard in a browser
              metrics: http://127.0.0.1:\(first?.metricsPort ?? 0)/metrics
              votes:   grep coherence \(folder)/\(first?.name ?? "NAME").log
              proof:   curl -s -H 'content-type: application/json' http://127.0.0.1:\(first?.rpcPort ?? 0) \\
                         -d '{"jsonrpc":"2.0","id":1,"method":"coherence_proveFinality","params":[1]}'

            """
    }

    package func position(of name: String) -> Int? { nodes.firstIndex { $0.name == name } }

    package func basePath(of position: Int) -> String { "\(folder)/\(nodes[position].name)" }

    package func logFile(of position: Int) -> String { "\(folder)/\(nodes[position].name).log" }

    /// The command line of a node.
    package func arguments(of position: Int) -> [String] {
        let node = nodes[position]
        let peers = relays.filter { $0.dialler == position }
            .map { "/ip4/127.0.0.1/tcp/\($0.port)/p2p/\(nodes[$0.target].peerID)" }
        return [
            "run", "--suri", node.uri, "--validator", "--chain", chain,
            "--base-path", basePath(of: position), "--node-key", node.key,
            "--listen-addr", "/ip4/127.0.0.1/tcp/\(node.port)", "--rpc-port", "\(node.rpcPort)",
            "--prometheus-port", "\(node.metricsPort)", "--dashboard", "--no-mdns",
            "--reserved-only", "--announce-public-only", "--until-input-ends",
            "-l", "info,coherence=debug",
        ] + (peers.isEmpty ? [] : ["--reserved-nodes"] + peers)
    }

    /// The relays that carry nothing when the nodes are cut into groups.
    ///
    /// - Throws: which name is none.
    package func blocked(by groups: [[String]]) throws(ScenarioError) -> [Bool] {
        var group = [Int](repeating: groups.count, count: nodes.count)
        for (number, names) in groups.enumerated() {
            for name in names { group[try known(name)] = number }
        }
        return relays.map { group[$0.dialler] != group[$0.target] }
    }

    /// The relays between two nodes, both ways; of all nodes for nil.
    package func relays(between pair: NodePair?) throws(ScenarioError) -> [Int] {
        guard let pair else { return Array(relays.indices) }
        let ends = [try known(pair.first), try known(pair.second)]
        return relays.indices.filter {
            ends.contains(relays[$0].dialler) && ends.contains(relays[$0].target)
        }
    }

    /// The positions of named nodes, or of all that satisfy the condition.
    package func positions(
        _ selection: NodeSelection, running: [Bool]
    ) throws(ScenarioError) -> [Int] {
        switch selection {
        case .all: return Array(nodes.indices)
        case .running: return nodes.indices.filter { running[$0] }
        case .named(let names):
            var positions: [Int] = []
            for name in names { positions.append(try known(name)) }
            return positions
        }
    }

    private func known(_ name: String) throws(ScenarioError) -> Int {
        guard let position = position(of: name) else {
            throw ScenarioError(
                line: 1,
                reason: "there is no node '\(name)'; there are "
                    + nodes.map(\.name).joined(separator: ", "))
        }
        return position
    }

    /// Looks at every name of a scenario.
    ///
    /// - Throws: the line with a name that is none.
    package func check(_ scenario: Scenario) throws(ScenarioError) {
        for step in scenario.steps {
            for name in step.action.names where position(of: name) == nil {
                throw ScenarioError(
                    line: step.line,
                    reason: "there is no node '\(name)'; there are "
                        + nodes.map(\.name).joined(separator: ", "))
            }
        }
    }
}

extension ScenarioAction {
    /// The nodes that it names.
    package var names: [String] {
        switch self {
        case .start(let nodes), .stop(let nodes), .kill(let nodes), .stall(let nodes, _, _, _):
            nodes.names
        case .wait(let expectation, _): expectation.nodes.names
        case .partition(let groups): groups.flatMap(\.self)
        case .delay(let pair, _): pair.map { [$0.first, $0.second] } ?? []
        case .heal, .pause: []
        }
    }
}

extension NodeSelection {
    fileprivate var names: [String] {
        if case .named(let names) = self { names } else { [] }
    }
}
