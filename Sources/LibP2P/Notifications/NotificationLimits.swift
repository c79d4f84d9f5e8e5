/// The bounds of a notification protocol's messages.
public struct NotificationLimits: Sendable, Hashable {
    /// The most bytes of a handshake: more is refused by every implementation.
    public static let maximumHandshakeByteCount = 1_024

    /// The most bytes of a notification.
    public var maximumNotificationByteCount: Int

    /// Takes the protocol's cap, 1 MiB by default.
    public init(maximumNotificationByteCount: Int = 1024 * 1024) {
        precondition(maximumNotificationByteCount >= 0)
        self.maximumNotificationByteCount = maximumNotificationByteCount
    }
}

/// Why a notification substream is of no further use.
public enum NotificationFailure: Error, Sendable, Equatable {
    /// A handshake or notification of this side's is longer than the protocol allows.
    case tooLong(byteCount: Int, limit: Int)
    /// The peer's length prefix is no length, or above the limit.
    case framing(FramingError)
    /// The opener sent notifications before it was accepted.
    case earlyNotification
    /// The acceptor sent something after its handshake.
    case answerAfterHandshake
    /// The substream ended inside a message.
    case truncated
}
