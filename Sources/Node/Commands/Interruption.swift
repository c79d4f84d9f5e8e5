import Foundation
internal import UnixSignals

/// Work of a program that goes on until it is interrupted.
public enum Interruption {
    /// Runs `body`, which blocks, on a thread of its own until it ends; calls `stop`, which makes it
    /// end, at SIGINT and SIGTERM.
    public static func run(
        _ body: @escaping @Sendable () -> Void, stop: @escaping @Sendable () -> Void
    ) async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withCheckedContinuation { continuation in
                    Thread.detachNewThread {
                        body()
                        continuation.resume()
                    }
                }
            }
            group.addTask {
                for await _ in signals { break }
                stop()
            }
            await group.next()
            group.cancelAll()
        }
    }
}
