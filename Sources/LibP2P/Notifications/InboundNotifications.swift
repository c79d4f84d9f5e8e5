/// The substream that the peer opened for its notifications (Substrate's notifications protocol):
/// its handshake, our answer, then its notifications; this side never writes again.
public struct InboundNotifications: Sendable {
    /// What the substream brought.
    public enum Event: Sendable, Equatable {
        /// The peer's handshake: answer with `accept`, or reset the substream.
        case handshake([UInt8])
        /// A notification; it may be empty.
        case notification([UInt8])
        /// The peer ended the substream.
        case closed
        /// The peer broke the protocol; the substream should be reset.
        case failed(NotificationFailure)
    }

    private enum State: Sendable { case handshaking, answering, open, over }

    public let limits: NotificationLimits
    private var decoder = LengthPrefixedDecoder(
        maximumByteCount: NotificationLimits.maximumHandshakeByteCount)
    private var state = State.handshaking
    private var hasEnded = false

    public init(limits: NotificationLimits = NotificationLimits()) { self.limits = limits }

    /// Whether the substream is accepted and not over.
    public var isOpen: Bool { state == .open }
    /// The bytes that wait for the rest of their message, or to be pulled.
    public var bufferedByteCount: Int { decoder.bufferedByteCount }

    /// Accepts the substream, and returns the bytes to be written: the framed handshake of at most
    /// 1,024 bytes. Nil when no answer is due, or the peer did not wait for it.
    public mutating func accept(handshake: [UInt8]) throws(NotificationFailure) -> [UInt8]? {
        guard state == .answering, decoder.bufferedByteCount == 0 else { return nil }
        let output = try NotificationFraming.handshake(handshake)
        decoder = LengthPrefixedDecoder(maximumByteCount: limits.maximumNotificationByteCount)
        state = .open
        return output
    }

    /// Takes bytes, cut anywhere. Afterwards drain `nextEvent`.
    public mutating func receive(_ bytes: [UInt8]) {
        guard state != .over, !hasEnded else { return }
        decoder.receive(bytes)
    }

    /// The peer's direction ended, or the substream was reset. Afterwards drain `nextEvent`.
    public mutating func receiveEnd() { hasEnded = true }

    /// The next event, nil when there is none yet. Nothing follows `closed` and `failed`.
    public mutating func nextEvent() -> Event? {
        do {
            switch state {
            case .over: return nil
            case .handshaking:
                if let handshake = try decoder.nextFrame() {
                    state = .answering
                    return .handshake(handshake)
                }
            case .answering:
                if decoder.bufferedByteCount > 0 { return end(.failed(.earlyNotification)) }
            case .open:
                if let notification = try decoder.nextFrame() {
                    return .notification(notification)
                }
            }
        } catch {
            return end(.failed(.framing(error)))
        }
        guard hasEnded else { return nil }
        return end(decoder.bufferedByteCount > 0 ? .failed(.truncated) : .closed)
    }

    private mutating func end(_ event: Event) -> Event {
        state = .over
        decoder = LengthPrefixedDecoder(maximumByteCount: 0)
        return event
    }
}
