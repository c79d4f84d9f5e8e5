import Foundation
import Glibc

/// A process that the launcher started, with a pipe to its standard input.
///
/// The pipe ends when the launcher does, and with it the process: see `--until-input-ends`. Used
/// by the launcher's thread only.
struct ChildNode {
    let processID: pid_t
    private let input: Int32
    /// The exit status, or minus the number of the signal that ended it; nil while it runs.
    private(set) var status: Int32?
    /// Whether it was told to end.
    var isAskedToEnd = false

    /// Starts a program in a process group of its own, so that Ctrl-C reaches the launcher only.
    ///
    /// - Parameter logFile: what it writes is appended there.
    init(_ program: String, _ arguments: [String], logFile: String) throws(LaunchError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .cannotStart(program, why: Self.reason(errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(
            &actions, 1, logFile, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var values =
            ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + values { free(word) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, program, &actions, &attributes, &words, &values)
        close(ends[0])
        guard result == 0 else {
            close(ends[1])
            throw .cannotStart(program, why: Self.reason(result))
        }
        processID = child
        input = ends[1]
    }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

    /// Looks whether it has ended.
    mutating func poll() {
        guard status == nil else { return }
        var word: Int32 = 0
        let result = waitpid(processID, &word, WNOHANG)
        guard result == processID else { return }
        let signal = word & 0x7F
        status = signal == 0 ? word >> 8 & 0xFF : -signal
        close(input)
    }

    /// Sends a signal, unless it has ended.
    mutating func end(_ signal: Int32) {
        poll()
        isAskedToEnd = true
        if status == nil { _ = Glibc.kill(processID, signal) }
    }
}

/// Why a test network cannot be started or changed.
enum LaunchError: Error, CustomStringConvertible {
    case cannotStart(String, why: String)
    case noPort(why: String)
    case folder(String, why: String)
    case scenario(path: String, why: String)
    case program(name: String, why: String)

    var description: String {
        switch self {
        case .cannotStart(let program, let why): "cannot start \(program): \(why)."
        case .noPort(let why): "no free port on 127.0.0.1: \(why)."
        case .folder(let path, let why):
            "cannot use the folder '\(path)': \(why). Choose another one with --base-path."
        case .scenario(let path, let why): "the scenario '\(path)': \(why)."
        case .program(let name, let why): "--bin \(name): \(why)."
        }
    }
}
