/// Why a stream of length-prefixed frames cannot be read on.
public enum FramingError: Error, Sendable, Equatable {
    /// The length is no unsigned varint.
    case malformedLength(VarintError)
    /// The announced length is above the protocol's limit.
    case frameTooLong(byteCount: UInt64, limit: Int)
}

/// Cuts a byte stream into frames of the form unsigned varint length, then that many bytes: the
/// framing of every libp2p protocol above multistream-select, and of multistream-select itself.
///
/// The length is checked against the limit as soon as it is read, before any byte of the frame is
/// kept for it; memory grows with what arrived, never with what was announced. Pull frames after
/// every `receive`, or the buffer grows with what the peer sends.
public struct LengthPrefixedDecoder: Sendable {
    /// The most bytes of a frame, its length prefix not counted.
    public let maximumByteCount: Int
    private var buffer = ReceiveBuffer()
    private var failure: FramingError?

    /// A decoder of frames of at most `maximumByteCount` bytes.
    public init(maximumByteCount: Int) {
        precondition(maximumByteCount >= 0)
        self.maximumByteCount = maximumByteCount
    }

    /// The bytes that wait for the rest of their frame, or to be pulled.
    public var bufferedByteCount: Int { buffer.count }

    /// Takes more of the stream.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) {
        guard failure == nil else { return }
        buffer.append(bytes)
    }

    /// Takes more of the stream.
    public mutating func receive(_ bytes: [UInt8]) { receive(bytes[...]) }

    /// The content of the next frame, nil when more bytes are needed. An error is final: it is
    /// thrown again by every later call.
    public mutating func nextFrame() throws(FramingError) -> [UInt8]? {
        if let failure { throw failure }
        do {
            guard let (prefix, length) = try frameBounds(), buffer.count - prefix >= length else {
                return nil
            }
            buffer.consume(prefix)
            return buffer.take(length)
        } catch {
            failure = error
            buffer = ReceiveBuffer()
            throw error
        }
    }

    /// Gives out what is buffered as it arrived, for the protocol that follows on this stream.
    public mutating func takeRemaining() -> [UInt8] { buffer.takeAll() }

    private func frameBounds() throws(FramingError) -> (prefix: Int, length: Int)? {
        let decoding: UnsignedVarint.Decoding
        do {
            decoding = try UnsignedVarint.decode(buffer.unread)
        } catch {
            throw .malformedLength(error)
        }
        guard case .complete(let length, let prefix) = decoding else { return nil }
        guard length <= UInt64(maximumByteCount) else {
            throw .frameTooLong(byteCount: length, limit: maximumByteCount)
        }
        return (prefix, Int(length))
    }
}
