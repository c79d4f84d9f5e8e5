import Foundation
import Glibc
import Node
import Testnet

/// A test network that runs: the nodes as child processes, and the relays between them.
struct TestNetwork {
    let plan: NetworkPlan
    /// Each node's program.
    private let programs: [String]
    private let relays: RelayLoop
    private var children: [ChildNode?]
    /// What connections between nodes are like, in words.
    private(set) var condition = "all connected"
    private var partition: [[String]]?
    private var delays: [String] = []

    /// How long a node may take to stop.
    private static let stopMilliseconds: UInt64 = 10_000

    /// Makes the chain, the ports and the relays; starts no node.
    ///
    /// - Parameters:
    ///   - programs: nodes that run another program than this one, and its path.
    ///   - folder: for everything; it is there.
    init(
        validators: Int, slotMilliseconds: UInt64, programs: [(name: String, path: String)],
        folder: String
    ) throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let chain = "\(folder)/chain.json"
        let text = try SpecificationBuilder(
            chain: "local", validatorCount: validators, slotDurationMilliseconds: slotMilliseconds
        ).json()
        do {
            try text.write(toFile: chain, atomically: true, encoding: .utf8)
        } catch {
            throw LaunchError.folder(folder, why: error.localizedDescription)
        }
        var nodes: [NetworkPlan.Node] = []
        for position in 0..<validators {
            let (name, uri) = NetworkPlan.name(of: position)
            guard let key = TestNodeKey(uri: uri) else {
                throw LaunchError.cannotStart(name, why: "no node key can be made")
            }
            nodes.append(
                NetworkPlan.Node(
                    name: name, uri: uri, key: key.digits, peerID: key.peerID,
                    port: try LoopbackSocket.freePort(preferring: UInt16(30_333 + position)),
                    rpcPort: try LoopbackSocket.freePort(preferring: UInt16(9_944 + position)),
                    metricsPort: try LoopbackSocket.freePort(preferring: UInt16(9_615 + position))))
        }
        Self.raiseDescriptorLimit()
        var relays: [NetworkPlan.Relay] = []
        var listeners: [(listener: Int32, target: UInt16)] = []
        for dialler in 0..<validators {
            for target in 0..<validators where target != dialler {
                let (listener, port) = try LoopbackSocket.listen()
                listeners.append((listener, nodes[target].port))
                relays.append(NetworkPlan.Relay(dialler: dialler, target: target, port: port))
            }
        }
        plan = NetworkPlan(nodes: nodes, relays: relays, chain: chain, folder: folder)
        self.relays = try RelayLoop(listeners)
        self.programs = try Self.programs(programs, own: own, of: plan)
        children = Array(repeating: nil, count: validators)
    }

    private static func programs(
        _ others: [(name: String, path: String)], own: String, of plan: NetworkPlan
    ) throws(LaunchError) -> [String] {
        var programs = plan.nodes.map { _ in own }
        for (name, path) in others {
            guard let position = plan.nodes.firstIndex(where: { $0.name == name }) else {
                throw .program(name: name, why: "there is no such validator")
            }
            guard access(path, X_OK) == 0 else {
                throw .program(name: name, why: "\(path): \(String(cString: strerror(errno)))")
            }
            programs[position] = path
        }
        return programs
    }

    /// Thirty-two nodes have a thousand relays.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    // MARK: Changes

    /// Does what a line asks for.
    mutating func perform(_ action: ScenarioAction) throws {
        let running = children.map { $0 != nil && $0?.status == nil }
        switch action {
        case .start(let nodes):
            for position in try plan.positions(nodes, running: running) where !running[position] {
                try start(position)
            }
        case .stop(let nodes): end(try plan.positions(nodes, running: running), SIGTERM)
        case .kill(let nodes): end(try plan.positions(nodes, running: running), SIGKILL)
        case .partition(let groups):
            let blocked = try plan.blocked(by: groups)
            relays.set { settings in
                for index in settings.indices { settings[index].isBlocked = blocked[index] }
            }
            partition = groups
        case .heal:
            relays.set { settings in
                for index in settings.indices { settings[index] = RelayLoop.Setting() }
            }
            partition = nil
            delays = []
        case .delay(let pair, let milliseconds):
            let chosen = try plan.relays(between: pair)
            relays.set { settings in
                for index in chosen { settings[index].delayMilliseconds = milliseconds }
            }
            let what = pair.map { "\($0.first)-\($0.second)" } ?? "all"
            delays.removeAll { pair == nil || $0.hasPrefix(what + " ") }
            if milliseconds > 0 { delays.append("\(what) \(milliseconds) ms later") }
        case .pause, .wait, .stall: break
        }
        let parts = partition.map { groups in
            "cut: " + groups.map { $0.joined(separator: ",") }.joined(separator: " | ")
        }
        condition = ([parts ?? "all connected"] + delays).joined(separator: "; ")
    }

    private mutating func start(_ position: Int) throws {
        children[position] = try ChildNode(
            programs[position], plan.arguments(of: position), logFile: plan.logFile(of: position))
    }

    /// Ends nodes and waits until they have ended; what does not end in time is killed.
    private mutating func end(_ positions: [Int], _ signal: Int32) {
        for position in positions { children[position]?.end(signal) }
        let limit = monotonicMilliseconds() + Self.stopMilliseconds
        var isKilled = false
        while positions.contains(where: { children[$0] != nil && children[$0]?.status == nil }) {
            for position in positions { children[position]?.poll() }
            if !isKilled && monotonicMilliseconds() > limit {
                isKilled = true
                for position in positions { children[position]?.end(SIGKILL) }
            }
            _ = poll(nil, 0, 10)
        }
    }

    /// Stops everything.
    mutating func stop() { end(Array(children.indices), SIGTERM) }

    // MARK: Observation

    /// Asks every node how it is.
    mutating func observe() -> [NodeObservation] {
        for position in children.indices { children[position]?.poll() }
        let children = children
        let nodes = plan.nodes
        let answers = Answers(count: nodes.count)
        DispatchQueue.concurrentPerform(iterations: nodes.count) { position in
            guard let child = children[position], child.status == nil,
                let status = try? OperatorRPC(port: nodes[position].rpcPort).status()
            else { return }
            answers.set(
                position,
                NodeObservation.Answer(
                    best: status.best, final: status.final, finalHash: status.finalHash,
                    round: status.round, peers: status.peers))
        }
        return nodes.indices.map { position in
            let state: NodeObservation.State
            if let child = children[position] {
                if let status = child.status {
                    state = child.isAskedToEnd ? .stopped : .failed(status: status)
                } else {
                    state = .running
                }
            } else {
                state = .notStarted
            }
            return NodeObservation(
                name: nodes[position].name, state: state, answer: answers.value(position))
        }
    }

    /// The last lines of a node's log.
    func logLines(of name: String, count: Int) throws -> [String] {
        guard let position = plan.position(of: name) else {
            throw ScenarioError(line: 1, reason: "there is no node '\(name)'")
        }
        guard let file = FileHandle(forReadingAtPath: plan.logFile(of: position)) else {
            return ["\(name) has not been started"]
        }
        let end = try file.seekToEnd()
        try file.seek(toOffset: end - min(end, 64 * 1_024))
        let bytes = try file.readToEnd() ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(count)
            .map(String.init)
    }
}
