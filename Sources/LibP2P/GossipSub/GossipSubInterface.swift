public import Primitives

/// The versions of GossipSub that are spoken. All known peers speak 1.1 at least, so 1.0 is not
/// offered.
public enum GossipSubVersion: Sendable, Hashable, CaseIterable {
    case v1_2
    case v1_1

    /// The protocol's name, as negotiated.
    public var protocolName: String {
        switch self {
        case .v1_2: "/meshsub/1.2.0"
        case .v1_1: "/meshsub/1.1.0"
        }
    }

    /// All names, newest first.
    public static let protocolNames = allCases.map(\.protocolName)

    /// The version of a negotiated protocol.
    public init?(protocolName: String) {
        guard let version = Self.allCases.first(where: { $0.protocolName == protocolName }) else {
            return nil
        }
        self = version
    }

    /// Whether IDONTWANT is understood.
    var hasUnwanted: Bool { self == .v1_2 }
}

/// What the application says about a message.
public enum PubSubVerdict: Sendable, Hashable {
    /// Right and new: it is passed on.
    case accept
    /// Of no use, and nobody's fault: it goes no further.
    case ignore
    /// Wrong: it goes no further, and counts against its bringers and its author.
    case reject
}

/// A message that the application shall judge.
public struct PubSubDelivery: Sendable, Hashable {
    /// The name to answer with.
    public let id: MessageID
    public let topic: String
    public let data: [UInt8]
    /// Who signed it; nil without signatures.
    public let author: PeerID?
    /// The neighbour that brought it first.
    public let source: PeerID
}

extension GossipSubRouter {
    /// What happened. Inputs about peers that are not connected are ignored.
    public enum Input: Sendable, Hashable {
        /// A connection to a peer is up, and this node's stream to it is being opened.
        /// `isOutbound`: this node dialled. `network`: the address that peers are counted by for
        /// P6, nil for one that does not count.
        case connected(PeerID, isOutbound: Bool, network: [UInt8]?)
        /// The peer is gone.
        case disconnected(PeerID)
        /// This node's stream to the peer is open: the peer hears everything anew.
        case streamOpened(PeerID, GossipSubVersion)
        /// This node's stream was refused, or is lost.
        case streamClosed(PeerID)
        /// This node's stream is being opened again.
        case streamOpening(PeerID)
        /// A frame of the peer's.
        case received(PeerID, GossipRPC)
        /// Bytes of the peer's that are no frame.
        case malformed(PeerID)
        /// Take part in a topic.
        case subscribe(String)
        /// Take part in it no longer.
        case unsubscribe(String)
        /// Publish to a topic, subscribed or not.
        case publish(topic: String, [UInt8])
        /// The answer to `validate`.
        case validated(MessageID, PubSubVerdict)
        /// Messages are exchanged with the peer whatever its score and the mesh, or no longer. Both
        /// sides must say so. The peer may be not connected yet.
        case setDirect(PeerID, Bool)
        /// P5 of a connected peer.
        case setApplicationScore(PeerID, Double)
        /// The time of the last `setTimer` is reached.
        case timer
    }

    /// What is to be done, in this order.
    public enum Effect: Sendable, Hashable {
        /// Put this into the peer's queue.
        case send(PeerID, GossipRPC)
        /// Take these messages out of the peer's queue: it has them.
        case withdraw(PeerID, [MessageID])
        /// Judge the message; answer with `validated` within `validationTimeout`.
        case validate(PubSubDelivery)
        /// An own message went into that many queues.
        case published(topic: String, MessageID, recipients: Int)
        /// An own message went nowhere.
        case publishFailed(topic: String, PublishFailure)
        /// A peer takes part in a topic, or no longer.
        case subscriptionChanged(PeerID, topic: String, isSubscribed: Bool)
        /// A trusted peer named others of a topic (only with `exchangesPeers`).
        case connect([PeerID])
        /// Come back with `timer` at that time; replaces every earlier one.
        case setTimer(Instant)
    }

    /// Why nothing was published.
    public enum PublishFailure: Error, Sendable, Hashable {
        /// More content than `maximumMessageByteCount`.
        case tooLong(byteCount: Int, limit: Int)
        /// The topic's name is longer than peers take.
        case topicTooLong(byteCount: Int, limit: Int)
        /// The same content was published or received before (only without signatures).
        case duplicate(MessageID)
    }
}

/// What a router has seen since its start, for metrics and tests.
public struct GossipSubCounters: Sendable, Hashable {
    /// Messages received, whatever became of them.
    public var received: UInt64 = 0
    /// Of those: messages that were known.
    public var duplicates: UInt64 = 0
    public var accepted: UInt64 = 0
    public var ignored: UInt64 = 0
    /// Rejected by the application.
    public var rejected: UInt64 = 0
    /// Without a right form or signature.
    public var unverified: UInt64 = 0
    /// Passed over: unknown topic, too long, own, or an author whose key cannot be checked.
    public var unwanted: UInt64 = 0
    /// Passed over because the author is muted.
    public var muted: UInt64 = 0
    /// Passed over for lack of room or budget; they may come again.
    public var overflowed: UInt64 = 0
    /// Own messages.
    public var published: UInt64 = 0
    /// Messages put into queues: own, passed on, and given on request.
    public var sent: UInt64 = 0
    /// Of those: given on request.
    public var given: UInt64 = 0
    /// Messages not passed on, because the peer said that it has them.
    public var spared: UInt64 = 0
    /// Names asked for.
    public var requested: UInt64 = 0
    public var brokenPromises: UInt64 = 0
    public var grafts: UInt64 = 0
    public var prunes: UInt64 = 0
    /// Frames of graylisted peers.
    public var graylisted: UInt64 = 0
    /// Frames that did not decode.
    public var malformed: UInt64 = 0
    /// Messages that were not judged in time.
    public var unjudged: UInt64 = 0

    public init() {}
}
