import NIOCore
import NIOPosix

/// A relay on loopback that gives everything to the other side a while after it came: a long line.
///
/// Each end's acknowledgements are the relay's own, so TCP itself does not feel the delay: what is
/// measured through it is the protocol's share, not TCP's slow start.
final class DelayingProxy {
    let port: Int
    private let listener: any Channel

    init(to target: Int, milliseconds: Int) throws {
        let delay = TimeAmount.milliseconds(Int64(milliseconds))
        listener = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { inbound in
                // One loop for both ends. The inbound end reads only when this is done.
                ClientBootstrap(group: inbound.eventLoop)
                    .channelInitializer { outbound in
                        outbound.eventLoop.makeCompletedFuture {
                            try outbound.pipeline.syncOperations.addHandler(
                                DelayedRelay(to: inbound, delay: delay))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outbound in
                        try inbound.pipeline.syncOperations.addHandler(
                            DelayedRelay(to: outbound, delay: delay))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        guard let port = listener.localAddress?.port else {
            throw MeasurementFailure("the relay has no port")
        }
        self.port = port
    }

    deinit { listener.close(promise: nil) }
}

/// One direction of a relay.
private final class DelayedRelay: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let delay: TimeAmount

    init(to other: any Channel, delay: TimeAmount) {
        self.other = other
        self.delay = delay
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        // Tasks of one delay run in the order in which they were scheduled.
        context.eventLoop.scheduleTask(in: delay) { [other] in
            other.writeAndFlush(bytes, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        context.eventLoop.scheduleTask(in: delay) { [other] in other.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
