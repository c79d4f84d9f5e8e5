package import Chain
package import Coherence
package import Primitives

/// The node as RPC sees it. Each call answers with a snapshot; none waits for the network.
package protocol NodeQueries: Sendable {
    /// What does not change while the node runs.
    var description: NodeDescription { get }

    func health() async -> NodeHealth
    func syncProgress() async -> SyncProgress
    /// The addresses that others reach this node at, as multiaddrs without the peer id.
    func listenAddresses() async -> [String]
    func peers() async -> [PeerReport]
    func bans() async -> [BanReport]
    /// The peers that always get in, by peer id in base58.
    func reservedPeers() async -> [String]
    /// Makes a peer reserved until the node stops: it takes no slot, is always dialled and never
    /// banned.
    ///
    /// - Parameter address: a multiaddr that ends in the peer's id.
    func addReservedPeer(_ address: String) async throws(PeerRefusal)
    /// Makes a reserved peer an ordinary one.
    ///
    /// - Parameter peerID: in base58.
    func removeReservedPeer(_ peerID: String) async throws(PeerRefusal)

    func bestBlock() async -> BlockRef
    func finalisedBlock() async -> BlockRef
    /// The hash of the block at a height on the best chain; nil above its head.
    func canonicalHash(at number: BlockNumber) async throws(NodeQueryFailure) -> Hash256?
    /// The header; nil for an unknown block.
    func header(of hash: Hash256) async throws(NodeQueryFailure) -> Header?
    /// The block and, if there is one for exactly this block, its certificate; nil for an unknown
    /// block.
    func block(of hash: Hash256) async throws(NodeQueryFailure) -> BlockReport?

    /// Puts an extrinsic into the pool.
    func submit(_ extrinsic: Extrinsic) async throws(ExtrinsicRefusal)
    /// The extrinsics of the pool, oldest first.
    func pendingExtrinsics() async -> [Extrinsic]

    /// Nil while the node does not take part in voting yet.
    func roundState() async -> RoundStateReport?
    func activeSet() async -> ValidatorSet
    /// The verified votes held for a block, and the precommits of its certificate.
    func votes(for hash: Hash256) async throws(NodeQueryFailure) -> [VoteReport]
    /// The lowest stored certificate for the block at a height or above, with the headers from
    /// that height to the certificate's block; nil when the height is not final.
    func finalityProof(
        from number: BlockNumber
    ) async throws(NodeQueryFailure) -> FinalityProof?
    /// How a set handed over to the next one, and that to the one after, as far as is final; a
    /// bounded number of them.
    func handOffs(from set: SetID) async throws(NodeQueryFailure) -> [HandOffProof]
}

/// The node failed to answer, usually because its database did.
package struct NodeQueryFailure: Error, Sendable, Hashable {
    /// What went wrong, for people; no secrets.
    package var reason: String

    package init(reason: String) { self.reason = reason }
}

/// What the operator named is no peer that can be reserved.
package struct PeerRefusal: Error, Sendable, Hashable {
    /// What is wrong with it, for people.
    package var reason: String

    package init(reason: String) { self.reason = reason }
}

/// Why an extrinsic was not taken.
package enum ExtrinsicRefusal: Error, Sendable, Hashable {
    /// It can never be executed.
    case invalid(reason: String)
    /// It is in the pool already.
    case alreadyKnown
    /// Another one of the same account and nonce waits.
    case slotTaken
    /// The pool is full.
    case poolFull
}

/// What a node is.
package struct NodeDescription: Sendable, Hashable {
    /// The implementation's name.
    package var implementation: String
    /// Its version.
    package var version: String
    /// The chain's name for people.
    package var chain: String
    /// What the network is for.
    package var kind: NetworkKind
    /// The node's peer id in base58.
    package var peerID: String
    /// Whether it runs with a validator's key.
    package var isValidator: Bool
    /// The number that the chain's SS58 addresses begin with.
    package var addressPrefix: UInt16

    package init(
        implementation: String, version: String, chain: String, kind: NetworkKind,
        peerID: String, isValidator: Bool, addressPrefix: UInt16
    ) {
        self.implementation = implementation
        self.version = version
        self.chain = chain
        self.kind = kind
        self.peerID = peerID
        self.isValidator = isValidator
        self.addressPrefix = addressPrefix
    }
}

/// How a node is.
package struct NodeHealth: Sendable, Hashable {
    package var peerCount: Int
    package var isSyncing: Bool
    /// False on a chain of one validator.
    package var shouldHavePeers: Bool

    package init(peerCount: Int, isSyncing: Bool, shouldHavePeers: Bool) {
        self.peerCount = peerCount
        self.isSyncing = isSyncing
        self.shouldHavePeers = shouldHavePeers
    }
}

/// How far the node has caught up.
package struct SyncProgress: Sendable, Hashable {
    /// The best height when the node started.
    package var starting: BlockNumber
    package var current: BlockNumber
    /// The highest that a peer has announced.
    package var highest: BlockNumber

    package init(starting: BlockNumber, current: BlockNumber, highest: BlockNumber) {
        self.starting = starting
        self.current = current
        self.highest = highest
    }
}

/// A connected peer.
package struct PeerReport: Sendable, Hashable {
    /// In base58.
    package var peerID: String
    /// Whether it says to be a validator.
    package var isValidator: Bool
    package var best: BlockRef
    /// Whether the connection is encrypted against later quantum computers.
    package var hasPostQuantumTransport: Bool

    package init(
        peerID: String, isValidator: Bool, best: BlockRef, hasPostQuantumTransport: Bool
    ) {
        self.peerID = peerID
        self.isValidator = isValidator
        self.best = best
        self.hasPostQuantumTransport = hasPostQuantumTransport
    }
}

/// A banned peer.
package struct BanReport: Sendable, Hashable {
    /// In base58.
    package var peerID: String
    /// When the ban ends, in seconds of Unix time.
    package var untilUnixSeconds: UInt64
    /// How often the peer has been banned.
    package var count: UInt32

    package init(peerID: String, untilUnixSeconds: UInt64, count: UInt32) {
        self.peerID = peerID
        self.untilUnixSeconds = untilUnixSeconds
        self.count = count
    }
}

/// A block with the certificate for it.
package struct BlockReport: Sendable, Hashable {
    package var block: Block
    package var certificate: FinalityCertificate?

    package init(block: Block, certificate: FinalityCertificate?) {
        self.block = block
        self.certificate = certificate
    }
}

/// Who has voted in the rounds that are going on.
package struct RoundStateReport: Sendable, Hashable {
    package var set: ValidatorSet
    /// The round the node is in, then older ones.
    package var rounds: [Round]
    package var finalised: BlockRef
    /// The block and round of the lock.
    package var lock: Reference?
    /// The block and round of the quorum certificate of the highest round.
    package var highestQuorumCertificate: Reference?

    /// The votes of one round.
    package struct Round: Sendable, Hashable {
        package var number: RoundNumber
        /// Who has prevoted, for whatever target.
        package var prevotes: Set<ValidatorIndex>
        /// Who has precommitted, for whatever target.
        package var precommits: Set<ValidatorIndex>

        package init(
            number: RoundNumber, prevotes: Set<ValidatorIndex>, precommits: Set<ValidatorIndex>
        ) {
            self.number = number
            self.prevotes = prevotes
            self.precommits = precommits
        }
    }

    /// A block and the round that it stands for.
    package struct Reference: Sendable, Hashable {
        package var block: BlockRef
        package var round: RoundNumber

        package init(block: BlockRef, round: RoundNumber) {
            self.block = block
            self.round = round
        }
    }

    package init(
        set: ValidatorSet, rounds: [Round], finalised: BlockRef, lock: Reference? = nil,
        highestQuorumCertificate: Reference? = nil
    ) {
        self.set = set
        self.rounds = rounds
        self.finalised = finalised
        self.lock = lock
        self.highestQuorumCertificate = highestQuorumCertificate
    }
}

/// A verified vote.
package struct VoteReport: Sendable, Hashable {
    package var index: ValidatorIndex
    package var vote: CoherenceVote

    package init(index: ValidatorIndex, vote: CoherenceVote) {
        self.index = index
        self.vote = vote
    }
}

/// What shows to anybody who has a validator set which one comes after it.
package struct HandOffProof: Sendable, Hashable {
    /// The most that one answer has.
    package static let maximumCount = 16
    /// About how many bytes one answer has at most.
    package static let maximumByteCount = 4 << 20

    /// The set's certificate for its hand-off block.
    package var certificate: FinalityCertificate
    /// The hand-off block's header, which announces the next set.
    package var header: Header
    /// The next set.
    package var nextSet: ValidatorSet

    package init(certificate: FinalityCertificate, header: Header, nextSet: ValidatorSet) {
        self.certificate = certificate
        self.header = header
        self.nextSet = nextSet
    }
}

/// What shows to anybody who has the validator set that a block is final.
package struct FinalityProof: Sendable, Hashable {
    package var certificate: FinalityCertificate
    /// Ascending, up to the certificate's block.
    package var headers: [Header]

    package init(certificate: FinalityCertificate, headers: [Header]) {
        self.certificate = certificate
        self.headers = headers
    }
}
