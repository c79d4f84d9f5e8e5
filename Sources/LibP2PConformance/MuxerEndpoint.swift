public import LibP2P

/// What a multiplexer tells the application, in the order in which it happened.
public enum MuxerEvent<StreamID: Hashable & Sendable>: Sendable, Hashable {
    /// The peer opened a stream.
    case opened(StreamID)
    /// Bytes arrived.
    case data(StreamID, [UInt8])
    /// The peer will send nothing more on the stream.
    case finished(StreamID)
    /// The stream ended in both directions, and this side did not do it.
    case reset(StreamID)
    /// The session is over, by the peer's word or by its offence. Once, and last.
    case sessionEnded
}

/// One side of a multiplexed connection. A byte mover; it need not be a value. No call but `write`
/// and `openStream` fails: what is asked of a stream that is gone has no effect.
public protocol MuxerEndpoint {
    associatedtype StreamID: Hashable & Sendable

    /// Whether the session is over.
    var isClosed: Bool { get }
    /// Opens a stream, on which bytes may be written at once.
    mutating func openStream() throws -> StreamID
    /// Takes bytes to be sent; how many, which is fewer than offered when the stream's buffer is
    /// full. Throws behind `finish` and when the stream is gone.
    mutating func write(_ bytes: ArraySlice<UInt8>, to stream: StreamID) throws -> Int
    /// The application is done with so many bytes of `data`: the peer may send as many more.
    mutating func consumed(_ byteCount: Int, of stream: StreamID)
    /// Ends this side's direction behind what was written.
    mutating func finish(_ stream: StreamID)
    /// Ends both directions at once.
    mutating func reset(_ stream: StreamID)
    /// Ends the session; the peer is told.
    mutating func close()
    /// Takes bytes from the connection. Those that break the rules end the session.
    mutating func receive(_ bytes: [UInt8])
    /// The next event; nil when there is none.
    mutating func nextEvent() -> MuxerEvent<StreamID>?
    /// Bytes for the connection, `limit` at most (at least 1,024); empty when there are none.
    mutating func nextOutput(atMost limit: Int) -> [UInt8]
}

/// A multiplexer, as `MuxerConformance` checks it.
public protocol MuxerImplementation: Sendable {
    associatedtype Endpoint: MuxerEndpoint

    /// Stands in failures.
    var name: String { get }
    /// The streams that a peer may have open: from 4 to 1,000.
    var maximumInboundStreams: Int { get }
    /// The most bytes of one stream that arrive while nothing of it is consumed.
    var windowByteCount: Int { get }

    /// A side of a new connection, with the two bounds above.
    func makeEndpoint(role: ConnectionRole) -> Endpoint
}
