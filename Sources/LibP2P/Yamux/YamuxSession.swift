public import Primitives

/// One side of a yamux session: many streams over one ordered connection, each with credit of its
/// own, so that a slow reader of one does not hold up the others (yamux specification 1.0).
///
/// A byte mover: `receive` takes what the connection delivered, `nextEvent` gives out what it meant
/// (drain it after every call), and `nextOutput` is called when the connection can take bytes, so
/// the order of sending is decided at the last moment: answers and credit first, then by priority.
///
/// Credit returns only for bytes that the application reports as `consumed`, and only when they
/// make half a window. Data frames carry neither SYN nor ACK nor FIN: streams are opened, accepted
/// and ended by frames of their own, which keeps announced ids in order and spares readers that
/// take the end for earlier than the data in the same frame.
public struct YamuxSession: Sendable {
    /// Which side of the connection this is.
    public enum Role: Sendable, Hashable {
        /// The dialer: its streams have odd ids.
        case client
        /// The listener: its streams have even ids.
        case server
    }

    public let role: Role
    public let limits: YamuxLimits
    /// Whether the session is over; only the output that is left should still be sent.
    public internal(set) var isClosed = false

    var streams: [UInt32: YamuxStream] = [:]
    var inboundCount = 0
    var outboundCount = 0
    var unacknowledgedCount = 0
    /// Received bytes that are not consumed, over all streams.
    public internal(set) var unconsumedByteCount = 0
    /// Written bytes that are not sent, over all streams.
    public internal(set) var unsentByteCount = 0
    /// A write was cut short because of the whole session's bytes.
    var isSendingFull = false

    private var nextOutboundID: UInt32
    var usedInboundIDs = UsedIdentifiers()
    var events = FIFO<YamuxEvent>()

    // Receiving.
    var partialHeader: [UInt8] = []
    var body: PendingBody?
    var streamOpenings: TokenBucket
    var idleFrames: TokenBucket
    var pings: TokenBucket

    // Sending.
    var controlFrames = FIFO<YamuxFrame>()
    var signals = FIFO<UInt32>()
    var scheduled = [FIFO<UInt32>](repeating: FIFO(), count: YamuxPriority.allCases.count)

    // Keep-alive.
    var lastReceivedAt: Instant
    var nextPingAt: Instant
    var nextPingValue: UInt32 = 0
    var outstandingPing: (value: UInt32, sentAt: Instant)?

    /// The part of a data frame that has not arrived.
    struct PendingBody: Sendable {
        /// Nil for bytes that nobody wants.
        let stream: UInt32?
        var remaining: Int
        let isLast: Bool
    }

    /// A session on a connection that was just upgraded. The first keep-alive ping is due at once.
    public init(role: Role, limits: YamuxLimits = YamuxLimits(), now: Instant) {
        self.role = role
        self.limits = limits
        nextOutboundID = role == .client ? 1 : 2
        streamOpenings = TokenBucket(limits.streamOpenings, now: now)
        idleFrames = TokenBucket(limits.idleFrames, now: now)
        pings = TokenBucket(limits.pings, now: now)
        lastReceivedAt = now
        nextPingAt = now
    }

    /// The next event, nil when there is none.
    public mutating func nextEvent() -> YamuxEvent? { events.popFirst() }

    /// The number of open streams, of both sides.
    public var streamCount: Int { streams.count }

    /// Opens a stream. Data may be written at once; the peer's answer comes as `streamAccepted` or
    /// `reset`.
    public mutating func openStream(
        priority: YamuxPriority = .normal
    ) throws(YamuxError) -> YamuxStreamID {
        guard !isClosed else { throw .sessionClosed }
        guard outboundCount < limits.maximumOutboundStreams else { throw .tooManyStreams }
        guard unacknowledgedCount < limits.maximumUnacknowledgedStreams else {
            throw .acknowledgementBacklogFull
        }
        let id = nextOutboundID
        guard id < .max - 1 else { throw .identifiersExhausted }
        nextOutboundID += 2
        streams[id] = YamuxStream(
            opening: .unannounced, priority: priority, sendWindow: YamuxLimits.windowByteCount,
            receiveWindow: YamuxLimits.windowByteCount)
        outboundCount += 1
        unacknowledgedCount += 1
        signal(id)
        return YamuxStreamID(id)
    }

    /// Moves a stream to another class.
    public mutating func setPriority(_ priority: YamuxPriority, of id: YamuxStreamID) {
        guard let stream = streams[id.rawValue], stream.priority != priority else { return }
        streams[id.rawValue]?.priority = priority
        if stream.isScheduled { scheduled[Int(priority.rawValue)].append(id.rawValue) }
    }

    /// Takes bytes to be sent and returns how many: fewer than offered when the stream's or the
    /// session's buffer is full. `writable` follows when there is room again.
    @discardableResult
    public mutating func write(
        _ id: YamuxStreamID, _ bytes: ArraySlice<UInt8>
    ) throws(YamuxError) -> Int {
        guard !isClosed else { throw .sessionClosed }
        guard let end = streams[id.rawValue]?.localEnd else { throw .unknownStream(id) }
        guard end == .open else { throw .shutDown(id) }
        let sessionRoom = max(0, limits.maximumSendByteCount - unsentByteCount)
        let room = max(0, limits.maximumStreamSendByteCount - unsentByteCount(of: id))
        let count = min(bytes.count, room, sessionRoom)
        if count < bytes.count {
            streams[id.rawValue]?.awaitsRoom = true
            isSendingFull = isSendingFull || sessionRoom < min(bytes.count, room)
        }
        guard count > 0 else { return 0 }
        streams[id.rawValue]?.sendBuffer.append(bytes.prefix(count))
        unsentByteCount += count
        schedule(id.rawValue)
        return count
    }

    /// Takes bytes to be sent and returns how many: see `write(_:_:)` of a slice.
    @discardableResult
    public mutating func write(
        _ id: YamuxStreamID, _ bytes: [UInt8]
    ) throws(YamuxError) -> Int {
        try write(id, bytes[...])
    }

    /// The bytes written to a stream and not yet sent; 0 when it is gone.
    public func unsentByteCount(of id: YamuxStreamID) -> Int {
        streams[id.rawValue]?.sendBuffer.count ?? 0
    }

    /// Reports that the application is done with so many of a stream's bytes: their room is the
    /// peer's again. Nothing happens for a stream that is gone.
    public mutating func consumed(_ id: YamuxStreamID, _ count: Int) {
        guard let received = streams[id.rawValue]?.unconsumedByteCount else { return }
        precondition(count >= 0 && count <= received, "consumed more than was received")
        unconsumedByteCount -= count
        streams[id.rawValue]?.unconsumedByteCount -= count
        streams[id.rawValue]?.owedCredit += UInt32(count)
        if streams[id.rawValue]?.owesCredit == true { signal(id.rawValue) }
        closeIfOver(id.rawValue)
    }

    /// Lets the peer send four times as much before it has to wait, on a stream that is to carry
    /// mass and whose reader keeps up. Once for a stream; nothing happens for one that is gone.
    public mutating func widen(_ id: YamuxStreamID) {
        guard let stream = streams[id.rawValue], !stream.hasRemoteEnded,
            stream.widestReceiveWindow < YamuxLimits.wideWindowByteCount
        else { return }
        streams[id.rawValue]?.owedCredit +=
            YamuxLimits.wideWindowByteCount - stream.widestReceiveWindow
        streams[id.rawValue]?.widestReceiveWindow = YamuxLimits.wideWindowByteCount
        signal(id.rawValue)
    }

    /// Ends the local direction once everything written is sent. Nothing happens for a stream that
    /// is gone or shut down. A peer that never ends its direction keeps the stream alive: reset it
    /// when the protocol's time is over.
    public mutating func shutdown(_ id: YamuxStreamID) {
        guard streams[id.rawValue]?.localEnd == .open else { return }
        streams[id.rawValue]?.localEnd = .finishing
        schedule(id.rawValue)
    }

    /// Ends both directions at once and forgets the stream: no `reset` or `closed` follows. Events
    /// that wait already may still name it.
    public mutating func reset(_ id: YamuxStreamID) {
        guard let stream = remove(id.rawValue) else { return }
        if stream.opening != .unannounced {
            sendControl(YamuxFrame(.data, .reset, stream: id.rawValue))
        }
    }

    /// Ends the session. Other implementations drop everything on any go-away, so let the streams
    /// end first; what is not sent by now is lost.
    public mutating func goAway(_ code: YamuxGoAwayCode = .normal) {
        guard !isClosed else { return }
        end()
        controlFrames.append(YamuxFrame(.goAway, length: code.rawValue))
    }
}

extension YamuxSession {
    /// Ends the session for an offence of the peer's.
    mutating func fail(_ violation: YamuxViolation) {
        guard !isClosed else { return }
        goAway(.protocolError)
        events.append(.protocolError(violation))
    }

    /// Forgets everything but the events that wait.
    mutating func end() {
        isClosed = true
        streams.removeAll()
        (inboundCount, outboundCount, unacknowledgedCount) = (0, 0, 0)
        (unconsumedByteCount, unsentByteCount, isSendingFull) = (0, 0, false)
        body = nil
        partialHeader = []
        outstandingPing = nil
        controlFrames.removeAll()
        signals.removeAll()
        for index in scheduled.indices { scheduled[index].removeAll() }
    }

    /// Whether a stream was opened by this side.
    func isOutbound(_ id: UInt32) -> Bool { (id % 2 == 1) == (role == .client) }

    /// Takes a stream out of the tables.
    @discardableResult
    mutating func remove(_ id: UInt32) -> YamuxStream? {
        guard let stream = streams.removeValue(forKey: id) else { return nil }
        if isOutbound(id) {
            outboundCount -= 1
            if stream.opening != .established { unacknowledgedCount -= 1 }
        } else {
            inboundCount -= 1
        }
        unconsumedByteCount -= stream.unconsumedByteCount
        unsentByteCount -= stream.sendBuffer.count
        announceRoomOfSession()
        return stream
    }

    mutating func closeIfOver(_ id: UInt32) {
        guard streams[id]?.isOver == true else { return }
        remove(id)
        events.append(.closed(YamuxStreamID(id)))
    }

    /// Queues SYN, ACK or credit.
    mutating func signal(_ id: UInt32) {
        guard streams[id]?.isSignalling == false else { return }
        streams[id]?.isSignalling = true
        signals.append(id)
    }

    /// Queues data or the end of the data, if they can be sent.
    mutating func schedule(_ id: UInt32) {
        guard let priority = streams[id]?.enterLine() else { return }
        scheduled[Int(priority.rawValue)].append(id)
    }

    /// Queues an answer. A peer that causes answers without reading them is an attacker.
    mutating func sendControl(_ frame: YamuxFrame) {
        guard controlFrames.count < limits.maximumQueuedControlFrames else {
            fail(.unreadAnswers)
            return
        }
        controlFrames.append(frame)
    }
}
