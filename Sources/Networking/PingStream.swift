internal import DequeModule
internal import LibP2P
internal import Primitives

/// The stream on which this node pings a peer: one ping at a time, kept open between pings, opened
/// again when the peer ended it meanwhile (some do after ten seconds without a ping).
final class PingStream: StreamHandler {
    typealias Completion = (Result<Duration, StreamError>) -> Void

    /// Pings that may wait for their turn.
    private static let maximumWaiting = 256

    private let connection: Connection
    private var stream: ConnectionStream?
    private var initiator = PingInitiator()
    /// Pings in order; the first one may be under way. Nil: for liveness, nobody waits.
    private var waiting: Deque<Completion?> = []
    private var answeredCount = 0

    init(connection: Connection) { self.connection = connection }

    /// Whether a ping is under way or waits.
    var isWaiting: Bool { !waiting.isEmpty }

    func ping(_ completion: Completion?) {
        guard waiting.count < Self.maximumWaiting else {
            completion?(.failure(.tooManyStreams))
            return
        }
        waiting.append(completion)
        advance()
    }

    /// Fails all that waits; the next ping gets a new stream.
    func end(_ error: StreamError) {
        if connection.liveness.pings === self { connection.liveness.pings = nil }
        let lost = waiting
        waiting = []
        // A stream that worked before and broke under the first ping deserves one more attempt.
        guard answeredCount > 0, error != .connectionLost, connection.isOpen else {
            for completion in lost { completion?(.failure(error)) }
            return
        }
        for completion in lost { connection.ping(completion) }
    }

    private func advance() {
        guard let stream, !waiting.isEmpty, !initiator.isWaiting else { return }
        var payload: [UInt8] = []
        while payload.count < PingProtocol.payloadByteCount {
            payload.append(UInt8.random(in: .min ... .max, using: &connection.swarm.generator))
        }
        guard let bytes = initiator.start(payload: payload, now: connection.swarm.now) else {
            return stream.reset()
        }
        stream.send(bytes)
        stream.deadline = initiator.nextDeadline
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        advance()
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        do {
            guard let roundTrip = try initiator.receive(bytes, now: connection.swarm.now) else {
                return
            }
            stream.deadline = nil
            answeredCount += 1
            connection.liveness.roundTrip = roundTrip
            if case let completion?? = waiting.popFirst() { completion(.success(roundTrip)) }
            advance()
        } catch {
            stream.reset()
        }
    }

    func streamEnded(_ stream: ConnectionStream) { stream.reset() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        end(error ?? .reset)
    }
}

/// The stream on which a peer pings this node.
final class PingEchoStream: StreamHandler {
    private var responder: PingResponder

    init(now: Instant) {
        // Twice the urgent pace and the bursts of peers that measure.
        responder = PingResponder(limit: RateLimit(burst: 256, perSecond: 64), now: now)
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        stream.deadline = responder.nextDeadline
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        do {
            let echo = try responder.receive(bytes, now: stream.connection.swarm.now)
            // A peer that does not read its echoes gets no more of them.
            guard stream.hasRoom else { return stream.reset() }
            stream.send(echo)
            stream.deadline = responder.nextDeadline
        } catch {
            stream.reset()
        }
    }

    func streamEnded(_ stream: ConnectionStream) { stream.finish() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {}
}
