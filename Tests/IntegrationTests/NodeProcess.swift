import Foundation
import Glibc

/// A real node in a process of its own, started from the built program.
final class NodeProcess {
    let name: String
    let arguments: [String]
    let rpcPort: Int
    let log = LineLog()
    private var process: Process?

    struct CannotStart: Error, CustomStringConvertible { let description: String }

    init(name: String, rpcPort: Int, arguments: [String]) {
        self.name = name
        self.rpcPort = rpcPort
        self.arguments = arguments
    }

    deinit { kill() }

    /// The folder of the built programs: `QH_BIN`, or the release build of this package.
    static var programs: URL {
        if let folder = ProcessInfo.processInfo.environment["QH_BIN"] {
            return URL(filePath: folder)
        }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release")
    }

    func start() throws {
        let process = Process()
        process.executableURL = Self.programs.appending(path: "quantumharmony-node")
        guard FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") else {
            throw CannotStart(
                description: "\(process.executableURL?.path ?? "?") is not built; run scripts/test")
        }
        process.arguments = arguments
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        let log = log
        output.fileHandleForReading.readabilityHandler = { handle in
            let bytes = [UInt8](handle.availableData)
            if bytes.isEmpty {
                handle.readabilityHandler = nil
                log.end()
            } else {
                log.append(bytes)
            }
        }
        try process.run()
        self.process = process
    }

    var isRunning: Bool { process?.isRunning ?? false }

    /// Ends the process at once, as a power cut would end it.
    func kill() {
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Stops the process as an operator does, and returns its exit status.
    func stop(signal: Int32 = SIGTERM) -> Int32 {
        guard let process else { return -1 }
        if process.isRunning { Glibc.kill(process.processIdentifier, signal) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Waits for the process to end by itself and returns its exit status.
    func waitForExit() -> Int32 {
        process?.waitUntilExit()
        return process?.terminationStatus ?? -1
    }

    /// Waits for a log line that contains `text`.
    @discardableResult
    func wait(for text: String, from start: Int = 0, seconds: Double = 60) async throws -> String {
        try await log.wait(from: start, for: "'\(text)' from \(name)", seconds: seconds) {
            $0.contains(text)
        }
    }

    /// Waits until a block of at least that height is final.
    func waitForFinality(of height: UInt32, seconds: Double = 60) async throws {
        _ = try await log.wait(for: "finality of #\(height) at \(name)", seconds: seconds) {
            guard let number = Self.finalisedNumber(in: $0) else { return false }
            return number >= height
        }
    }

    /// The height in a line that tells of a finalised block.
    static func finalisedNumber(in line: String) -> UInt32? {
        guard let range = line.range(of: "Finalised #") else { return nil }
        return UInt32(line[range.upperBound...].prefix { $0.isNumber })
    }

    /// The peer id that the node printed at its start.
    func peerID() async throws -> String {
        let line = try await wait(for: "Local node identity is: ")
        guard let range = line.range(of: "Local node identity is: ") else { return "" }
        return String(line[range.upperBound...].prefix { !$0.isWhitespace })
    }
}
