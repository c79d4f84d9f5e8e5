/// What runs on a stream once its protocol is agreed. Lives on the event loop.
///
/// `streamClosed` comes exactly once and last, whatever ended the stream, also when it never
/// opened; no other call follows it.
protocol StreamHandler: AnyObject {
    /// The protocol is agreed; `name` is the one of the proposals that was.
    func streamOpened(_ stream: ConnectionStream, protocolName: String)
    /// Bytes arrived. Their credit returns only by `stream.consumed`.
    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream)
    /// The peer will send nothing more.
    func streamEnded(_ stream: ConnectionStream)
    /// Everything given to `stream.send` is in the muxer: more may be sent.
    func streamHasRoom(_ stream: ConnectionStream)
    /// `stream.deadline` is reached, and cleared.
    func streamDeadlineReached(_ stream: ConnectionStream)
    /// The stream is gone; nil when both sides ended it in good order.
    func streamClosed(_ stream: ConnectionStream, error: StreamError?)
}

extension StreamHandler {
    func streamHasRoom(_ stream: ConnectionStream) {}
    func streamDeadlineReached(_ stream: ConnectionStream) { stream.reset() }
}
