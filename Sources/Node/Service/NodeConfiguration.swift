package import Coherence
package import Keystore
public import LibP2P
package import Primitives

/// Everything that decides how one node runs, as the command line or a test gives it.
public struct NodeConfiguration: Sendable {
    /// Where the chain's parameters come from.
    public enum ChainSource: Sendable, Equatable {
        /// The built-in chain with Alice as its only validator.
        case dev
        /// The built-in chain of Alice, Bob and Charlie.
        case local
        /// A chain specification file.
        case file(path: String)
    }

    /// Where the validator's own quantum measurements come from.
    public enum QuantumOrigin: Sendable, Equatable {
        /// Made up by the node; refused on chains that are not for development.
        case simulated
        /// A JSON file that some other program rewrites.
        case file(path: String)
        /// A JSON document fetched over plain HTTP.
        case http(url: String)
    }

    /// On which ways votes and proofs reach other nodes.
    public enum Gossip: String, Sendable, CaseIterable {
        /// Over a notification stream to each peer.
        case notifications
        /// Over the GossipSub topic.
        case gossipsub
        /// Over both.
        case both
    }

    /// The chain to follow.
    public var chain: ChainSource = .local
    /// The folder for databases and keys; nil: a temporary one that is removed at the end.
    public var basePath: String?
    /// The name shown to peers and in logs.
    public var name = "quantumharmony-node"
    /// Whether the node votes and produces blocks.
    public var isValidator = false
    /// The secret URI of a development validator, such as `//Alice`.
    public var suri: String?
    /// The node key, 32 bytes; nil: the one kept in the base path, made on first start.
    public var nodeKey: [UInt8]?
    /// The addresses to listen on for peers.
    public var listenAddresses: [Multiaddr] = []
    /// Addresses that peers are told in addition to those listened on.
    public var publicAddresses: [Multiaddr] = []
    /// Whether peers on the local network are looked for by multicast DNS; nil: unless all listen
    /// addresses are loopback addresses.
    public var usesMulticastDNS: Bool?
    /// Peers that the node dials first.
    public var bootnodes: [Multiaddr] = []
    /// Peers that always get in and are always dialled.
    public var reservedNodes: [Multiaddr] = []
    /// Whether only reserved peers are let in.
    public var reservedOnly = false
    /// Whether connections without post-quantum encryption are refused.
    public var requirePostQuantumTransport = false
    /// The ways that votes and proofs go.
    public var gossip: Gossip = .notifications
    /// Slots for peers that dialled us.
    public var inboundPeerSlots = 25
    /// Slots for peers that we dialled.
    public var outboundPeerSlots = 25
    /// The address and port of JSON-RPC.
    public var rpcHost = "127.0.0.1"
    public var rpcPort = 9944
    /// Whether the dashboard is served, to the operator only.
    public var servesDashboard = false
    /// To whom and how much JSON-RPC is served.
    public var rpc = RPC()
    /// What RPC changes the log levels with; nil: they cannot be changed.
    public var logControl: LogControl?
    /// The source of quantum measurements; nil: simulated where that is allowed.
    public var quantumOrigin: QuantumOrigin?
    /// Measurements older than this are stale: the validator abstains. Milliseconds.
    public var quantumMaximumAgeMilliseconds: UInt64 = 30_000
    /// The operator's statement that this key has never signed in this set.
    public var initializeSignState = false

    /// The port of `/metrics` for Prometheus; nil: no metrics are served.
    public var prometheusPort: UInt16?
    /// Whether the node refuses to start when that port cannot be had; else it runs without metrics.
    public var isPrometheusRequired = true
    /// Whether metrics are served on all interfaces, not on localhost alone.
    public var isPrometheusExternal = false

    // Keys.

    /// The folder of the session keys; nil: the one in the base path.
    public var keystorePath: String?
    /// What session keys are encrypted with; nil: they are plain.
    package var keystorePassword: KeystorePassword?
    /// The socket of the process that signs; nil: the node signs itself.
    public var signerPath: String?

    /// Changes what goes out on the vote channel, streams only; nil in every real node. Evil nodes of the tests
    /// have one.
    package var voteTampering: (any VoteTampering)?

    // MARK: Operations

    /// Whether peers are told no address but the public ones.
    public var announcesPublicAddressesOnly = false
    /// Which blocks are kept: all, all final ones, or so many newest.
    public var blocksPruning = BlocksPruning.archiveCanonical
    /// All certificates of so many newest blocks are kept.
    public var keptCertificateCount: UInt32 = 4_096
    /// Of older blocks, the newest certificate of each so many heights is kept.
    public var certificateInterval: UInt32 = 512

    public init() {}
}

/// What an evil node of the tests does with its own messages.
package protocol VoteTampering: Sendable {
    /// What is sent in the place of a message, and to whom.
    ///
    /// - Parameter sign: signs with the node's own validator key.
    func outbound(
        _ message: [UInt8], to peers: [PeerHandle], in domain: VotingDomain,
        sign: @Sendable (_ bytes: [UInt8]) async -> [UInt8]?
    ) async -> [(peers: [PeerHandle], message: [UInt8])]
}
