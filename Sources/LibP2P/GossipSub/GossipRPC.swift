/// What one router says to another in one frame (libp2p pubsub specification, `RPC`, with the
/// control messages of GossipSub 1.0 to 1.2).
public struct GossipRPC: Sendable, Hashable {
    /// The sender takes part in a topic, or no longer.
    public struct Subscription: Sendable, Hashable {
        public var isSubscribed: Bool
        public var topic: String

        public init(_ topic: String, isSubscribed: Bool) {
            self.topic = topic
            self.isSubscribed = isSubscribed
        }
    }

    /// IHAVE: messages of a topic that the sender holds.
    public struct Advertisement: Sendable, Hashable {
        public var topic: String
        public var messages: [MessageID]

        public init(_ topic: String, _ messages: [MessageID]) {
            self.topic = topic
            self.messages = messages
        }
    }

    /// PRUNE: the receiver is not in the sender's mesh of a topic.
    public struct Prune: Sendable, Hashable {
        public var topic: String
        /// Other peers of the topic, for peer exchange; their signed records are not carried.
        public var peers: [PeerID]
        /// For how long the receiver shall not graft, in seconds; nil from version 1.0.
        public var backoffSeconds: UInt64?

        public init(_ topic: String, peers: [PeerID] = [], backoffSeconds: UInt64? = nil) {
            self.topic = topic
            self.peers = peers
            self.backoffSeconds = backoffSeconds
        }
    }

    public var subscriptions: [Subscription] = []
    public var messages: [PubSubMessage] = []
    /// IHAVE.
    public var advertisements: [Advertisement] = []
    /// IWANT: what the sender asks for.
    public var wanted: [MessageID] = []
    /// GRAFT: topics in whose mesh the sender has put the receiver.
    public var grafts: [String] = []
    public var prunes: [Prune] = []
    /// IDONTWANT: what the sender has already (version 1.2).
    public var unwanted: [MessageID] = []
    /// Parts of a received frame that were passed over, because there were too many or they were
    /// too long; nothing on the wire.
    public internal(set) var surplusCount = 0

    public init() {}

    /// Whether there is nothing to say.
    public var isEmpty: Bool {
        subscriptions.isEmpty && messages.isEmpty && advertisements.isEmpty && wanted.isEmpty
            && grafts.isEmpty && prunes.isEmpty && unwanted.isEmpty
    }
}

/// How much of a frame is looked at. A frame itself has at most `maximumByteCount` bytes; of what
/// is in it, more than these numbers is passed over.
public struct GossipRPCLimits: Sendable, Hashable {
    /// A frame without its length: what go and py take too.
    public var maximumByteCount = 1_024 * 1_024
    public var maximumSubscriptions = 128
    public var maximumMessages = 512
    /// Entries of each kind of control message.
    public var maximumControlEntries = 64
    /// Message names of each kind of control message, together.
    public var maximumMessageIDs = 5_000
    public var maximumTopicByteCount = 256
    /// Peers of a PRUNE.
    public var maximumExchangedPeers = 16

    public init() {}
}
