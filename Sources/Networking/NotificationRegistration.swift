package import LibP2P
package import Primitives

/// A notifications protocol: its name, its limits and the hooks of its owner.
package struct NotificationRegistration: Sendable {
    /// The protocol's name, as negotiated.
    package var name: String
    /// Other names under which the same protocol is spoken, best first.
    package var fallbackNames: [String] = []
    /// The node's own handshake, at most 1,024 bytes; may be replaced at any time.
    package var handshake: [UInt8]
    /// The longest notification, in bytes.
    package var maximumNotificationByteCount = 1_024 * 1_024
    /// Whose frames go first on a connection.
    package var priority = YamuxPriority.normal
    /// Bytes of undelivered notifications from one peer before its stream is read no further.
    package var inboundByteLimit = 256 * 1_024
    /// Undelivered events from one peer before its stream is read no further.
    package var inboundCountLimit = 512
    /// Makes the queue of one peer's outbound notifications.
    package var makeQueue: @Sendable () -> any OutboundQueue
    /// Whether a peer with that handshake is spoken to. Runs on the event loop: quick, no waiting.
    package var acceptsHandshake: @Sendable (PeerID, [UInt8]) -> Bool

    package init(
        name: String, handshake: [UInt8],
        makeQueue: @escaping @Sendable () -> any OutboundQueue = {
            FIFOOutboundQueue(maximumCount: 2_048, maximumByteCount: 4 * 1_024 * 1_024)
        },
        acceptsHandshake: @escaping @Sendable (PeerID, [UInt8]) -> Bool = { _, _ in true }
    ) {
        self.name = name
        self.handshake = handshake
        self.makeQueue = makeQueue
        self.acceptsHandshake = acceptsHandshake
    }
}

/// What a notifications protocol tells its owner.
package enum NotificationEvent: Sendable, Hashable {
    /// Notifications flow both ways from now on; `handshake` is the peer's.
    case streamOpened(PeerID, handshake: [UInt8])
    /// No more notifications until the stream is opened again, which is tried with back-off.
    case streamClosed(PeerID)
    /// A notification, without its length prefix.
    case notification(PeerID, [UInt8])

    /// The peer that it is about.
    package var peer: PeerID {
        switch self {
        case .streamOpened(let peer, _), .streamClosed(let peer), .notification(let peer, _): peer
        }
    }

    var byteCount: Int {
        if case .notification(_, let bytes) = self { bytes.count } else { 0 }
    }
}

/// A change of a peer's reputation, for whoever keeps it.
package struct ReputationChange: Sendable, Hashable {
    /// How much better (positive) or worse.
    package var value: Int32
    /// What the peer did.
    package var reason: String

    package init(value: Int32, reason: String) {
        self.value = value
        self.reason = reason
    }
}
