/// The number of a stream within its session: odd for the dialer's streams, even for the listener's.
public struct YamuxStreamID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 1 or more; 0 names the session itself.
    public let rawValue: UInt32

    public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    public static func < (left: YamuxStreamID, right: YamuxStreamID) -> Bool {
        left.rawValue < right.rawValue
    }

    public var description: String { "\(rawValue)" }
}

/// Whose turn it is when several streams have data: every frame of a class goes before any frame of
/// the next; inside a class the streams take turns.
public enum YamuxPriority: UInt8, Sendable, Hashable, CaseIterable {
    /// Votes and other messages that something waits for.
    case urgent = 0
    /// Everything that has no reason to be elsewhere.
    case normal = 1
    /// Blocks, state and other mass.
    case bulk = 2
}

/// What a session remembers about one stream.
struct YamuxStream: Sendable {
    /// How far the local direction has come to its end.
    enum LocalEnd: Sendable { case open, finishing, finished }
    /// How the stream came to be, as far as the next frame is concerned.
    enum Opening: Sendable {
        /// Opened here; the first frame carries SYN.
        case unannounced
        /// Opened here; SYN is out, ACK is not in.
        case announced
        /// Opened by the peer; the first frame carries ACK.
        case unacknowledged
        /// Both sides know.
        case established
    }

    var opening: Opening
    var priority: YamuxPriority
    /// Bytes that may still be sent.
    var sendWindow: UInt32
    /// Bytes that the peer may still send.
    var receiveWindow: UInt32
    /// Bytes given out and not yet consumed.
    var unconsumedByteCount = 0
    /// Bytes consumed whose credit the peer does not have yet.
    var owedCredit: UInt32 = 0
    /// The most credit that the peer has at one time.
    var widestReceiveWindow = YamuxLimits.windowByteCount
    /// Bytes written and not yet sent.
    var sendBuffer = ReceiveBuffer()
    var localEnd = LocalEnd.open
    var hasRemoteEnded = false
    /// Stands in the queue of streams that send data or their end.
    var isScheduled = false
    /// Stands in the queue of streams that send SYN, ACK or credit.
    var isSignalling = false
    /// A write was cut short: the application wants to hear of room.
    var awaitsRoom = false

    var canSendData: Bool { !sendBuffer.isEmpty && sendWindow > 0 }
    /// Whether a data frame could go out: with bytes, or with the end of the stream.
    var hasOutput: Bool {
        canSendData || (localEnd == .finishing && sendBuffer.isEmpty)
    }
    /// Whether the peer should have credit back: half a window at a time.
    var owesCredit: Bool { !hasRemoteEnded && owedCredit >= widestReceiveWindow / 2 }
    var isOver: Bool {
        localEnd == .finished && hasRemoteEnded && unconsumedByteCount == 0
    }
}
