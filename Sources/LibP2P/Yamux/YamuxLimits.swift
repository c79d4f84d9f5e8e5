public import Primitives

/// The bounds of a yamux session. The window is the specification's; the other numbers are this
/// node's answers to the attacks that each field names.
public struct YamuxLimits: Sendable, Hashable {
    /// The credit that each direction of every stream starts with, and the most that this side
    /// grants unless the stream is widened: 262,144 bytes.
    public static let windowByteCount: UInt32 = 256 * 1024
    /// The most that is granted on a widened stream, for mass over long ways: 10 MiB a second need a
    /// round trip of 100 ms or less.
    public static let wideWindowByteCount: UInt32 = 1024 * 1024
    /// The most bytes of a data frame that is sent.
    public static let frameByteCount = 16 * 1024

    /// Streams that the peer may have open; one more is reset.
    public var maximumInboundStreams = 256
    /// Streams that this side may have open.
    public var maximumOutboundStreams = 256
    /// Streams that this side opened and the peer has not acknowledged (specification: 256).
    public var maximumUnacknowledgedStreams = 256
    /// Received bytes that the application has not consumed, over all streams. Above it the stream
    /// that holds most is reset: 256 full windows would be 64 MiB.
    public var maximumUnconsumedByteCount = 16 * 1024 * 1024
    /// Bytes waiting to be sent on one stream: a peer that grants no credit pins no more.
    public var maximumStreamSendByteCount = 256 * 1024
    /// Bytes waiting to be sent over all streams.
    public var maximumSendByteCount = 16 * 1024 * 1024
    /// Streams opened by the peer, refused ones included (rapid reset).
    public var streamOpenings = RateLimit(burst: 512, perSecond: 128)
    /// Frames that move nothing: empty, for unknown streams, or credit of less than 1 KiB (header
    /// flood).
    public var idleFrames = RateLimit(burst: 4_096, perSecond: 1_024)
    /// Pings to be answered (ping flood).
    public var pings = RateLimit(burst: 64, perSecond: 16)
    /// Answers and resets that wait because the peer does not read.
    public var maximumQueuedControlFrames = 1_024
    /// Time between keep-alive pings; the first goes out at once.
    public var keepAliveInterval: Duration = .seconds(10)
    /// A peer that sends nothing at all for so long after a ping is gone.
    public var keepAliveTimeout: Duration = .seconds(20)

    public init() {}
}
