public import Primitives

/// The name that the shell gives to a connection; never given twice.
public struct ConnectionID: Sendable, Hashable, Comparable {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: ConnectionID, right: ConnectionID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The name of a notification substream within one protocol; never given twice.
public enum NotificationSubstreamID: Sendable, Hashable {
    /// Opened by this side; the number is the machine's.
    case outbound(UInt64)
    /// Opened by the peer; the number is the shell's.
    case inbound(UInt64)
}

/// How long things may take and how many there may be.
public struct NotificationConfiguration: Sendable, Hashable {
    /// The time between attempts to open a stream: `initial` after the first failure, doubled by
    /// every further one up to `maximum`; a random quarter is added, so that two peers do not stay
    /// in step.
    public struct BackOff: Sendable, Hashable {
        public var initial: Duration
        public var maximum: Duration

        public init(initial: Duration, maximum: Duration) {
            precondition(initial > .zero && maximum >= initial)
            self.initial = initial
            self.maximum = maximum
        }
    }

    /// The time for each step: negotiation, handshake, validation, and the peer's own substream.
    public var phaseTimeout: Duration = .seconds(10)
    /// For peers without a claim.
    public var backOff = BackOff(initial: .seconds(5), maximum: .seconds(60))
    /// For reserved peers.
    public var reservedBackOff = BackOff(initial: .milliseconds(500), maximum: .seconds(5))
    /// Peers that are remembered: connected ones and wanted ones.
    public var maximumPeers = 1_024
    /// Connections of one peer that are told apart; usually there is one.
    public var maximumConnectionsPerPeer = 4
    /// Substreams that one peer may open.
    public var inboundOpenings = RateLimit(burst: 8, perSecond: 1)

    public init() {}
}

extension NotificationStreams {
    /// What happened. Substreams that the machine does not know (any more) are ignored.
    public enum Input: Sendable, Hashable {
        /// A connection is up and authenticated.
        case connected(PeerID, ConnectionID)
        /// A connection is gone, and its substreams with it.
        case disconnected(PeerID, ConnectionID)
        /// A stream with the peer is wanted: open it, and open it again when it is lost.
        case open(PeerID, isReserved: Bool)
        /// A stream with the peer is not wanted any more: end it.
        case close(PeerID)
        /// The handshake for streams from now on: at most 1,024 bytes.
        case setHandshake([UInt8])
        /// The peer negotiated a substream of the protocol.
        case inboundOpened(PeerID, ConnectionID, NotificationSubstreamID)
        /// The substream that was asked for is negotiated.
        case outboundOpened(PeerID, NotificationSubstreamID)
        /// The peer's handshake, on a substream of either direction.
        case handshake(PeerID, NotificationSubstreamID, [UInt8])
        /// A substream ended, or could not be had.
        case substreamEnded(PeerID, NotificationSubstreamID, SubstreamEnd)
        /// The answer to `validate`: the peer and its handshake are welcome.
        case accept(PeerID, NotificationSubstreamID)
        /// The answer to `validate`: they are not.
        case refuse(PeerID, NotificationSubstreamID)
        /// The time of the last `setTimer` is reached.
        case timer
    }

    /// Why a substream ended.
    public enum SubstreamEnd: Sendable, Hashable {
        /// The peer ended or reset it.
        case ended
        /// The peer does not speak the protocol.
        case unsupported
        /// The peer broke the protocol.
        case violation
    }

    /// What is to be done, in this order.
    public enum Effect: Sendable, Hashable {
        /// Open a substream and negotiate the protocol.
        case openSubstream(PeerID, ConnectionID, NotificationSubstreamID)
        /// Write the framed handshake.
        case sendHandshake(PeerID, NotificationSubstreamID, [UInt8])
        /// End the substream in order: send what waits, then the end.
        case closeSubstream(PeerID, NotificationSubstreamID)
        /// Abort the substream, negotiated or not.
        case resetSubstream(PeerID, NotificationSubstreamID)
        /// Is the peer welcome, with this handshake? Answer with `accept` or `refuse` at once:
        /// other implementations give up after five seconds.
        case validate(PeerID, NotificationSubstreamID, handshake: [UInt8])
        /// Both directions are up: write to `outbound`, read from `inbound` (not earlier).
        case opened(
            PeerID, handshake: [UInt8], outbound: NotificationSubstreamID,
            inbound: NotificationSubstreamID)
        /// A stream that was open is not.
        case closed(PeerID, CloseReason)
        /// An attempt to open failed that `open` or `accept` had begun; a wanted peer is tried
        /// again after the back-off.
        case openFailed(PeerID, CloseReason)
        /// Come back with `timer` at that time; replaces every earlier one.
        case setTimer(Instant)
    }

    /// Why a stream is not open.
    public enum CloseReason: Sendable, Hashable {
        /// This side asked for it; only streams that were open are reported with it.
        case closedHere
        /// The peer's handshake was refused here.
        case refusedHere
        /// The peer ended its substream or ours; before the stream was open: it refused.
        case closedByPeer
        /// The peer does not speak the protocol.
        case unsupported
        /// The peer broke the protocol.
        case violation
        /// A step took longer than `phaseTimeout`.
        case timedOut
        /// The connection is gone, or the peer moved to another one.
        case disconnected
        /// More peers than `maximumPeers`.
        case tooManyPeers
    }
}
