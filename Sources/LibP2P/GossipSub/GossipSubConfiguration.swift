public import Primitives

/// The parameters of a GossipSub router (GossipSub 1.0 and 1.1, "Parameters"; defaults are those of
/// go-libp2p unless a comment says otherwise), and the bounds on all that it keeps.
public struct GossipSubConfiguration: Sendable, Hashable {
    // MARK: The mesh

    /// Peers that a topic's mesh is filled up to: D.
    public var degree = 6
    /// Below this the mesh is filled up: D_low.
    public var lowDegree = 5
    /// Above this the mesh is cut down to `degree`: D_high.
    public var highDegree = 12
    /// Peers that stay for their score when the mesh is cut down: D_score.
    public var scoreDegree = 4
    /// Peers of the mesh that this node dialled, at least: D_out.
    public var outboundDegree = 2

    // MARK: Gossip

    /// Peers outside the mesh that hear of messages at each heartbeat, at least: D_lazy.
    public var lazyDegree = 6
    /// The share of all peers outside the mesh that hear of messages.
    public var gossipFactor = 0.25
    /// Heartbeats for which messages can be asked for.
    public var historyLength = 5
    /// Heartbeats for which messages are advertised.
    public var historyGossip = 3
    /// How often one peer is given one message that it asks for.
    public var retransmissions = 3
    /// IHAVE messages of one peer that are looked at between two heartbeats.
    public var maximumAdvertisements = 10
    /// Messages that one peer is asked for between two heartbeats, and the most names in an IHAVE.
    public var maximumRequests = 5_000
    /// By then a peer must have sent what it advertised and was asked for.
    public var requestTimeout = Duration.seconds(3)
    /// Peers that one message is asked of at the same time. One would let a liar hold a message up
    /// for `requestTimeout`; without a limit every neighbour sends it.
    public var concurrentRequests = 2
    /// Messages of at least that many bytes of content are announced with IDONTWANT when they come.
    public var unwantedThreshold = 1_024
    /// Names that one peer may send in IDONTWANT between two heartbeats.
    public var maximumUnwanted = 1_000
    /// Heartbeats for which an IDONTWANT is honoured.
    public var unwantedHeartbeats = 3

    // MARK: Time

    public var heartbeatInterval = Duration.seconds(1)
    /// From the router's first input to its first heartbeat.
    public var firstHeartbeat = Duration.milliseconds(100)
    /// For how long a peer that was pruned shall not graft.
    public var pruneBackoff = Duration.seconds(60)
    /// The same when this node leaves the topic.
    public var unsubscribeBackoff = Duration.seconds(10)
    /// A longer back-off of a peer's is cut to this: nobody keeps this node away for good.
    public var maximumBackoff = Duration.seconds(600)
    /// A GRAFT so soon after a PRUNE counts twice.
    public var graftFloodThreshold = Duration.seconds(10)
    /// Peers of a topic that is published to without a subscription are kept for so long.
    public var fanoutLifetime = Duration.seconds(60)
    /// For how long a message is known again.
    public var seenLifetime = Duration.seconds(120)
    /// A message that is not judged by then is ignored.
    public var validationTimeout = Duration.seconds(10)
    /// Heartbeats between two looks at whether a better mesh could be had.
    public var opportunisticGraftHeartbeats: UInt64 = 60
    /// Peers that are grafted for that.
    public var opportunisticGraftPeers = 2

    // MARK: Behaviour

    /// Whether own messages go to all peers of the topic instead of the mesh only.
    public var floodPublish = true
    /// Whether PRUNE names other peers, and such names are passed on. Off: a validator's peers are
    /// configured or discovered, and unsigned hints are a way to eclipse a node.
    public var exchangesPeers = false
    /// The topics whose subscribers are remembered; nil for all.
    public var knownTopics: [String]?

    // MARK: Bounds

    public var limits = GossipRPCLimits()
    /// The longest content of a message, published or taken: leaves room in a frame for control.
    public var maximumMessageByteCount = 896 * 1_024
    /// Peers, connected ones and remembered ones.
    public var maximumPeers = 1_024
    /// Topics that this node takes part in, and those that it publishes to without.
    public var maximumTopics = 64
    /// Topics that are remembered of one peer.
    public var maximumTopicsPerPeer = 32
    /// Names of messages that are known again.
    public var maximumSeen = 16_384
    /// Messages that can be asked for, and their bytes.
    public var maximumCached = 8_192
    public var maximumCachedByteCount = 16 * 1_024 * 1_024
    /// Messages that wait for their verdict, of all peers and of one, and their bytes.
    public var maximumPending = 1_024
    public var maximumPendingPerPeer = 256
    public var maximumPendingByteCount = 8 * 1_024 * 1_024
    /// Messages whose arrival is waited for.
    public var maximumOpenRequests = 8_192
    /// New messages of one peer: each costs a check of its signature.
    public var messageRate = RateLimit(burst: 2_000, perSecond: 500)
    /// Rejected messages after which an author is muted: what it signed is ignored, whoever brings
    /// it, so that routers that check nothing are not blamed for it again and again.
    public var authorStrikes = 3
    /// For how long.
    public var authorMute = Duration.seconds(600)
    /// Authors with strikes that are remembered.
    public var maximumStruckAuthors = 1_024

    /// How peers are scored.
    public var scores = PeerScoreParameters()

    public init() {}

    /// Whether the numbers fit together (GossipSub 1.1, "Parameters").
    package var isConsistent: Bool {
        lowDegree >= 0 && lowDegree <= degree && degree <= highDegree && scoreDegree >= 0
            && scoreDegree <= degree && outboundDegree >= 0 && outboundDegree <= degree / 2
            && (outboundDegree < lowDegree || lowDegree == 0) && historyGossip > 0
            && historyGossip <= historyLength && heartbeatInterval > .zero && gossipFactor >= 0
            && gossipFactor <= 1 && opportunisticGraftHeartbeats > 0 && maximumPeers > 0
            && scores.isConsistent
    }
}
