import LibP2P
import Logging
import Node

/// A program with a node inside: a validator of the development chain that runs as long as the
/// program has something to do, here the number of seconds that it is given, or until Ctrl-C.
///
///     swift run -c release example-embedded-node 30
///
/// The node is a task: cancelling it stops the node in good order, and a failure of the node comes out
/// of it as an error.
@main
struct EmbeddedNode {
    static func main() async throws {
        let seconds = CommandLine.arguments.dropFirst().first.flatMap { UInt32($0) } ?? 30
        LoggingSystem.bootstrap(StreamLogHandler.standardOutput)

        var configuration = NodeConfiguration()
        configuration.name = "embedded"
        configuration.chain = .dev
        configuration.suri = "//Alice"
        configuration.isValidator = true
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        // Any free port, which the log tells. Without a base path everything is in a temporary folder.
        configuration.rpcPort = 0

        try await withThrowingTaskGroup(of: Void.self) { [configuration] group in
            group.addTask { try await NodeRun.untilInterrupted(configuration) }
            group.addTask { try await work(for: seconds) }
            // Whichever ends first: Ctrl-C ends the node, the end of the work ends the program.
            try await group.next()
            group.cancelAll()
            do {
                try await group.waitForAll()
            } catch is CancellationError {}
        }
    }

    /// Stands for what a program that embeds a node does besides.
    private static func work(for seconds: UInt32) async throws {
        try await Task.sleep(for: .seconds(seconds))
    }
}
