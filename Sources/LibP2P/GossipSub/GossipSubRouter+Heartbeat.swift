internal import Primitives

// What is done at every heartbeat (GossipSub 1.0 "Heartbeat Procedure", and its extension in 1.1).
extension GossipSubRouter {
    mutating func beat(now: Instant) {
        heartbeat += 1
        for peer in requests.expire(now: now) {
            counters.brokenPromises += 1
            if let index = index(of: peer) { peers[index].score.misbehaviour += 1 }
        }
        for id in pending.expire(now: now) {
            counters.unjudged += 1
            seen.setVerdict(.ignored, of: id)
        }
        seen.expire(now: now)
        decayScores(now: now)
        reviewPeers(now: now)
        for place in topics.indices { maintain(place, now: now) }
        maintainFanouts(now: now)
        for topic in topics.map(\.name) { advertise(topic, excluding: mesh(of: topic), now: now) }
        for fanout in fanouts { advertise(fanout.topic, excluding: fanout.peers, now: now) }
        cache.shift()
    }

    // MARK: Scores and limits

    private mutating func decayScores(now: Instant) {
        let interval = configuration.scores.decayInterval
        var last = lastDecay ?? now
        var steps = 0
        // After a long pause (a suspended machine) some steps will do.
        while last + interval <= now, steps < 600 {
            for index in peers.indices { peers[index].score.decay(configuration.scores) }
            last = last + interval
            steps += 1
        }
        lastDecay = steps == 600 ? now : last
    }

    private mutating func reviewPeers(now: Instant) {
        let oldestUnwanted =
            heartbeat > UInt64(configuration.unwantedHeartbeats)
            ? heartbeat - UInt64(configuration.unwantedHeartbeats) : 0
        for index in peers.indices {
            peers[index].advertisementCount = 0
            peers[index].requestCount = 0
            peers[index].unwantedCount = 0
            peers[index].unwanted.expire(before: oldestUnwanted)
            peers[index].expireBackoffs(before: now + slack * -2)
        }
        for index in peers.indices.reversed() { forgetIfIdle(index, now: now) }
    }

    // MARK: The mesh

    private mutating func maintain(_ place: Int, now: Instant) {
        let topic = topics[place].name
        for peer in topics[place].mesh {
            guard let index = index(of: peer), score(at: index, now: now) < 0 else { continue }
            prune(index, from: place, backoff: configuration.pruneBackoff, now: now)
        }
        if topics[place].mesh.count < configuration.lowDegree {
            fill(place, to: configuration.degree, now: now) { _ in true }
        }
        if topics[place].mesh.count > configuration.highDegree { cut(place, now: now) }
        let outbound = topics[place].mesh.count { isOutbound($0) }
        if topics[place].mesh.count >= configuration.lowDegree,
            outbound < configuration.outboundDegree
        {
            let count = topics[place].mesh.count + configuration.outboundDegree - outbound
            let outboundPeers = peers.map(\.isOutbound)
            fill(place, to: count, now: now) { outboundPeers[$0] }
        }
        if heartbeat.isMultiple(of: configuration.opportunisticGraftHeartbeats) {
            graftOpportunistically(place, topic, now: now)
        }
    }

    private func isOutbound(_ peer: PeerID) -> Bool {
        index(of: peer).map { peers[$0].isOutbound } ?? false
    }

    /// Cuts a mesh down to `degree`: the best by score stay, the rest by lot, and enough of those
    /// that this node dialled.
    private mutating func cut(_ place: Int, now: Instant) {
        let members = topics[place].mesh.compactMap { index(of: $0) }.shuffled(using: &random)
        let scores = members.map { (index: $0, score: score(at: $0, now: now)) }
        let ranked = scores.enumerated().sorted {
            ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
        }.map(\.element.index)
        var kept = Array(ranked.prefix(configuration.scoreDegree))
        var rest = Array(ranked.dropFirst(configuration.scoreDegree)).shuffled(using: &random)
        let missing = configuration.outboundDegree - kept.count { peers[$0].isOutbound }
        if missing > 0 {
            let outbound = rest.filter { peers[$0].isOutbound }.prefix(missing)
            kept += outbound
            rest.removeAll { outbound.contains($0) }
        }
        kept += rest.prefix(max(0, configuration.degree - kept.count))
        for index in members where !kept.contains(index) {
            prune(index, from: place, backoff: configuration.pruneBackoff, now: now)
        }
    }

    /// A mesh of poor peers takes some that are better than its median (GossipSub 1.1,
    /// "Opportunistic Grafting").
    private mutating func graftOpportunistically(_ place: Int, _ topic: String, now: Instant) {
        let scores = topics[place].mesh.compactMap { index(of: $0) }
            .map { score(at: $0, now: now) }.sorted()
        guard scores.count > 1 else { return }
        let median = scores[scores.count / 2]
        guard median < configuration.scores.opportunisticGraftThreshold else { return }
        let better = peers.indices.map { score(at: $0, now: now) > median }
        fill(
            place, to: topics[place].mesh.count + configuration.opportunisticGraftPeers, now: now
        ) { better[$0] }
    }

    // MARK: Fan-out

    private mutating func maintainFanouts(now: Instant) {
        fanouts.removeAll { $0.lastPublished + configuration.fanoutLifetime <= now }
        for place in fanouts.indices {
            let topic = fanouts[place].topic
            fanouts[place].peers = fanouts[place].peers.filter { peer in
                guard let index = index(of: peer) else { return false }
                return score(at: index, now: now) >= configuration.scores.publishThreshold
            }
            fillFanout(place, topic, now: now)
        }
    }

    mutating func fillFanout(_ place: Int, _ topic: String, now: Instant) {
        let missing = configuration.degree - fanouts[place].peers.count
        guard missing > 0 else { return }
        var candidates = peers.filter { peer in
            peer.canBeGrafted && peer.isSubscribed(to: topic)
                && !fanouts[place].peers.containsSorted(peer.id)
        }.map(\.id)
        candidates.removeAll { peer in
            guard let index = index(of: peer) else { return true }
            return score(at: index, now: now) < configuration.scores.publishThreshold
        }
        candidates.shuffle(using: &random)
        for peer in candidates.prefix(missing) { fanouts[place].peers.insertSorted(peer) }
    }

    // MARK: Gossip

    /// Tells some of the peers outside the mesh which messages there are.
    private mutating func advertise(_ topic: String, excluding mesh: [PeerID], now: Instant) {
        var ids = cache.advertised(in: topic)
        guard !ids.isEmpty else { return }
        let eligible = peers.indices.filter { index in
            let peer = peers[index]
            return peer.canBeGrafted && peer.isSubscribed(to: topic)
                && !mesh.containsSorted(peer.id)
                && score(at: index, now: now) >= configuration.scores.gossipThreshold
        }
        let share = Int(configuration.gossipFactor * Double(eligible.count))
        let count = max(configuration.lazyDegree, share)
        for index in eligible.shuffled(using: &random).prefix(count) {
            // Every peer gets another part when there is too much for one.
            if ids.count > configuration.maximumRequests { ids.shuffle(using: &random) }
            let advertisement = GossipRPC.Advertisement(
                topic, Array(ids.prefix(configuration.maximumRequests)))
            say(to: peers[index].id) { $0.advertisements.append(advertisement) }
        }
    }
}
