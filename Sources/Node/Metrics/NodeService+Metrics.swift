internal import Chain
internal import Logging
internal import Primitives
internal import RPC
internal import Storage

extension NodeService {
    /// Opens the port for Prometheus, if there is to be one.
    static func startMetrics(
        _ preparation: NodePreparation, description: NodeDescription, host: ValidatorHost,
        network: NetworkBridge, recorder: MetricsRecorder, pool: WorkPool, rpc: RPCServer
    ) async throws -> RPCServer? {
        guard let port = preparation.configuration.prometheusPort else { return nil }
        let source = MetricsSource(
            chainID: preparation.chain.parameters.chainID, description: description, host: host,
            network: network, recorder: recorder, pool: pool, rpc: rpc,
            basePath: preparation.paths.root, storedEvidenceCount: preparation.evidence.count,
            startUnixMilliseconds: NodeClock.unixMilliseconds(), start: NodeClock.now())
        do {
            return try await MetricsServer.start(
                port: port, isExternal: preparation.configuration.isPrometheusExternal,
                source: source)
        } catch {
            guard preparation.configuration.isPrometheusRequired else {
                Logger(label: "node").warning("Running without metrics: \(error)")
                return nil
            }
            await rpc.shutdown()
            throw error
        }
    }
}
