internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// Quorum certificates and certificates that go out: `follow` keeps the newest of each.
extension VoteGossipMachine {
    // MARK: Quorum certificates

    /// The gadget wants a quorum certificate known.
    ///
    /// One of an earlier round goes with a primary's prevote: at once, to every peer that shows a
    /// lower one. One that was formed now goes to the peers that still lack one of its prevotes
    /// when they have had the time to show it.
    mutating func spread(
        _ certificate: VerifiedQuorumCertificate, _ context: inout GossipContext
    ) {
        remember(CertificateContent(certificate.certificate))
        touchStatus(&context)
        let isHint = certificate.round < context.view.round
        if let highestQuorum, highestQuorum.round == certificate.round {
            planPublication(
                of: CertificateContent(certificate.certificate), highestQuorum.message,
                atOnce: isHint, &context)
        }
        for place in activePeers {
            if isHint {
                sendQuorumCertificateIfLacking(place, .hint, &context)
            } else {
                planQuorumCertificate(to: place, &context)
            }
        }
    }

    /// Sets when a peer gets the highest quorum certificate if it lacks it then.
    mutating func planQuorumCertificate(to place: Int, _ context: inout GossipContext) {
        guard let quorum = highestQuorum, peers[place].hasShownStatus,
            peers[place].quorumDueAt == nil, lacksQuorum(quorum, place, context.view)
        else { return }
        let due = max(context.now, quorum.since + peers[place].statusLag)
        peers[place].quorumDueAt = due
        arm(.forward, at: due, &context)
    }

    /// Whether the peer's status shows no quorum certificate of that round or a higher one.
    private func lacksQuorum(_ quorum: HighestQuorum, _ place: Int, _ view: VotingView) -> Bool {
        let peer = peers[place]
        return peer.isListening && peer.setID == view.domain.set.id
            && !view.isDecided(quorum.round)
            && peer.finalisedNumber <= view.finalised.number
            && (peer.highestQuorumRound.map { $0 < quorum.round } ?? true)
    }

    /// Why a quorum certificate is sent to a peer that shows a lower one.
    enum QuorumOccasion {
        /// It was formed, and the peer has had time to show it.
        case formed
        /// A primary's prevote rests on it.
        case hint
        /// The peer goes on showing a lower one.
        case reminder
    }

    /// Sends a peer the highest quorum certificate, or the few prevotes that it lacks of one that was
    /// formed; else it needs the certificate, whether or not it has the prevotes.
    mutating func sendQuorumCertificateIfLacking(
        _ place: Int, _ occasion: QuorumOccasion, _ context: inout GossipContext
    ) {
        guard let quorum = highestQuorum, lacksQuorum(quorum, place, context.view) else { return }
        let peer = peers[place]
        if let sent = peer.quorumSentAt,
            peer.quorumSentRound == quorum.round, sent + peer.statusLag > context.now
        {
            return
        }
        let position = VotePosition(quorum.round, .prevote)
        let lacking = quorum.voters.subtracting(peer.holdings.votes(at: position))
        if occasion == .formed && lacking.isEmpty { return }
        if occasion != .hint {
            let due = deferral(
                since: quorum.since, round: quorum.round, to: place, context.now
            ) { machine, place in
                machine.peers[place].highestQuorumRound.map { $0 >= quorum.round } ?? false
            }
            if let due {
                peers[place].quorumDueAt = due
                return arm(.forward, at: due, &context)
            }
        }
        if occasion == .formed {
            let held = context.view.holdings(at: position)
            if canUse(position, place, context.view), canTally(position, peer),
                lacking.count * 2 < quorum.voters.count, lacking.isSubset(of: held)
            {
                sendVotes(lacking, at: position, to: place, &context)
                return
            }
        }
        peers[place].holdings.give(quorum.voters, at: position)
        peers[place].quorumSentAt = context.now
        peers[place].quorumSentRound = quorum.round
        send(quorum.message, to: [place], &context)
    }

    /// Whether the peer is in a round in which it counts single votes of that one.
    private func canTally(_ position: VotePosition, _ peer: GossipPeer) -> Bool {
        position.round <= (peer.round.successor ?? peer.round)
    }

    // MARK: Certificates

    /// A block became final: peers that are behind get the certificate unless they show soon that
    /// they made their own. Nothing else of its round is sent any more.
    mutating func spread(_ certificate: VerifiedCertificate, _ context: inout GossipContext) {
        let round = certificate.round
        arrivals.removeAll { $0.slot.round <= round }
        let target = certificate.certificate.target
        verifiedCertificates.removeAll { $0.target.number > target.number }
        remember(CertificateContent(phase: .precommit, round: round, target: target))
        if let newest, newest.round == round {
            planPublication(
                of: CertificateContent(certificate.certificate), newest.message, atOnce: false,
                &context)
        }
        dropStaleParked(context)
        if let highest = highestCertified, highest <= context.view.finalised.number {
            highestCertified = nil
        }
        catchUpDueAt = nil
        for place in peers.indices {
            if highestQuorum == nil { peers[place].quorumDueAt = nil }
            noteAhead(place, &context)
        }
        restartResends(&context)
        touchStatus(&context)
        context.effects.append(.handshakeChanged(handshake(of: context.view).scaleBytes))
    }

    /// Whether a peer is behind our newest certificate, as far as it has shown.
    private func isBehind(_ place: Int) -> Bool {
        // Field by field: this is asked at every message, and neither record is small.
        guard let set = newest?.setID, let number = newest?.number, let round = newest?.round else {
            return false
        }
        return peers[place].setID == set
            && (peers[place].finalisedNumber < number || peers[place].round <= round)
    }

    /// Rule 6: whoever is in a round that our newest certificate has decided, or has a lower block
    /// finalised, is answered with that certificate; whoever is in an older set, with that set's
    /// hand-off certificate.
    ///
    /// A certificate that we have only just made waits until the peer has had the time to show its
    /// own; it goes out at once when it is older than that.
    mutating func answerIfBehind(_ place: Int, _ context: inout GossipContext) {
        guard context.view.sharesCertificates else { return }
        guard peers[place].isListening, peers[place].certificateDueAt == nil else { return }
        guard isBehind(place), let newest else {
            if peers[place].setID < context.view.domain.set.id {
                answerOlderSet(peers[place].setID, of: place, &context)
            }
            return
        }
        var due = newest.since + peers[place].statusLag
        if context.now < due { due = due + jitter() }
        let sent = peers[place].certificateSentAt
        if let sent, peers[place].certificateSentNumber == newest.number {
            due = max(due, sent + peers[place].certificateInterval(configuration))
        } else if let sent {
            due = max(due, sent + configuration.answerInterval)
        }
        if due <= context.now { return sendCertificateIfBehind(place, &context) }
        peers[place].certificateDueAt = due
        arm(.forward, at: due, &context)
    }

    /// Sends the newest certificate to a peer that still shows that it lacks it.
    mutating func sendCertificateIfBehind(_ place: Int, _ context: inout GossipContext) {
        guard isBehind(place), let newest, peers[place].isListening else { return }
        let due = deferral(
            since: newest.since, round: newest.round, to: place, context.now
        ) { machine, place in
            machine.peers[place].setID == newest.setID && !machine.isBehind(place)
        }
        if let due {
            peers[place].certificateDueAt = due
            return arm(.forward, at: due, &context)
        }
        let peer = peers[place]
        let position = VotePosition(newest.round, .precommit)
        let patience = newest.since + configuration.certificatePatience
        if context.now < patience, peer.setID == context.view.domain.set.id {
            let has = peer.holdings.shownVotes(at: position)
            if newest.voters.count(where: has.contains) >= context.view.domain.set.quorum {
                // It has all that it takes and is about to make the certificate itself.
                peers[place].certificateDueAt = patience
                arm(.forward, at: patience, &context)
                return
            }
        }
        let isRepeat = peer.certificateSentNumber == newest.number
        peers[place].certificateRepeats = isRepeat ? peer.certificateRepeats + 1 : 0
        peers[place].certificateSentAt = context.now
        peers[place].certificateSentNumber = newest.number
        counters.certificatesAnswered += 1
        context.note(.certificateAnswered(peer.handle, newest.number))
        send(newest.message, to: [place], &context)
    }

    // MARK: Older sets

    /// Reads an older set's hand-off certificate for a peer that is still in it.
    mutating func answerOlderSet(
        _ setID: SetID, of place: Int, _ context: inout GossipContext
    ) {
        guard context.view.sharesCertificates, peers[place].isListening else { return }
        load(.handOff(of: setID), for: place, &context)
    }

    /// Reads a stored certificate for a peer: one read at a time, and one answer per interval.
    ///
    /// - Returns: false when the peer has to wait.
    @discardableResult
    mutating func load(
        _ query: CertificateQuery, for place: Int, _ context: inout GossipContext
    ) -> Bool {
        let peer = peers[place]
        guard !loads.contains(where: { $0.peer == peer.handle }) else { return false }
        if let sent = peer.certificateSentAt, context.now < sent + configuration.answerInterval {
            return false
        }
        peers[place].certificateSentAt = context.now
        let id = makeLoadID()
        loads.append(Load(id: id, peer: peer.handle))
        context.effects.append(.loadCertificate(id, query))
        return true
    }

    /// A stored certificate was read, or is not there.
    mutating func finishLoad(
        _ id: CertificateLoadID, _ certificate: FinalityCertificate?,
        _ context: inout GossipContext
    ) {
        guard let known = loads.firstIndex(where: { $0.id == id }) else { return }
        let load = loads.remove(at: known)
        guard let certificate, let place = index(of: load.peer), !peers[place].isCutOff else {
            return
        }
        counters.certificatesAnswered += 1
        context.note(.certificateAnswered(load.peer, certificate.target.number))
        // Another set's quorum is not known here: the certificate goes as it is.
        let isOurs = certificate.setID == context.view.domain.set.id
        let quorum = isOurs ? context.view.domain.set.quorum : certificate.precommits.count
        send(certificate.outboundMessage(quorum: quorum), to: [place], &context)
    }
}
