package import Primitives

/// The bounds and times of the sync machine. Every collection that peers feed has one.
package struct SyncConfiguration: Sendable, Hashable {
    /// The chain.
    package var genesisHash: Hash256
    /// What our handshake says of us.
    package var roles: PeerRoles

    /// We ask for at most this many blocks at once.
    package var maximumBlocksPerRequest = 64
    /// Peers this far ahead of our best head are followed by height instead of by hash.
    package var catchUpGap: UInt32 = 64
    /// Ranges of blocks that are fetched at the same time from different peers.
    package var maximumWindowCount = 4
    /// While so many blocks' signatures are being checked nothing more is asked for; what is under
    /// way may still come.
    package var maximumVerifyingCount = 384
    /// Bytes of blocks fetched by hash that wait for their ancestors.
    package var maximumCollectedByteCount = 16 << 20
    /// Blocks wanted by hash: in total and per peer that announced them.
    package var maximumTargetCount = 256
    package var maximumTargetCountPerPeer = 16
    /// Headers of the next slot: in total and per peer.
    package var maximumParkedCount = 64
    package var maximumParkedCountPerPeer = 4
    /// Blocks and transactions that a peer is remembered to know.
    package var maximumKnownCount = 1_024

    /// A request for one block, or a few, is given up after so long; doubled per failure.
    package var shortTimeout = Duration.seconds(2)
    /// A request for many blocks is given up after so long; doubled per failure.
    package var longTimeout = Duration.seconds(10)
    /// The longest time-out.
    package var maximumTimeout = Duration.seconds(20)
    /// After a failure a peer is not asked for so long; doubled per failure.
    package var retryDelay = Duration.milliseconds(500)
    /// The longest such pause.
    package var maximumRetryDelay = Duration.seconds(30)
    /// An announced block is given up after so many failures.
    package var maximumAttemptCount = 8
    /// A best head that stays the same is announced again this often: a chain that stands still must
    /// not leave a peer behind whose notification was dropped.
    package var reannounceInterval = Duration.seconds(30)
    /// While finality holds the import up, certificates are asked for this often.
    package var justificationInterval = Duration.seconds(2)

    /// Announcements that a peer may send.
    package var announcementBudget = RateLimit(burst: 64, perSecond: 16)
    /// Requests that a peer may send.
    package var requestBudget = RateLimit(burst: 64, perSecond: 32)
    /// Transactions that a peer may send.
    package var transactionBudget = RateLimit(burst: 256, perSecond: 64)
    /// Requests that are being served: in total and per peer.
    package var maximumServedCount = 64
    package var maximumServedCountPerPeer = 4
    /// A response takes about this many bytes at most.
    package var maximumServedByteCount = 8 << 20
    /// Transactions whose signatures are being checked.
    package var maximumCheckedTransactionCount = 256

    /// The bounds of the transaction pool.
    package var poolLimits = TransactionPool.Limits()

    package init(genesisHash: Hash256, roles: PeerRoles) {
        self.genesisHash = genesisHash
        self.roles = roles
    }
}
