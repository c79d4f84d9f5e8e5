internal import LibP2P
internal import Primitives

/// One stream of a connection: agrees on the protocol, then carries bytes between the muxer and a
/// handler. Lives on the event loop.
final class ConnectionStream {
    private enum Phase {
        case dialing(MultistreamDialer)
        case listening(MultistreamListener)
        /// The peer's proposals were refused: it is told, and given time to hear it.
        case refused
        case open
        case closed
    }

    let id: YamuxStreamID
    let connection: Connection
    /// The name under which the peer opened the stream; nil for this node's streams.
    var inboundProtocol: String?
    private var phase: Phase
    /// What runs on the stream; nil while an inbound stream's protocol is not known.
    private var handler: (any StreamHandler)?
    /// What the muxer has no room for yet.
    private var unsent = ReceiveBuffer()
    private var isFinishing = false
    private var hasRemoteEnded = false
    /// Bytes given to the handler and not reported as consumed.
    private(set) var unconsumedByteCount = 0
    /// When the handler is to be called, or the negotiation fails.
    var deadline: Instant? {
        didSet { if let deadline { connection.schedule(deadline) } }
    }

    /// A stream that this node opened, with the protocols it proposes.
    init(
        id: YamuxStreamID, connection: Connection, proposals: [String],
        handler: any StreamHandler, deadline: Instant
    ) {
        self.id = id
        self.connection = connection
        self.handler = handler
        phase = .dialing(MultistreamDialer(proposals: proposals, isOptimistic: true))
        self.deadline = deadline
    }

    /// A stream that the peer opened, with the protocols that it may choose from.
    init(
        id: YamuxStreamID, connection: Connection, supported: [String], deadline: Instant
    ) {
        self.id = id
        self.connection = connection
        phase = .listening(MultistreamListener(supported: supported))
        self.deadline = deadline
    }

    // MARK: For the handler

    /// Whether the peer opened the stream.
    private var isInbound: Bool { handler == nil }
    /// Whether everything given to `send` is in the muxer.
    var hasRoom: Bool { unsent.isEmpty && !isFinishing }
    /// Whether the stream is gone.
    var isClosed: Bool { if case .closed = phase { true } else { false } }
    /// The peer.
    var peer: PeerID { connection.peer }

    /// Takes as many bytes as there is room for and returns how many; the handler is told of more
    /// room.
    func write(_ bytes: ArraySlice<UInt8>) -> Int {
        guard !isClosed, !isFinishing, unsent.isEmpty, mayWrite else { return 0 }
        return connection.write(bytes, on: self)
    }

    /// Queues bytes. Callers keep to `hasRoom`, so that not more than one message waits here.
    func send(_ bytes: [UInt8]) {
        guard !isClosed, !isFinishing else { return }
        let rest = bytes.dropFirst(write(bytes[...]))
        guard !rest.isEmpty else { return }
        unsent.append(rest)
        drain()
    }

    /// Ends this node's direction after what is queued.
    func finish() {
        guard !isClosed, !isFinishing else { return }
        isFinishing = true
        drain()
    }

    /// Ends both directions at once.
    func reset() { close(.reset, resetsMuxer: true) }

    /// Fails a negotiation, or ends both directions with that error.
    func fail(_ error: StreamError) { close(error, resetsMuxer: true) }

    /// Returns the credit of bytes that were taken for good.
    func consumed(_ count: Int) {
        guard !isClosed, count > 0 else { return }
        let count = min(count, unconsumedByteCount)
        unconsumedByteCount -= count
        connection.consumed(count, on: self)
    }

    /// Lets the peer send more before it has to wait for this side.
    func widen() {
        guard !isClosed else { return }
        try? connection.withMuxer { $0.widen(id) }
    }

    /// Gives the stream's frames another class.
    func setPriority(_ priority: YamuxPriority) {
        guard !isClosed else { return }
        try? connection.withMuxer { $0.setPriority(priority, of: id) }
    }

    // MARK: For the connection

    /// Sends the negotiation's first bytes.
    func start() { advanceNegotiation() }

    func received(_ bytes: [UInt8]) {
        switch phase {
        case .dialing(var dialer):
            phase = .closed
            dialer.receive(bytes)
            phase = .dialing(dialer)
            advanceNegotiation(receivedByteCount: bytes.count)
        case .listening(var listener):
            phase = .closed
            listener.receive(bytes)
            phase = .listening(listener)
            advanceNegotiation(receivedByteCount: bytes.count)
        case .open: deliver(bytes)
        case .refused: connection.consumed(bytes.count, on: self)
        case .closed: break
        }
    }

    func remoteEnded() {
        guard !isClosed, !hasRemoteEnded else { return }
        hasRemoteEnded = true
        switch phase {
        case .open: handler?.streamEnded(self)
        case .refused, .closed: break
        case .dialing, .listening:
            fail(.negotiationFailed("the peer ended the stream"))
        }
    }

    /// The muxer forgot the stream.
    func muxerClosed(_ error: StreamError?) { close(error, resetsMuxer: false) }

    /// The muxer has room again.
    func flush() {
        drain()
        if case .open = phase, hasRoom { handler?.streamHasRoom(self) }
    }

    /// Moves what waits into the muxer. Tells nobody: who just sent knows, and would only be called
    /// from within its own call.
    private func drain() {
        while !isClosed, !unsent.isEmpty, mayWrite {
            let written = connection.write(unsent.unread, on: self)
            guard written > 0 else { return }
            unsent.consume(written)
        }
        if !isClosed, unsent.isEmpty, mayWrite, isFinishing { connection.shutdown(self) }
    }

    func checkDeadline(now: Instant) {
        guard let deadline, deadline <= now, !isClosed else { return }
        self.deadline = nil
        if case .open = phase {
            handler?.streamDeadlineReached(self)
        } else {
            fail(.negotiationFailed("time is up"))
        }
    }

    // MARK: Negotiation

    /// Whether the handler's bytes may follow the negotiation's.
    private var mayWrite: Bool {
        switch phase {
        case .open: true
        case .dialing(let dialer): dialer.writableProtocol != nil
        case .listening, .refused, .closed: false
        }
    }

    private func advanceNegotiation(receivedByteCount: Int = 0) {
        var output: [UInt8] = []
        let outcome: MultistreamOutcome
        var early: [UInt8] = []
        switch phase {
        case .dialing(var dialer):
            while let bytes = dialer.nextOutput() { output += bytes }
            outcome = dialer.outcome
            early = dialer.takeRemaining()
            phase = .dialing(dialer)
        case .listening(var listener):
            while let bytes = listener.nextOutput() { output += bytes }
            outcome = listener.outcome
            early = listener.takeRemaining()
            phase = .listening(listener)
        case .open, .refused, .closed: return
        }
        // A few hundred bytes at the start of a stream always find room in its buffer.
        if !output.isEmpty, connection.write(output[...], on: self) < output.count {
            return fail(.negotiationFailed("no room for the negotiation"))
        }
        connection.consumed(receivedByteCount - early.count, on: self)
        switch outcome {
        case .pending: drain()
        case .failed where isInbound: refuse()
        case .failed(.noCommonProtocol): fail(.unsupported)
        case .failed(let error): fail(.negotiationFailed("\(error)"))
        case .agreed(let name): agreed(name, early: early)
        }
    }

    /// A reset would overtake the refusal and leave the peer to guess: the stream is ended in order
    /// instead. The deadline of the negotiation stays.
    private func refuse() {
        phase = .refused
        connection.shutdown(self)
    }

    private func agreed(_ name: String, early: [UInt8]) {
        phase = .open
        deadline = nil
        if handler == nil {
            handler = connection.makeHandler(for: name, on: self)
            guard handler != nil else { return reset() }
        }
        handler?.streamOpened(self, protocolName: name)
        if !early.isEmpty, !isClosed { deliver(early) }
        flush()
    }

    private func deliver(_ bytes: [UInt8]) {
        unconsumedByteCount += bytes.count
        handler?.streamReceived(bytes, on: self)
    }

    private func close(_ error: StreamError?, resetsMuxer: Bool) {
        guard !isClosed else { return }
        phase = .closed
        deadline = nil
        unsent = ReceiveBuffer()
        connection.forget(self, resetsMuxer: resetsMuxer)
        let handler = handler
        self.handler = nil
        handler?.streamClosed(self, error: error)
    }
}
