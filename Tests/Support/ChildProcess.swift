package import Foundation
import Glibc
import Synchronization

/// A child process whose output is read by a thread of its own.
///
/// Plain system calls: a signal can be sent at any moment, its end is told with the signal that
/// caused it, and nothing stays behind in the run loop or the dispatch library (whose readers crash
/// the process now and then when a pipe is closed under them).
package final class ChildProcess: Sendable {

    package let processID: Int32
    private let input: Mutex<Int32>
    private let ended = NSCondition()
    private let exitStatus = Mutex<Int32?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: what is added to this process's environment.
    ///   - output: gets what the program writes to its standard output and error, in pieces, and
    ///     nothing (no bytes) at the end; called on one thread.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        output: @escaping @Sendable ([UInt8]) -> Void
    ) throws {
        guard access(program, X_OK) == 0 else {
            throw TestFailure("\(program) is no program; run scripts/test")
        }
        // A child that is gone must be an error of the write, not the end of the tests.
        signal(SIGPIPE, SIG_IGN)
        let child = try Self.starting.withLock { _ in
            try Self.spawn(program, arguments, environment: environment)
        }
        processID = child.processID
        input = Mutex(child.input)
        Thread.detachNewThread { [self] in
            Self.read(child.output, output)
            reap()
        }
    }

    deinit { closeInput() }

    /// One child is started at a time: another one must not inherit its pipes.
    private static let starting = Mutex(())

    private static func spawn(
        _ program: String, _ arguments: [String], environment: [String: String]
    ) throws -> (processID: Int32, input: Int32, output: Int32) {
        let (toChild, fromChild) = (try Self.pipe(), try Self.pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, fromChild.writing, 2)
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var names = ([program] + arguments).map { strdup($0) } + [nil]
        var values = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in names + values { free(text) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, program, &actions, nil, &names, &values)
        close(toChild.reading)
        close(fromChild.writing)
        guard status == 0 else {
            close(toChild.writing)
            close(fromChild.reading)
            throw TestFailure("\(program): \(String(cString: strerror(status)))")
        }
        return (child, toChild.writing, fromChild.reading)
    }

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw TestFailure("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func read(_ descriptor: Int32, _ output: ([UInt8]) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            output(Array(buffer[..<count]))
        }
        close(descriptor)
        output([])
    }

    /// Waits for the end, after the output has ended.
    private func reap() {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7F
        ended.lock()
        exitStatus.withLock { $0 = signal == 0 ? status >> 8 & 0xFF : -signal }
        ended.broadcast()
        ended.unlock()
    }

    /// The exit status, or minus the number of the signal that ended the process; nil while it
    /// runs.
    package var status: Int32? { exitStatus.withLock { $0 } }

    /// Waits for the end.
    @discardableResult
    package func waitForExit() -> Int32 {
        ended.lock()
        defer { ended.unlock() }
        while true {
            if let status { return status }
            ended.wait()
        }
    }

    /// Sends a signal, unless the process has ended.
    package func send(_ signal: Int32) {
        exitStatus.withLock { status in
            if status == nil { _ = Glibc.kill(processID, signal) }
        }
    }

    /// Writes to the program's standard input.
    package func write(_ bytes: [UInt8]) throws {
        try input.withLock { descriptor in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    throw TestFailure("process \(processID) reads no input")
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    package func closeInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}

/// Runs programs to their end.
package enum Program {
    /// The exit status of one of the project's programs, and what it wrote.
    package static func run(
        _ name: String, _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String) {
        try run(NodeProcess.programs.appending(path: name), arguments, input: input)
    }

    package static func run(
        _ program: URL, _ arguments: [String], input: String? = nil
    ) throws -> (status: Int32, output: String) {
        let output = Collected()
        let child = try ChildProcess(program.path, arguments) { output.append($0) }
        // A program that ends before it has read everything is no error here.
        if let input { try? child.write(Array(input.utf8)) }
        child.closeInput()
        let status = child.waitForExit()
        return (status, output.text)
    }

    private final class Collected: Sendable {
        private let bytes = Mutex<[UInt8]>([])

        func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }

        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    /// A TCP port that is free on every address, and that this process has not named before.
    ///
    /// It is none of those that the kernel gives to whoever asks for any, as other tests do: one of
    /// these might be gone before it is used.
    package static func freePort() throws -> Int {
        for _ in portRange {
            let port = nextPort.withLock { next in
                defer { next = next + 1 < portRange.upperBound ? next + 1 : portRange.lowerBound }
                return next
            }
            if isFree(port) { return port }
        }
        throw TestFailure("no free port in \(portRange)")
    }

    /// Below the kernel's own (/proc/sys/net/ipv4/ip_local_port_range) and a node's usual ports.
    private static let portRange = 20_000..<30_000
    /// Another start for each process, should several share a network.
    private static let nextPort = Mutex(
        portRange.lowerBound + Int(getpid()) * 16 % portRange.count)

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
