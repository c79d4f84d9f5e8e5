/// Reads the identify message of a stream: one part from most implementations, up to ten
/// concatenated parts from go.
///
/// The message is whole when the peer ends its direction; `message` is what arrived so far, for
/// peers that leave the stream open.
public struct IdentifyDecoder: Sendable {
    private var decoder = LengthPrefixedDecoder(
        maximumByteCount: IdentifyLimits.maximumPartByteCount)
    private var partCount = 0
    private var failure: IdentifyError?
    /// The parts that arrived so far; nil before the first one.
    public private(set) var message: IdentifyMessage?

    public init() {}

    /// Takes bytes, cut anywhere. An error is final: the stream should be reset.
    public mutating func receive(_ bytes: [UInt8]) throws(IdentifyError) {
        if let failure { throw failure }
        decoder.receive(bytes)
        do throws(IdentifyError) {
            while let part = try nextPart() {
                guard partCount < IdentifyLimits.maximumParts else { throw .tooManyParts }
                partCount += 1
                let decoded = try IdentifyMessage(protobuf: part)
                if message == nil {
                    message = decoded
                } else {
                    message?.append(part: decoded)
                }
            }
        } catch {
            failure = error
            message = nil
            throw error
        }
    }

    /// The peer ended its direction: returns the whole message.
    public mutating func finish() throws(IdentifyError) -> IdentifyMessage {
        if let failure { throw failure }
        let isWhole = decoder.bufferedByteCount == 0
        guard isWhole, let message else {
            let error: IdentifyError = isWhole ? .empty : .truncated
            failure = error
            throw error
        }
        return message
    }

    private mutating func nextPart() throws(IdentifyError) -> [UInt8]? {
        do {
            return try decoder.nextFrame()
        } catch {
            throw .framing(error)
        }
    }
}
