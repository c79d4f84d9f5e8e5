internal import LibP2P
internal import Primitives

/// One direction of a notification stream: the substream that this node or the peer opened.
final class NotificationSubstream: StreamHandler {
    private enum Framing {
        case outbound(OutboundNotifications)
        case inbound(InboundNotifications)
    }

    let id: NotificationSubstreamID
    private let peer: PeerID
    private let hub: NotificationHub
    private var stream: ConnectionStream?
    private var framing: Framing
    /// Both directions are accepted: notifications may flow.
    private var isOpen = false
    /// The mailbox is full: nothing is read until it is not.
    private var isPaused = false
    /// The machine heard that the substream ended, or ended it.
    private var isOver = false

    init(
        id: NotificationSubstreamID, peer: PeerID, hub: NotificationHub, stream: ConnectionStream?
    ) {
        self.id = id
        self.peer = peer
        self.hub = hub
        self.stream = stream
        switch id {
        case .outbound: framing = .outbound(OutboundNotifications(limits: hub.limits))
        case .inbound: framing = .inbound(InboundNotifications(limits: hub.limits))
        }
    }

    // MARK: From the hub

    func send(handshake: [UInt8]) {
        let frame: [UInt8]?
        switch framing {
        case .outbound(let outbound): frame = try? outbound.open(handshake: handshake)
        case .inbound(var inbound):
            frame = try? inbound.accept(handshake: handshake)
            framing = .inbound(inbound)
        }
        if let frame { stream?.send(frame) }
    }

    func becomeOpen() {
        isOpen = true
        sendQueued()
        deliverReceived()
    }

    /// Sends what is queued, as far as there is room.
    func sendQueued() {
        guard isOpen, !isOver, case .outbound(let outbound) = framing else { return }
        while let stream, stream.hasRoom, let message = hub.service.dequeue(for: peer) {
            // The service lets nothing in that is too long.
            if let frame = try? outbound.frame(message.bytes) { stream.send(frame) }
        }
    }

    func resume() {
        isPaused = false
        deliverReceived()
    }

    /// Ends the substream in order; a peer that does not end its side is cut off.
    func close() {
        isOver = true
        guard let stream else { return hub.forget(self) }
        stream.finish()
        stream.consumed(stream.unconsumedByteCount)
        stream.deadline = hub.swarm.now + hub.swarm.configuration.timings.streamNegotiation
    }

    func reset() {
        isOver = true
        guard let stream else { return hub.forget(self) }
        stream.reset()
    }

    func failedToOpen() {
        hub.forget(self)
        end(.ended)
    }

    // MARK: StreamHandler

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        stream.setPriority(hub.service.registration.priority)
        guard !isOver else { return stream.reset() }
        switch id {
        case .outbound: hub.handle(.outboundOpened(peer, id))
        case .inbound:
            hub.handle(.inboundOpened(peer, ConnectionID(stream.connection.id), id))
        }
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        guard !isOver else { return stream.consumed(bytes.count) }
        switch framing {
        case .outbound(var outbound):
            let event = outbound.receive(bytes)
            framing = .outbound(outbound)
            stream.consumed(bytes.count)
            handle(event)
        case .inbound(var inbound):
            // Out of `framing` first: two owners would copy the buffer.
            framing = .inbound(InboundNotifications())
            inbound.receive(bytes)
            framing = .inbound(inbound)
            deliverReceived()
        }
    }

    func streamEnded(_ stream: ConnectionStream) {
        switch framing {
        case .outbound(var outbound):
            let event = outbound.receiveEnd()
            framing = .outbound(outbound)
            handle(event)
        case .inbound(var inbound):
            framing = .inbound(InboundNotifications())
            inbound.receiveEnd()
            framing = .inbound(inbound)
            deliverReceived()
        }
    }

    func streamHasRoom(_ stream: ConnectionStream) { sendQueued() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        hub.forget(self)
        self.stream = nil
        end(error == .unsupported ? .unsupported : .ended)
    }

    // MARK: Events of the framing

    private func handle(_ event: OutboundNotifications.Event?) {
        switch event {
        case nil: break
        case .accepted(let handshake): hub.handle(.handshake(peer, id, handshake))
        case .refused, .closed:
            end(.ended)
            stream?.finish()
        case .failed:
            end(.violation)
            stream?.reset()
        }
    }

    /// Delivers what the inbound substream holds while the mailbox has room, and returns the
    /// credit only then: a slow owner stops the peer, not this node's memory.
    private func deliverReceived() {
        guard case .inbound = framing else { return }
        while !isOver, let stream {
            if isOpen {
                guard !hub.service.pausesIfFull(peer) else {
                    isPaused = true
                    return
                }
            }
            guard let event = nextInboundEvent() else { break }
            handle(event, on: stream)
        }
        guard let stream, !isOver, case .inbound(let inbound) = framing else { return }
        if isOpen || !inbound.isOpen { stream.consumed(stream.unconsumedByteCount) }
    }

    private func nextInboundEvent() -> InboundNotifications.Event? {
        guard case .inbound(var inbound) = framing else { return nil }
        // Notifications that come before the other direction is accepted wait in their window.
        if inbound.isOpen, !isOpen { return nil }
        framing = .inbound(InboundNotifications())
        defer { framing = .inbound(inbound) }
        return inbound.nextEvent()
    }

    private func handle(_ event: InboundNotifications.Event, on stream: ConnectionStream) {
        switch event {
        case .handshake(let handshake): hub.handle(.handshake(peer, id, handshake))
        case .notification(let bytes): hub.service.deliver(bytes, from: peer)
        case .closed:
            end(.ended)
            stream.finish()
            stream.consumed(stream.unconsumedByteCount)
        case .failed(let failure):
            hub.service.report(
                peer, ReputationChange(value: -4_096, reason: "notification stream: \(failure)"))
            end(.violation)
            stream.reset()
        }
    }

    private func end(_ end: NotificationStreams.SubstreamEnd) {
        guard !isOver else { return }
        isOver = true
        hub.handle(.substreamEnded(peer, id, end))
    }
}
