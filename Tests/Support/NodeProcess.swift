package import Foundation

/// A node in a process of its own, started from the built program.
package final class NodeProcess {
    package let name: String
    package let arguments: [String]
    package let rpcPort: Int
    package let log = LineLog()
    private let environment: [String: String]
    private let logFile: String?
    private let program: String
    private let prefix: [String]
    private let namespace: String?
    private var child: ChildProcess?

    /// - Parameters:
    ///   - environment: what is added to this process's environment.
    ///   - logFile: what the process writes is appended there as well.
    ///   - program: the program's name.
    ///   - prefix: a command that runs it, such as one that enters a namespace.
    ///   - namespace: the network namespace that it runs in, as a file; nil: this process's.
    package init(
        name: String, rpcPort: Int, arguments: [String], environment: [String: String] = [:],
        logFile: String? = nil, program: String = "quantumharmony-node", prefix: [String] = [],
        namespace: String? = nil
    ) {
        self.name = name
        self.rpcPort = rpcPort
        self.arguments = arguments
        self.environment = environment
        self.logFile = logFile
        self.program = program
        self.prefix = prefix
        self.namespace = namespace
    }

    deinit { kill() }

    /// The folder of the built programs: `QH_BIN`, or the release build of this package.
    package static var programs: URL {
        if let folder = ProcessInfo.processInfo.environment["QH_BIN"] {
            return URL(filePath: folder)
        }
        return Repository.root.appending(path: ".build/release")
    }

    package func start() throws {
        let command = prefix + [Self.programs.appending(path: program).path] + arguments
        let log = log
        let file = logFile.flatMap { fopen($0, "a") }.map(LogFile.init)
        child = try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment
        ) { bytes in
            file?.write(bytes)
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
    }

    /// The TCP port of `--listen-addr`.
    package var peerPort: Int? {
        guard let place = arguments.firstIndex(of: "--listen-addr"), place + 1 < arguments.count
        else { return nil }
        return arguments[place + 1].split(separator: "/").last.flatMap { Int($0) }
    }

    /// A client of its JSON-RPC.
    package var rpc: RPCClient { RPCClient(port: rpcPort, namespace: namespace) }

    /// Whether it runs an evil node's program.
    package var isEvil: Bool { program != "quantumharmony-node" }

    /// The process's number; nil before the start.
    package var processID: Int32? { child?.processID }

    package var isRunning: Bool { child?.status == nil && child != nil }

    /// Ends the process at once, as a power cut would end it.
    package func kill() {
        guard let child, child.status == nil else { return }
        child.send(SIGKILL)
        child.waitForExit()
    }

    /// Stops the process as an operator does, and returns its exit status.
    package func stop(signal: Int32 = SIGTERM) -> Int32 {
        guard let child else { return -1 }
        child.send(signal)
        return child.waitForExit()
    }

    /// Waits for the process to end by itself and returns its exit status; minus the signal's
    /// number when a signal ended it.
    @discardableResult
    package func waitForExit() -> Int32 { child?.waitForExit() ?? -1 }

    /// Waits for a log line that contains `text`.
    @discardableResult
    package func wait(
        for text: String, from start: Int = 0, seconds: Double = 60
    ) async throws -> String {
        try await log.wait(from: start, for: "'\(text)' from \(name)", seconds: seconds) {
            $0.contains(text)
        }
    }

    /// Waits until a block of at least that height is final.
    package func waitForFinality(of height: UInt32, seconds: Double = 60) async throws {
        _ = try await log.wait(for: "finality of #\(height) at \(name)", seconds: seconds) {
            guard let number = Self.finalisedNumber(in: $0) else { return false }
            return number >= height
        }
    }

    /// The height in a line that tells of a finalised block.
    package static func finalisedNumber(in line: String) -> UInt32? {
        guard let range = line.range(of: "Finalised #") else { return nil }
        return UInt32(line[range.upperBound...].prefix { $0.isNumber })
    }

    /// The peer id that the node printed at its start.
    package func peerID() async throws -> String {
        let line = try await wait(for: "Local node identity is: ")
        guard let range = line.range(of: "Local node identity is: ") else { return "" }
        return String(line[range.upperBound...].prefix { !$0.isWhitespace })
    }

    /// The address for peers that the node printed at its start.
    package func listenAddress() async throws -> String {
        let line = try await wait(for: "Listening for peers on ")
        guard let range = line.range(of: "Listening for peers on ") else { return "" }
        return String(line[range.upperBound...])
    }
}

/// A file that one thread writes a log to.
private final class LogFile: @unchecked Sendable {
    // Used by the thread that reads the process's output, and by no other.
    private let file: UnsafeMutablePointer<FILE>

    init(_ file: UnsafeMutablePointer<FILE>) { self.file = file }

    deinit { fclose(file) }

    func write(_ bytes: [UInt8]) {
        fwrite(bytes, 1, bytes.count, file)
        fflush(file)
    }
}

/// Where the project's files are.
package enum Repository {
    package static var root: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// The Python that has the third-party peers: `QH_PYTHON`, or the project's own environment.
    package static var python: String {
        ProcessInfo.processInfo.environment["QH_PYTHON"]
            ?? root.appending(path: ".venv/bin/python3").path
    }
}
