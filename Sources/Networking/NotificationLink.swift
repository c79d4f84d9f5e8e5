internal import LibP2P
internal import Primitives

/// One notifications protocol on one connection: the stream that this node opened to send, and the
/// one that the peer opened. Open means that both are accepted; when one is lost, both are given
/// up and opened again after a pause. Lives on the event loop.
///
/// The order of things follows what both network backends of Substrate accept: whoever accepts a
/// stream opens the reverse one promptly (docs/networking.md, "Notifications").
final class NotificationLink: StreamHandler {
    let service: NotificationService
    let connection: Connection
    private var outbound: (stream: ConnectionStream, protocol: OutboundNotifications)?
    private var inbound: (stream: ConnectionStream, protocol: InboundNotifications)?
    private var isInboundAccepted = false
    private var remoteHandshake: [UInt8] = []
    /// Whether notifications flow: reported to the service as a stream.
    private(set) var isOpen = false
    /// The owner wants no stream to this peer on this connection.
    private var isDisconnected = false
    /// Half open until then at the latest.
    private var openDeadline: Instant?
    /// When the stream is opened again.
    private var reopenAt: Instant?
    private var failureCount = 0
    private var openedAt = Instant.zero
    private var isPaused = false

    init(service: NotificationService, connection: Connection) {
        self.service = service
        self.connection = connection
    }

    var peer: PeerID { connection.peer }
    private var swarm: SwarmLoop { connection.swarm }
    private var limits: NotificationLimits {
        NotificationLimits(
            maximumNotificationByteCount: service.configuration.maximumNotificationByteCount)
    }

    /// When `checkDeadline` wants to be called.
    var nextDeadline: Instant? {
        [openDeadline, reopenAt].compactMap(\.self).min()
    }

    // MARK: From the connection and the swarm

    /// Opens the outbound stream, unless it is there.
    func start() {
        guard outbound == nil, !isDisconnected, connection.isOpen else { return }
        reopenAt = nil
        let state = OutboundNotifications(limits: limits)
        do {
            let stream = try connection.openStream(
                proposals: [service.name] + service.configuration.fallbackNames,
                priority: service.configuration.priority, handler: self)
            outbound = (stream, state)
            stream.send(try state.open(handshake: service.handshake))
            limitOpening()
        } catch {
            lost(.retry)
        }
    }

    /// Takes up a stream that the peer opened; false refuses it.
    func accept(_ stream: ConnectionStream) -> Bool {
        guard inbound == nil, !isDisconnected else { return false }
        inbound = (stream, InboundNotifications(limits: limits))
        isInboundAccepted = false
        limitOpening()
        return true
    }

    /// The service wants no stream to this peer any more.
    func disconnect() {
        isDisconnected = true
        giveUp()
    }

    /// The connection is gone, and the streams with it.
    func connectionLost() {
        isDisconnected = true
        giveUp()
    }

    func checkDeadline(now: Instant) {
        if let openDeadline, openDeadline <= now {
            self.openDeadline = nil
            lost(.retry)
        }
        if let reopenAt, reopenAt <= now {
            self.reopenAt = nil
            start()
        }
    }

    /// Sends what is queued, as far as there is room, if this is the link to send on.
    func sendQueued() {
        guard isOpen, let outbound, swarm.activeLink(service.name, peer) === self else { return }
        while outbound.stream.hasRoom, let message = service.dequeue(for: peer) {
            guard let frame = try? outbound.protocol.frame(message.bytes) else { continue }
            outbound.stream.send(frame)
        }
    }

    /// The service has room again for the peer's notifications.
    func resume() {
        guard isPaused else { return }
        isPaused = false
        pump()
    }

    // MARK: StreamHandler

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        stream.setPriority(service.configuration.priority)
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        if stream === inbound?.stream {
            inbound?.protocol.receive(bytes)
            pump()
        } else if stream === outbound?.stream {
            stream.consumed(bytes.count)
            handle(outbound?.protocol.receive(bytes))
        }
    }

    func streamEnded(_ stream: ConnectionStream) {
        if stream === inbound?.stream {
            inbound?.protocol.receiveEnd()
            pump()
        } else if stream === outbound?.stream {
            handle(outbound?.protocol.receiveEnd())
        }
    }

    func streamHasRoom(_ stream: ConnectionStream) {
        if stream === outbound?.stream { sendQueued() }
    }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        if stream === inbound?.stream {
            inbound = nil
            lost(.retry)
        } else if stream === outbound?.stream {
            outbound = nil
            lost(error == .unsupported ? .unsupported : .retry)
        }
    }

    // MARK: The two streams

    private func handle(_ event: OutboundNotifications.Event?) {
        switch event {
        case nil: break
        case .accepted(let handshake):
            guard service.configuration.acceptsHandshake(peer, handshake) else {
                return lost(.refused)
            }
            if !isInboundAccepted { remoteHandshake = handshake }
            openIfComplete()
        case .refused: lost(.refused)
        case .closed, .failed: lost(.retry)
        }
    }

    /// Handles what the inbound stream brought, while the service has room for it.
    private func pump() {
        while let stream = inbound?.stream {
            // Notifications that come before the reverse stream is accepted wait in their window.
            if isInboundAccepted {
                guard isOpen else { return }
                if service.pausesIfFull(peer) {
                    isPaused = true
                    return
                }
            }
            guard let event = inbound?.protocol.nextEvent() else {
                return stream.consumed(stream.unconsumedByteCount)
            }
            switch event {
            case .handshake(let handshake): answer(handshake, on: stream)
            case .notification(let bytes): service.deliver(bytes, from: peer)
            case .closed: return lost(.retry)
            case .failed:
                swarm.emit(
                    .reported(
                        peer, protocolName: service.name,
                        ReputationChange(value: -4_096, reason: "malformed notification")))
                return lost(.refused)
            }
        }
    }

    private func answer(_ handshake: [UInt8], on stream: ConnectionStream) {
        guard !service.pausesIfFull(peer),
            service.configuration.acceptsHandshake(peer, handshake),
            let answer = try? inbound?.protocol.accept(handshake: service.handshake)
        else { return lost(.refused) }
        remoteHandshake = handshake
        isInboundAccepted = true
        stream.send(answer)
        start()
        openIfComplete()
    }

    private func limitOpening() {
        guard openDeadline == nil else { return }
        let deadline = swarm.now + swarm.configuration.timings.streamNegotiation
        openDeadline = deadline
        connection.schedule(deadline)
    }

    private func openIfComplete() {
        guard !isOpen, isInboundAccepted, outbound?.protocol.isOpen == true else { return }
        isOpen = true
        openDeadline = nil
        openedAt = swarm.now
        swarm.opened(self, handshake: remoteHandshake)
        sendQueued()
        pump()
    }

    // MARK: Loss

    private enum Loss { case retry, refused, unsupported }

    /// Gives both streams up and plans to open them again.
    private func lost(_ loss: Loss) {
        let lasted = isOpen && swarm.now - openedAt >= RedialBackoff.lastingConnection
        giveUp()
        guard !isDisconnected, connection.isOpen, connection.duplicateSince == nil else { return }
        service.recordFailure()
        failureCount = lasted ? 0 : failureCount + 1
        let timings = swarm.configuration.timings
        var pause = loss == .retry ? timings.firstReopen : timings.longestReopen
        for _ in 0..<min(failureCount, 16) where pause < timings.longestReopen { pause *= 2 }
        if loss == .unsupported { pause *= 6 }
        let deadline = swarm.now + RedialBackoff.jittered(pause, by: -20...20, using: &swarm.generator)
        reopenAt = deadline
        connection.schedule(deadline)
    }

    private func giveUp() {
        let streams = [outbound?.stream, inbound?.stream]
        (outbound, inbound) = (nil, nil)
        (isInboundAccepted, isPaused) = (false, false)
        (openDeadline, reopenAt) = (nil, nil)
        if isOpen {
            isOpen = false
            swarm.closed(self)
        }
        for stream in streams { stream?.reset() }
    }
}
