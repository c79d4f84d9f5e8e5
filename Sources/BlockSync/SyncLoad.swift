/// How much waits in a sync machine.
package struct SyncLoad: Sendable, Hashable {
    /// Peers with an open block-announces stream.
    package let peers: Int
    /// Our requests without a response, at most one per peer.
    package let requests: Int
    /// Blocks wanted by hash.
    package let targets: Int
    /// Bytes of blocks that were fetched by hash and wait for their ancestors.
    package let collectedByteCount: Int
    /// Headers of the next slot.
    package let parked: Int
    /// Blocks whose signatures are being checked.
    package let verifying: Int
    /// Ranges of blocks being fetched by height.
    package let windows: Int
    /// Requests of peers that wait for storage.
    package let served: Int
    /// Transactions whose signatures are being checked.
    package let checkedTransactions: Int
}
