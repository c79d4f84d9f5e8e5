internal import NIOCore
internal import NIOWebSocket

/// One WebSocket connection (RFC 6455): gathers messages within their bounds and times, hands them
/// on as calls and answers pings and closings.
///
/// Stands behind NIO's frame decoder, in the place of `HTTPConnectionHandler`. It stops reading
/// while `limits.queuedMessageCount` calls wait for their turn; a peer that is silent is pinged and
/// closed when it does not answer, and so is one that does not take what is written.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = Never
    typealias OutboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// The server is done with a call.
    struct CallFinished: Sendable {}

    /// The server ends the connection.
    struct Closing: Sendable {
        let code: WebSocketErrorCode
        let reason: String
    }

    /// A message of which more fragments come.
    private struct Fragments {
        let isText: Bool
        var bytes: [UInt8]
    }

    private let limits: RPCLimits
    private let calls: AsyncStream<HTTPCall>.Continuation
    private let session: WebSocketSession
    private var fragments: Fragments?
    /// Whether our close frame is written: what comes is dropped, and nothing more goes out.
    private var isClosing = false
    private var queuedCount = 0
    private var isReadHeld = false
    private var unwrittenCount = 0
    private var isPinged = false
    private var heardAt = NIODeadline.now()
    private var quietTimer: Scheduled<Void>?
    private var messageTimer: Scheduled<Void>?
    private var writeTimer: Scheduled<Void>?

    init(
        limits: RPCLimits, calls: AsyncStream<HTTPCall>.Continuation, session: WebSocketSession
    ) {
        self.limits = limits
        self.calls = calls
        self.session = session
    }

    func handlerAdded(context: ChannelHandlerContext) {
        heardAt = .now()
        watchQuiet(context, TimeAmount(limits.idleTimeout))
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        for timer in [quietTimer, messageTimer, writeTimer] { timer?.cancel() }
        session.end()
        calls.finish()
    }

    private func after(
        _ delay: TimeAmount, _ context: ChannelHandlerContext,
        _ body: @escaping (WebSocketHandler, ChannelHandlerContext) -> Void
    ) -> Scheduled<Void> {
        let bound = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: delay) {
            let (handler, context, body) = bound.value
            body(handler, context)
        }
    }

    // MARK: Frames

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        heardAt = .now()
        isPinged = false
        if isClosing {
            if frame.opcode == .connectionClose { context.close(promise: nil) }
            return
        }
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return close(.protocolError, "frames are masked and have no extensions", context)
        }
        let body = Array(frame.unmaskedData.readableBytesView)
        switch frame.opcode {
        case .text, .binary:
            guard fragments == nil else {
                return close(.protocolError, "a message within a message", context)
            }
            gather(Fragments(isText: frame.opcode == .text, bytes: body), frame.fin, context)
        case .continuation:
            guard var message = fragments else {
                return close(.protocolError, "a continuation of nothing", context)
            }
            fragments = nil
            guard body.count <= limits.requestByteCount - message.bytes.count else {
                return close(.messageTooLarge, tooLarge, context)
            }
            message.bytes += body
            gather(message, frame.fin, context)
        case .ping: write(.pong, body, context)
        case .pong: break
        case .connectionClose: peerCloses(body, context)
        default: close(.protocolError, "an unknown kind of frame", context)
        }
    }

    private var tooLarge: String { "a message has at most \(limits.requestByteCount) bytes" }

    private func gather(
        _ message: Fragments, _ isComplete: Bool, _ context: ChannelHandlerContext
    ) {
        guard isComplete else {
            fragments = message
            if messageTimer == nil {
                messageTimer = after(TimeAmount(limits.bodyTimeout), context) {
                    $0.close(.policyViolation, "a message took too long", $1)
                }
            }
            return
        }
        messageTimer?.cancel()
        messageTimer = nil
        guard !message.isText || String(validating: message.bytes, as: UTF8.self) != nil else {
            return close(.dataInconsistentWithMessage, "a text is UTF-8", context)
        }
        queuedCount += 1
        calls.yield(HTTPCall(purpose: .message, origin: nil, closes: false, body: message.bytes))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: close(.messageTooLarge, tooLarge, context)
        case is NIOWebSocketError: close(.protocolError, "a malformed control frame", context)
        default: context.close(promise: nil)
        }
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        isReadHeld = queuedCount >= limits.queuedMessageCount && !isClosing
        if !isReadHeld { context.read() }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case is CallFinished:
            queuedCount -= 1
            if isReadHeld, queuedCount < limits.queuedMessageCount {
                isReadHeld = false
                heardAt = .now()
                context.read()
            }
            promise?.succeed()
        case let closing as Closing:
            close(closing.code, closing.reason, context)
            promise?.succeed()
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    /// Pings a silent peer, and closes when it stays silent.
    private func watchQuiet(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
        quietTimer = after(delay, context) { handler, context in
            let limit = TimeAmount(handler.limits.idleTimeout)
            let quiet = NIODeadline.now() - handler.heardAt
            guard quiet >= limit, !handler.isReadHeld, !handler.isClosing else {
                return handler.watchQuiet(context, quiet < limit ? limit - quiet : limit)
            }
            guard !handler.isPinged else {
                return handler.close(.policyViolation, "no answer to a ping", context)
            }
            handler.isPinged = true
            handler.heardAt = .now()
            handler.write(.ping, [], context)
            handler.watchQuiet(context, limit)
        }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        send(unwrapOutboundIn(data), promise, context)
    }

    private func write(
        _ opcode: WebSocketOpcode, _ body: [UInt8], _ context: ChannelHandlerContext
    ) {
        let data = context.channel.allocator.buffer(bytes: body)
        send(WebSocketFrame(fin: true, opcode: opcode, data: data), nil, context)
        context.flush()
    }

    /// Writes a frame. While one is unwritten, the peer has to take one within the time limit.
    private func send(
        _ frame: WebSocketFrame, _ promise: EventLoopPromise<Void>?,
        _ context: ChannelHandlerContext
    ) {
        unwrittenCount += 1
        if unwrittenCount == 1 { watchWrites(context) }
        let written = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { result in
            let (handler, context) = bound.value
            handler.unwrittenCount -= 1
            handler.writeTimer?.cancel()
            if handler.unwrittenCount > 0, case .success = result { handler.watchWrites(context) }
        }
        context.write(wrapOutboundOut(frame), promise: written)
    }

    private func watchWrites(_ context: ChannelHandlerContext) {
        writeTimer?.cancel()
        writeTimer = after(TimeAmount(limits.writeTimeout), context) { $1.close(promise: nil) }
    }

    // MARK: Closing

    private func peerCloses(_ body: [UInt8], _ context: ChannelHandlerContext) {
        guard body.count != 1 else {
            return close(.protocolError, "a close frame of one byte", context)
        }
        isClosing = true
        session.end()
        let reply = WebSocketFrame(
            fin: true, opcode: .connectionClose,
            data: context.channel.allocator.buffer(bytes: body.prefix(2)))
        let bound = context.loopBound
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        send(reply, written, context)
        context.flush()
    }

    /// Says why, and closes when the peer has answered or has had its time for it.
    private func close(
        _ code: WebSocketErrorCode, _ reason: String, _ context: ChannelHandlerContext
    ) {
        guard !isClosing else { return }
        isClosing = true
        session.end()
        fragments = nil
        messageTimer?.cancel()
        var data = context.channel.allocator.buffer(capacity: 125)
        data.write(webSocketErrorCode: code)
        // A control frame has at most 125 bytes.
        data.writeBytes(reason.utf8.prefix(123))
        send(WebSocketFrame(fin: true, opcode: .connectionClose, data: data), nil, context)
        context.flush()
        quietTimer?.cancel()
        quietTimer = after(TimeAmount(limits.lingerTimeout), context) { $1.close(promise: nil) }
        if isReadHeld { context.read() }
    }
}
