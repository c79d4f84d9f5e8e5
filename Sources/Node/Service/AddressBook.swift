internal import LibP2P
internal import Logging
internal import Networking
internal import Storage

/// Where peers were reached: survives a restart, so that a node finds its network again without a
/// bootnode.
actor AddressBook {
    /// Entries that are dialled at the start, the latest first.
    private static let limit = 256
    /// Older entries are not worth a dial, in seconds: 30 days.
    private static let maximumAge: UInt64 = 30 * 86_400
    /// The same address is written down again after that time, in seconds.
    private static let renewal: UInt64 = 3_600

    private let storage: StorageBridge
    private let logger = Logger(label: "peers")
    /// When an address was written down last.
    private var written: [PeerID: (address: Multiaddr, unixSeconds: UInt64)] = [:]

    init(storage: StorageBridge) { self.storage = storage }

    private var now: UInt64 { NodeClock.unixMilliseconds() / 1_000 }

    /// Gives the swarm what is stored, as hints where to dial.
    func restore(into swarm: Swarm) async throws {
        let oldest = now > Self.maximumAge ? now - Self.maximumAge : 0
        for entry in try await storage.addresses().prefix(Self.limit)
        where entry.lastSeenUnixSeconds >= oldest {
            guard let peer = try? PeerID(bytes: entry.peerID),
                let address = try? Multiaddr(entry.address)
            else { continue }
            swarm.addCandidate([address], of: peer)
        }
    }

    /// Notes that a peer was reached at an address.
    func reached(_ peer: PeerID, at address: Multiaddr) async {
        let now = now
        if let last = written[peer], last.address == address,
            now < last.unixSeconds + Self.renewal
        {
            return
        }
        written[peer] = (address, now)
        if written.count > 4 * Self.limit,
            let oldest = written.min(by: { left, right in
                (left.value.unixSeconds, left.key) < (right.value.unixSeconds, right.key)
            })?.key
        {
            written[oldest] = nil
        }
        do {
            try await storage.apply([
                DurableRecord.address(
                    StoredAddress(
                        peerID: peer.bytes, address: "\(address)", lastSeenUnixSeconds: now))
            ])
            logger.debug("\(peer) was reached at \(address)")
        } catch {
            logger.error("An address could not be stored: \(error)")
        }
    }
}
