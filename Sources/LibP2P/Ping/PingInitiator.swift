public import Primitives

/// The sizes and times of the ping protocol (libp2p specification "ping").
public enum PingProtocol {
    /// The name for multistream-select.
    public static let name = "/ipfs/ping/1.0.0"
    /// Every ping is so many random bytes, and so is its echo.
    public static let payloadByteCount = 32
}

/// Why a ping stream is of no further use.
public enum PingFailure: Error, Sendable, Hashable {
    /// The echo differs from what was sent, or came unasked.
    case wrongEcho
    /// No echo within the time-out.
    case timedOut
    /// The peer ended the stream.
    case streamEnded
    /// The peer pings more often than allowed.
    case flood
}

/// The side that opens a ping stream and measures the round trip, one ping at a time.
public struct PingInitiator: Sendable {
    /// How long an echo may take.
    public let timeout: Duration
    private var expected: [UInt8] = []
    private var receivedByteCount = 0
    private var sentAt = Instant.zero
    private var failure: PingFailure?

    public init(timeout: Duration = .seconds(20)) { self.timeout = timeout }

    /// Whether an echo is outstanding.
    public var isWaiting: Bool { failure == nil && !expected.isEmpty }

    /// Starts a ping and returns the bytes to be written: `payload`, 32 random bytes. Nil while
    /// another one is under way or after a failure.
    public mutating func start(payload: [UInt8], now: Instant) -> [UInt8]? {
        precondition(payload.count == PingProtocol.payloadByteCount, "a ping has 32 bytes")
        guard failure == nil, expected.isEmpty else { return nil }
        (expected, receivedByteCount, sentAt) = (payload, 0, now)
        return payload
    }

    /// Takes bytes of the echo, cut anywhere, and returns the round trip when it is whole.
    public mutating func receive(
        _ bytes: [UInt8], now: Instant
    ) throws(PingFailure) -> Duration? {
        if let failure { throw failure }
        let rest = expected.dropFirst(receivedByteCount)
        guard bytes.count <= rest.count, rest.starts(with: bytes) else {
            failure = .wrongEcho
            throw .wrongEcho
        }
        receivedByteCount += bytes.count
        guard receivedByteCount == expected.count, !expected.isEmpty else { return nil }
        expected = []
        receivedByteCount = 0
        return max(.zero, now - sentAt)
    }

    /// The peer ended the stream.
    public mutating func receiveEnd() -> PingFailure {
        let reason = failure ?? .streamEnded
        failure = reason
        return reason
    }

    /// When `handleDeadline` wants to be called; nil when nothing is outstanding.
    public var nextDeadline: Instant? { isWaiting ? sentAt + timeout : nil }

    /// Returns `timedOut` when the echo is overdue.
    public mutating func handleDeadline(_ now: Instant) -> PingFailure? {
        guard let deadline = nextDeadline, now >= deadline else { return nil }
        failure = .timedOut
        return .timedOut
    }
}
