internal import LibP2P
internal import Logging
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

    let id: UInt64
    let direction: ConnectionDirection
    /// The address that was dialled, or that the peer dialled from; without peer id.
    let address: Multiaddr
    /// The IP address counted for the limit per address.
    let network: IPAddress?
    /// Whether a dial's owner waits: such a connection needs no slot.
    let isRequested: Bool
    let openedAt: Instant
    let swarm: SwarmLoop
    /// Security and muxer being agreed; nil afterwards.
    private var upgrade: ConnectionUpgrade?
    /// The encrypted records, once the peer is authenticated.
    private var channel: SecuredChannel?
    /// The streams' frames, once the peer is authenticated.
    private(set) var muxer: YamuxSession?
    /// The peer, once it proved who it is.
    private(set) var remotePeer: PeerID?
    private(set) var closeReason: DisconnectReason?
    private var context: ChannelHandlerContext?
    var streams: [YamuxStreamID: ConnectionStream] = [:]
    /// Inbound streams by protocol, for the limits of each.
    var inboundStreamCounts: [String: Int] = [:]
    /// The notification links of this connection, by the protocol's main name.
    var links: [String: NotificationLink] = [:]
    /// Pings the peer and notices silence.
    private(set) var liveness: Liveness
    /// What the peer said in identify.
    var information: PeerInformation?
    /// A better connection to the same peer exists: this one ends then.
    var duplicateDeadline: Instant? {
        didSet { if let duplicateDeadline { schedule(duplicateDeadline) } }
    }
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    private(set) var lastReceivedAt: Instant
    private let handshakeDeadline: Instant
    private var isProcessing = false
    private var isProcessingScheduled = false
    private var timer: (deadline: Instant, task: Scheduled<Void>)?
    private var isFinished = false

    init(
        id: UInt64, direction: ConnectionDirection, address: Multiaddr, network: IPAddress?,
        upgrade: ConnectionUpgrade, isRequested: Bool, swarm: SwarmLoop, now: Instant
    ) {
        self.id = id
        self.direction = direction
        self.address = address
        self.network = network
        self.isRequested = isRequested
        self.swarm = swarm
        self.upgrade = upgrade
        openedAt = now
        lastReceivedAt = now
        liveness = Liveness(now: now)
        handshakeDeadline = now + swarm.configuration.timings.handshake
    }

    /// The peer of a connection that is open, or was.
    var peer: PeerID {
        guard let remotePeer else { preconditionFailure("streams need an authenticated peer") }
        return remotePeer
    }

    /// Whether streams can run.
    var isOpen: Bool { muxer != nil && closeReason == nil }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { start() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard closeReason == nil else { return }
        bytesIn += UInt64(buffer.readableBytes)
        swarm.totals.bytesIn += UInt64(buffer.readableBytes)
        receive(Array(buffer.readableBytesView))
    }

    func channelReadComplete(context: ChannelHandlerContext) { process() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { process() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if closeReason == nil { closeReason = .closedByPeer }
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(.transport("\(error)"))
    }

    private func start() {
        guard timer == nil, closeReason == nil else { return }
        schedule(handshakeDeadline)
        process()
    }

    // MARK: Input

    private func receive(_ bytes: [UInt8]) {
        if upgrade != nil {
            upgrade?.receive(bytes)
            advanceUpgrade()
        } else {
            channel?.receive(bytes)
        }
        decrypt()
    }

    /// Hands what the records hold to the muxer.
    private func decrypt() {
        guard closeReason == nil else { return }
        let now = swarm.now
        do {
            while let plaintext = try channel?.nextPlaintext() {
                lastReceivedAt = now
                muxer?.receive(plaintext, now: now)
            }
        } catch {
            close(.transport("\(error)"))
        }
    }

    private func advanceUpgrade() {
        switch upgrade?.outcome {
        case nil, .pending: break
        case .failed(let error):
            writeOutput()
            close(.handshake("\(error)"))
        case .upgraded(let channel, let peer):
            writeOutput()
            upgrade = nil
            self.channel = channel
            remotePeer = peer
            var limits = YamuxLimits()
            limits.maximumInboundStreams = swarm.configuration.limits.inboundStreams
            limits.maximumStreamSendByteCount = swarm.configuration.limits.streamSendBuffer
            muxer = YamuxSession(
                role: direction == .outbound ? .client : .server, limits: limits, now: swarm.now)
            swarm.authenticated(self)
        }
    }

    // MARK: Output

    /// Runs what the muxer has to say and fills the socket, until nothing moves.
    private func process() {
        isProcessingScheduled = false
        guard !isProcessing, !isFinished else { return }
        isProcessing = true
        var hasWritten = false
        repeat {
            while let event = muxer?.nextEvent() { handle(event) }
            hasWritten = writeOutput() || hasWritten
        } while hasPendingEvent
        isProcessing = false
        if hasWritten { context?.flush() }
        if let deadline = muxer?.nextDeadline { schedule(deadline) }
    }

    private var pendingEvent: YamuxEvent?
    
    /// Fills the socket's buffer up to its high-water mark; whether anything was written.
    @discardableResult
    private func writeOutput() -> Bool {
        guard let context, closeReason == nil else { return false }
        var hasWritten = false
        while context.channel.isWritable, let bytes = nextOutput() {
            bytesOut += UInt64(bytes.count)
            swarm.totals.bytesOut += UInt64(bytes.count)
            context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            hasWritten = true
        }
        return hasWritten
    }

    /// The bytes that the socket is given next, some 32 KiB at most.
    private func nextOutput() -> [UInt8]? {
        if upgrade != nil { return upgrade?.nextOutput() }
        var plaintext: [UInt8] = []
        guard muxer?.nextOutput(into: &plaintext, atMost: Self.batchByteCount) == true else {
            return nil
        }
        return channel?.seal(plaintext)
    }

    /// Asks for `process` to run soon, once for all that happens until then.
    private func setNeedsProcessing() {
        guard !isProcessing, !isProcessingScheduled, !isFinished else { return }
        isProcessingScheduled = true
        swarm.isolatedLoop.execute { self.process() }
    }
}
