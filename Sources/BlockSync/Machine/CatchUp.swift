internal import Chain
internal import Primitives

/// Following peers that are far ahead, by height: ranges of blocks are asked for from several
/// peers at once and taken in order.
///
/// It begins at the height after the own best head. While the first range does not link to a
/// known block it steps back, by 1, 2, 4 and so on, down to the finalised block: that finds where
/// the peer's chain left ours.
struct CatchUp: Sendable {
    /// A range of heights.
    struct Window: Sendable {
        /// Identifies the window in requests.
        let id: UInt64
        var start: UInt32
        var count: UInt32
        var request: RequestID?
        /// The blocks, once they came.
        var blocks: [CollectedBlock]?
        /// Only this peer is asked, while it is there and claims to have the blocks.
        var pinned: PeerHandle?
        /// Whether it was asked for anew because two peers disagreed.
        var isDisputed = false
        /// These peers are not asked.
        var excluded: [PeerHandle] = []
    }

    /// Ascending, without gaps.
    var windows: [Window] = []
    /// The height after the last window.
    var next: UInt32
    /// Whether the first window has linked to a known block yet.
    var isLinked = false
    /// How far the next step back goes.
    var step: UInt32 = 1
    /// The peer whose range was taken last.
    var lastSource: PeerHandle?
}
