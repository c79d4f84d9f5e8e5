package import Foundation

/// Validators on hosts of their own, some of them perhaps evil.
package final class LabTestnet {
    package static let names = ["alice", "bob", "charlie", "dave", "eve", "ferdie", "v7"]

    package let lab: NetworkLab
    package let folder: URL
    package let count: Int
    /// Every process that ran, with all that it logged.
    package private(set) var processes: [NodeProcess] = []
    /// The newest process of each validator; nil for evil ones and before the first start.
    package private(set) var nodes: [NodeProcess?]
    private let chain: String
    private var identities: [String?]
    private var isEvil: [Bool]

    private static let peerPort = 30333
    private static let rpcPort = 9944

    /// A chain of `count` validators, none of which runs yet.
    package init(count: Int, slotMilliseconds: Int) throws {
        self.count = count
        lab = try NetworkLab(hostCount: count)
        folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-lab-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        chain = folder.appending(path: "chain.json").path
        nodes = Array(repeating: nil, count: count)
        identities = Array(repeating: nil, count: count)
        isEvil = Array(repeating: false, count: count)
        var options = ["build-spec", "--chain", "local", "--slot-duration", "\(slotMilliseconds)"]
        if count != 3 { options += ["--validators", "\(count)"] }
        let (status, output) = try Program.run("quantumharmony-node", options)
        guard status == 0 else { throw TestFailure(output) }
        try output.write(toFile: chain, atomically: true, encoding: .utf8)
    }

    deinit {
        for process in processes { process.kill() }
        guard ProcessInfo.processInfo.environment["QH_KEEP"] == nil else { return }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts a validator, or starts it again; it dials those that ran before.
    ///
    /// - Parameter behaviour: of the evil node that runs in its place; nil: it is honest.
    @discardableResult
    package func start(_ validator: Int, behaviour: String? = nil) async throws -> NodeProcess {
        let name = Self.names[validator]
        let base = folder.appending(path: name).path
        let address = "/ip4/\(NetworkLab.address(of: validator))/tcp/\(Self.peerPort)"
        var arguments = ["--chain", chain, "--base-path", base, "--listen-addr", address]
        arguments += ["--suri", "//\(name.prefix(1).uppercased() + name.dropFirst())"]
        arguments += ["--rpc-port", "\(Self.rpcPort)", "-l", "info,coherence=debug"]
        if behaviour == nil { arguments.append("--no-mdns") }
        let bootnodes = identities.enumerated().compactMap { host, identity in
            identity.flatMap { peer in
                host == validator
                    ? nil : "/ip4/\(NetworkLab.address(of: host))/tcp/\(Self.peerPort)/p2p/\(peer)"
            }
        }
        if !bootnodes.isEmpty { arguments += ["--bootnodes"] + bootnodes }
        arguments += behaviour.map { ["--behaviour", $0] } ?? ["--validator"]
        let node = NodeProcess(
            name: name, rpcPort: Self.rpcPort, arguments: arguments, logFile: base + ".log",
            program: behaviour == nil ? "quantumharmony-node" : "quantumharmony-evil-node",
            prefix: lab.prefix(of: validator), namespace: lab.namespace(of: validator))
        processes.append(node)
        nodes[validator] = node
        isEvil[validator] = behaviour != nil
        try node.start()
        identities[validator] = try await node.peerID()
        try await node.wait(for: "JSON-RPC on")
        return node
    }

    /// The honest validators that run.
    package var honest: [NodeProcess] {
        nodes.enumerated().compactMap { validator, node in
            isEvil[validator] || node?.isRunning != true ? nil : node
        }
    }

    /// The highest block that is final anywhere.
    package func finalisedNumber() throws -> UInt32 {
        try honest.map { try $0.rpc.finalisedNumber() }.max() ?? 0
    }

    /// Waits until a block of that height is final at every honest validator that runs.
    package func waitForFinality(of height: UInt32, seconds: Double = 60) async throws {
        for node in honest { try await node.waitForFinality(of: height, seconds: seconds) }
    }

    /// The blocks by height that honest validators ever called final: one each, or something is
    /// badly wrong.
    package var finalisedBlocks: [UInt32: Set<String>] {
        var blocks: [UInt32: Set<String>] = [:]
        for process in processes where !process.isEvil {
            for line in process.log.lines {
                guard line.contains(" in round "),
                    let number = NodeProcess.finalisedNumber(in: line),
                    let start = line.range(of: "(0x")?.lowerBound,
                    let end = line[start...].firstIndex(of: ")")
                else { continue }
                blocks[number, default: []].insert(String(line[start..<end]))
            }
        }
        return blocks
    }
}
