package import Foundation
import Keystore

/// Some validators of one chain as real processes on loopback, each with a folder of its own.
///
/// With `QH_KEEP` in the environment the folder stays, the nodes' logs included.
package final class Testnet {
    package let folder: URL
    package let chain: String
    package private(set) var nodes: [String: NodeProcess] = [:]
    private var ports: [String: (peers: Int, rpc: Int)] = [:]
    /// The address that others dial the first validator at.
    package private(set) var bootnode: String?

    /// - Parameters:
    ///   - slotMilliseconds: a chain of its own with that slot duration; nil: the chain `local`.
    ///   - validators: how many validators a chain of its own has; nil: Alice, Bob and Charlie.
    ///   - sessionLength: the blocks of a session of a chain of its own; nil: as it is by itself.
    package init(
        slotMilliseconds: Int? = nil, validators: Int? = nil, sessionLength: Int? = nil
    ) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let slotMilliseconds else {
            chain = "local"
            return
        }
        chain = folder.appending(path: "chain.json").path
        var options = ["build-spec", "--chain", "local", "--slot-duration", "\(slotMilliseconds)"]
        if let validators { options += ["--validators", "\(validators)"] }
        if let sessionLength { options += ["--session-length", "\(sessionLength)"] }
        let (status, output) = try Program.run("quantumharmony-node", options)
        guard status == 0 else { throw TestFailure(output) }
        try output.write(toFile: chain, atomically: true, encoding: .utf8)
    }

    deinit {
        for name in nodes.keys.sorted() { nodes[name]?.kill() }
        guard ProcessInfo.processInfo.environment["QH_KEEP"] == nil else { return }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts a validator, or starts it again; the first one is the others' bootnode.
    ///
    /// - Parameters:
    ///   - name: alice to ferdie, then v7 and on.
    ///   - isValidator: whether it votes and produces blocks, or only follows.
    ///   - bootnodes: what it dials; nil: the first validator.
    ///   - keys: what its keystore holds before the first start, instead of the key of its name:
    ///     URIs of development accounts.
    ///   - isKeystoreFilled: whether the test itself has said where the keys are, by files or options.
    ///   - options: added to the command line.
    ///   - environment: added to this process's environment.
    @discardableResult
    package func start(
        _ name: String, isValidator: Bool = true, keys: [String] = [],
        isKeystoreFilled: Bool = false, bootnodes: [String]? = nil,
        log: String = "info,coherence=debug", options: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> NodeProcess {
        let node = try await launch(
            name, isValidator: isValidator, keys: keys, isKeystoreFilled: isKeystoreFilled,
            bootnodes: bootnodes, log: log, options: options, environment: environment)
        let peer = try await node.peerID()
        let line = try await node.wait(for: "JSON-RPC on")
        guard line.hasSuffix("http://127.0.0.1:\(node.rpcPort)") else {
            throw TestFailure("\(name) serves JSON-RPC where nobody asked it to: \(line)")
        }
        if bootnode == nil, let port = ports[name]?.peers {
            bootnode = "/ip4/127.0.0.1/tcp/\(port)/p2p/\(peer)"
        }
        return node
    }

    /// As `start`, without waiting for the node to be ready.
    package func launch(
        _ name: String, isValidator: Bool = true, keys: [String] = [],
        isKeystoreFilled: Bool = false, bootnodes: [String]? = nil,
        log: String = "info,coherence=debug", options: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> NodeProcess {
        let port = try ports[name] ?? (peers: Program.freePort(), rpc: Program.freePort())
        ports[name] = port
        let isNamed = ["alice", "bob", "charlie", "dave", "eve", "ferdie"].contains(name)
        var arguments: [String] = []
        if keys.isEmpty && !isKeystoreFilled {
            arguments = isNamed ? ["--\(name)"] : ["--suri", "//\(name.uppercased())"]
        } else {
            if nodes[name] == nil { try fillKeystore(of: name, with: keys) }
        }
        if isValidator { arguments.append("--validator") }
        arguments += [
            "--chain", chain, "--base-path", basePath(of: name),
            "--listen-addr", "/ip4/127.0.0.1/tcp/\(port.peers)", "--rpc-port", "\(port.rpc)",
            "-l", log,
        ]
        let dialled = (bootnodes ?? [bootnode].compactMap(\.self)).filter {
            !$0.contains("/\(port.peers)/")
        }
        if !dialled.isEmpty { arguments += ["--bootnodes"] + dialled }
        let node = NodeProcess(
            name: name, rpcPort: port.rpc, arguments: arguments + options,
            environment: environment, logFile: basePath(of: name) + ".log")
        nodes[name] = node
        try node.start()
        return node
    }

    private func fillKeystore(of name: String, with keys: [String]) throws {
        let base = URL(filePath: basePath(of: name))
        let folder = base.appending(path: "chains/\(try chainID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let store = try SessionKeystore(directory: folder.appending(path: "keystore").path)
        for uri in keys { try store.insert(DevelopmentAccount(uri: uri)) }
    }

    /// The id that the chain's specification has.
    private func chainID() throws -> String {
        let specification = try JSONSerialization.jsonObject(
            with: Foundation.Data(contentsOf: URL(filePath: chain)))
        guard let id = (specification as? [String: Any])?["id"] as? String else {
            throw TestFailure("\(chain) has no id")
        }
        return id
    }

    /// The port that a node listens for peers on; nil before its first start.
    package func peerPort(of name: String) -> Int? { ports[name]?.peers }

    /// The folder of a node's files.
    package func basePath(of name: String) -> String { folder.appending(path: name).path }
}
