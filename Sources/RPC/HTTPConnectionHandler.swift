internal import NIOCore
internal import NIOHTTP1
internal import NIOWebSocket

/// One HTTP connection: gathers requests within their bounds and times, hands them on one at a
/// time and writes the replies.
///
/// Stands behind NIO's HTTP decoder and its pipelining handler, which lets the next request in
/// after the reply. Every state but `answering` has a timer, so a peer that drips bytes or does
/// not read holds a connection for a bounded time only.
final class HTTPConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = Never
    typealias OutboundIn = HTTPReply
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// For the head of a request.
        case waiting
        /// For the rest of a request's body.
        case receiving(HTTPCall)
        /// For the reply.
        case answering
        /// For the peer to take the last reply; what it still sends is dropped.
        case lingering(droppedByteCount: Int)
    }

    /// What a refused peer may still send before it is cut off.
    private static let lingerByteLimit = 8 << 20

    private let gate: HTTPGate
    private let limits: RPCLimits
    private let calls: AsyncStream<HTTPCall>.Continuation
    private var state = State.waiting
    private var readTimer: Scheduled<Void>?
    private var writeTimer: Scheduled<Void>?
    /// Whether another handler goes on with the connection.
    private var isHandedOver = false

    init(gate: HTTPGate, limits: RPCLimits, calls: AsyncStream<HTTPCall>.Continuation) {
        self.gate = gate
        self.limits = limits
        self.calls = calls
    }

    func handlerAdded(context: ChannelHandlerContext) {
        readTimer = closing(context, after: limits.idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    /// The connection speaks WebSocket from here on: this handler leaves, the calls go on.
    func handOver() { isHandedOver = true }

    private func end() {
        readTimer?.cancel()
        writeTimer?.cancel()
        if !isHandedOver { calls.finish() }
    }

    private func closing(
        _ context: ChannelHandlerContext, after delay: Duration
    ) -> Scheduled<Void> {
        let bound = context.loopBound
        return context.eventLoop.scheduleTask(in: TimeAmount(delay)) {
            bound.value.close(promise: nil)
        }
    }

    private func setReadTimer(_ context: ChannelHandlerContext, _ delay: Duration?) {
        readTimer?.cancel()
        readTimer = delay.map { closing(context, after: $0) }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting):
            receive(head, context)
        case (.body(let part), .receiving(var call)):
            // So that the append below changes the body in place.
            state = .waiting
            guard part.readableBytes <= limits.requestByteCount - call.body.count else {
                refuse(HTTPGate.bodyTooLarge(limit: limits.requestByteCount), context)
                return
            }
            call.body.append(contentsOf: part.readableBytesView)
            state = .receiving(call)
        case (.end, .receiving(let call)):
            setReadTimer(context, nil)
            state = .answering
            calls.yield(call)
        case (.body(let part), .lingering(let count)):
            let sum = count + part.readableBytes
            state = .lingering(droppedByteCount: sum)
            if sum > Self.lingerByteLimit { context.close(promise: nil) }
        case (_, .lingering):
            break
        case (_, .waiting), (_, .receiving), (_, .answering):
            // The decoder and the pipelining handler rule these out.
            context.close(promise: nil)
        }
    }

    private func receive(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        switch gate.verdict(on: head) {
        case .refuse(let reply):
            refuse(reply, context)
        case .serve(let call):
            state = .receiving(call)
            setReadTimer(context, limits.bodyTimeout)
            if head.headers[canonicalForm: "expect"].contains(where: {
                $0.lowercased() == "100-continue"
            }) {
                let interim = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, state) {
        case (_, .lingering): break
        // A malformed wish to speak WebSocket: the request follows, and is judged as a plain one.
        case (is NIOWebSocketUpgradeError, _): break
        case (HTTPParserError.headerOverflow, .waiting):
            refuse(.text(.requestHeaderFieldsTooLarge, "The request's head is too large."), context)
        case (is HTTPParserError, .waiting), (is HTTPParserError, .receiving):
            refuse(.text(.badRequest, "This is no HTTP request."), context)
        default:
            context.close(promise: nil)
        }
    }

    // MARK: Replies

    private func refuse(_ reply: HTTPReply, _ context: ChannelHandlerContext) {
        var last = reply
        last.closes = true
        send(last, context, promise: nil)
        context.flush()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .answering = state else {
            // The connection was cut off in the meantime.
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        send(unwrapOutboundIn(data), context, promise: promise)
    }

    private func send(
        _ reply: HTTPReply, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?
    ) {
        var headers = HTTPHeaders()
        headers.add(name: "Content-Length", value: "\(reply.body.count)")
        if !reply.contentType.isEmpty {
            headers.add(name: "Content-Type", value: reply.contentType)
        }
        for header in reply.headers { headers.add(name: header.name, value: header.value) }
        headers.add(name: "Connection", value: reply.closes ? "close" : "keep-alive")
        // Before the end is written: the pipelining handler then delivers the next request.
        state = reply.closes ? .lingering(droppedByteCount: 0) : .waiting
        setReadTimer(context, reply.closes ? nil : limits.idleTimeout)
        writeTimer?.cancel()
        writeTimer = closing(context, after: limits.writeTimeout)
        let head = HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !reply.body.isEmpty {
            let body = context.channel.allocator.buffer(bytes: reply.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let written = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let boundContext = context.loopBound
        written.futureResult.whenSuccess {
            bound.value.finishedWriting(closes: reply.closes, boundContext.value)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: written)
    }

    private func finishedWriting(closes: Bool, _ context: ChannelHandlerContext) {
        writeTimer?.cancel()
        guard closes else { return }
        // Closing with unread bytes in the socket would reset the connection and take the reply
        // with it: only the sending side is closed, and the rest is read until the peer closes.
        context.close(mode: .output, promise: nil)
        setReadTimer(context, limits.lingerTimeout)
    }
}
