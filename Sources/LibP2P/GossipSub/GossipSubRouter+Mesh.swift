internal import Primitives

// Who is in the mesh (GossipSub 1.0 "Control messages", 1.1 "Prune backoff", "Flood publishing").
extension GossipSubRouter {
    // MARK: On this node's initiative

    /// Whether a peer may be put into the mesh of a topic, where it is not yet.
    func mayGraft(_ index: Int, in topic: String, now: Instant) -> Bool {
        let peer = peers[index]
        return peer.canBeGrafted && peer.isSubscribed(to: topic)
            && peer.backoff(topic).map { $0 + slack <= now } ?? true
            && score(at: index, now: now) >= 0
    }

    /// GRAFTs wait a bit longer than a back-off, so that the peer's clock has ended it as well.
    var slack: Duration { configuration.heartbeatInterval }

    mutating func graft(_ index: Int, into place: Int, now: Instant) {
        let topic = topics[place].name
        topics[place].mesh.insertSorted(peers[index].id)
        peers[index].score.grafted(topic, now: now)
        counters.grafts += 1
        say(to: peers[index].id) { $0.grafts.append(topic) }
    }

    /// Takes a peer out of the mesh, and tells it for how long it shall not graft.
    mutating func prune(_ index: Int, from place: Int, backoff: Duration, now: Instant) {
        let topic = topics[place].name
        topics[place].mesh.removeSorted(peers[index].id)
        peers[index].score.pruned(topic, configuration.scores.topic, now: now)
        sendPrune(index, topic, backoff: backoff, now: now)
    }

    /// Grafts random peers that `isWanted` takes until the mesh has `count`.
    mutating func fill(
        _ place: Int, to count: Int, now: Instant, _ isWanted: (Int) -> Bool
    ) {
        let missing = count - topics[place].mesh.count
        guard missing > 0 else { return }
        let topic = topics[place].name
        var candidates = peers.indices.filter {
            !topics[place].mesh.containsSorted(peers[$0].id) && mayGraft($0, in: topic, now: now)
                && isWanted($0)
        }
        candidates.shuffle(using: &random)
        for index in candidates.prefix(missing) { graft(index, into: place, now: now) }
    }

    /// A mesh that lacks peers takes a new one at once, not only at the next heartbeat.
    mutating func graftIfWanting(_ index: Int, in topic: String, now: Instant) {
        guard let place = topicIndex(topic), topics[place].mesh.count < configuration.lowDegree,
            !topics[place].mesh.containsSorted(peers[index].id),
            mayGraft(index, in: topic, now: now)
        else { return }
        graft(index, into: place, now: now)
    }

    private mutating func sendPrune(
        _ index: Int, _ topic: String, backoff: Duration, now: Instant
    ) {
        let peer = peers[index].id
        peers[index].setBackoff(topic, until: now + backoff)
        peers[index].notePrune(topic, at: now)
        counters.prunes += 1
        var others: [PeerID] = []
        if configuration.exchangesPeers, score(at: index, now: now) >= 0 {
            let candidates = peers.indices.filter {
                peers[$0].id != peer && peers[$0].isConnected
                    && peers[$0].isSubscribed(to: topic) && score(at: $0, now: now) >= 0
            }
            others = candidates.shuffled(using: &random)
                .prefix(configuration.limits.maximumExchangedPeers).map { peers[$0].id }
        }
        let seconds = UInt64(max(0, backoff.components.seconds))
        say(to: peer) {
            $0.prunes.append(.init(topic, peers: others, backoffSeconds: seconds))
        }
    }

    // MARK: On the peer's

    mutating func takeGraft(_ topic: String, from index: Int, now: Instant) {
        // An answer for a topic that this node has no part in would let anybody fill queues.
        guard let place = topicIndex(topic), peers[index].isReachable,
            !topics[place].mesh.containsSorted(peers[index].id)
        else { return }
        guard !peers[index].isDirect else {
            return sendPrune(index, topic, backoff: configuration.pruneBackoff, now: now)
        }
        if let until = peers[index].backoff(topic), now < until {
            peers[index].score.misbehaviour += 1
            if let prunedAt = peers[index].prunedAt(topic),
                now < prunedAt + configuration.graftFloodThreshold
            {
                peers[index].score.misbehaviour += 1
            }
            return sendPrune(index, topic, backoff: configuration.pruneBackoff, now: now)
        }
        let isFull = topics[place].mesh.count >= configuration.highDegree
        // Who dialled this node may be anybody: a full mesh takes only peers that it chose itself.
        guard score(at: index, now: now) >= 0, !isFull || peers[index].isOutbound else {
            return sendPrune(index, topic, backoff: configuration.pruneBackoff, now: now)
        }
        // A GRAFT says that the peer takes part, should its subscription still be under way.
        guard peers[index].isSubscribed(to: topic) || noteSubscription(topic, of: index) else {
            return
        }
        topics[place].mesh.insertSorted(peers[index].id)
        peers[index].score.grafted(topic, now: now)
    }

    private mutating func noteSubscription(_ topic: String, of index: Int) -> Bool {
        guard peers[index].topics.count < configuration.maximumTopicsPerPeer else { return false }
        peers[index].topics.insertSorted(topic)
        effects.append(
            .subscriptionChanged(peers[index].id, topic: topic, isSubscribed: true))
        return true
    }

    mutating func takePrune(_ prune: GossipRPC.Prune, from index: Int, now: Instant) {
        guard let place = topicIndex(prune.topic) else { return }
        if topics[place].mesh.removeSorted(peers[index].id) {
            peers[index].score.pruned(prune.topic, configuration.scores.topic, now: now)
        }
        let given = prune.backoffSeconds.map { Duration.seconds(Int64(clamping: $0)) }
        let backoff = min(given ?? configuration.pruneBackoff, configuration.maximumBackoff)
        peers[index].setBackoff(prune.topic, until: now + backoff)
        guard configuration.exchangesPeers, !prune.peers.isEmpty,
            score(at: index, now: now) >= configuration.scores.acceptExchangeThreshold
        else { return }
        let strangers = prune.peers.filter { id in
            !peers.contains { $0.id == id && $0.isConnected }
        }
        if !strangers.isEmpty {
            effects.append(
                .connect(Array(strangers.prefix(configuration.limits.maximumExchangedPeers))))
        }
    }
}
