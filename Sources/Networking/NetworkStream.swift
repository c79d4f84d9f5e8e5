internal import DequeModule
package import LibP2P
internal import NIOCore
internal import Primitives
internal import Synchronization

/// A stream of bytes to a peer, for protocols that bring their own framing. Reading and writing
/// wait as the peer and the network demand; one task may read while another one writes.
///
/// When the last reference goes, a finished stream sends what was written and discards what still
/// comes; any other one is cut off.
package final class NetworkStream: Sendable {
    /// The peer.
    package let peer: PeerID
    /// The protocol that was agreed.
    package let protocolName: String
    private let pipe: StreamPipe

    init(peer: PeerID, protocolName: String, pipe: StreamPipe) {
        self.peer = peer
        self.protocolName = protocolName
        self.pipe = pipe
    }

    deinit { pipe.abandon() }

    /// The next bytes, as they came; nil at the end of the peer's direction.
    package func read() async throws(StreamError) -> [UInt8]? { try await pipe.read() }

    /// Exactly so many bytes. Throws `finished` when the peer ends before.
    package func read(exactly count: Int) async throws(StreamError) -> [UInt8] {
        precondition(count >= 0)
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = try await pipe.read(atMost: count - bytes.count) else {
                throw .finished
            }
            bytes += more
        }
        return bytes
    }

    /// Sends bytes: returns when they are in the stream's bounded buffer.
    package func write(_ bytes: [UInt8]) async throws(StreamError) { try await pipe.write(bytes) }

    /// Ends this node's direction behind what was written.
    package func finish() { pipe.finish() }

    /// Cuts the stream off in both directions.
    package func reset() { pipe.reset() }
}

/// The buffers between the tasks that use a stream and the event loop that owns it.
final class StreamPipe: Sendable {
    /// Bytes that wait for the event loop before the writer does.
    private static let outboundLimit = 128 * 1_024

    private struct State {
        var inbound: Deque<[UInt8]> = []
        var hasRemoteEnded = false
        var outbound = ReceiveBuffer()
        var isFinished = false
        var isReset = false
        /// Why the stream is gone, once it is.
        var error: StreamError?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let readable = Signal()
    private let writable = Signal()
    private let gate: LoopGate
    /// The loop's end of the pipe. It holds the pipe, so the way back is set once, and cut when the
    /// stream is gone.
    private let handler: Mutex<NIOLoopBound<RawStreamHandler>?> = Mutex(nil)

    init(gate: LoopGate) { self.gate = gate }

    // MARK: For tasks

    func read(atMost limit: Int = .max) async throws(StreamError) -> [UInt8]? {
        while true {
            let result = state.withLock { state -> Result<[UInt8]?, StreamError>? in
                if var chunk = state.inbound.popFirst() {
                    if chunk.count > limit {
                        state.inbound.prepend(Array(chunk[limit...]))
                        chunk = Array(chunk[..<limit])
                    }
                    return .success(chunk)
                }
                if state.hasRemoteEnded { return .success(nil) }
                if state.isClosed { return .failure(state.error ?? .finished) }
                return Task.isCancelled ? .failure(.finished) : nil
            }
            if let result {
                let bytes = try result.get()
                if let bytes { onLoop { $0.tookInbound(bytes.count) } }
                return bytes
            }
            await readable.wait()
        }
    }

    func write(_ bytes: [UInt8]) async throws(StreamError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = state.withLock { state -> Result<Int, StreamError> in
                if state.isClosed { return .failure(state.error ?? .finished) }
                if state.isFinished || Task.isCancelled { return .failure(.finished) }
                let count = min(rest.count, Self.outboundLimit - state.outbound.count)
                state.outbound.append(rest.prefix(count))
                return .success(count)
            }
            let count = try result.get()
            rest = rest.dropFirst(count)
            if count > 0 { onLoop { $0.pump() } }
            if !rest.isEmpty { await writable.wait() }
        }
    }

    func finish() {
        state.withLock { $0.isFinished = true }
        onLoop { $0.pump() }
    }

    func reset() {
        state.withLock { $0.isReset = true }
        onLoop { $0.pump() }
    }

    /// Nobody uses the stream any more: what was written and finished still goes out, anything else
    /// is cut off.
    func abandon() {
        let isInOrder = state.withLock { $0.isFinished && !$0.isReset }
        if isInOrder { onLoop { $0.discardInbound() } } else { reset() }
    }

    private func onLoop(_ body: @escaping @Sendable (RawStreamHandler) -> Void) {
        guard let bound = handler.withLock({ $0 }) else { return }
        gate.execute { body(bound.value) }
    }

    // MARK: For the event loop

    func attach(_ handler: RawStreamHandler) {
        let bound = NIOLoopBound(handler, eventLoop: gate.loop)
        self.handler.withLock { $0 = bound }
    }

    func received(_ bytes: [UInt8]) {
        state.withLock { $0.inbound.append(bytes) }
        readable.raise()
    }

    func ended() {
        state.withLock { $0.hasRemoteEnded = true }
        readable.raise()
    }

    func closed(_ error: StreamError?) {
        state.withLock { state in
            state.isClosed = true
            state.error = error
            state.outbound = ReceiveBuffer()
        }
        handler.withLock { $0 = nil }
        readable.raise()
        writable.raise()
    }

    /// What the tasks want of the stream beyond the bytes that they wrote.
    enum Wish: Sendable { case nothing, end, reset }

    /// Offers what the tasks wrote to `take`, which returns how much of it has been taken, and says
    /// what is to be done behind that: nothing as long as bytes are left.
    func moveOutbound(_ take: (ArraySlice<UInt8>) -> Int) -> Wish {
        let (wish, hasRoom) = state.withLock { state -> (Wish, Bool) in
            if state.isReset { return (.reset, false) }
            let offered = state.outbound.count
            if offered > 0 { state.outbound.consume(take(state.outbound.unread)) }
            let hasRoom =
                state.outbound.count < offered
                && state.outbound.count <= Self.outboundLimit / 2
            return (state.isFinished && state.outbound.isEmpty ? .end : .nothing, hasRoom)
        }
        if hasRoom { writable.raise() }
        return wish
    }
}

/// The event loop's end of a `NetworkStream`.
final class RawStreamHandler: StreamHandler {
    typealias Completion = (Result<NetworkStream, StreamError>) -> Void

    private let pipe: StreamPipe
    private var stream: ConnectionStream?
    private var completion: Completion?
    /// Nobody reads any more.
    private var isDiscarding = false
    /// Bytes that tasks read.
    private var takenByteCount = 0
    private var isWide = false

    /// `completion` is told once: when the protocol is agreed, or is not going to be.
    init(gate: LoopGate, completion: @escaping Completion) {
        pipe = StreamPipe(gate: gate)
        self.completion = completion
        pipe.attach(self)
    }

    /// Returns the credit of bytes that a task took. Who has read a whole window may get more at a
    /// time; what nobody reads stays within one.
    func tookInbound(_ count: Int) {
        takenByteCount += count
        if !isWide, takenByteCount >= Int(YamuxLimits.windowByteCount) {
            isWide = true
            stream?.widen()
        }
        stream?.consumed(count)
    }

    /// Takes what still comes for nobody, and gives the peer some time to end its direction.
    func discardInbound() {
        guard let stream else { return }
        isDiscarding = true
        stream.consumed(stream.unconsumedByteCount)
        let swarm = stream.connection.swarm
        stream.deadline = swarm.now + swarm.configuration.timings.streamNegotiation
    }

    /// Moves what tasks wrote as far as there is room; the stream calls again when there is more.
    func pump() {
        guard let stream else { return }
        switch pipe.moveOutbound(stream.write) {
        case .nothing: break
        case .end: stream.finish()
        case .reset: stream.reset()
        }
    }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        let completion = completion
        self.completion = nil
        completion?(
            .success(NetworkStream(peer: stream.peer, protocolName: protocolName, pipe: pipe)))
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        if isDiscarding { stream.consumed(bytes.count) } else { pipe.received(bytes) }
    }

    func streamEnded(_ stream: ConnectionStream) { pipe.ended() }

    func streamHasRoom(_ stream: ConnectionStream) { pump() }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {
        self.stream = nil
        pipe.closed(error)
        let completion = completion
        self.completion = nil
        completion?(.failure(error ?? .reset))
    }
}
