internal import LibP2P
internal import NIOCore
internal import Primitives

/// What this node says to one peer: a queue, and the stream that is opened again when it is lost.
final class PubSubLink {
    private let peer: PeerID
    private let hub: PubSubHub
    private var connection: Connection
    private var queue: GossipOutboundQueue
    private var writer: PubSubWriter?
    private var failureCount = 0
    private var retry: Scheduled<Void>?
    private var dropsCounted: UInt64 = 0

    init(peer: PeerID, hub: PubSubHub, connection: Connection, queue: GossipOutboundQueue) {
        self.peer = peer
        self.hub = hub
        self.connection = connection
        self.queue = queue
    }

    /// Leaves the present stream for one on a better connection.
    func move(to connection: Connection) {
        self.connection = connection
        closeWriter()
    }

    /// Opens the stream. What is said meanwhile waits.
    func open() {
        retry?.cancel()
        retry = nil
        let writer = PubSubWriter(link: self)
        self.writer = writer
        do {
            try connection.openStream(
                proposals: GossipSubVersion.protocolNames,
                priority: hub.service.registration.priority, handler: writer)
        } catch {
            lost(writer)
        }
    }

    /// The peer is gone.
    func end() {
        retry?.cancel()
        retry = nil
        closeWriter()
    }

    private func closeWriter() {
        let writer = writer
        self.writer = nil
        writer?.close()
    }

    // MARK: What is said

    func send(_ rpc: GossipRPC) {
        queue.enqueue(rpc)
        pump()
        let drops = queue.droppedMessages + queue.droppedGossip - dropsCounted
        guard drops > 0 else { return }
        dropsCounted += drops
        hub.service.count { $0.drops += drops }
    }

    func withdraw(_ ids: [MessageID]) {
        if queue.messageCount > 0 { queue.withdraw(ids) }
    }

    /// Writes what waits, as far as there is room.
    func pump() {
        while let stream = writer?.stream, stream.hasRoom, let rpc = queue.dequeue() {
            let frame = rpc.framed
            hub.service.count { counters in
                counters.bytesOut += UInt64(frame.count)
                counters.messagesOut += UInt64(rpc.messages.count)
            }
            stream.send(frame)
        }
    }

    // MARK: From the stream

    func opened(_ writer: PubSubWriter, _ version: GossipSubVersion) {
        guard self.writer === writer else { return }
        failureCount = 0
        hub.handle(.streamOpened(peer, version))
        pump()
    }

    /// The stream is gone: the next attempt follows after a pause that doubles each time.
    func lost(_ writer: PubSubWriter) {
        guard self.writer === writer else { return }
        self.writer = nil
        hub.service.count { $0.failures += 1 }
        hub.handle(.streamClosed(peer))
        let timings = hub.swarm.configuration.timings
        let pause = min(timings.firstReopen * (1 << min(failureCount, 10)), timings.longestReopen)
        failureCount += 1
        let hub = hub
        retry = hub.swarm.isolatedLoop.scheduleTask(
            deadline: hub.swarm.deadline(hub.swarm.now + pause)
        ) {
            self.retry = nil
            hub.handle(.streamOpening(self.peer))
            self.open()
        }
    }
}

/// The stream on which this node speaks to a peer. Nothing is read from it.
final class PubSubWriter: StreamHandler {
    private let link: PubSubLink
    /// The stream, once it is open.
    private(set) var stream: ConnectionStream?
    private var isOver = false

    init(link: PubSubLink) { self.link = link }

    /// Another stream takes over, or none.
    func close() {
        isOver = true
        stream?.finish()
        stream?.reset()
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        guard !isOver, let version = GossipSubVersion(protocolName: protocolName) else {
            return stream.reset()
        }
        self.stream = stream
        link.opened(self, version)
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
    }

    /// A peer that ends its own direction may still listen.
    func streamEnded(_ stream: ConnectionStream) {}

    func streamHasRoom(_ stream: ConnectionStream) { link.pump() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        link.lost(self)
    }
}

/// The stream on which a peer speaks. Nothing is written to it.
final class PubSubReader: StreamHandler {
    let peer: PeerID
    private let hub: PubSubHub
    private var decoder: LengthPrefixedDecoder
    private var stream: ConnectionStream?

    init(peer: PeerID, hub: PubSubHub) {
        self.peer = peer
        self.hub = hub
        decoder = LengthPrefixedDecoder(
            maximumByteCount: hub.service.registration.configuration.limits.maximumByteCount)
    }

    /// The peer opened another one.
    func replace() { stream?.reset() }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        hub.opened(self)
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        decoder.receive(bytes)
        do {
            while let frame = try decoder.nextFrame() { try hub.received(frame, from: peer) }
        } catch {
            hub.handle(.malformed(peer))
            stream.reset()
        }
    }

    func streamEnded(_ stream: ConnectionStream) { stream.finish() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        hub.ended(self)
    }
}
