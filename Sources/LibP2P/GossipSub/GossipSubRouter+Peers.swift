internal import Primitives

// Peers come and go, and say which topics they take part in.
extension GossipSubRouter {
    mutating func connect(_ peer: PeerID, isOutbound: Bool, network: [UInt8]?, now: Instant) {
        if index(of: peer) == nil {
            guard peers.count < configuration.maximumPeers || forgetOldest() else { return }
            peers.insert(
                GossipSubPeer(id: peer, messageRate: configuration.messageRate, now: now),
                at: peers.position(of: peer) { $0.id }.index)
        }
        guard let place = index(of: peer), !peers[place].isConnected else { return }
        peers[place].isConnected = true
        peers[place].isOutbound = isOutbound
        peers[place].isDirect = directPeers.containsSorted(peer)
        peers[place].stream = .opening
        peers[place].network = network
        if let network { peersByNetwork[network, default: 0] += 1 }
    }

    mutating func disconnect(_ peer: PeerID, now: Instant) {
        guard let index = index(of: peer), peers[index].isConnected else { return }
        leaveMeshes(index, now: now)
        for topic in peers[index].topics {
            effects.append(.subscriptionChanged(peer, topic: topic, isSubscribed: false))
        }
        peers[index].topics = []
        peers[index].isConnected = false
        peers[index].stream = .unavailable
        peers[index].unwanted = UnwantedMessages()
        if let network = peers[index].network, let count = peersByNetwork[network] {
            peersByNetwork[network] = count > 1 ? count - 1 : nil
        }
        peers[index].network = nil
        // A bad name outlives the connection, and a good one does not: leaving must never pay.
        let isBad = score(at: index, now: now) < 0
        peers[index].forgetAt = now + (isBad ? configuration.scores.retention : .zero)
        forgetIfIdle(index, now: now)
    }

    /// Forgets a peer that is gone, unless there is something to remember.
    @discardableResult
    mutating func forgetIfIdle(_ index: Int, now: Instant) -> Bool {
        guard !peers[index].isConnected, peers[index].forgetAt <= now,
            peers[index].backoffs.isEmpty
        else { return false }
        peers.remove(at: index)
        return true
    }

    /// Makes room: of the peers that are gone, the one goes that would be forgotten first.
    private mutating func forgetOldest() -> Bool {
        let oldest = peers.indices.filter { !peers[$0].isConnected }
            .min { peers[$0].forgetAt < peers[$1].forgetAt }
        guard let oldest else { return false }
        peers.remove(at: oldest)
        return true
    }

    // MARK: This node's stream

    mutating func openStream(_ peer: PeerID, _ version: GossipSubVersion, now: Instant) {
        guard let index = index(of: peer), peers[index].isConnected else { return }
        peers[index].stream = .open(version)
        let own = topics.map { GossipRPC.Subscription($0.name, isSubscribed: true) }
        if !own.isEmpty { say(to: peer) { $0.subscriptions = own } }
        for topic in peers[index].topics { graftIfWanting(index, in: topic, now: now) }
    }

    mutating func closeStream(_ peer: PeerID, _ stream: GossipSubPeer.Stream, now: Instant) {
        guard let index = index(of: peer), peers[index].isConnected else { return }
        peers[index].stream = stream
        leaveMeshes(index, now: now)
    }

    /// The peer can be told nothing: it takes part in no mesh.
    private mutating func leaveMeshes(_ index: Int, now: Instant) {
        let peer = peers[index].id
        for place in topics.indices where topics[place].mesh.removeSorted(peer) {
            peers[index].score.pruned(
                topics[place].name, configuration.scores.topic, now: now)
        }
        for place in fanouts.indices { fanouts[place].peers.removeSorted(peer) }
    }

    // MARK: Direct peers

    mutating func setDirect(_ peer: PeerID, _ isDirect: Bool, now: Instant) {
        if isDirect {
            guard directPeers.count < configuration.maximumPeers else { return }
            directPeers.insertSorted(peer)
        } else {
            directPeers.removeSorted(peer)
        }
        guard let index = index(of: peer) else { return }
        peers[index].isDirect = isDirect
        guard isDirect else { return }
        for place in topics.indices where topics[place].mesh.containsSorted(peer) {
            prune(index, from: place, backoff: configuration.pruneBackoff, now: now)
        }
    }

    // MARK: Topics of peers

    mutating func take(_ subscriptions: [GossipRPC.Subscription], from index: Int, now: Instant) {
        let peer = peers[index].id
        for subscription in subscriptions {
            let topic = subscription.topic
            let isKnownTopic = configuration.knownTopics?.contains(topic) ?? true
            if subscription.isSubscribed {
                guard isKnownTopic || topicIndex(topic) != nil,
                    peers[index].topics.count < configuration.maximumTopicsPerPeer,
                    peers[index].topics.insertSorted(topic)
                else { continue }
                effects.append(.subscriptionChanged(peer, topic: topic, isSubscribed: true))
                graftIfWanting(index, in: topic, now: now)
            } else {
                guard peers[index].topics.removeSorted(topic) else { continue }
                if let place = topicIndex(topic), topics[place].mesh.removeSorted(peer) {
                    peers[index].score.pruned(topic, configuration.scores.topic, now: now)
                }
                for place in fanouts.indices where fanouts[place].topic == topic {
                    fanouts[place].peers.removeSorted(peer)
                }
                effects.append(.subscriptionChanged(peer, topic: topic, isSubscribed: false))
            }
        }
    }

    // MARK: Own topics

    mutating func subscribe(_ topic: String, now: Instant) {
        let (place, isKnown) = topics.position(of: topic) { $0.name }
        guard !isKnown, topics.count < configuration.maximumTopics,
            topic.utf8.count <= configuration.limits.maximumTopicByteCount
        else { return }
        topics.insert(Topic(name: topic), at: place)
        announce(.init(topic, isSubscribed: true))
        let fanout = fanouts.first { $0.topic == topic }?.peers ?? []
        fanouts.removeAll { $0.topic == topic }
        for peer in fanout where topics[place].mesh.count < configuration.degree {
            if let index = index(of: peer), mayGraft(index, in: topic, now: now) {
                graft(index, into: place, now: now)
            }
        }
        fill(place, to: configuration.degree, now: now) { _ in true }
    }

    mutating func unsubscribe(_ topic: String, now: Instant) {
        guard let place = topicIndex(topic) else { return }
        for peer in topics[place].mesh {
            guard let index = index(of: peer) else { continue }
            prune(index, from: place, backoff: configuration.unsubscribeBackoff, now: now)
        }
        topics.remove(at: place)
        announce(.init(topic, isSubscribed: false))
    }

    private mutating func announce(_ subscription: GossipRPC.Subscription) {
        for peer in peers {
            if case .open = peer.stream {
                say(to: peer.id) { $0.subscriptions.append(subscription) }
            }
        }
    }
}
