internal import Primitives

// What is advertised, asked for and not wanted (GossipSub 1.0 "Control messages", 1.1 "Spam
// Protection Measures", 1.2).
extension GossipSubRouter {
    /// IHAVE: asks for what is not known, within limits. A peer that takes no stream of this node's
    /// cannot be asked: its answer would be waited for, and missed.
    mutating func takeAdvertisement(
        _ advertisement: GossipRPC.Advertisement, from index: Int, now: Instant
    ) {
        guard peers[index].isReachable,
            score(at: index, now: now) >= configuration.scores.gossipThreshold,
            topicIndex(advertisement.topic) != nil
        else { return }
        peers[index].advertisementCount += 1
        guard peers[index].advertisementCount <= configuration.maximumAdvertisements,
            peers[index].requestCount < configuration.maximumRequests
        else { return }
        var unknown: [MessageID] = []
        var chosen: Set<MessageID> = []
        for id in advertisement.messages.prefix(configuration.maximumRequests) {
            guard seen[id] == nil,
                requests.mayAsk(
                    for: id, atMost: configuration.concurrentRequests, pending: unknown.count),
                chosen.insert(id).inserted
            else { continue }
            unknown.append(id)
        }
        let room = configuration.maximumRequests - peers[index].requestCount
        // By lot, so that nobody decides by the order of names what is asked of whom.
        let asked = unknown.shuffled(using: &random).prefix(room)
        guard !asked.isEmpty else { return }
        peers[index].requestCount += asked.count
        counters.requested += UInt64(asked.count)
        let peer = peers[index].id
        for (position, id) in asked.enumerated() {
            requests.add(
                id, of: peer, isPromise: position == 0,
                deadline: now + configuration.requestTimeout)
        }
        say(to: peer) { $0.wanted += asked }
    }

    /// IWANT: gives what is there, each message a few times at most.
    mutating func takeRequest(_ ids: [MessageID], from index: Int, now: Instant) {
        guard !ids.isEmpty, peers[index].isReachable,
            score(at: index, now: now) >= configuration.scores.gossipThreshold
        else { return }
        let peer = peers[index].id
        for id in ids.prefix(configuration.maximumRequests) {
            guard !peers[index].unwanted.contains(id),
                let message = cache.take(
                    id, for: peer, atMost: configuration.retransmissions)
            else { continue }
            counters.sent += 1
            counters.given += 1
            say(to: peer) { $0.messages.append(message) }
        }
    }

    /// IDONTWANT: the peer has these, or will have them in a moment.
    mutating func takeUnwanted(_ ids: [MessageID], from index: Int) {
        guard !ids.isEmpty else { return }
        let room = configuration.maximumUnwanted - peers[index].unwantedCount
        let taken = ids.prefix(max(0, room))
        guard !taken.isEmpty else { return }
        peers[index].unwantedCount += taken.count
        for id in taken { peers[index].unwanted.insert(id, heartbeat: heartbeat) }
        effects.append(.withdraw(peers[index].id, Array(taken)))
    }

    /// Tells the mesh that a long message is here, before anybody has looked into it.
    mutating func announceUnwanted(_ id: MessageID, _ topic: String, except source: PeerID) {
        for peer in mesh(of: topic) where peer != source {
            guard let index = index(of: peer), peers[index].knowsUnwanted else { continue }
            say(to: peer) { $0.unwanted.append(id) }
        }
    }
}
