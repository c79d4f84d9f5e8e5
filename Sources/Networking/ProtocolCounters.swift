/// What went over one protocol since the start: for metrics.
package struct ProtocolCounters: Sendable, Hashable {
    /// Payload bytes received: notifications, requests, responses.
    package var bytesIn: UInt64 = 0
    /// Payload bytes handed to the muxer.
    package var bytesOut: UInt64 = 0
    /// Messages received.
    package var messagesIn: UInt64 = 0
    /// Messages handed to the muxer.
    package var messagesOut: UInt64 = 0
    /// Messages for connected peers that were dropped: superseded, no room, or the stream ended.
    package var drops: UInt64 = 0
    /// Messages that the application had already (it says so).
    package var duplicates: UInt64 = 0
    /// Streams or requests that failed.
    package var failures: UInt64 = 0

    package init() {}

    mutating func received(_ byteCount: Int) {
        messagesIn += 1
        bytesIn += UInt64(byteCount)
    }

    mutating func sent(_ byteCount: Int) {
        messagesOut += 1
        bytesOut += UInt64(byteCount)
    }

    package static func += (left: inout ProtocolCounters, right: ProtocolCounters) {
        left.bytesIn += right.bytesIn
        left.bytesOut += right.bytesOut
        left.messagesIn += right.messagesIn
        left.messagesOut += right.messagesOut
        left.drops += right.drops
        left.duplicates += right.duplicates
        left.failures += right.failures
    }
}
