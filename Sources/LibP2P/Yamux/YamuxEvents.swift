/// What a session tells the application, in the order in which it happened.
public enum YamuxEvent: Sendable, Hashable {
    /// The peer opened a stream. It is accepted unless it is reset.
    case streamOpened(YamuxStreamID)
    /// The peer accepted a stream that this side opened.
    case streamAccepted(YamuxStreamID)
    /// Bytes arrived. Their credit returns to the peer when they are reported as consumed.
    case data(YamuxStreamID, [UInt8])
    /// A stream whose buffer cut a write short has room again.
    case writable(YamuxStreamID)
    /// The peer will send nothing more on the stream.
    case halfClosed(YamuxStreamID)
    /// The stream ended in both directions at once; what was written and not sent is lost.
    case reset(YamuxStreamID, YamuxResetReason)
    /// The stream came to its end in both directions and all its bytes are consumed.
    case closed(YamuxStreamID)
    /// The answer to a ping.
    case pong(roundTrip: Duration)
    /// The peer ended the session. All streams are gone, whatever the reason code.
    case goAway(code: UInt32)
    /// The peer broke the rules: all streams are gone, and the output that is left tells it so.
    case protocolError(YamuxViolation)
    /// The peer was silent for too long after a ping: all streams are gone.
    case timedOut
}

/// Why a stream was reset.
public enum YamuxResetReason: Sendable, Hashable {
    /// The peer did; the code is 0 unless its implementation sends one.
    case byPeer(code: UInt32)
    /// The session held too many unconsumed bytes, and this stream most of them.
    case tooManyUnconsumedBytes
}

/// A rule of yamux, or a limit, that the peer broke.
public enum YamuxViolation: Error, Sendable, Hashable {
    case unknownVersion(UInt8)
    case unknownFrameType(UInt8)
    /// Data or credit for stream 0.
    case streamFrameOnSession
    /// A ping or go-away on a stream.
    case sessionFrameOnStream(UInt32)
    /// A stream id of the wrong parity.
    case foreignIdentifier(UInt32)
    /// A stream id that is in use, or was.
    case usedIdentifier(UInt32)
    /// More data than was granted.
    case windowExceeded(stream: UInt32, length: UInt32)
    /// Credit above 2^32 - 1.
    case creditOverflow(stream: UInt32)
    /// Data after the end of the data.
    case dataAfterEnd(stream: UInt32)
    /// An answer to a ping that was not asked.
    case unexpectedPong(UInt32)
    /// More streams opened than `YamuxLimits.streamOpenings` allows.
    case streamFlood
    /// More frames that move nothing than `YamuxLimits.idleFrames` allows.
    case frameFlood
    /// More pings than `YamuxLimits.pings` allows.
    case pingFlood
    /// The peer causes answers and does not read them.
    case unreadAnswers
}

/// Why the application's call has no effect.
public enum YamuxError: Error, Sendable, Hashable {
    /// The session is over.
    case sessionClosed
    /// No stream of that id: it never was, or it ended.
    case unknownStream(YamuxStreamID)
    /// The local direction was shut down before.
    case shutDown(YamuxStreamID)
    /// `YamuxLimits.maximumOutboundStreams` are open.
    case tooManyStreams
    /// The peer has not acknowledged so many streams that another one would be an offence.
    case acknowledgementBacklogFull
    /// All ids are used up: a new connection is needed.
    case identifiersExhausted
}

/// The reason codes of a go-away frame.
public enum YamuxGoAwayCode: UInt32, Sendable {
    case normal = 0
    case protocolError = 1
    case internalError = 2
}
