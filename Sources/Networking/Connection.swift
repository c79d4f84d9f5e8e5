internal import LibP2P
internal import NIOCore
internal import Primitives

/// One TCP connection: owns the pure machines of its layers and moves bytes between the socket and
/// them. Lives on the event loop.
///
/// Output is pulled from the muxer only while the socket takes it, so the order of frames is
/// decided at the last moment; input is always read, because each stream's window bounds it.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What is known of a connection that this node makes.
    struct Dial: Sendable {
        /// Who must answer; nil when anybody may.
        let expectedPeer: PeerID?
        /// The address as it was given.
        let address: Multiaddr
        /// Whether the owner asked for it: such a connection needs no free slot.
        let isRequested: Bool
    }

    /// The bytes that wait in user space for the socket: more waits in the muxer, where its order
    /// can still change.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 32 * 1_024, high: 64 * 1_024)
    /// The plaintext that is pulled from the muxer at one time, and goes into one record: a frame of
    /// the largest kind. The cipher makes each record in fresh memory, and four times as much of that
    /// costs a third more time.
    private static let batchByteCount = YamuxLimits.frameByteCount + YamuxFrame.byteCount

    let id: UInt64
    let direction: ConnectionDirection
    /// The address that was dialled, or that the peer dialled from; without peer id.
    let address: Multiaddr
    /// The network counted for the limit per address; nil for dials.
    let network: IPAddress?
    let dial: Dial?
    let openedAt: Instant
    let swarm: SwarmLoop
    /// Told once when a dial's connection is ready, or is not going to be.
    var completion: SwarmLoop.DialCompletion?

    // The layers: first the upgrade, then the channel with the muxer on it.
    private var upgrade: ConnectionUpgrade?
    private var channel: SecuredChannel?
    private var muxer: YamuxSession?
    /// What is being encrypted, and what has been decrypted: one array each for all records.
    private var plaintext: [UInt8] = []
    private var received: [UInt8] = []

    /// The peer, once it proved who it is.
    private(set) var remotePeer: PeerID?
    /// How the connection is encrypted, once that is agreed.
    private(set) var security = SecurityProtocol.noise
    private(set) var closeReason: DisconnectReason?
    var streams: [YamuxStreamID: ConnectionStream] = [:]
    /// Inbound streams by protocol, for the limits of each.
    var inboundStreamCounts: [String: Int] = [:]
    var liveness: Liveness
    /// What the peer said in identify, in full, and what is kept for others.
    var identity: IdentifyMessage?
    var information: PeerInformation?
    /// Since when a better connection to the same peer exists: this one ends soon.
    var duplicateSince: Instant? {
        didSet { if let duplicateSince { schedule(duplicateSince) } }
    }
    private(set) var bytesIn: UInt64 = 0
    private(set) var bytesOut: UInt64 = 0
    private(set) var lastReceivedAt: Instant

    private var context: ChannelHandlerContext?
    private var isProcessing = false
    private var isProcessingScheduled = false
    private var isFinished = false
    private var timer: (deadline: Instant, task: Scheduled<Void>)?

    init(
        id: UInt64, direction: ConnectionDirection, address: Multiaddr, network: IPAddress?,
        dial: Dial?, swarm: SwarmLoop, now: Instant
    ) {
        self.id = id
        self.direction = direction
        self.address = address
        self.network = network
        self.dial = dial
        self.swarm = swarm
        upgrade = ConnectionUpgrade(
            role: direction == .outbound ? .dialer : .listener, credentials: swarm.credentials,
            ephemeralKey: NoisePrivateKey(using: &swarm.generator),
            kemKey: Self.kemKey(direction, swarm), expectedPeer: dial?.expectedPeer, now: now,
            timeout: swarm.configuration.timings.handshake)
        openedAt = now
        lastReceivedAt = now
        liveness = Liveness(now: now)
    }

    /// The key of a dial that may become a hybrid handshake.
    private static func kemKey(
        _ direction: ConnectionDirection, _ swarm: SwarmLoop
    ) -> NoiseKEMKey? {
        guard direction == .outbound, swarm.configuration.security != .classical else {
            return nil
        }
        return NoiseKEMKey(using: &swarm.generator)
    }

    /// The peer of a connection that is ready, or was.
    var peer: PeerID {
        guard let remotePeer else { preconditionFailure("streams need an authenticated peer") }
        return remotePeer
    }

    /// Whether streams can run.
    var isOpen: Bool { muxer != nil && closeReason == nil }

    /// Who dialled.
    var dialer: PeerID { direction == .outbound ? swarm.localPeer : peer }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let deadline = upgrade?.nextDeadline { schedule(deadline) }
        if context.channel.isActive { process() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { process() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard closeReason == nil else { return }
        bytesIn += UInt64(buffer.readableBytes)
        swarm.totals.bytesIn += UInt64(buffer.readableBytes)
        receive(buffer)
        // At once, not at the end of a batch of reads: events must not pile up.
        process()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { setNeedsProcessing() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if closeReason == nil { closeReason = .closedByPeer }
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(.transport("\(error)"))
    }

    // MARK: Input

    private func receive(_ bytes: ByteBuffer) {
        if upgrade == nil { return decrypt(bytes) }
        upgrade?.receive(Array(bytes.readableBytesView), now: swarm.now)
        advanceUpgrade()
    }

    private func advanceUpgrade() {
        switch upgrade?.nextEvent() {
        case nil: break
        case .failed(.noise(.unexpectedPeer(_, let actual))): close(.wrongPeer(actual))
        case .failed(let error): close(.handshake("\(error)"))
        case .secured(let connection): becomeReady(connection)
        }
    }

    /// Hands what the records hold to the muxer.
    private func decrypt(_ bytes: ByteBuffer) {
        let now = swarm.now
        received.removeAll(keepingCapacity: true)
        received.reserveCapacity(bytes.readableBytes)
        do {
            try channel?.open(bytes.readableBytesUInt8Span, into: &received)
            guard !received.isEmpty else { return }
            lastReceivedAt = now
            muxer?.receive(received, now: now)
        } catch {
            close(.transport("\(error)"))
        }
    }

    private func becomeReady(_ secured: SecuredConnection) {
        // The last words of the negotiation go out before the first frame.
        writeOutput()
        upgrade = nil
        channel = secured.channel
        remotePeer = secured.remotePeer
        security = secured.security
        var limits = YamuxLimits()
        limits.maximumInboundStreams = swarm.configuration.limits.inboundStreams
        limits.maximumStreamSendByteCount = swarm.configuration.limits.streamSendBuffer
        let now = swarm.now
        lastReceivedAt = now
        muxer = YamuxSession(
            role: direction == .outbound ? .client : .server, limits: limits, now: now)
        swarm.authenticated(self)
        guard closeReason == nil, !secured.earlyPlaintext.isEmpty else { return }
        muxer?.receive(secured.earlyPlaintext, now: now)
    }

    // MARK: Output

    /// Changes the muxer from outside of `process`, which then runs soon.
    func withMuxer<Result>(
        _ body: (inout YamuxSession) throws(YamuxError) -> Result
    ) throws(YamuxError) -> Result {
        guard muxer != nil, closeReason == nil else { throw .sessionClosed }
        defer { setNeedsProcessing() }
        return try body(&muxer!)
    }

    /// Asks for `process` to run soon, once for all that happens until then.
    private func setNeedsProcessing() {
        guard !isProcessing, !isProcessingScheduled, !isFinished else { return }
        isProcessingScheduled = true
        swarm.isolatedLoop.execute { self.process() }
    }

    /// Runs what the muxer has to say and fills the socket, until nothing moves.
    private func process() {
        isProcessingScheduled = false
        guard !isProcessing, !isFinished else { return }
        isProcessing = true
        var hasWritten = false
        var event = muxer?.nextEvent()
        repeat {
            while let current = event {
                handle(current)
                event = muxer?.nextEvent()
            }
            hasWritten = writeOutput() || hasWritten
            // Output makes room in streams' buffers, which their handlers may fill at once.
            event = muxer?.nextEvent()
        } while event != nil
        isProcessing = false
        if hasWritten { context?.flush() }
        if let deadline = Self.deadline(of: &muxer) { schedule(deadline) }
    }

    /// Looks into the muxer in place: read as a property's value it would be copied.
    private static func deadline(of muxer: inout YamuxSession?) -> Instant? { muxer?.nextDeadline }

    /// Fills the socket's buffer up to its high-water mark; whether anything was written.
    @discardableResult
    private func writeOutput() -> Bool {
        guard let context, !isFinished else { return false }
        var hasWritten = false
        while context.channel.isWritable, let bytes = nextOutput(context.channel.allocator) {
            bytesOut += UInt64(bytes.readableBytes)
            swarm.totals.bytesOut += UInt64(bytes.readableBytes)
            context.write(wrapOutboundOut(bytes), promise: nil)
            hasWritten = true
        }
        return hasWritten
    }

    /// The bytes that the socket is given next.
    private func nextOutput(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        if upgrade != nil { return upgrade?.nextOutput().map { ByteBuffer(bytes: $0) } }
        plaintext.removeAll(keepingCapacity: true)
        guard muxer?.nextOutput(into: &plaintext, atMost: Self.batchByteCount) == true else {
            return nil
        }
        var records = allocator.buffer(
            capacity: plaintext.count + SecuredChannel.recordOverhead)
        let content = plaintext
        do {
            try channel?.seal(content.span) { records.writeBytes($0) }
        } catch {
            close(.transport("\(error)"))
            return nil
        }
        return records
    }

    // MARK: Deadlines

    /// Makes sure that the deadlines are looked at then, or earlier.
    func schedule(_ deadline: Instant) {
        guard !isFinished else { return }
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = swarm.isolatedLoop.scheduleTask(deadline: swarm.deadline(deadline)) {
            self.timer = nil
            self.checkDeadlines()
        }
        timer = (deadline, task)
    }

    private func checkDeadlines() {
        guard !isFinished, closeReason == nil else { return }
        let now = swarm.now
        guard muxer != nil else {
            upgrade?.handleDeadline(now: now)
            advanceUpgrade()
            if let deadline = upgrade?.nextDeadline { schedule(deadline) }
            return
        }
        muxer?.handleDeadline(now)
        for id in streams.keys.sorted() { streams[id]?.checkDeadline(now: now) }
        checkLiveness(now: now)
        guard closeReason == nil else { return }
        for stream in streams.values { if let deadline = stream.deadline { schedule(deadline) } }
        process()
    }

    // MARK: End

    /// Ends the connection: what the muxer still has to say goes out, then the socket is closed.
    func close(_ reason: DisconnectReason) {
        guard closeReason == nil else { return }
        closeReason = reason
        muxer?.goAway()
        if writeOutput() { context?.flush() }
        if let context { context.close(promise: nil) } else { finish() }
    }

    /// Tells everybody that the connection is gone: once.
    private func finish() {
        guard !isFinished else { return }
        isFinished = true
        timer?.task.cancel()
        timer = nil
        let reason = closeReason ?? .closedByPeer
        closeReason = reason
        for id in streams.keys.sorted() { streams[id]?.muxerClosed(.connectionLost) }
        muxer = nil
        swarm.closed(self, reason: reason)
    }
}
