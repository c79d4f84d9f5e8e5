internal import Logging
internal import Metrics
internal import NIOHTTP1
internal import RPC

/// Serves `/metrics` to Prometheus, on a port of its own and with the bounds of the RPC server.
enum MetricsServer {
    /// Opens the port.
    ///
    /// - Parameters:
    ///   - isExternal: on all interfaces and for every `Host`; else on localhost alone.
    ///   - port: 0: any free one.
    /// - Throws: `NodeError.listen`, with what to do.
    static func start(
        port: UInt16, isExternal: Bool, source: MetricsSource
    ) async throws(NodeError) -> RPCServer {
        var settings = RPCServer.Configuration()
        settings.port = port
        settings.host = isExternal ? "0.0.0.0" : "127.0.0.1"
        settings.hosts = isExternal ? .any : .loopback
        settings.allowsOperatorMethods = false
        settings.limits.connectionCount = 16
        // Nothing is posted here.
        settings.limits.requestByteCount = 0
        settings.limits.writeTimeout = .seconds(10)
        let page = HTTPPage(path: "/metrics") {
            HTTPReply(
                status: .ok, contentType: MetricRegistry.contentType,
                body: Array(await source.page().utf8))
        }
        do throws(RPCServerError) {
            return try await RPCServer.start(
                configuration: settings, methods: RPCMethods(), pages: [page],
                logger: Logger(label: "metrics"))
        } catch {
            throw NodeError.listen(text(error))
        }
    }

    private static func text(_ error: RPCServerError) -> String {
        switch error {
        case .portInUse(let host, let port):
            "cannot serve metrics on \(host), port \(port): another process listens there. Stop it, "
                + "choose another port with --prometheus-port, or do without metrics with "
                + "--no-prometheus."
        case .permissionDenied(let host, let port):
            "cannot serve metrics on \(host), port \(port): permission denied. Choose a port from "
                + "1024 on with --prometheus-port."
        case .addressUnavailable(let host, let reason):
            "cannot serve metrics on \(host): it is no address of this machine (\(reason)). Leave "
                + "--prometheus-external away, or do without metrics with --no-prometheus."
        case .failed(let host, let port, let reason):
            "cannot serve metrics on \(host), port \(port): \(reason)."
        }
    }
}
