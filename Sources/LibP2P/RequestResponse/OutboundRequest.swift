public import Primitives

/// The requester's side of one exchange on one substream: write `output`, shut the local direction
/// down, and feed what comes back until there is an outcome (Substrate's request-response framing).
///
/// A stream that ends before the first byte is a refusal, which says nothing against the peer.
public struct OutboundRequest: Sendable {
    /// How an exchange ended.
    public enum Outcome: Sendable, Equatable {
        /// The response; it may be empty.
        case response([UInt8])
        /// The peer does not want to answer.
        case refused
        /// The exchange failed; the stream should be reset.
        case failed(RequestFailure)
    }

    /// The framed request.
    public let output: [UInt8]
    /// When `handleDeadline` wants to be called.
    public let deadline: Instant
    private var decoder: LengthPrefixedDecoder
    private var hasReceived = false
    private var isOver = false

    /// Frames a request; throws `tooLong` for one above the limit.
    public init(
        _ request: [UInt8], limits: RequestLimits = RequestLimits(), now: Instant
    ) throws(RequestFailure) {
        guard request.count <= limits.maximumRequestByteCount else {
            throw .tooLong(byteCount: request.count, limit: limits.maximumRequestByteCount)
        }
        var output: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(request, to: &output)
        self.output = output
        deadline = now + limits.timeout
        decoder = LengthPrefixedDecoder(maximumByteCount: limits.maximumResponseByteCount)
    }

    /// Takes bytes of the response, cut anywhere. The outcome is returned once, by the call that
    /// brings it about; calls after that return nil.
    public mutating func receive(_ bytes: [UInt8]) -> Outcome? {
        guard !isOver, !bytes.isEmpty else { return nil }
        hasReceived = true
        decoder.receive(bytes)
        do {
            guard let response = try decoder.nextFrame() else { return nil }
            guard decoder.bufferedByteCount == 0 else { return end(.failed(.trailingBytes)) }
            return end(.response(response))
        } catch {
            return end(.failed(.framing(error)))
        }
    }

    /// The responder's direction ended.
    public mutating func receiveEnd() -> Outcome? {
        end(hasReceived ? .failed(.truncated) : .refused)
    }

    /// The stream was reset, or lost with its connection.
    public mutating func receiveReset() -> Outcome? {
        end(hasReceived ? .failed(.reset) : .refused)
    }

    /// Ends an overdue exchange; too early a call does nothing.
    public mutating func handleDeadline(_ now: Instant) -> Outcome? {
        now >= deadline ? end(.failed(.timedOut)) : nil
    }

    private mutating func end(_ outcome: Outcome) -> Outcome? {
        guard !isOver else { return nil }
        isOver = true
        decoder = LengthPrefixedDecoder(maximumByteCount: 0)
        return outcome
    }
}
