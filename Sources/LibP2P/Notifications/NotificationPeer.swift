internal import Primitives

/// What `NotificationStreams` remembers about one peer.
struct NotificationPeer: Sendable {
    /// The substream that this side opens.
    enum Outbound: Sendable {
        case none
        /// Asked for; not negotiated yet.
        case opening(NotificationSubstreamID, ConnectionID, deadline: Instant)
        /// Our handshake is out, the peer's is not in.
        case handshaking(NotificationSubstreamID, ConnectionID, deadline: Instant)
        /// Accepted by the peer.
        case ready(NotificationSubstreamID, ConnectionID)

        var substream: (id: NotificationSubstreamID, connection: ConnectionID)? {
            switch self {
            case .none: nil
            case .opening(let id, let connection, _), .handshaking(let id, let connection, _),
                .ready(let id, let connection):
                (id, connection)
            }
        }
    }

    /// The substream that the peer opens.
    enum Inbound: Sendable {
        case none
        /// Negotiated; the peer's handshake is not in.
        case handshaking(NotificationSubstreamID, ConnectionID, deadline: Instant)
        /// The user decides about the peer's handshake.
        case validating(NotificationSubstreamID, ConnectionID, deadline: Instant, [UInt8])
        /// Accepted by the user; our handshake is out.
        case ready(NotificationSubstreamID, ConnectionID, [UInt8])

        var substream: (id: NotificationSubstreamID, connection: ConnectionID)? {
            switch self {
            case .none: nil
            case .handshaking(let id, let connection, _),
                .validating(let id, let connection, _, _), .ready(let id, let connection, _):
                (id, connection)
            }
        }
    }

    let id: PeerID
    /// Oldest first; new substreams go to the last one, because a peer that comes back after a
    /// crash leaves its old connection behind.
    var connections: [ConnectionID] = []
    var isWanted = false
    var isReserved = false
    var outbound = Outbound.none
    var inbound = Inbound.none
    var isOpen = false
    /// By when the peer must have opened its substream, once ours is accepted.
    var reverseDeadline: Instant?
    /// Before this a lost stream is not opened again.
    var retryAt: Instant?
    /// Failures since the stream was last open.
    var failureCount = 0
    var inboundOpenings: TokenBucket

    /// Whether an attempt is under way that the user hears the end of.
    var isOpening: Bool {
        guard !isOpen else { return false }
        if case .ready = inbound { return true }
        if case .none = outbound { return false }
        return true
    }

    /// The substreams that run over a connection.
    func substreams(of connection: ConnectionID) -> [NotificationSubstreamID] {
        [outbound.substream, inbound.substream].compactMap(\.self)
            .filter { $0.connection == connection }.map(\.id)
    }

    /// The next time at which something has to happen.
    var deadline: Instant? {
        var times: [Instant] = []
        switch outbound {
        case .opening(_, _, let deadline), .handshaking(_, _, let deadline):
            times.append(deadline)
        case .none:
            if isWanted, !connections.isEmpty, let retryAt { times.append(retryAt) }
        case .ready:
            if !isOpen, let reverseDeadline { times.append(reverseDeadline) }
        }
        switch inbound {
        case .handshaking(_, _, let deadline), .validating(_, _, let deadline, _):
            times.append(deadline)
        case .none, .ready: break
        }
        return times.min()
    }
}
