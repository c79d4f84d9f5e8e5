internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// Statuses, both ways, and the re-send of rule 6.
extension VoteGossipMachine {
    // MARK: Receiving

    /// - Returns: what became of it.
    mutating func receive(
        _ status: GossipStatus, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        let view = context.view
        guard status.hasRoundsInRange else { return .reject(.roundOutOfRange) }
        let isOurSet = status.setID == view.domain.set.id
        if isOurSet {
            guard
                status.have.allSatisfy({ $0.validators.fits(validatorCount: validatorCount) })
            else { return .reject(.malformedBits) }
        }
        let isFirst = !peers[place].hasShownStatus
        let showsOtherRound = status.round != peers[place].round && status.round != view.round
        take(status, from: place, isOurSet: isOurSet, context)
        if isOurSet {
            if isFirst || showsOtherRound { restart(place, &context) }
            planQuorumCertificate(to: place, &context)
            planMissing(place, &context)
            planAsking(place, &context)
            noteAhead(place, &context)
        } else if status.setID > view.domain.set.id {
            noteNewerSet(status.setID, of: place, &context)
        }
        answerIfBehind(place, &context)
        return .accept
    }

    private mutating func take(
        _ status: GossipStatus, from place: Int, isOurSet: Bool, _ context: GossipContext
    ) {
        peers[place].hasShownStatus = true
        peers[place].setID = status.setID
        peers[place].round = status.round
        peers[place].finalisedNumber = status.finalisedNumber
        peers[place].lockRound = status.lockRound
        peers[place].highestQuorumRound = status.highestQuorumRound
        guard isOurSet else { return }
        peers[place].holdings.show(status.have, from: context.view.lowestRound)
        guard let local else { return }
        peers[place].confirm(
            of: local, now: context.now, limit: configuration.maximumStatusLag)
    }

    /// Rule 6: the peer is in another round than we are, or new: the back-off starts anew, and it
    /// gets at once what it does not show. A peer that changes its round all the time has to wait.
    private mutating func restart(_ place: Int, _ context: inout GossipContext) {
        if let last = peers[place].restartedAt, context.now < last + configuration.answerInterval {
            return
        }
        peers[place].restartedAt = context.now
        restartResends(&context)
        resendOwnVotes(to: [place], &context)
    }

    /// Plans the forwarding of votes that the peer's status lacks.
    private mutating func planMissing(_ place: Int, _ context: inout GossipContext) {
        guard peers[place].forwardDueAt == nil else { return }
        let view = context.view
        for position in context.collectedPositions where canUse(position, place, view) {
            var lacking = view.holdings(at: position)
                .subtracting(peers[place].holdings.votes(at: position))
            if let local { lacking.remove(local) }
            guard !lacking.isEmpty else { continue }
            return planForwarding(to: place, at: context.now, isUrgent: false, &context)
        }
    }

    // MARK: Sending

    /// What we have, as the gadget sees it now.
    func status(of view: VotingView) -> GossipStatus {
        var have: [GossipStatus.Holding] = []
        for position in view.collectedPositions {
            let held = view.holdings(at: position)
            guard position.round <= view.round || !held.isEmpty else { continue }
            have.append(
                GossipStatus.Holding(
                    round: position.round, phase: position.phase, validators: held))
        }
        return GossipStatus(
            setID: view.domain.set.id, round: view.round, finalisedNumber: view.finalised.number,
            finalisedHash: view.finalised.hash, lockRound: view.lockRound,
            highestQuorumRound: view.highestQuorum?.round, have: have)
    }

    /// Something changed that peers want to know: a status goes out soon.
    mutating func touchStatus(_ context: inout GossipContext) {
        let earliest = lastStatus.map { $0.sentAt + configuration.statusInterval } ?? .zero
        arm(.status, at: max(context.now + configuration.statusDelay, earliest), &context)
    }

    mutating func sendStatusIfChanged(_ context: inout GossipContext) {
        let status = status(of: context.view)
        guard lastStatus?.status != status else { return }
        lastStatus = (status, context.now)
        sendStatus(status, to: activePeers, &context)
    }

    /// Sends the status of this moment.
    mutating func sendStatus(to places: [Int], _ context: inout GossipContext) {
        sendStatus(status(of: context.view), to: places, &context)
    }

    private mutating func sendStatus(
        _ status: GossipStatus, to places: [Int], _ context: inout GossipContext
    ) {
        let message = OutboundMessage(
            bytes: GossipMessage.status(status).encoded(), priority: OutboundPriority.status,
            supersession: .init(
                stream: OutboundStream.status,
                position: OutboundStream.position(set: status.setID, round: status.round)))
        send(message, to: places, &context)
    }

    // MARK: The re-send

    /// The next re-send comes after the shortest pause again.
    mutating func restartResends(_ context: inout GossipContext) {
        resendInterval = configuration.resendDelay.lowerBound
        isResendFresh = true
        arm(.resend, at: context.now + resendInterval, &context)
    }

    /// Rule 6, when the timer fires: status always; while not final, the own votes and the highest
    /// quorum certificate as well; and what others have and we have not is asked for.
    mutating func resend(_ context: inout GossipContext) {
        counters.resends += 1
        // A timer set before the back-off started anew fires early; that is no pause to double.
        if !isResendFresh {
            resendInterval = min(resendInterval * 2, configuration.resendDelay.upperBound)
        }
        isResendFresh = false
        arm(.resend, at: context.now + resendInterval, &context)
        let places = activePeers
        let status = status(of: context.view)
        lastStatus = (status, context.now)
        sendStatus(status, to: places, &context)
        resendOwnVotes(to: places, &context)
        for place in places {
            sendQuorumCertificateIfLacking(place, .reminder, &context)
            peers[place].holdings.fade()
        }
        reconcile(&context)
    }
}
