import NIOCore
import NIOPosix
import Testing

/// A TCP client that sends what a test wants, right or wrong.
struct RawClient {
    private let channel: any Channel
    let received: AsyncStream<[UInt8]>

    /// Connects to a port of this machine.
    static func connect(to port: UInt16) async throws -> RawClient {
        let (received, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: Int(port)).get()
        return RawClient(channel: channel, received: received)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends one byte after the other, `interval` apart, until the connection ends.
    func drip(_ bytes: [UInt8], every interval: TimeAmount) {
        let channel = channel
        for (index, byte) in bytes.enumerated() {
            channel.eventLoop.scheduleTask(in: interval * (index + 1)) {
                channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
            }
        }
    }

    /// Stops reading, as a client that does not take its response.
    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    /// Reads again.
    func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    func close() async throws { try await channel.close() }

    /// All that comes until the server closes.
    func readToEnd() async -> String {
        var bytes: [UInt8] = []
        for await part in received { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What comes until `marker` has come `count` times or the server closes.
    func read(until marker: String, count: Int = 1) async -> String {
        var text = ""
        for await part in received {
            text += String(decoding: part, as: UTF8.self)
            if text.split(separator: marker, omittingEmptySubsequences: false).count > count {
                break
            }
        }
        return text
    }

    /// Returns when the connection has ended.
    func waitForClose() async throws { try await channel.closeFuture.get() }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let received: AsyncStream<[UInt8]>.Continuation

        init(_ received: AsyncStream<[UInt8]>.Continuation) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { received.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

extension String {
    /// The status line of an HTTP response.
    var statusLine: String { String(prefix { $0 != "\r\n" }) }

    /// What follows an HTTP response's head.
    var httpBody: String {
        guard let range = split(separator: "\r\n\r\n", maxSplits: 1).last else { return "" }
        return String(range)
    }
}
