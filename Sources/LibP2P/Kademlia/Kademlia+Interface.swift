public import Primitives

/// The name of a request, its own or a peer's; never given twice by either side.
public enum KademliaRequestID: Sendable, Hashable {
    /// Asked by this side; the number is the machine's.
    case outbound(UInt64)
    /// Asked by a peer; the number is the shell's.
    case inbound(UInt64)
}

/// The name that the owner gives to a search.
public struct KademliaSearchID: Sendable, Hashable {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// How a node takes part in the DHT.
public struct KademliaConfiguration: Sendable, Hashable {
    /// Whether peers may ask this node.
    public enum Mode: Sendable, Hashable {
        /// Asks and answers.
        case server
        /// Only asks: it is in no peer's table.
        case client
    }

    public var mode = Mode.server
    /// Peers wanted by a search and told in an answer, and peers in a bucket: k.
    public var replication = 20
    /// Peers that a search asks at one time: alpha.
    public var parallelism = 3
    /// How long one peer may take to be connected and to answer.
    public var requestTimeout = Duration.seconds(10)
    /// How long a search may take.
    public var searchTimeout = Duration.seconds(60)
    /// Searches at one time; the owner's further ones are refused.
    public var maximumSearches = 8
    /// Candidates of one search.
    public var maximumCandidates = 128
    /// Requests of one peer that are answered.
    public var inboundRequests = RateLimit(burst: 32, perSecond: 8)
    /// Peers whose requests are counted.
    public var maximumCountedPeers = 512
    /// Between two searches for this node's own key, which fill the near buckets. A quarter either
    /// way is left to chance.
    public var ownSearchInterval = Duration.seconds(300)
    /// The pause before the second random search; doubles with each one.
    public var firstSearchPause = Duration.seconds(1)
    /// The longest pause between random searches.
    public var longestSearchPause = Duration.seconds(60)
    /// Bootnodes remembered.
    public var maximumBootnodes = 64

    public init() {}
}

extension Kademlia {
    /// What happened.
    public enum Input: Sendable, Hashable {
        /// The node is up.
        case start
        /// A peer to begin with when the table is empty. Addresses without peer id.
        case bootnode(PeerID, [Multiaddr])
        /// A connected peer said who it is, or said it anew: where it listens, whether it answers
        /// requests of this protocol, and the address of the connection.
        case identified(
            PeerID, addresses: [Multiaddr], speaksProtocol: Bool, connection: Multiaddr)
        /// The last connection to a peer is gone.
        case disconnected(PeerID)
        /// A peer asks: a message without length prefix.
        case request(KademliaRequestID, PeerID, connection: Multiaddr, [UInt8])
        /// The answer to an `ask`, and the address of the connection that brought it.
        case answered(KademliaRequestID, connection: Multiaddr, [UInt8])
        /// An `ask` got no answer.
        case failed(KademliaRequestID)
        /// The owner wants to know the peers closest to a key.
        case search(KademliaSearchID, target: [UInt8])
        /// Whether more peers are wanted: random searches pause while none are.
        case wantsPeers(Bool)
        /// The time of the last `setTimer` is reached.
        case timer
    }

    /// What is to be done, in this order.
    public enum Effect: Sendable, Hashable {
        /// Ask a peer, connecting to one of the addresses when it is not connected; report with
        /// `answered` or `failed`. A message without length prefix.
        case ask(KademliaRequestID, PeerID, [Multiaddr], [UInt8])
        /// Answer a peer's request.
        case answer(KademliaRequestID, [UInt8])
        /// Reset the stream of a peer's request.
        case refuse(KademliaRequestID)
        /// A search ended: the closest peers that answered themselves, closest first.
        case found(KademliaSearchID, [KademliaPeer])
        /// A search cannot be made: too many are under way.
        case refuseSearch(KademliaSearchID)
        /// Somebody told of a peer: it may be worth a connection.
        case heardOf(PeerID, [Multiaddr])
        /// A peer sent what is no answer.
        case misbehaved(PeerID, KademliaMessageError)
        /// Come back with `timer` at that time; replaces every earlier one.
        case setTimer(Instant)
    }
}
