/// A message for one peer, with what a queue needs to know to keep the newest and drop the rest.
public struct OutboundMessage: Sendable, Hashable {
    /// The bytes of the notification, without the length prefix.
    public var bytes: [UInt8]
    /// Larger goes first.
    public var priority: UInt8
    /// Messages of one stream are superseded by later ones of a higher position (for votes: round,
    /// then phase). Nil: never superseded.
    public var supersession: Supersession?

    /// What a message supersedes and is superseded by.
    public struct Supersession: Sendable, Hashable {
        /// Messages of equal stream replace each other.
        public var stream: UInt64
        /// The position in the stream: a message is dropped first when a higher one waits behind.
        public var position: UInt128

        public init(stream: UInt64, position: UInt128) {
            self.stream = stream
            self.position = position
        }
    }

    public init(bytes: [UInt8], priority: UInt8 = 0, supersession: Supersession? = nil) {
        self.bytes = bytes
        self.priority = priority
        self.supersession = supersession
    }
}

/// The bounded queue of messages for one peer: pure, used by the node and the simulator alike.
public protocol OutboundQueue: Sendable {
    /// Takes a message; what has to give way to keep the bounds is dropped and counted.
    mutating func enqueue(_ message: OutboundMessage)
    /// The message to be written next, nil when none waits.
    mutating func dequeue() -> OutboundMessage?
    /// Bytes that wait.
    var queuedByteCount: Int { get }
    /// Messages that wait.
    var count: Int { get }
    /// Messages dropped so far.
    var droppedCount: UInt64 { get }
}

/// A bounded first-in first-out queue that drops the newcomer when it is full.
public struct FIFOOutboundQueue: OutboundQueue {
    private var messages: [OutboundMessage] = []
    private var head = 0
    private let maximumCount: Int
    private let maximumByteCount: Int
    public private(set) var queuedByteCount = 0
    public private(set) var droppedCount: UInt64 = 0

    /// A queue of at most that many messages and bytes.
    public init(maximumCount: Int, maximumByteCount: Int) {
        precondition(maximumCount > 0 && maximumByteCount > 0)
        self.maximumCount = maximumCount
        self.maximumByteCount = maximumByteCount
    }

    public var count: Int { messages.count - head }

    public mutating func enqueue(_ message: OutboundMessage) {
        guard count < maximumCount, queuedByteCount + message.bytes.count <= maximumByteCount else {
            droppedCount += 1
            return
        }
        messages.append(message)
        queuedByteCount += message.bytes.count
    }

    public mutating func dequeue() -> OutboundMessage? {
        guard head < messages.count else { return nil }
        let message = messages[head]
        // The place is cleared at once: what has left must not be kept in memory.
        messages[head] = OutboundMessage(bytes: [])
        head += 1
        queuedByteCount -= message.bytes.count
        if head == messages.count {
            messages.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 64 && head * 2 > messages.count {
            messages.removeFirst(head)
            head = 0
        }
        return message
    }
}
