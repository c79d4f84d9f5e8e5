import LibP2P
import Primitives

/// Peers and addresses for tests of the DHT.
enum Kad {
    /// Peer ids without keys in them: number 0 up to 65,535.
    static func peer(_ number: Int) -> PeerID {
        guard let id = try? PeerID(bytes: [0, 2, UInt8(number >> 8), UInt8(number & 0xFF)]) else {
            preconditionFailure("two bytes make a peer id")
        }
        return id
    }

    /// A public address of its own /24 for every number.
    static func address(_ number: Int) -> Multiaddr {
        let host = IPv4Address(rawValue: 0x2000_0000 | UInt32(number) << 8 | 1)
        guard let address = try? Multiaddr(.init(host: .ip4(host), port: 30333)) else {
            preconditionFailure("an IP address makes a multiaddr")
        }
        return address
    }

    /// Peers of a bucket of `local`'s, found by trying.
    static func peers(_ count: Int, inBucket bucket: Int, of local: PeerID) -> [PeerID] {
        let key = KademliaKey(local)
        return Array(
            (0..<65_536).lazy.map(peer)
                .filter { key.distance(to: KademliaKey($0)).bucket == bucket }.prefix(count))
    }

    static func closer(_ numbers: [Int]) -> [KademliaPeer] {
        numbers.map { KademliaPeer(id: peer($0), addresses: [address($0)]) }
    }
}
