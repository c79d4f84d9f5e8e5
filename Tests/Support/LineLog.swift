import Foundation
import Synchronization

/// The lines a child process wrote so far, and those who wait for one.
///
/// Lines wake the tests up; what the tests assert they ask by RPC.
package final class LineLog: Sendable {
    private struct Waiter {
        let id: UInt64
        let matches: @Sendable (String) -> Bool
        let resume: @Sendable (Result<String, any Error>) -> Void
    }

    private struct State {
        package var lines: [String] = []
        var partial: [UInt8] = []
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
        var isEnded = false
    }

    package struct Ended: Error, CustomStringConvertible { package let description: String }

    private let state = Mutex(State())

    package init() {}

    /// All lines so far.
    package var lines: [String] { state.withLock { $0.lines } }

    /// The last lines, for messages of failed tests.
    package func tail(_ count: Int = 40) -> String {
        lines.suffix(count).joined(separator: "\n")
    }

    package func append(_ bytes: [UInt8]) {
        var woken: [(Waiter, String)] = []
        state.withLock { state in
            state.partial += bytes
            while let end = state.partial.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: state.partial[..<end], as: UTF8.self)
                state.partial.removeFirst(end + 1)
                state.lines.append(line)
                state.waiters.removeAll { waiter in
                    guard waiter.matches(line) else { return false }
                    woken.append((waiter, line))
                    return true
                }
            }
        }
        for (waiter, line) in woken { waiter.resume(.success(line)) }
    }

    /// The process has closed its output.
    package func end() {
        let waiters = state.withLock { state in
            state.isEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        let tail = tail()
        for waiter in waiters {
            waiter.resume(
                .failure(Ended(description: "the process ended; its last lines:\n\(tail)")))
        }
    }

    /// Waits for the end of the process; false when it does not end within that time.
    package func ended(within seconds: Double) async -> Bool {
        do {
            _ = try await wait(from: .max, for: "the end", seconds: seconds) { _ in false }
        } catch is Ended {
            return true
        } catch {
            return false
        }
        return false
    }

    /// Waits for a line from number `start` on that satisfies the condition.
    package func wait(
        from start: Int = 0, for what: String, seconds: Double,
        _ matches: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let once = Once(continuation)
            let found: String? = state.withLock { state in
                if let line = state.lines.dropFirst(start).first(where: matches) { return line }
                if state.isEnded { return nil }
                let id = state.nextID
                state.nextID += 1
                state.waiters.append(Waiter(id: id, matches: matches, resume: once.resume))
                DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
                    guard let self else { return }
                    self.state.withLock { $0.waiters.removeAll { $0.id == id } }
                    once.resume(
                        .failure(
                            TestFailure(
                                "no line with \(what) within \(seconds) s; the last lines:\n"
                                    + self.tail())))
                }
                return ""
            }
            guard let found else {
                once.resume(.failure(Ended(description: "the process has ended:\n\(tail())")))
                return
            }
            if !found.isEmpty { once.resume(.success(found)) }
        }
    }
}

/// Resumes a continuation at the first call and ignores later ones.
private final class Once: Sendable {
    private let continuation: Mutex<CheckedContinuation<String, any Error>?>

    init(_ continuation: CheckedContinuation<String, any Error>) {
        self.continuation = Mutex(continuation)
    }

    @Sendable func resume(_ result: Result<String, any Error>) {
        let taken = continuation.withLock { held in
            defer { held = nil }
            return held
        }
        taken?.resume(with: result)
    }
}
