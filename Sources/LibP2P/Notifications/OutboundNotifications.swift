/// The substream that this side opened for its notifications (Substrate's notifications protocol):
/// our handshake, the peer's, then our notifications; the peer never writes again.
public struct OutboundNotifications: Sendable {
    /// What the substream brought.
    public enum Event: Sendable, Equatable {
        /// The peer accepted; its handshake. From now on notifications may be written.
        case accepted([UInt8])
        /// The peer ended the substream without accepting.
        case refused
        /// The peer ended the accepted substream.
        case closed
        /// The peer broke the protocol; the substream should be reset.
        case failed(NotificationFailure)
    }

    private enum State: Sendable { case handshaking, open, over }

    public let limits: NotificationLimits
    private var decoder = LengthPrefixedDecoder(
        maximumByteCount: NotificationLimits.maximumHandshakeByteCount)
    private var state = State.handshaking

    public init(limits: NotificationLimits = NotificationLimits()) { self.limits = limits }

    /// Whether notifications may be written.
    public var isOpen: Bool { state == .open }

    /// The bytes to be written first: the framed handshake of at most 1,024 bytes.
    public func open(handshake: [UInt8]) throws(NotificationFailure) -> [UInt8] {
        try NotificationFraming.handshake(handshake)
    }

    /// The bytes to be written for a notification; throws `tooLong` for one above the cap.
    public func frame(_ notification: [UInt8]) throws(NotificationFailure) -> [UInt8] {
        try NotificationFraming.frame(
            notification, limit: limits.maximumNotificationByteCount)
    }

    /// Takes bytes, cut anywhere; nil while there is nothing to tell.
    public mutating func receive(_ bytes: [UInt8]) -> Event? {
        guard !bytes.isEmpty, state != .over else { return nil }
        guard state == .handshaking else { return end(.failed(.answerAfterHandshake)) }
        decoder.receive(bytes)
        do {
            guard let handshake = try decoder.nextFrame() else { return nil }
            guard decoder.bufferedByteCount == 0 else {
                return end(.failed(.answerAfterHandshake))
            }
            state = .open
            return .accepted(handshake)
        } catch {
            return end(.failed(.framing(error)))
        }
    }

    /// The peer's direction ended, or the substream was reset.
    public mutating func receiveEnd() -> Event? {
        end(state == .open ? .closed : .refused)
    }

    private mutating func end(_ event: Event) -> Event? {
        guard state != .over else { return nil }
        state = .over
        return event
    }
}

/// The framing that both directions share.
enum NotificationFraming {
    static func handshake(_ bytes: [UInt8]) throws(NotificationFailure) -> [UInt8] {
        try frame(bytes, limit: NotificationLimits.maximumHandshakeByteCount)
    }

    static func frame(_ bytes: [UInt8], limit: Int) throws(NotificationFailure) -> [UInt8] {
        guard bytes.count <= limit else { throw .tooLong(byteCount: bytes.count, limit: limit) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + UnsignedVarint.maximumByteCount)
        UnsignedVarint.appendLengthPrefixed(bytes, to: &output)
        return output
    }
}
