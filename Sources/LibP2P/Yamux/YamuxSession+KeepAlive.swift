public import Primitives

extension YamuxSession {
    /// When `handleDeadline` wants to be called; nil when the session is over. Every call of
    /// `receive` may put it off.
    public var nextDeadline: Instant? {
        guard !isClosed else { return nil }
        guard let ping = outstandingPing else { return nextPingAt }
        return max(ping.sentAt, lastReceivedAt) + limits.keepAliveTimeout
    }

    /// Sends the ping that is due, or ends the session with a silent peer. Too early a call does
    /// nothing.
    public mutating func handleDeadline(_ now: Instant) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        if outstandingPing == nil {
            ping(now: now)
        } else {
            end()
            events.append(.timedOut)
        }
    }

    /// Asks the peer for a sign of life, unless a ping is under way; `pong` follows.
    public mutating func ping(now: Instant) {
        guard !isClosed, outstandingPing == nil else { return }
        outstandingPing = (nextPingValue, now)
        controlFrames.append(YamuxFrame(.ping, .synchronize, length: nextPingValue))
        nextPingValue &+= 1
    }
}
