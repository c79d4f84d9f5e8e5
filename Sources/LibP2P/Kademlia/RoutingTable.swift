package import Primitives

/// The peers that Kademlia routes by: 256 buckets by distance from this node, at most `capacity` in
/// each (Maymounkov and Mazières, section 2.2).
///
/// Old peers that are alive stay; a newcomer to a full bucket waits in a small queue until one of
/// them fails. A peer counts for the network that its connection was seen under, not for what it
/// says of itself, and of one network a bucket takes only a few: addresses in many networks are
/// what an attacker has to pay for.
package struct RoutingTable: Sendable {
    /// A peer that answered to its name.
    package struct Entry: Sendable, Hashable {
        package let peer: PeerID
        let key: KademliaKey
        package var addresses: [Multiaddr]
        /// The network that the peer was seen in, nil on the own one.
        package var network: AddressGroup?
        package var isConnected: Bool
        /// When the peer was last heard of.
        package var lastSeen: Instant
        /// Questions in a row without an answer.
        var failures = 0
    }

    /// The bounds of the table.
    package struct Limits: Sendable, Hashable {
        /// Peers in a bucket.
        package var capacity = 20
        /// Peers that wait for a place in a bucket.
        package var waiting = 8
        /// Peers of one network in a bucket.
        package var perNetworkInBucket = 2
        /// Peers of one network in the table.
        package var perNetwork = 10
        /// Addresses of one peer.
        package var addresses = 8
        /// Unanswered questions in a row that end a membership.
        package var failures = 2
        /// After this silence a peer that is not connected has to show that it is alive.
        package var questionableAfter = Duration.seconds(600)

        package init() {}
    }

    /// What became of a peer that was offered.
    package enum Insertion: Sendable, Hashable {
        /// It is in its bucket now.
        case added
        /// It was there already; its addresses are up to date.
        case updated
        /// The bucket is full: it waits, and `check` should show whether it is alive.
        case waiting(check: PeerID?)
        /// It is this node, has no address, or its network has its share.
        case refused
    }

    private struct Bucket: Sendable {
        /// The one heard of longest ago first.
        var entries: [Entry] = []
        /// The newest last.
        var waiting: [Entry] = []
    }

    private let localPeer: PeerID
    let localKey: KademliaKey
    package let limits: Limits
    private var buckets = [Bucket](repeating: Bucket(), count: 256)
    private var networkCounts: [AddressGroup: Int] = [:]
    /// Peers in the table, those that wait not counted.
    package private(set) var count = 0

    package init(localPeer: PeerID, limits: Limits = Limits()) {
        precondition(limits.capacity > 0 && limits.waiting >= 0)
        self.localPeer = localPeer
        self.limits = limits
        localKey = KademliaKey(localPeer)
    }

    private func bucketIndex(of key: KademliaKey) -> Int? { localKey.distance(to: key).bucket }

    // MARK: What is known

    /// All peers of a bucket.
    package func entries(inBucket index: Int) -> [Entry] { buckets[index].entries }

    /// The peers that wait for a place in a bucket.
    package func waiting(inBucket index: Int) -> [Entry] { buckets[index].waiting }

    /// A member.
    package func entry(of peer: PeerID) -> Entry? {
        guard let index = bucketIndex(of: KademliaKey(peer)) else { return nil }
        return buckets[index].entries.first { $0.peer == peer }
    }

    /// The members closest to a key, closest first.
    package func closest(
        to key: KademliaKey, count: Int, where isWanted: (Entry) -> Bool = { _ in true }
    ) -> [Entry] {
        buckets.lazy.flatMap(\.entries).filter(isWanted)
            .map { (distance: $0.key.distance(to: key), entry: $0) }
            .sorted { $0.distance < $1.distance }
            .prefix(count).map(\.entry)
    }

    // MARK: Changes

    /// Takes in a peer that proved its name and speaks the protocol, seen in `network`.
    package mutating func insert(
        _ peer: PeerID, addresses: [Multiaddr], network: AddressGroup?, isConnected: Bool,
        now: Instant
    ) -> Insertion {
        let key = KademliaKey(peer)
        guard let index = bucketIndex(of: key), !addresses.isEmpty else { return .refused }
        let entry = Entry(
            peer: peer, key: key, addresses: Array(addresses.prefix(limits.addresses)),
            network: network, isConnected: isConnected, lastSeen: now)
        if let old = remove(peer, from: index) {
            // With another address it has to fit there.
            if old.network == network || hasRoom(for: network, in: index) {
                append(entry, to: index)
            } else {
                promote(in: index)
                return .refused
            }
            return .updated
        }
        guard hasRoom(for: network, in: index) else { return .refused }
        guard buckets[index].entries.count >= limits.capacity else {
            buckets[index].waiting.removeAll { $0.peer == peer }
            append(entry, to: index)
            return .added
        }
        buckets[index].waiting.removeAll { $0.peer == peer }
        buckets[index].waiting.append(entry)
        if buckets[index].waiting.count > limits.waiting { buckets[index].waiting.removeFirst() }
        let oldest = buckets[index].entries.first { isQuestionable($0, now: now) }
        return .waiting(check: oldest?.peer)
    }

    /// Whether a member has to show that it is alive.
    private func isQuestionable(_ entry: Entry, now: Instant) -> Bool {
        !entry.isConnected && now - entry.lastSeen >= limits.questionableAfter
    }

    /// A peer was heard of: it is alive.
    package mutating func seen(_ peer: PeerID, now: Instant) {
        update(peer) { entry in
            entry.lastSeen = now
            entry.failures = 0
        }
    }

    /// A peer is connected no longer.
    package mutating func disconnected(_ peer: PeerID, now: Instant) {
        update(peer) { entry in
            entry.isConnected = false
            entry.lastSeen = now
        }
    }

    /// A peer did not answer. One that fails too often, or when another one waits for its place,
    /// is out.
    package mutating func failed(_ peer: PeerID) {
        guard let index = bucketIndex(of: KademliaKey(peer)),
            let position = buckets[index].entries.firstIndex(where: { $0.peer == peer })
        else { return }
        buckets[index].entries[position].failures += 1
        let failures = buckets[index].entries[position].failures
        if failures >= limits.failures || !buckets[index].waiting.isEmpty { self.remove(peer) }
    }

    /// Forgets a peer, and gives its place to one that waits.
    package mutating func remove(_ peer: PeerID) {
        guard let index = bucketIndex(of: KademliaKey(peer)) else { return }
        buckets[index].waiting.removeAll { $0.peer == peer }
        if remove(peer, from: index) != nil { promote(in: index) }
    }

    private mutating func update(_ peer: PeerID, _ change: (inout Entry) -> Void) {
        guard let index = bucketIndex(of: KademliaKey(peer)),
            let position = buckets[index].entries.firstIndex(where: { $0.peer == peer })
        else { return }
        var entry = buckets[index].entries.remove(at: position)
        change(&entry)
        buckets[index].entries.append(entry)
    }

    /// Gives a free place to whoever asked last and whose network has room.
    private mutating func promote(in index: Int) {
        while buckets[index].entries.count < limits.capacity,
            let next = buckets[index].waiting.popLast()
        {
            if hasRoom(for: next.network, in: index) { append(next, to: index) }
        }
    }

    private func hasRoom(for network: AddressGroup?, in index: Int) -> Bool {
        guard let network else { return true }
        return networkCounts[network, default: 0] < limits.perNetwork
            && buckets[index].entries.count { $0.network == network } < limits.perNetworkInBucket
    }

    private mutating func append(_ entry: Entry, to index: Int) {
        buckets[index].entries.append(entry)
        count += 1
        if let network = entry.network { networkCounts[network, default: 0] += 1 }
    }

    private mutating func remove(_ peer: PeerID, from index: Int) -> Entry? {
        guard let position = buckets[index].entries.firstIndex(where: { $0.peer == peer }) else {
            return nil
        }
        let entry = buckets[index].entries.remove(at: position)
        count -= 1
        if let network = entry.network, let members = networkCounts[network] {
            networkCounts[network] = members > 1 ? members - 1 : nil
        }
        return entry
    }
}
