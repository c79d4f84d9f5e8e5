internal import Coherence
internal import Primitives
internal import SCALE

/// Streams that open and close, and what peers have to answer for.
extension VoteGossipMachine {
    mutating func openStream(
        _ handle: PeerHandle, handshake bytes: [UInt8], _ hints: PeerHints,
        _ context: inout GossipContext
    ) {
        if index(of: handle) != nil { closeStream(handle, &context) }
        let handshake: GossipHandshake
        do {
            handshake = try GossipHandshake.decode(bytes)
        } catch {
            counters.count(.reject(.badHandshake))
            context.effects.append(.punish(handle, .badHandshake))
            context.effects.append(.disconnect(handle, .badHandshake))
            return
        }
        guard handshake.genesisHash == context.view.domain.genesisHash else {
            return refuseOtherChain(handle, handshake.genesisHash, &context)
        }
        guard peers.count - relayCount < configuration.maximumPeerCount else {
            context.effects.append(.disconnect(handle, .tooManyPeers))
            return
        }
        let peer = GossipPeer(
            handle: handle, handshake: handshake, isReserved: hints.isReserved,
            reputation: recall(handle, hints, now: context.now), configuration: configuration,
            validatorCount: validatorCount, now: context.now)
        let place = peers.position(of: handle) { $0.handle }.index
        peers.insert(peer, at: place)
        context.note(
            .peerJoined(
                handle, handshake.role, round: handshake.round,
                finalised: handshake.finalisedNumber))
        sendStatus(to: [place], &context)
        resendOwnVotes(to: [place], &context)
        answerIfBehind(place, &context)
        restartResends(&context)
    }

    /// Another chain's node is no offender, only in the wrong place; each chain is noted once.
    private mutating func refuseOtherChain(
        _ handle: PeerHandle, _ genesisHash: Hash256, _ context: inout GossipContext
    ) {
        if !otherChains.contains(genesisHash) && otherChains.count < 16 {
            otherChains.append(genesisHash)
            context.note(.otherChain(handle, genesisHash: genesisHash))
        }
        context.effects.append(.disconnect(handle, .otherChain))
    }

    private mutating func recall(
        _ handle: PeerHandle, _ hints: PeerHints, now: Instant
    ) -> PeerReputation {
        guard let place = absentees.firstIndex(where: { $0.handle == handle }) else {
            return PeerReputation(bans: hints.earlierBans, now: now)
        }
        return absentees.remove(at: place).reputation
    }

    mutating func closeStream(_ handle: PeerHandle, _ context: inout GossipContext) {
        guard let place = index(of: handle) else { return }
        giveUpTurns(of: place, context)
        var peer = peers.remove(at: place)
        loads.removeAll { $0.peer == handle }
        // A peer with a signature under verification may turn out to be an offender yet.
        if peer.verifyingCount > 0 || !peer.reputation.isClean(now: context.now) {
            if absentees.count == Absentee.limit { absentees.removeFirst() }
            absentees.append(
                Absentee(
                    handle: handle, isReserved: peer.isReserved, reputation: peer.reputation))
        }
        context.note(.peerLeft(handle))
    }

    // MARK: Offences

    /// Counts what became of something that a peer sent, and punishes it when it was an offence.
    mutating func judge(
        _ verdict: GossipVerdict, of handle: PeerHandle, _ kind: GossipMessageKind?,
        _ context: inout GossipContext
    ) {
        counters.count(verdict)
        guard case .reject(let offence) = verdict else { return }
        if handle.isRelay {
            // It may check no votes: its router's score is the topic's business.
            if let place = index(of: handle) { peers[place].validCount = 0 }
            return
        }
        context.note(.rejected(handle, kind, offence))
        context.effects.append(.punish(handle, offence))
        if offence.isStrike, let place = index(of: handle) { peers[place].validCount = 0 }
        guard let place = index(of: handle) else {
            return blameAbsentee(handle, offence, &context)
        }
        guard !peers[place].isCutOff,
            let duration = peers[place].reputation.record(offence, now: context.now)
        else { return }
        if peers[place].isReserved {
            throttle(place, for: duration, &context)
        } else {
            peers[place].isCutOff = true
            giveUpTurns(of: place, context)
            counters.bans += 1
            context.effects.append(.ban(handle, duration))
            context.effects.append(.disconnect(handle, .misbehaviour))
        }
    }

    /// The peer left before its signature was found bad: it finds that held against it when it
    /// comes back, and may find itself banned.
    private mutating func blameAbsentee(
        _ handle: PeerHandle, _ offence: Offence, _ context: inout GossipContext
    ) {
        guard let place = absentees.firstIndex(where: { $0.handle == handle }),
            let duration = absentees[place].reputation.record(offence, now: context.now),
            !absentees[place].isReserved
        else { return }
        counters.bans += 1
        context.effects.append(.ban(handle, duration))
    }

    /// A reserved peer keeps its connection and a tenth of its verification budget.
    private mutating func throttle(
        _ place: Int, for duration: Duration, _ context: inout GossipContext
    ) {
        let until = context.now + duration
        peers[place].throttledUntil = until
        let burst = configuration.verificationBurstPerValidator * validatorCount / 10
        let rate = configuration.verificationRatePerValidator * validatorCount / 10
        peers[place].verificationBudget.reshape(burst: burst, perSecond: rate, now: context.now)
        counters.throttlings += 1
        context.note(.throttled(peers[place].handle, until: until))
    }

    /// Gives a throttled peer its budget back when its time is over.
    mutating func endThrottling(_ place: Int, now: Instant) {
        guard let until = peers[place].throttledUntil, until <= now else { return }
        peers[place].throttledUntil = nil
        peers[place].verificationBudget.reshape(
            burst: configuration.verificationBurstPerValidator * validatorCount,
            perSecond: configuration.verificationRatePerValidator * validatorCount, now: now)
    }

    // MARK: Sending

    /// Puts a message into the queues of peers; counts it for each of them.
    mutating func send(
        _ message: OutboundMessage, to places: [Int], _ context: inout GossipContext
    ) {
        guard !places.isEmpty else { return }
        if let kind = message.bytes.first.flatMap(GossipMessageKind.init) {
            counters.sent[kind] += UInt64(places.count)
            counters.sentBytes[kind] += UInt64(places.count * message.bytes.count)
        }
        context.effects.append(.send(places.map { peers[$0].handle }, message))
    }
}
