/// The bounds of one request-response protocol; both sides should agree on them.
public struct RequestLimits: Sendable, Hashable {
    /// The most bytes of a request.
    public var maximumRequestByteCount: Int
    /// The most bytes of a response.
    public var maximumResponseByteCount: Int
    /// How long the exchange may take, from the stream's opening to the whole response.
    public var timeout: Duration

    /// Takes bounds; those of Substrate's block requests by default.
    public init(
        maximumRequestByteCount: Int = 1024 * 1024,
        maximumResponseByteCount: Int = 16 * 1024 * 1024, timeout: Duration = .seconds(20)
    ) {
        precondition(maximumRequestByteCount >= 0 && maximumResponseByteCount >= 0)
        self.maximumRequestByteCount = maximumRequestByteCount
        self.maximumResponseByteCount = maximumResponseByteCount
        self.timeout = timeout
    }
}

/// Why an exchange failed, other than by a refusal.
public enum RequestFailure: Error, Sendable, Equatable {
    /// A message of this side's is longer than the protocol allows.
    case tooLong(byteCount: Int, limit: Int)
    /// The peer's length prefix is no length, or above the limit.
    case framing(FramingError)
    /// The stream ended inside a message.
    case truncated
    /// More bytes after the one message that a direction carries.
    case trailingBytes
    /// The stream was reset inside a message.
    case reset
    /// The exchange took too long.
    case timedOut
}
