package import LibP2P
package import Primitives

/// Decides which peers this node is connected to: slots, reserved peers, bans, whom to dial next
/// and when. Pure: the swarm runs what it decides. The rules are in docs/networking.md, "Peers".
package struct PeerSet: Sendable {
    /// What is known about one peer.
    struct Entry: Sendable {
        /// Where it may be dialled, without peer id; the first one is tried next.
        var addresses: [Multiaddr] = []
        /// The addresses that the owner gave: they are kept whatever the peer says.
        var configured: [Multiaddr] = []
        /// Where it was last reached.
        var reached: Multiaddr?
        /// Only others told of it: it was never connected.
        var isHearsay = false
        /// Takes no slot, is always dialled, may not be banned.
        var isReserved = false
        /// Pinged and dialled at the urgent pace: a validator or a reserved peer.
        var isUrgent = false
        /// Never forgotten: a bootnode.
        var isPermanent = false
        var isDialing = false
        var backoff = RedialBackoff()

        var isForgettable: Bool {
            !isReserved && !isUrgent && !isPermanent && !isDialing
        }
    }

    /// A connection that counts.
    struct Connected: Sendable {
        var direction: ConnectionDirection
        var since: Instant
    }

    /// A dial that the swarm shall start now.
    package struct DialOrder: Sendable, Equatable {
        /// Who must answer.
        package let peer: PeerID
        /// Where.
        package let address: Multiaddr
        /// How long the TCP connection may take.
        package let timeout: Duration
    }

    /// Why a peer is not admitted or not dialled.
    package enum Refusal: Error, Sendable, Hashable {
        /// It is this node itself.
        case isSelf
        /// The ban lasts until then.
        case banned(until: Instant)
        /// Only reserved peers are admitted.
        case notReserved
        /// As many peers as allowed are connected in this direction.
        case noSlot(ConnectionDirection)
    }

    private let localPeer: PeerID
    private let limits: ConnectionLimits
    private let timings: NetworkTimings
    private(set) var entries: [PeerID: Entry] = [:]
    private(set) var connected: [PeerID: Connected] = [:]
    private var banEnds: [PeerID: Instant] = [:]
    /// Whether only reserved peers are admitted and dialled.
    package var reservedOnly: Bool

    package init(
        localPeer: PeerID, limits: ConnectionLimits, timings: NetworkTimings, reservedOnly: Bool
    ) {
        self.localPeer = localPeer
        self.limits = limits
        self.timings = timings
        self.reservedOnly = reservedOnly
    }

    // MARK: What is known

    /// The reserved peers, in order.
    package var reservedPeers: [PeerID] {
        entries.filter { $0.value.isReserved }.keys.sorted()
    }

    /// Whether a peer takes no slot.
    package func isReserved(_ peer: PeerID) -> Bool { entries[peer]?.isReserved ?? false }

    /// Whether a peer is pinged and dialled at the urgent pace.
    package func isUrgent(_ peer: PeerID) -> Bool {
        entries[peer].map { $0.isUrgent || $0.isReserved } ?? false
    }

    /// Whether the owner named a peer: as a bootnode, as reserved or as urgent.
    package func isConfigured(_ peer: PeerID) -> Bool {
        entries[peer].map { $0.isReserved || $0.isUrgent || $0.isPermanent } ?? false
    }

    /// Whether the owner gave an address of a peer.
    package func isConfigured(_ address: Multiaddr, of peer: PeerID) -> Bool {
        guard let bare = address.removingPeerID() else { return false }
        return entries[peer]?.configured.contains(bare) ?? false
    }

    /// Where a peer may be dialled.
    package func addresses(of peer: PeerID) -> [Multiaddr] { entries[peer]?.addresses ?? [] }

    /// Makes a peer reserved, or an ordinary one again.
    package mutating func setReserved(_ peer: PeerID, _ isReserved: Bool) {
        guard peer != localPeer else { return }
        entries[peer, default: Entry()].isReserved = isReserved
        if isReserved { banEnds[peer] = nil }
    }

    /// Makes a peer urgent, or an ordinary one again.
    package mutating func setUrgent(_ peer: PeerID, _ isUrgent: Bool) {
        guard peer != localPeer, isUrgent || entries[peer] != nil else { return }
        entries[peer, default: Entry()].isUrgent = isUrgent
    }

    /// Keeps a peer in memory whatever happens: for bootnodes.
    package mutating func setPermanent(_ peer: PeerID) {
        guard peer != localPeer else { return }
        entries[peer, default: Entry()].isPermanent = true
    }

    /// Remembers where a peer may be dialled. False when there was no room.
    ///
    /// - Parameter areConfigured: whether the owner gave the addresses.
    @discardableResult
    package mutating func learn(
        _ addresses: [Multiaddr], of peer: PeerID, areConfigured: Bool = false
    ) -> Bool {
        guard peer != localPeer, makeRoom(for: peer) else { return false }
        var entry = entries[peer] ?? Entry()
        entry.isHearsay = false
        let addresses = addresses.compactMap { $0.removingPeerID() }
        if areConfigured {
            for address in addresses where !entry.configured.contains(address) {
                guard entry.configured.count < limits.addressesPerPeer else { break }
                entry.configured.append(address)
            }
        }
        append(addresses, to: &entry, upTo: limits.addressesPerPeer)
        entries[peer] = entry
        return true
    }

    private func append(_ addresses: [Multiaddr], to entry: inout Entry, upTo limit: Int) {
        for address in addresses where !entry.addresses.contains(address) {
            guard entry.addresses.count < limit else { break }
            entry.addresses.append(address)
        }
    }

    /// Takes over what a connected peer says of itself: its other addresses are forgotten, except
    /// where it was reached and what the owner gave.
    package mutating func update(_ addresses: [Multiaddr], of peer: PeerID) {
        guard peer != localPeer, makeRoom(for: peer) else { return }
        var entry = entries[peer] ?? Entry()
        entry.isHearsay = false
        let told = addresses.compactMap { $0.removingPeerID() }
        let known = entry.addresses
        entry.addresses = []
        let kept = [entry.reached].compactMap(\.self) + entry.configured
        append(
            kept + known.filter { told.contains($0) } + told, to: &entry,
            upTo: limits.addressesPerPeer)
        entries[peer] = entry
    }

    /// Remembers where others say that a peer is. Such peers are bounded apart, and give way.
    ///
    /// Of a peer that is known otherwise only a few such addresses are kept, because each wrong one
    /// costs a dial, and none while it is connected: then it speaks for itself.
    package mutating func hear(_ addresses: [Multiaddr], of peer: PeerID) {
        guard peer != localPeer, connected[peer] == nil else { return }
        if entries[peer] == nil {
            let hearsay = entries.filter(\.value.isHearsay)
            if hearsay.count >= limits.hearsayPeers {
                guard let victim = Self.mostFailed(hearsay.filter { !$0.value.isDialing }) else {
                    return
                }
                entries[victim] = nil
            }
            guard makeRoom(for: peer) else { return }
            var entry = Entry()
            entry.isHearsay = true
            entries[peer] = entry
        }
        guard var entry = entries[peer] else { return }
        let limit = entry.isHearsay ? limits.addressesPerPeer : limits.addressesPerPeer / 2
        append(addresses.compactMap { $0.removingPeerID() }, to: &entry, upTo: limit)
        entries[peer] = entry
    }

    /// Forgets what is known of a peer that is of no use.
    package mutating func remove(_ peer: PeerID) { entries[peer] = nil }

    /// Forgets an address at which somebody else answered.
    package mutating func forget(_ address: Multiaddr, of peer: PeerID) {
        let address = address.removingPeerID()
        entries[peer]?.addresses.removeAll { $0 == address }
        if entries[peer]?.reached == address { entries[peer]?.reached = nil }
    }

    /// An entry has to exist or be found room for; a peer that failed most gives way.
    private mutating func makeRoom(for peer: PeerID) -> Bool {
        guard entries[peer] == nil, entries.count >= limits.knownPeers else { return true }
        let candidates = entries.filter { peer, entry in
            entry.isForgettable && connected[peer] == nil
        }
        guard let victim = Self.mostFailed(candidates) else { return false }
        entries[victim] = nil
        return true
    }

    /// The peer whose dials failed most often in a row; nil when none failed.
    private static func mostFailed(_ candidates: [PeerID: Entry]) -> PeerID? {
        candidates.filter { $0.value.backoff.failureCount > 0 }.max { left, right in
            (left.value.backoff.failureCount, left.key)
                < (right.value.backoff.failureCount, right.key)
        }?.key
    }

    // MARK: Bans

    /// Refuses a peer until `deadline`. Reserved peers are never banned: false.
    ///
    /// Identities are free, so the table is bounded: the ban that ends first gives way.
    @discardableResult
    package mutating func ban(_ peer: PeerID, until deadline: Instant) -> Bool {
        guard peer != localPeer, !isReserved(peer) else { return false }
        if banEnds[peer] == nil, banEnds.count >= limits.bans,
            let first = banEnds.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })
        {
            banEnds[first.key] = nil
        }
        banEnds[peer] = deadline
        return true
    }

    /// Ends a ban.
    package mutating func unban(_ peer: PeerID) { banEnds[peer] = nil }

    /// The end of a peer's ban, nil when it has none.
    package func ban(of peer: PeerID, now: Instant) -> Instant? {
        guard let end = banEnds[peer], end > now else { return nil }
        return end
    }

    /// The peers that are banned now, in order.
    package func bans(now: Instant) -> [(peer: PeerID, until: Instant)] {
        banEnds.keys.sorted().compactMap { peer in ban(of: peer, now: now).map { (peer, $0) } }
    }

    // MARK: Admission

    /// Why `peer` may not be connected in `direction`; nil when it may.
    ///
    /// A dial that the owner asked for (`isRequested`) needs no free slot.
    package func refusal(
        of peer: PeerID, direction: ConnectionDirection, isRequested: Bool = false, now: Instant
    ) -> Refusal? {
        if peer == localPeer { return .isSelf }
        if isReserved(peer) { return nil }
        if let end = ban(of: peer, now: now) { return .banned(until: end) }
        if reservedOnly { return .notReserved }
        if isRequested || connected[peer] != nil { return nil }
        let limit = direction == .inbound ? limits.inboundSlots : limits.outboundSlots
        return slotsTaken(direction) < limit ? nil : .noSlot(direction)
    }

    /// The slots taken by connected peers in one direction.
    package func slotsTaken(_ direction: ConnectionDirection) -> Int {
        connected.count { peer, state in state.direction == direction && !isReserved(peer) }
    }

    /// The peers that are connected, in order.
    package var connectedPeers: [PeerID] { connected.keys.sorted() }

    /// Whether a peer is connected.
    package func isConnected(_ peer: PeerID) -> Bool { connected[peer] != nil }

    // MARK: Dialling

    /// The dials to start now; each counts as under way until its end is reported.
    package mutating func nextDials(
        now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [DialOrder] {
        var orders: [DialOrder] = []
        var underWay = dialsUnderWay
        var freeSlots = freeOutboundSlots
        for peer in dialCandidates(now: now) {
            guard underWay < limits.concurrentDials else { break }
            guard var entry = entries[peer], let address = entry.addresses.first else { continue }
            if !entry.isReserved {
                guard freeSlots > 0 else { continue }
                freeSlots -= 1
            }
            underWay += 1
            let isUrgent = entry.isUrgent || entry.isReserved
            entry.isDialing = true
            entry.backoff.dialStarted(
                now: now, isUrgent: isUrgent, timings: timings, using: &generator)
            entries[peer] = entry
            orders.append(
                DialOrder(
                    peer: peer, address: address,
                    timeout: isUrgent ? timings.urgentConnect : timings.connect))
        }
        return orders
    }

    /// Peers that may be dialled now: urgent ones first, then who has waited longest.
    private func dialCandidates(now: Instant) -> [PeerID] {
        entries.filter { peer, entry in
            isDialable(peer, entry) && entry.backoff.nextDial <= now
                && (banEnds[peer] ?? .zero) <= now
        }
        .sorted { left, right in
            let leftIsUrgent = left.value.isUrgent || left.value.isReserved
            let rightIsUrgent = right.value.isUrgent || right.value.isReserved
            if leftIsUrgent != rightIsUrgent { return leftIsUrgent }
            if left.value.isHearsay != right.value.isHearsay { return right.value.isHearsay }
            let (leftDial, rightDial) = (left.value.backoff.nextDial, right.value.backoff.nextDial)
            return leftDial == rightDial ? left.key < right.key : leftDial < rightDial
        }
        .map(\.key)
    }

    private func isDialable(_ peer: PeerID, _ entry: Entry) -> Bool {
        !entry.addresses.isEmpty && !entry.isDialing && connected[peer] == nil
            && (entry.isReserved || !reservedOnly)
    }

    /// When `nextDials` has to be asked again, nil when only an event can change its answer.
    package var nextDeadline: Instant? {
        guard dialsUnderWay < limits.concurrentDials else { return nil }
        let hasFreeSlot = freeOutboundSlots > 0
        return entries.filter { peer, entry in
            isDialable(peer, entry) && (entry.isReserved || hasFreeSlot)
        }
        .map { peer, entry in max(entry.backoff.nextDial, banEnds[peer] ?? .zero) }.min()
    }

    /// Whether more peers are wanted.
    package var hasFreeSlot: Bool { freeOutboundSlots > 0 && !reservedOnly }

    /// Whether a connected peer takes a slot that is not there.
    package func isBeyondSlots(_ peer: PeerID) -> Bool {
        !isReserved(peer) && connected[peer]?.direction == .outbound
            && slotsTaken(.outbound) > limits.outboundSlots
    }

    private var dialsUnderWay: Int { entries.count { $0.value.isDialing } }

    /// Slots that neither a connection nor a dial takes.
    private var freeOutboundSlots: Int {
        let dials = entries.count { $0.value.isDialing && !$0.value.isReserved }
        return limits.outboundSlots - slotsTaken(.outbound) - dials
    }

    // MARK: What happened

    /// A dial ended without a connection: the next address comes first.
    package mutating func dialFailed(
        _ peer: PeerID, now: Instant, using generator: inout some RandomNumberGenerator
    ) {
        guard var entry = entries[peer] else { return }
        entry.isDialing = false
        entry.backoff.dialFailed(
            now: now, isUrgent: entry.isUrgent || entry.isReserved, timings: timings,
            using: &generator)
        if entry.addresses.count > 1 { entry.addresses.append(entry.addresses.removeFirst()) }
        // Of a peer that was asked for by its address nothing is known but that it is not there.
        let isHopeless =
            entry.addresses.isEmpty
            || entry.isHearsay && entry.backoff.failureCount >= limits.hearsayFailures
        entries[peer] = isHopeless && entry.isForgettable ? nil : entry
    }

    /// A dial that the owner asked for begins: no second one is started beside it.
    package mutating func dialRequested(_ peer: PeerID) {
        guard makeRoom(for: peer) else { return }
        entries[peer, default: Entry()].isDialing = true
    }

    /// A dial's connection came too late or was not needed.
    package mutating func dialAbandoned(_ peer: PeerID) { entries[peer]?.isDialing = false }

    /// A peer is connected; `address` is where it was dialled, nil when it dialled.
    package mutating func connected(
        _ peer: PeerID, direction: ConnectionDirection, address: Multiaddr?, now: Instant
    ) {
        connected[peer] = Connected(direction: direction, since: now)
        guard var entry = entries[peer] else { return }
        if direction == .outbound { entry.isDialing = false }
        entry.isHearsay = false
        if let address = address?.removingPeerID() {
            entry.reached = address
            if let index = entry.addresses.firstIndex(of: address) {
                entry.addresses.swapAt(0, index)
            } else {
                entry.addresses.insert(address, at: 0)
                entry.addresses = Array(entry.addresses.prefix(limits.addressesPerPeer))
            }
        }
        entries[peer] = entry
    }

    /// A peer's last connection ended.
    package mutating func disconnected(
        _ peer: PeerID, now: Instant, using generator: inout some RandomNumberGenerator
    ) {
        guard let state = connected.removeValue(forKey: peer), var entry = entries[peer] else {
            return
        }
        entry.backoff.connectionLost(
            now: now, lifetime: now - state.since, isUrgent: entry.isUrgent || entry.isReserved,
            timings: timings, using: &generator)
        entries[peer] = entry
    }
}

/// Who dialled.
package enum ConnectionDirection: UInt8, Sendable, Hashable {
    /// The peer.
    case inbound
    /// This node.
    case outbound
}
