package import Chain
package import Coherence
package import Primitives

/// Something to be written down. Records of one commit are applied in order.
package enum DurableRecord: Sendable {
    /// A block that was checked in full. Its parent need not be stored.
    case block(Block)
    /// An own block was made in this slot. Slots only rise.
    case authored(SlotNumber, Hash256)
    /// Blocks that became final, ascending, the first a child of the finalised block; and those
    /// that are on other branches. All of the former are stored.
    case finalised([BlockRef], pruned: [Hash256])
    /// What the finality protocol must not forget.
    case voting(VotingRecord)
    /// A peer that is banned; replaces what was known of it.
    case ban(StoredBan)
    /// A ban that was lifted or has ended.
    case unban(peerID: [UInt8])
    /// An address that a peer was reached at or says to have.
    case address(StoredAddress)
}

/// A banned peer.
package struct StoredBan: Sendable, Hashable {
    /// The peer id's bytes.
    package var peerID: [UInt8]
    /// When the ban ends, in seconds of Unix time.
    package var untilUnixSeconds: UInt64
    /// How often the peer has been banned.
    package var count: UInt32

    package init(peerID: [UInt8], untilUnixSeconds: UInt64, count: UInt32) {
        self.peerID = peerID
        self.untilUnixSeconds = untilUnixSeconds
        self.count = count
    }
}

/// An entry of the address book.
package struct StoredAddress: Sendable, Hashable {
    /// The peer id's bytes.
    package var peerID: [UInt8]
    /// The multiaddr in text.
    package var address: String
    /// When it was last known to be good, in seconds of Unix time.
    package var lastSeenUnixSeconds: UInt64

    package init(peerID: [UInt8], address: String, lastSeenUnixSeconds: UInt64) {
        self.peerID = peerID
        self.address = address
        self.lastSeenUnixSeconds = lastSeenUnixSeconds
    }
}
