import Foundation
import Testing

/// Some validators of one chain as real processes on loopback, each with a folder of its own.
final class Testnet {
    let folder: URL
    let chain: String
    private(set) var nodes: [String: NodeProcess] = [:]
    private var ports: [String: (peers: Int, rpc: Int)] = [:]
    private var bootnode: String?

    /// - Parameters:
    ///   - slotMilliseconds: a chain of its own with that slot duration; nil: the chain `local`.
    init(slotMilliseconds: Int? = nil) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let slotMilliseconds else {
            chain = "local"
            return
        }
        chain = folder.appending(path: "chain.json").path
        let (status, output) = try Program.run(
            "quantumharmony-node",
            ["build-spec", "--chain", "local", "--slot-duration", "\(slotMilliseconds)"])
        guard status == 0 else { throw NodeProcess.CannotStart(description: output) }
        try output.write(toFile: chain, atomically: true, encoding: .utf8)
    }

    deinit {
        for name in nodes.keys.sorted() { nodes[name]?.kill() }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts a validator, or starts it again; the first one is the others' bootnode.
    @discardableResult
    func start(_ name: String, log: String = "info,coherence=debug") async throws -> NodeProcess {
        let port = try ports[name] ?? (peers: Program.freePort(), rpc: Program.freePort())
        ports[name] = port
        var arguments = [
            "--\(name)", "--validator", "--chain", chain, "--base-path",
            folder.appending(path: name).path, "--listen-addr",
            "/ip4/127.0.0.1/tcp/\(port.peers)", "--rpc-port", "\(port.rpc)", "-l", log,
        ]
        if let bootnode, !bootnode.contains("/\(port.peers)/") {
            arguments += ["--bootnodes", bootnode]
        }
        let node = NodeProcess(name: name, rpcPort: port.rpc, arguments: arguments)
        nodes[name] = node
        try node.start()
        let peer = try await node.peerID()
        try await node.wait(for: "JSON-RPC on")
        if bootnode == nil { bootnode = "/ip4/127.0.0.1/tcp/\(port.peers)/p2p/\(peer)" }
        return node
    }

    /// The address that others dial the first validator at.
    var address: String { bootnode ?? "" }
}

/// Runs the project's programs to their end.
enum Program {
    /// The exit status and what was written to standard output and error.
    static func run(
        _ name: String, _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String) {
        try run(NodeProcess.programs.appending(path: name), arguments, input: input)
    }

    static func run(
        _ program: URL, _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let source = Pipe()
        process.standardInput = source
        try process.run()
        if let input { try source.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try source.fileHandleForWriting.close()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    /// A TCP port that nobody listens on now.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 ? getsockname(descriptor, pointer, &size) : -1
            }
        }
        guard status == 0 else { throw NodeProcess.CannotStart(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
