import Foundation
internal import Logging
internal import UnixSignals
internal import LibP2P
internal import Networking
internal import Storage

/// Runs a node as a program does: until it is interrupted or cannot go on.
public enum NodeRun {
    /// Starts a node and runs it until SIGINT or SIGTERM, or until the task is cancelled.
    ///
    /// - Throws: why it could not start or go on.
    public static func untilInterrupted(_ configuration: NodeConfiguration) async throws {
        let logger = Logger(label: "node")
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let preparation = try NodePreparation(configuration)
        defer { cleanUp(preparation, logger) }
        preparation.logSummary(logger)
        let service = try await NodeService.start(preparation)
        for address in await service.network.swarm.snapshot().listenAddresses {
            logger.info("Listening for peers on \(address)/p2p/\(preparation.identity.peerID)")
        }
        if let address = service.metricsAddress {
            logger.info("Metrics on http://\(address)/metrics")
        }
        logger.info("JSON-RPC on http://\(service.rpcAddress)")
        if let address = service.dashboardAddress {
            logger.info("Dashboard on http://\(address)")
        } else if configuration.servesDashboard {
            logger.warning("No dashboard: JSON-RPC is open to others than the operator")
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await service.run()
                return false
            }
            group.addTask {
                for await signal in signals {
                    logger.info("Stopping: \(signal)")
                    return true
                }
                return false
            }
            _ = try await group.next()
            group.cancelAll()
            while let _ = try await group.next() {}
        }
        logger.info("Stopped")
    }

    private static func cleanUp(_ preparation: NodePreparation, _ logger: Logger) {
        do {
            try preparation.store.close()
        } catch {
            logger.error("The database was not closed in good order: \(error)")
        }
        guard preparation.isTemporary else { return }
        do {
            try FileManager.default.removeItem(atPath: preparation.paths.root)
        } catch {
            logger.warning(
                "The temporary folder \(preparation.paths.root) was not removed: \(error)")
        }
    }
}
