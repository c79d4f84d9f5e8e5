package import NIOCore
internal import NIOHTTP1
internal import NIOWebSocket
internal import Synchronization

/// A client's connection as the server's task sees it: calls come in, replies go out.
///
/// When nobody iterates over `calls` any more the connection is closed.
package struct HTTPConnection: Sendable {
    private let channel: any Channel
    /// Complete requests, one at a time: the next comes after the reply.
    package let calls: AsyncStream<HTTPCall>
    /// Whether the connection is within the server's bound.
    let isAdmitted: Bool
    /// What the connection's calls have to do with each other.
    let caller: RPCCaller

    /// Prepares the pipeline of a new connection, on its event loop.
    init(
        _ channel: any Channel, gate: HTTPGate, limits: RPCLimits, counters: ConnectionCounters
    ) throws {
        let (calls, continuation) = AsyncStream.makeStream(of: HTTPCall.self)
        self.channel = channel
        self.calls = calls
        isAdmitted = counters.admit()
        let session = WebSocketSession(channel, limits: limits)
        caller = RPCCaller(session: session, limits: limits)
        guard isAdmitted else { return }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headerByteCount
        decoding.maxHeaderListSize = limits.headerByteCount
        decoding.maxHeaderFieldCount = limits.headerFieldCount
        continuation.onTermination = { _ in channel.close(promise: nil) }
        do {
            let handler = HTTPConnectionHandler(gate: gate, limits: limits, calls: continuation)
            let upgrader = Self.makeUpgrader(
                from: NIOLoopBound(handler, eventLoop: channel.eventLoop), gate: gate,
                limits: limits
            ) { WebSocketHandler(limits: limits, calls: continuation, session: session) }
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: true,
                withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }),
                withErrorHandling: false, withOutboundHeaderValidation: true,
                withEncoderConfiguration: HTTPResponseEncoder.Configuration(),
                withDecoderLimitConfiguration: decoding)
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            counters.left()
            throw error
        }
    }

    /// Replaces the HTTP handler when a client's first request asks to speak WebSocket.
    private static func makeUpgrader(
        from handler: NIOLoopBound<HTTPConnectionHandler>, gate: HTTPGate, limits: RPCLimits,
        to makeHandler: @escaping @Sendable () -> WebSocketHandler
    ) -> NIOWebSocketServerUpgrader {
        NIOWebSocketServerUpgrader(
            maxFrameSize: limits.requestByteCount, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(gate.allowsUpgrade(head) ? [:] : nil)
            },
            upgradePipelineHandler: { channel, _ in
                let pipeline = channel.pipeline.syncOperations
                do {
                    try pipeline.addHandler(makeHandler())
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
                handler.value.handOver()
                return pipeline.removeHandler(handler.value)
            })
    }

    /// Prepares the pipeline of a connection that is the only one.
    package init(_ channel: any Channel, gate: HTTPGate, limits: RPCLimits) throws {
        try self.init(
            channel, gate: gate, limits: limits, counters: ConnectionCounters(limit: 1))
    }

    /// Writes a reply; returns when the socket took it or the connection has ended.
    func write(_ reply: HTTPReply) async {
        // A client that has gone needs no answer, and its stream of calls ends by itself.
        try? await channel.writeAndFlush(reply)
    }

    /// Says that the server is full and closes.
    func turnAway() async {
        let reason =
            "This node serves as many connections as it may. Close some, or try again later. "
            + "The operator sets the number with --rpc-max-connections.\n"
        let head =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(reason.utf8.count)\r\nConnection: close\r\n\r\n"
        try? await channel.writeAndFlush(ByteBuffer(string: head + reason))
        try? await channel.close()
    }
}

/// Counts the connections of a server and bounds them.
final class ConnectionCounters: Sendable {
    private let state = Mutex(RPCServer.Statistics())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes a place, if there is one; `left` gives it back.
    func admit() -> Bool {
        state.withLock { state in
            guard state.connectionCount < limit else {
                state.refusedConnectionCount += 1
                return false
            }
            state.connectionCount += 1
            return true
        }
    }

    func left() { state.withLock { $0.connectionCount -= 1 } }

    func countRequest() { state.withLock { $0.requestCount += 1 } }

    var snapshot: RPCServer.Statistics { state.withLock { $0 } }
}
