internal import Primitives

// MARK: - The peer's substream

extension NotificationStreams {
    mutating func takeInbound(
        _ peer: PeerID, _ connection: ConnectionID, _ substream: NotificationSubstreamID,
        now: Instant
    ) {
        guard let index = index(of: peer), peers[index].connections.contains(connection),
            peers[index].inboundOpenings.take(now: now)
        else {
            effects.append(.resetSubstream(peer, substream))
            return
        }
        if let present = peers[index].inbound.substream {
            guard present.connection != connection else {
                effects.append(.resetSubstream(peer, substream))
                return
            }
            // The peer came back on another connection: what it had here is of no use to it.
            fail(index, .disconnected, now: now)
            dropInbound(index)
        }
        peers[index].inbound = .handshaking(
            substream, connection, deadline: now + configuration.phaseTimeout)
        advance(index, now: now)
    }

    mutating func accept(_ peer: PeerID, _ substream: NotificationSubstreamID, now: Instant) {
        guard let index = index(of: peer),
            case .validating(substream, let connection, _, let received) = peers[index].inbound
        else { return }
        peers[index].inbound = .ready(substream, connection, received)
        effects.append(.sendHandshake(peer, substream, handshake))
        advance(index, now: now)
    }

    mutating func refuse(_ peer: PeerID, _ substream: NotificationSubstreamID, now: Instant) {
        guard let index = index(of: peer),
            case .validating(substream, _, _, _) = peers[index].inbound
        else { return }
        fail(index, .refusedHere, now: now)
    }

    /// Aborts the peer's substream that was not accepted yet.
    private mutating func dropInbound(_ index: Int) {
        guard let (substream, _) = peers[index].inbound.substream else { return }
        peers[index].inbound = .none
        effects.append(.resetSubstream(peers[index].id, substream))
    }
}

// MARK: - Our substream

extension NotificationStreams {
    mutating func sendHandshake(
        _ peer: PeerID, _ substream: NotificationSubstreamID, now: Instant
    ) {
        guard let index = index(of: peer),
            case .opening(substream, let connection, _) = peers[index].outbound
        else { return }
        peers[index].outbound = .handshaking(
            substream, connection, deadline: now + configuration.phaseTimeout)
        effects.append(.sendHandshake(peer, substream, handshake))
    }

    private mutating func openOutbound(_ index: Int, on connection: ConnectionID, now: Instant) {
        let substream = NotificationSubstreamID.outbound(nextOutbound)
        nextOutbound += 1
        peers[index].retryAt = nil
        peers[index].outbound = .opening(
            substream, connection, deadline: now + configuration.phaseTimeout)
        effects.append(.openSubstream(peers[index].id, connection, substream))
    }
}

// MARK: - Both

extension NotificationStreams {
    mutating func takeHandshake(
        _ peer: PeerID, _ substream: NotificationSubstreamID, _ bytes: [UInt8], now: Instant
    ) {
        guard let index = index(of: peer) else { return }
        let deadline = now + configuration.phaseTimeout
        if case .handshaking(substream, let connection, _) = peers[index].outbound {
            peers[index].outbound = .ready(substream, connection)
            peers[index].reverseDeadline = deadline
            advance(index, now: now)
        } else if case .handshaking(substream, let connection, _) = peers[index].inbound {
            peers[index].inbound = .validating(substream, connection, deadline: deadline, bytes)
            effects.append(.validate(peer, substream, handshake: bytes))
        }
    }

    mutating func loseSubstream(
        _ peer: PeerID, _ substream: NotificationSubstreamID, _ end: SubstreamEnd, now: Instant
    ) {
        guard let index = index(of: peer) else { return }
        let reason: CloseReason =
            switch end {
            case .ended: .closedByPeer
            case .unsupported: .unsupported
            case .violation: .violation
            }
        if peers[index].outbound.substream?.id == substream {
            fail(index, reason, lost: [substream], now: now)
        } else if peers[index].inbound.substream?.id == substream {
            if case .ready = peers[index].inbound {
                fail(index, reason, lost: [substream], now: now)
            } else {
                peers[index].inbound = .none
            }
        }
    }

    /// Does what the peer's state calls for: reports an open stream, opens what is missing.
    mutating func advance(_ index: Int, now: Instant) {
        let peer = peers[index]
        switch (peer.outbound, peer.inbound) {
        case (.ready(let outbound, _), .ready(let inbound, _, let received)):
            guard !peer.isOpen else { return }
            peers[index].isOpen = true
            peers[index].reverseDeadline = nil
            peers[index].failureCount = 0
            effects.append(
                .opened(peer.id, handshake: received, outbound: outbound, inbound: inbound))
        case (.none, .ready(_, let connection, _)):
            openOutbound(index, on: connection, now: now)
        case (.none, _):
            let isDue = peer.retryAt.map { $0 <= now } ?? true
            guard peer.isWanted, isDue, let connection = peer.connections.last else { return }
            openOutbound(index, on: connection, now: now)
        default: break
        }
    }

    /// Ends a stream or an attempt. `lost` are the substreams that are gone already. A substream of
    /// the peer's that is not accepted yet stays, unless the peer is not welcome: it may become the
    /// next attempt.
    mutating func fail(
        _ index: Int, _ reason: CloseReason, lost: [NotificationSubstreamID] = [], now: Instant
    ) {
        let peer = peers[index]
        if let (substream, _) = peer.outbound.substream {
            peers[index].outbound = .none
            if !lost.contains(substream) {
                let isReady = if case .ready = peer.outbound { true } else { false }
                effects.append(
                    isReady
                        ? .closeSubstream(peer.id, substream) : .resetSubstream(peer.id, substream))
            }
        }
        let isUnwelcome = reason == .closedHere || reason == .refusedHere
        if case .ready(let substream, _, _) = peer.inbound {
            peers[index].inbound = .none
            if !lost.contains(substream) {
                effects.append(.closeSubstream(peer.id, substream))
            }
        } else if let (substream, _) = peer.inbound.substream {
            if lost.contains(substream) { peers[index].inbound = .none }
            if isUnwelcome { dropInbound(index) }
        }
        peers[index].isOpen = false
        peers[index].reverseDeadline = nil
        if peer.isOpen {
            effects.append(.closed(peer.id, reason))
        } else if peer.isOpening, reason != .closedHere {
            effects.append(.openFailed(peer.id, reason))
        }
        if peer.isOpen || peer.isOpening || reason == .refusedHere {
            backOff(index, reason, now: now)
        }
    }

    /// Decides when a stream that was lost may be opened again.
    private mutating func backOff(_ index: Int, _ reason: CloseReason, now: Instant) {
        guard reason != .disconnected, reason != .closedHere else {
            peers[index].retryAt = nil
            return
        }
        let limits =
            peers[index].isReserved ? configuration.reservedBackOff : configuration.backOff
        let isHopeless =
            reason == .unsupported || reason == .violation || reason == .refusedHere
        let doublings = isHopeless ? 16 : min(peers[index].failureCount, 16)
        let delay = min(limits.maximum, limits.initial * (1 << doublings))
        let extra = Int64(random.next() % UInt64(delay.clampedNanoseconds / 4 + 1))
        peers[index].retryAt = now + delay + .nanoseconds(extra)
        peers[index].failureCount += 1
    }

    /// Ends what is overdue and starts what is due.
    mutating func expire(_ index: Int, now: Instant) {
        switch peers[index].outbound {
        case .opening(_, _, let deadline), .handshaking(_, _, let deadline):
            if deadline <= now { fail(index, .timedOut, now: now) }
        case .ready:
            if let deadline = peers[index].reverseDeadline, deadline <= now {
                fail(index, .timedOut, now: now)
            }
        case .none: break
        }
        switch peers[index].inbound {
        case .handshaking(_, _, let deadline), .validating(_, _, let deadline, _):
            if deadline <= now { dropInbound(index) }
        case .none, .ready: break
        }
        advance(index, now: now)
    }
}
