import Foundation
internal import UnixSignals

/// Work of a program that goes on until it is interrupted.
public enum Interruption {
    /// Runs `body`, which blocks, on a thread of its own until it ends; calls `stop`, which makes it
    /// end, at SIGINT and SIGTERM.
    ///
    /// - Throws: what `body` throws.
    public static func run(
        _ body: @escaping @Sendable () throws -> Void, stop: @escaping @Sendable () -> Void
    ) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withCheckedThrowingContinuation { continuation in
                    Thread.detachNewThread {
                        continuation.resume(with: Result { try body() })
                    }
                }
            }
            group.addTask {
                for await _ in signals { break }
                stop()
            }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
