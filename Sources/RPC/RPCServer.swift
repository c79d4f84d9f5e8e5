package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// JSON-RPC 2.0 over HTTP/1.1, and pages for GET, on one port.
///
/// `start` binds the port and `shutdown` ends everything that came of it. What a client can make
/// the server hold is bounded by `RPCLimits`.
package final class RPCServer: Sendable {
    /// Where and for whom to listen.
    package struct Configuration: Sendable {
        /// An address of this machine: loopback unless the operator chose otherwise.
        package var host = "127.0.0.1"
        /// 0: any free port.
        package var port: UInt16 = 9944
        /// Host names that requests may be addressed to.
        package var hosts = HTTPGate.Rule.loopback
        /// Origins whose pages may call.
        package var origins = HTTPGate.Rule.loopback
        /// Whether the operator's methods are served; nil: iff the listener is on loopback.
        package var allowsOperatorMethods: Bool?
        package var limits = RPCLimits()

        package init() {}
    }

    /// What the server has done so far, for metrics.
    package struct Statistics: Sendable, Hashable {
        /// Connections being served.
        package var connectionCount = 0
        /// Connections turned away because there were too many.
        package var refusedConnectionCount: UInt64 = 0
        /// JSON-RPC bodies answered.
        package var requestCount: UInt64 = 0
    }

    /// The address that the server listens on.
    package let boundAddress: BoundAddress
    /// Whether the operator's methods and pages are served.
    package var servesOperator: Bool { service.dispatcher.allowsOperatorMethods }
    private let service: Service
    private let running: Task<Void, Never>

    /// An IP address and a port.
    package struct BoundAddress: Sendable, Hashable, CustomStringConvertible {
        package let host: String
        package let port: UInt16

        package var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    private init(boundAddress: BoundAddress, service: Service, running: Task<Void, Never>) {
        self.boundAddress = boundAddress
        self.service = service
        self.running = running
    }

    /// Binds the port and begins to serve.
    ///
    /// - Throws: `RPCServerError` when the port cannot be had.
    package static func start(
        configuration: Configuration, methods: RPCMethods, pages: [HTTPPage] = [],
        logger: Logger
    ) async throws(RPCServerError) -> RPCServer {
        let listener: NIOAsyncChannel<HTTPConnection, Never>
        let counters = ConnectionCounters(limit: configuration.limits.connectionCount)
        let gate = HTTPGate(
            hosts: configuration.hosts, origins: configuration.origins,
            bodyLimit: configuration.limits.requestByteCount)
        let limits = configuration.limits
        do {
            // Never by name when it is an address: the resolver may turn 127.0.0.1 into
            // ::ffff:127.0.0.1 on machines that have IPv6.
            let port = Int(configuration.port)
            let address =
                try (try? SocketAddress(ipAddress: configuration.host, port: port))
                ?? SocketAddress.makeAddressResolvingHost(configuration.host, port: port)
            listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 128)
                .bind(to: address) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try HTTPConnection(channel, gate: gate, limits: limits, counters: counters)
                    }
                }
        } catch {
            throw RPCServerError(
                error, host: configuration.host, port: configuration.port)
        }
        guard let address = listener.channel.localAddress, let host = address.ipAddress,
            let port = address.port.flatMap(UInt16.init(exactly:))
        else { preconditionFailure("a bound TCP listener has an address") }
        let allowsOperator =
            configuration.allowsOperatorMethods ?? (host == "::1" || host.hasPrefix("127."))
        let service = Service(
            dispatcher: RPCDispatcher(
                methods: methods, limits: limits, allowsOperatorMethods: allowsOperator),
            pages: pages.filter { $0.access == .safe || allowsOperator }, counters: counters,
            logger: logger)
        let running = Task { await service.run(listener) }
        return RPCServer(
            boundAddress: BoundAddress(host: host, port: port), service: service, running: running)
    }

    /// Stops listening, ends all connections and returns when that is done.
    package func shutdown() async {
        running.cancel()
        await running.value
    }

    package var statistics: Statistics { service.counters.snapshot }
}

/// What the connections of a server share.
private struct Service: Sendable {
    let dispatcher: RPCDispatcher
    let pages: [HTTPPage]
    let counters: ConnectionCounters
    let logger: Logger

    func run(_ listener: NIOAsyncChannel<HTTPConnection, Never>) async {
        await withDiscardingTaskGroup { group in
            do {
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { await serve(connection) }
                    }
                }
            } catch is CancellationError {
                logger.debug("RPC server stopped")
            } catch {
                logger.error("RPC server stopped: \(error)")
            }
            group.cancelAll()
        }
    }

    private func serve(_ connection: HTTPConnection) async {
        guard connection.isAdmitted else {
            await connection.turnAway()
            return
        }
        defer { counters.left() }
        for await call in connection.calls { await answer(call, on: connection) }
    }

    private func answer(_ call: HTTPCall, on connection: HTTPConnection) async {
        switch call.purpose {
        case .jsonRPC:
            counters.countRequest()
            await dispatcher.handle(call.body, from: connection.caller.overHTTP) { response in
                let reply = response.map { HTTPReply.json($0) } ?? .noContent
                await connection.write(reply.answering(call))
            }
        case .message:
            counters.countRequest()
            let session = connection.caller.session
            await dispatcher.handle(call.body, from: connection.caller) { response in
                if let response { await session?.respond(response) }
                session?.release()
            }
            session?.finishedCall()
        case .page(let path):
            let page = pages.first { $0.path == path }
            let reply = await page?.render() ?? HTTPGate.methodNotAllowed
            await connection.write(reply.answering(call))
        case .preflight:
            var reply = HTTPReply.noContent
            reply.headers = [
                HTTPReply.Header("Access-Control-Allow-Methods", "POST, GET, OPTIONS"),
                HTTPReply.Header("Access-Control-Allow-Headers", "Content-Type"),
                HTTPReply.Header("Access-Control-Max-Age", "600"),
            ]
            await connection.write(reply.answering(call))
        }
    }
}
