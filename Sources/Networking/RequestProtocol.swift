package import LibP2P
internal import NIOCore
internal import Primitives

/// A request-response protocol that this node answers.
package struct RequestProtocol: Sendable {
    /// The protocol's name, as negotiated.
    package var name: String
    /// Other names under which the same protocol is spoken.
    package var fallbackNames: [String] = []
    /// Bounds on sizes and time.
    package var limits = RequestLimits()
    /// Requests answered at one time; one more is refused.
    package var maximumConcurrent = 16
    /// Requests of one connection answered at one time; one more is refused.
    package var maximumConcurrentPerConnection = 4

    package init(name: String) { self.name = name }
}

/// Why a request has no response.
package enum RequestError: Error, Sendable, Equatable {
    /// No stream could be had.
    case stream(StreamError)
    /// The peer does not want to answer: no fault.
    case refused
    /// The exchange failed after it began.
    case failed(RequestFailure)
    /// The asking task was cancelled.
    case cancelled
}

/// The requester's side of one exchange.
final class RequestSender: StreamHandler {
    typealias Completion = (Result<[UInt8], RequestError>) -> Void

    private var exchange: OutboundRequest?
    private var completion: Completion?
    private var stream: ConnectionStream?

    init(completion: @escaping Completion) { self.completion = completion }

    /// Opens the stream; the request is written as soon as the negotiation allows.
    func start(
        _ request: [UInt8], _ limits: RequestLimits, to peer: PeerID, _ protocolNames: [String],
        in swarm: SwarmLoop
    ) {
        let exchange: OutboundRequest
        do {
            exchange = try OutboundRequest(request, limits: limits, now: swarm.now)
        } catch {
            return complete(.failure(.failed(error)))
        }
        self.exchange = exchange
        do {
            let stream = try swarm.connection(to: peer).openStream(
                proposals: protocolNames, handler: self)
            self.stream = stream
            stream.deadline = min(stream.deadline ?? exchange.deadline, exchange.deadline)
            stream.send(exchange.output)
            stream.finish()
        } catch {
            complete(.failure(.stream(error)))
        }
    }

    /// Nobody waits for the response any more.
    func cancel() {
        complete(.failure(.cancelled))
        stream?.reset()
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        // An answer may be long, and is read as it comes.
        stream.widen()
        stream.deadline = exchange?.deadline
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        handle(exchange?.receive(bytes), on: stream)
    }

    func streamEnded(_ stream: ConnectionStream) { handle(exchange?.receiveEnd(), on: stream) }

    func streamDeadlineReached(_ stream: ConnectionStream) {
        handle(exchange?.handleDeadline(stream.connection.swarm.now), on: stream)
        stream.reset()
    }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        handle(exchange?.handleDeadline(stream.connection.swarm.now), on: nil)
        switch error {
        case .reset, nil: handle(exchange?.receiveReset(), on: nil)
        case let error?: complete(.failure(.stream(error)))
        }
    }

    private func handle(_ outcome: OutboundRequest.Outcome?, on stream: ConnectionStream?) {
        switch outcome {
        case nil: break
        case .response(let response): complete(.success(response))
        case .refused: complete(.failure(.refused))
        case .failed(let failure):
            complete(.failure(.failed(failure)))
            stream?.reset()
        }
    }

    private func complete(_ result: Result<[UInt8], RequestError>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

/// The responder's side of one exchange.
final class RequestReceiver: StreamHandler {
    private let entry: RequestEntry
    private let swarm: SwarmLoop
    private var exchange: InboundRequest
    private var stream: ConnectionStream?
    private var isRunning = false

    init(entry: RequestEntry, swarm: SwarmLoop) {
        self.entry = entry
        self.swarm = swarm
        exchange = InboundRequest(limits: entry.configuration.limits, now: swarm.now)
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        stream.deadline = exchange.deadline
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        handle(exchange.receive(bytes))
    }

    func streamEnded(_ stream: ConnectionStream) { handle(exchange.receiveEnd()) }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        _ = exchange.receiveReset()
    }

    private func handle(_ event: InboundRequest.Event?) {
        switch event {
        case nil: break
        case .failed:
            entry.counters.failures += 1
            stream?.reset()
        case .request(let request): answer(request)
        }
    }

    private func answer(_ request: [UInt8]) {
        guard let stream, entry.running < entry.configuration.maximumConcurrent else {
            entry.counters.drops += 1
            self.stream?.reset()
            return
        }
        entry.counters.received(request.count)
        entry.running += 1
        let handler = entry.handler
        let peer = stream.peer
        let gate = swarm.gate
        let bound = NIOLoopBound(self, eventLoop: gate.loop)
        let isStarted = swarm.jobs.start {
            let response = await handler(peer, request)
            gate.execute { bound.value.finish(response) }
        }
        if !isStarted { finish(nil) }
    }

    private func finish(_ response: [UInt8]?) {
        entry.running -= 1
        guard let stream else { return }
        guard let response, let frame = try? exchange.respond(response) else {
            return stream.reset()
        }
        entry.counters.sent(response.count)
        stream.send(frame)
        stream.finish()
    }
}
