public import Primitives

/// The side that echoes pings until the opener ends the stream.
///
/// It never sends more than it received and keeps at most 31 bytes.
public struct PingResponder: Sendable {
    /// A stream without a ping for so long is given up.
    public let idleTimeout: Duration
    private var partial: [UInt8] = []
    private var bucket: TokenBucket
    private var lastPingAt: Instant
    private var failure: PingFailure?

    /// A responder that allows the given rate of pings: by default a burst of 32 and 8 a second.
    public init(
        limit: RateLimit = RateLimit(burst: 32, perSecond: 8),
        idleTimeout: Duration = .seconds(60), now: Instant
    ) {
        self.idleTimeout = idleTimeout
        bucket = TokenBucket(limit, now: now)
        lastPingAt = now
    }

    /// Takes bytes, cut anywhere, and returns the echoes of all pings that are whole.
    public mutating func receive(_ bytes: [UInt8], now: Instant) throws(PingFailure) -> [UInt8] {
        if let failure { throw failure }
        let size = PingProtocol.payloadByteCount
        partial += bytes
        let count = partial.count / size
        for _ in 0..<count {
            guard bucket.take(now: now) else {
                failure = .flood
                partial = []
                throw .flood
            }
        }
        guard count > 0 else { return [] }
        lastPingAt = max(lastPingAt, now)
        let echo = Array(partial.prefix(count * size))
        partial.removeFirst(count * size)
        return echo
    }

    /// When `handleDeadline` wants to be called.
    public var nextDeadline: Instant { lastPingAt + idleTimeout }

    /// Returns `timedOut` when the stream has been idle for too long: it should be closed.
    public mutating func handleDeadline(_ now: Instant) -> PingFailure? {
        guard failure == nil, now >= nextDeadline else { return nil }
        failure = .timedOut
        return .timedOut
    }
}
