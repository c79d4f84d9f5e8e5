internal import Primitives

// Messages: published, received, judged, passed on.
extension GossipSubRouter {
    // MARK: Own messages

    mutating func publish(_ data: [UInt8], to topic: String, now: Instant) {
        let limits = (
            topic: configuration.limits.maximumTopicByteCount,
            data: configuration.maximumMessageByteCount
        )
        guard topic.utf8.count <= limits.topic else {
            return fail(topic, .topicTooLong(byteCount: topic.utf8.count, limit: limits.topic))
        }
        guard data.count <= limits.data else {
            return fail(topic, .tooLong(byteCount: data.count, limit: limits.data))
        }
        let message: PubSubMessage
        let id: MessageID
        switch signing {
        case .strictSign(let identity, _):
            let number = sequenceNumber
            sequenceNumber &+= 1
            message = PubSubMessage(
                topic: topic, data: data, sequenceNumber: number, identity: identity)
            id = .signed(author: identity.peerID.bytes, sequenceNumber: number.bigEndianBytes)
        case .strictNoSign:
            message = PubSubMessage(topic: topic, data: data)
            id = .content(topic: topic, data: data)
        }
        guard seen[id] == nil else { return fail(topic, .duplicate(id)) }
        seen.insert(id, .accepted(at: now), from: nil, now: now)
        cache.insert(message, as: id)
        counters.published += 1
        let recipients = recipients(ofOwnIn: topic, now: now)
        for peer in recipients { say(to: peer) { $0.messages.append(message) } }
        counters.sent += UInt64(recipients.count)
        effects.append(.published(topic: topic, id, recipients: recipients.count))
    }

    private mutating func fail(_ topic: String, _ failure: PublishFailure) {
        effects.append(.publishFailed(topic: topic, failure))
    }

    /// Who gets an own message: with flood publishing all that take part and are not too bad, else
    /// the mesh or the fan-out; direct peers always.
    private mutating func recipients(ofOwnIn topic: String, now: Instant) -> [PeerID] {
        var chosen: [PeerID] = []
        if let place = topicIndex(topic) {
            chosen = topics[place].mesh
        } else {
            chosen = fanout(for: topic, now: now)
        }
        let floods = configuration.floodPublish
        return peers.indices.filter { index in
            let peer = peers[index]
            guard peer.isReachable, peer.isSubscribed(to: topic) else { return false }
            if peer.isDirect || chosen.containsSorted(peer.id) { return true }
            return floods
                && score(at: index, now: now) >= configuration.scores.publishThreshold
        }.map { peers[$0].id }
    }

    private mutating func fanout(for topic: String, now: Instant) -> [PeerID] {
        if let place = fanouts.firstIndex(where: { $0.topic == topic }) {
            fanouts[place].lastPublished = now
            fillFanout(place, topic, now: now)
            return fanouts[place].peers
        }
        if fanouts.count >= configuration.maximumTopics {
            let oldest = fanouts.indices.min {
                fanouts[$0].lastPublished < fanouts[$1].lastPublished
            }
            if let oldest { fanouts.remove(at: oldest) }
        }
        fanouts.append(Fanout(topic: topic, lastPublished: now))
        fillFanout(fanouts.count - 1, topic, now: now)
        return fanouts[fanouts.count - 1].peers
    }

    // MARK: Others' messages

    mutating func receive(_ rpc: GossipRPC, from peer: PeerID, now: Instant) {
        guard let index = index(of: peer), peers[index].isConnected else { return }
        guard
            peers[index].isDirect
                || score(at: index, now: now) >= configuration.scores.graylistThreshold
        else {
            counters.graylisted += 1
            return
        }
        take(rpc.subscriptions, from: index, now: now)
        for message in rpc.messages { take(message, from: index, now: now) }
        for advertisement in rpc.advertisements {
            takeAdvertisement(advertisement, from: index, now: now)
        }
        takeRequest(rpc.wanted, from: index, now: now)
        for topic in rpc.grafts { takeGraft(topic, from: index, now: now) }
        for prune in rpc.prunes { takePrune(prune, from: index, now: now) }
        takeUnwanted(rpc.unwanted, from: index)
    }

    mutating func receiveMalformed(from peer: PeerID) {
        guard let index = index(of: peer), peers[index].isConnected else { return }
        counters.malformed += 1
        peers[index].score.misbehaviour += 4
    }

    private mutating func take(_ message: PubSubMessage, from index: Int, now: Instant) {
        counters.received += 1
        let byteCount = message.data?.count ?? 0
        guard topicIndex(message.topic) != nil,
            byteCount <= configuration.maximumMessageByteCount
        else {
            counters.unwanted += 1
            return
        }
        let id: MessageID
        do {
            id = try message.identifier(under: signing)
        } catch {
            return blame(index, message.topic)
        }
        if let record = seen[id] {
            return takeCopy(record, id, message.topic, from: index, now: now)
        }
        // A flood may have pushed the name of a message out that still waits for its verdict.
        guard !pending.contains(id) else {
            counters.duplicates += 1
            return
        }
        if isPassedOver(message, from: index, now: now) { return requests.fulfil(id) }
        let author: PeerID?
        switch verifiedAuthor(of: message) {
        case .success(let verified): author = verified
        case .failure(.unsupportedKey):
            counters.unwanted += 1
            return requests.fulfil(id)
        case .failure: return blame(index, message.topic)
        }
        requests.fulfil(id)
        let peer = peers[index].id
        seen.insert(id, .pending, from: peer, now: now)
        pending.insert(message, as: id, from: peer, now: now)
        if byteCount >= configuration.unwantedThreshold {
            announceUnwanted(id, message.topic, except: peer)
        }
        effects.append(
            .validate(
                PubSubDelivery(
                    id: id, topic: message.topic, data: message.data ?? [], author: author,
                    source: peer)))
    }

    /// Whether a new message is not even looked at: own, of a muted author, or too much.
    private mutating func isPassedOver(
        _ message: PubSubMessage, from index: Int, now: Instant
    ) -> Bool {
        if case .strictSign(let identity, _) = signing, message.author == identity.peerID.bytes {
            // From an earlier run: whoever keeps it for us does nothing wrong.
            counters.unwanted += 1
            return true
        }
        if let author = message.author, let id = try? PeerID(bytes: author),
            authors.isMuted(id, now: now)
        {
            counters.muted += 1
            return true
        }
        guard pending.hasRoom(for: message, of: peers[index].id),
            peers[index].messageBudget.take(now: now)
        else {
            counters.overflowed += 1
            return true
        }
        return false
    }

    private func verifiedAuthor(
        of message: PubSubMessage
    ) -> Result<PeerID?, PubSubMessageFault> {
        guard case .strictSign = signing else { return .success(nil) }
        do throws(PubSubMessageFault) {
            return .success(try message.verifySignature())
        } catch {
            return .failure(error)
        }
    }

    /// The peer should have looked at it itself.
    private mutating func blame(_ index: Int, _ topic: String) {
        counters.unverified += 1
        peers[index].score.deliveredInvalid(
            topic, cost: configuration.scores.topic.unverifiedCost)
    }

    private mutating func takeCopy(
        _ record: SeenMessages.Record, _ id: MessageID, _ topic: String, from index: Int,
        now: Instant
    ) {
        counters.duplicates += 1
        guard seen.addSender(peers[index].id, of: id) else { return }
        switch record.verdict {
        case .pending, .ignored: break
        case .rejected: peers[index].score.deliveredInvalid(topic, cost: 1)
        case .accepted(let time):
            let parameters = configuration.scores.topic
            guard now - time <= parameters.meshDeliveriesWindow else { return }
            peers[index].score.deliveredInMesh(topic, parameters)
        }
    }

    // MARK: The verdict

    mutating func judge(_ id: MessageID, _ verdict: PubSubVerdict, now: Instant) {
        guard let entry = pending.remove(id) else { return }
        let topic = entry.message.topic
        let senders = seen[id]?.senders ?? [entry.source]
        switch verdict {
        case .ignore:
            counters.ignored += 1
            seen.setVerdict(.ignored, of: id)
        case .reject:
            counters.rejected += 1
            seen.setVerdict(.rejected, of: id)
            for sender in senders {
                guard let index = index(of: sender) else { continue }
                peers[index].score.deliveredInvalid(topic, cost: 1)
            }
            if let author = entry.message.author, let peer = try? PeerID(bytes: author) {
                authors.strike(peer, now: now)
            }
        case .accept:
            counters.accepted += 1
            seen.setVerdict(.accepted(at: now), of: id)
            for (position, sender) in senders.enumerated() {
                guard let index = index(of: sender) else { continue }
                if position == 0 {
                    peers[index].score.deliveredFirst(topic, configuration.scores.topic)
                } else {
                    peers[index].score.deliveredInMesh(topic, configuration.scores.topic)
                }
            }
            cache.insert(entry.message, as: id)
            forward(entry.message, id, except: senders)
        }
    }

    /// Passes a message on to the mesh and to direct peers that may not have it.
    private mutating func forward(_ message: PubSubMessage, _ id: MessageID, except: [PeerID]) {
        let mesh = mesh(of: message.topic)
        for index in peers.indices {
            let peer = peers[index]
            let isMember = mesh.containsSorted(peer.id)
            let isDirect = peer.isDirect && peer.isSubscribed(to: message.topic)
            guard isMember || isDirect, peer.isReachable, !except.contains(peer.id),
                message.author != peer.id.bytes
            else { continue }
            guard !peer.unwanted.contains(id) else {
                counters.spared += 1
                continue
            }
            counters.sent += 1
            say(to: peer.id) { $0.messages.append(message) }
        }
    }
}
