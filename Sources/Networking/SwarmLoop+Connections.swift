internal import LibP2P
internal import Logging
internal import NIOCore
internal import Primitives

// The table of connections: who is admitted, which of two connections stays, who is told.
extension SwarmLoop {
    /// A connection's peer proved who it is: admit it and begin, or close it.
    func authenticated(_ connection: Connection) {
        let peer = connection.peer
        if connection.direction == .inbound { unauthenticatedInbound -= 1 }
        let now = now
        let refusal = peerSet.refusal(
            of: peer, direction: connection.direction,
            isRequested: connection.dial?.isRequested ?? false, now: now)
        if let refusal {
            totals.refusedPeers += 1
            if let dial = connection.dial, refusal == .isSelf {
                peerSet.forget(dial.address, of: dial.expectedPeer ?? peer)
            }
            return connection.close(.refused(refusal))
        }
        switch connection.direction {
        case .inbound: totals.openedInbound += 1
        case .outbound: totals.openedOutbound += 1
        }
        connection.schedule(now)
        if let existing = connectionsByPeer[peer]?.first {
            resolve(connection, against: existing, now: now)
        } else {
            peerSet.connected(
                peer, direction: connection.direction, address: connection.dial?.address, now: now)
            connectionsByPeer[peer] = [connection]
            emit(
                .connected(peer, direction: connection.direction, address: connection.address))
            logger.debug(
                "connected", metadata: ["peer": "\(peer)", "address": "\(connection.address)"])
            begin(connection)
        }
        if connection.direction == .outbound { peerSet.dialAbandoned(peer) }
        complete(connection, .success(peer))
        runDials()
    }

    private func complete(_ connection: Connection, _ result: Result<PeerID, DialError>) {
        let completion = connection.completion
        connection.completion = nil
        completion?(result)
    }

    /// Starts what runs on every connection that is used.
    private func begin(_ connection: Connection) {
        _ = try? connection.openStream(
            proposals: [IdentifyMessage.protocolName], handler: IdentifyReader(isPush: false))
        for hub in hubs { hub.connected(connection) }
    }

    // MARK: Two connections to one peer

    /// Decides between two connections to one peer, the same way as the peer does.
    ///
    /// The worse one stays until the better one has shown that it works: a peer that comes back
    /// after a crash may have left a dead connection behind that looks like the better one.
    private func resolve(_ newcomer: Connection, against existing: Connection, now: Instant) {
        let peer = newcomer.peer
        totals.duplicates += 1
        guard connectionsByPeer[peer]?.count == 1 else { return newcomer.close(.duplicate) }
        if isBetter(newcomer, than: existing) {
            connectionsByPeer[peer] = [newcomer, existing]
            existing.duplicateSince = now
            peerSet.connected(
                peer, direction: newcomer.direction, address: newcomer.dial?.address, now: now)
            begin(newcomer)
            newcomer.ping(nil)
        } else {
            connectionsByPeer[peer] = [existing, newcomer]
            newcomer.duplicateSince = now
            existing.ping(nil)
        }
    }

    /// Of two connections with different dialers, that of the lower peer id is kept. With the same
    /// dialer the newer one is: the dialer knows why it dialled again.
    private func isBetter(_ newcomer: Connection, than existing: Connection) -> Bool {
        newcomer.dialer == existing.dialer || newcomer.dialer < existing.dialer
    }

    /// Whether the better connection has shown signs of life since it is known to be the better.
    func hasReplaced(_ duplicate: Connection, since: Instant) -> Bool {
        guard let best = connectionsByPeer[duplicate.peer]?.first, best !== duplicate else {
            return false
        }
        return best.lastReceivedAt > since
    }

    // MARK: The end of a connection

    /// A connection is gone.
    func closed(_ connection: Connection, reason: DisconnectReason) {
        connections[connection.id] = nil
        totals.closed += 1
        if let network = connection.network, let count = inboundByNetwork[network] {
            inboundByNetwork[network] = count > 1 ? count - 1 : nil
        }
        guard let peer = connection.remotePeer else {
            if connection.direction == .inbound { unauthenticatedInbound -= 1 }
            handshakeFailed(connection, reason: reason)
            return
        }
        complete(connection, outcome(of: connection.dial, .failed(reason)))
        guard var remaining = connectionsByPeer[peer],
            let index = remaining.firstIndex(where: { $0 === connection })
        else {
            // It was refused: for a dial that is a failure like any other.
            if let expected = connection.dial?.expectedPeer { dialEnded(expected) }
            return
        }
        remaining.remove(at: index)
        connectionsByPeer[peer] = remaining.isEmpty ? nil : remaining
        for hub in hubs { hub.disconnected(connection, isLast: remaining.isEmpty) }
        if let successor = remaining.first {
            guard index == 0 else { return }
            successor.duplicateSince = nil
            peerSet.connected(
                peer, direction: successor.direction, address: successor.dial?.address, now: now)
            begin(successor)
        } else {
            peerSet.disconnected(peer, now: now, using: &generator)
            kademlia?.disconnected(peer)
            emit(.disconnected(peer, reason: reason))
            logger.debug("disconnected", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
        }
        runDials()
    }

    private func handshakeFailed(_ connection: Connection, reason: DisconnectReason) {
        totals.failedHandshakes += 1
        logger.debug(
            "connection failed",
            metadata: ["address": "\(connection.address)", "reason": "\(reason)"])
        if let dial = connection.dial, let expected = dial.expectedPeer {
            dialEnded(expected)
            if case .wrongPeer = reason { peerSet.forget(dial.address, of: expected) }
        }
        complete(connection, outcome(of: connection.dial, .failed(reason)))
    }

    // MARK: From the owner

    /// Ends all connections to a peer.
    func disconnect(_ peer: PeerID, reason: DisconnectReason) {
        for connection in connectionsByPeer[peer] ?? [] { connection.close(reason) }
    }

    /// Ends the connection to a peer that was made for one question, unless a slot is free for it.
    func releaseBeyondSlots(_ peer: PeerID) {
        guard let connection = connectionsByPeer[peer]?.first, connection.dial?.isRequested == true,
            peerSet.isBeyondSlots(peer)
        else { return }
        disconnect(peer, reason: .requested)
    }

    /// Refuses a peer from now on, and ends its connections. Reserved peers are never banned.
    func ban(_ peer: PeerID, until deadline: Instant) {
        if peerSet.ban(peer, until: deadline) {
            disconnect(peer, reason: .refused(.banned(until: deadline)))
        }
    }

    /// Makes peers reserved or not; who may not stay is disconnected.
    func setReserved(_ peer: PeerID, _ isReserved: Bool, addresses: [Multiaddr]) {
        peerSet.setReserved(peer, isReserved)
        peerSet.learn(addresses, of: peer, areConfigured: true)
        applyRules(to: peer)
        runDials()
    }

    func setUrgent(_ peer: PeerID, _ isUrgent: Bool) {
        peerSet.setUrgent(peer, isUrgent)
        applyRules(to: peer)
        runDials()
    }

    /// With `reservedOnly`, ends the connections to all others.
    func setReservedOnly(_ reservedOnly: Bool) {
        peerSet.reservedOnly = reservedOnly
        for peer in connectionsByPeer.keys.sorted() { applyRules(to: peer) }
        runDials()
    }

    private func applyRules(to peer: PeerID) {
        for connection in connectionsByPeer[peer] ?? [] {
            if peerSet.reservedOnly, !peerSet.isReserved(peer) {
                connection.close(.refused(.notReserved))
            } else {
                // The pace of pings may have changed.
                connection.liveness.nextPing = now
                connection.schedule(now)
            }
        }
    }

    var snapshot: NetworkSnapshot {
        var snapshot = NetworkSnapshot()
        snapshot.peers = connectionsByPeer.keys.sorted().compactMap { peer in
            connectionsByPeer[peer]?.first.map { self.snapshot(of: $0) }
        }
        snapshot.listenAddresses = listenAddresses
        snapshot.pendingConnections = connections.values.count { $0.remotePeer == nil }
        snapshot.knownPeers = peerSet.entries.count
        snapshot.routingPeers = kademlia?.peerCount ?? 0
        for ban in peerSet.bans(now: now) { snapshot.bans[ban.peer] = ban.until }
        snapshot.protocols = protocolCounters
        snapshot.totals = totals
        return snapshot
    }

    private func snapshot(of connection: Connection) -> PeerSnapshot {
        PeerSnapshot(
            peer: connection.peer, direction: connection.direction, address: connection.address,
            information: connection.information, security: connection.security,
            isReserved: peerSet.isReserved(connection.peer),
            isUrgent: peerSet.isUrgent(connection.peer),
            roundTrip: connection.liveness.roundTrip, since: connection.openedAt,
            bytesIn: connection.bytesIn, bytesOut: connection.bytesOut)
    }
}
