internal import Primitives

// Searches under way, and what peers answer.
extension Kademlia {
    /// Begins a search for the owner.
    mutating func beginOwners(_ id: KademliaSearchID, _ target: [UInt8], now: Instant) {
        guard searches.count < configuration.maximumSearches,
            target.count <= KademliaMessageLimits.key
        else { return effects.append(.refuseSearch(id)) }
        begin(.owner(id), target: target, now: now)
    }

    /// Begins a search among the closest members, and the bootnodes when there are few.
    mutating func begin(_ purpose: Purpose, target: [UInt8], now: Instant) {
        if case .ownKey = purpose, hasOwnSearch { return }
        guard searches.count < configuration.maximumSearches else { return }
        var lookup = KademliaLookup(
            target: target, localPeer: localPeer, count: configuration.replication,
            parallelism: configuration.parallelism,
            maximumCandidates: max(configuration.maximumCandidates, configuration.replication))
        let members = table.closest(
            to: KademliaKey(of: target), count: configuration.replication)
        for member in members { lookup.add(member.peer, addresses: member.addresses) }
        if members.count < configuration.parallelism {
            for bootnode in bootnodes { lookup.add(bootnode.peer, addresses: bootnode.addresses) }
        }
        let number = makeNumber()
        searches[number] = Search(
            purpose: purpose, deadline: now + configuration.searchTimeout, lookup: lookup)
        advance(number, now: now)
    }

    private var hasOwnSearch: Bool {
        searches.keys.sorted().contains { number in
            if case .ownKey? = searches[number]?.purpose { true } else { false }
        }
    }

    /// Asks whom there is to ask, or ends the search.
    private mutating func advance(_ number: UInt64, now: Instant) {
        guard var search = searches[number] else { return }
        while let candidate = search.lookup.next() {
            let addresses = table.entry(of: candidate.id)?.addresses ?? candidate.addresses
            ask(candidate.id, addresses, target: search.lookup.target, search: number, now: now)
        }
        searches[number] = search
        if search.lookup.isOver { finish(number) }
    }

    private mutating func finish(_ number: UInt64) {
        guard let search = searches.removeValue(forKey: number) else { return }
        for request in pending.keys.sorted()
        where pending[request]?.search == number && pending[request]?.isOverdue == true {
            pending[request] = nil
        }
        guard case .owner(let id) = search.purpose else { return }
        let found = search.lookup.found.map { candidate in
            let entry = table.entry(of: candidate.id)
            return KademliaPeer(
                id: candidate.id, addresses: entry?.addresses ?? candidate.addresses,
                connection: entry?.isConnected == true ? .connected : .canConnect)
        }
        effects.append(.found(id, found))
    }

    // MARK: Answers

    /// An answer came.
    mutating func answered(
        _ number: UInt64, _ connection: Multiaddr, _ bytes: [UInt8], now: Instant
    ) {
        guard let request = pending.removeValue(forKey: number) else { return }
        let message: KademliaMessage
        do throws(KademliaMessageError) {
            message = try KademliaMessage(protobuf: bytes)
            guard message.kind == .findNode else { throw .malformed }
        } catch {
            effects.append(.misbehaved(request.peer, error))
            return settle(request, hasAnswered: false, now: now)
        }
        table.seen(request.peer, now: now)
        if let search = request.search { learn(message.closerPeers, connection, in: search) }
        settle(request, hasAnswered: true, now: now)
    }

    /// An answer will not come.
    mutating func failed(_ number: UInt64, now: Instant) {
        guard let request = pending.removeValue(forKey: number) else { return }
        // What is overdue has been counted.
        if !request.isOverdue { settle(request, hasAnswered: false, now: now) }
    }

    private mutating func settle(_ request: Pending, hasAnswered: Bool, now: Instant) {
        if !hasAnswered { table.failed(request.peer) }
        guard let number = request.search else { return }
        if hasAnswered {
            searches[number]?.lookup.answered(request.peer)
        } else {
            searches[number]?.lookup.failed(request.peer)
        }
        advance(number, now: now)
    }

    /// Takes in what a peer told: addresses that it can know and that need no resolver.
    private mutating func learn(
        _ peers: [KademliaPeer], _ connection: Multiaddr, in search: UInt64
    ) {
        guard let scope = connection.scope else { return }
        for peer in peers.prefix(configuration.replication) where peer.id != localPeer {
            var addresses: [Multiaddr] = []
            for address in peer.addresses {
                guard address.peerID ?? peer.id == peer.id, address.tcpEndpoint != nil,
                    address.hasLiteralHost, address.isUsable(seenFrom: scope),
                    let bare = address.removingPeerID(), !addresses.contains(bare)
                else { continue }
                addresses.append(bare)
            }
            addresses = Array(addresses.prefix(table.limits.addresses))
            let isMember = table.entry(of: peer.id) != nil
            guard isMember || !addresses.isEmpty else { continue }
            let isNew = searches[search]?.lookup.add(peer.id, addresses: addresses) ?? false
            if isNew, !isMember { effects.append(.heardOf(peer.id, addresses)) }
        }
    }

    // MARK: Time

    /// Ends what is overdue.
    mutating func expire(now: Instant) {
        for number in pending.keys.sorted() {
            guard var request = pending[number], !request.isOverdue, request.deadline <= now else {
                continue
            }
            request.isOverdue = true
            pending[number] = request.search == nil ? nil : request
            settle(request, hasAnswered: false, now: now)
        }
        for number in searches.keys.sorted()
        where searches[number].map({ $0.deadline <= now }) == true {
            finish(number)
        }
    }

    /// The id of nobody, in one of the eight farthest buckets: those in turn. The nearer ones are
    /// filled by the searches for the own key.
    mutating func randomTarget() -> [UInt8] {
        let bucket = 255 - randomSearchCount % 8
        randomSearchCount += 1
        var target: [UInt8] = []
        // One of 256 at worst fits; whatever comes out in the end is a target too.
        for _ in 0..<4_096 {
            // An Ed25519 peer id, because some implementations look into the key.
            target = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20]
            for _ in 0..<32 { target.append(UInt8.random(in: .min ... .max, using: &generator)) }
            if table.localKey.distance(to: KademliaKey(of: target)).bucket == bucket { break }
        }
        return target
    }
}
