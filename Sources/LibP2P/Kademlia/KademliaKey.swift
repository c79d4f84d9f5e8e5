internal import Crypto

/// A place in Kademlia's key space: the SHA-256 of a peer id's bytes or of any other key (libp2p
/// specification "kad-dht").
public struct KademliaKey: Sendable, Hashable {
    private let high: UInt128
    private let low: UInt128

    /// The place of a key; for a peer, of the multihash bytes of its id.
    public init(of key: [UInt8]) {
        let digest = Array(SHA256.hash(data: key))
        high = Self.number(digest[..<16])
        low = Self.number(digest[16...])
    }

    public init(_ peer: PeerID) { self.init(of: peer.bytes) }

    /// The exclusive or of the two places.
    public func distance(to other: KademliaKey) -> KademliaDistance {
        KademliaDistance(high: high ^ other.high, low: low ^ other.low)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { high.bigEndianBytes + low.bigEndianBytes }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt128 {
        bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }
}

/// How far apart two keys are: a number of 256 bits.
public struct KademliaDistance: Sendable, Hashable, Comparable {
    let high: UInt128
    let low: UInt128

    public static func < (left: KademliaDistance, right: KademliaDistance) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// The bucket of a peer at this distance: the position of the highest one bit, 0 to 255; nil
    /// for no distance at all.
    public var bucket: Int? {
        if high != 0 { return 255 - high.leadingZeroBitCount }
        return low == 0 ? nil : 127 - low.leadingZeroBitCount
    }
}
