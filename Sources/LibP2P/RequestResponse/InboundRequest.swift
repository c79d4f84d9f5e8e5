public import Primitives

/// The responder's side of one exchange on one substream: feed it until it yields the request, then
/// write the framed response and shut the local direction down, or reset the stream to refuse.
public struct InboundRequest: Sendable {
    /// What the stream brought.
    public enum Event: Sendable, Equatable {
        /// The whole request; it may be empty.
        case request([UInt8])
        /// Nothing to answer any more; the stream should be reset.
        case failed(RequestFailure)
    }

    private enum State: Sendable { case receiving, answering, over }

    /// When `handleDeadline` wants to be called, unless the response is written by then.
    public let deadline: Instant
    private let maximumResponseByteCount: Int
    private var decoder: LengthPrefixedDecoder
    private var state = State.receiving

    public init(limits: RequestLimits = RequestLimits(), now: Instant) {
        deadline = now + limits.timeout
        maximumResponseByteCount = limits.maximumResponseByteCount
        decoder = LengthPrefixedDecoder(maximumByteCount: limits.maximumRequestByteCount)
    }

    /// Takes bytes, cut anywhere. Returns the request once, or a failure once.
    public mutating func receive(_ bytes: [UInt8]) -> Event? {
        guard !bytes.isEmpty, state != .over else { return nil }
        guard state == .receiving else { return fail(.trailingBytes) }
        decoder.receive(bytes)
        do {
            guard let request = try decoder.nextFrame() else { return nil }
            guard decoder.bufferedByteCount == 0 else { return fail(.trailingBytes) }
            state = .answering
            return .request(request)
        } catch {
            return fail(.framing(error))
        }
    }

    /// The requester's direction ended: as it should after the request, a failure before.
    public mutating func receiveEnd() -> Event? {
        state == .receiving ? fail(.truncated) : nil
    }

    /// The requester gave up.
    public mutating func receiveReset() -> Event? { fail(.reset) }

    /// The bytes to be written for a response, after which the local direction is shut down. Nil
    /// when no answer is due (any more); throws `tooLong` for a response above the limit.
    public mutating func respond(_ response: [UInt8]) throws(RequestFailure) -> [UInt8]? {
        guard state == .answering else { return nil }
        guard response.count <= maximumResponseByteCount else {
            throw .tooLong(byteCount: response.count, limit: maximumResponseByteCount)
        }
        state = .over
        var output: [UInt8] = []
        output.reserveCapacity(response.count + UnsignedVarint.maximumByteCount)
        UnsignedVarint.appendLengthPrefixed(response, to: &output)
        return output
    }

    /// Ends an overdue exchange; too early a call does nothing.
    public mutating func handleDeadline(_ now: Instant) -> Event? {
        now >= deadline ? fail(.timedOut) : nil
    }

    private mutating func fail(_ failure: RequestFailure) -> Event? {
        guard state != .over else { return nil }
        state = .over
        decoder = LengthPrefixedDecoder(maximumByteCount: 0)
        return .failed(failure)
    }
}
