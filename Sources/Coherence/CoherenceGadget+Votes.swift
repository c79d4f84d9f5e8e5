internal import Chain
internal import Primitives

/// Rule 0 and the tally: how an own vote comes to be, and what is done with everybody's.
extension CoherenceGadget {
    /// Decides a slot if rule 0 allows it: the slot is taken with this content for ever, and a
    /// signature of it asked for.
    mutating func decide(_ position: VotePosition, target: VoteTarget) {
        guard let signer, position.round.rawValue < RoundNumber.limit else { return }
        guard own.isFree(position, by: rules) else { return }
        let vote = UnsignedVote(
            domain: domain, position: position, validator: signer, target: target,
            quantumState: usableState ?? .zero)
        own.take(vote)
        effects.append(.sign(vote))
    }

    /// Takes a signature, or its failure. After a failure the signer is asked again for the same
    /// vote, after a pause that doubles; after a success the pauses are short again.
    mutating func complete(_ slot: VoteSlot, signature: [UInt8]?, now: Instant) {
        switch own.complete(slot, signature: signature) {
        case .signed: signingPause = Self.signingPauses.lowerBound
        case .failed:
            effects.append(.note(.signingFailed(slot)))
            guard signingRetry == nil else { break }
            signingRetry = ScheduledTimer(.signing, at: now + signingPause)
            signingPause = min(signingPause * 2, Self.signingPauses.upperBound)
        case nil: break
        }
        releaseVotes()
    }

    /// The pause is over: asks again for the signatures that failed.
    mutating func retrySigning() {
        signingRetry = nil
        guard rules.retriesSigning else { return }
        if !rules.retriesSameContent { return replaceFailed() }
        effects += own.retry().map { .sign($0) }
    }

    /// The broken rule of asking for something else in the slot of a signature that failed.
    private mutating func replaceFailed() {
        for vote in own.retry() {
            let other = UnsignedVote(
                domain: domain, position: vote.slot.position, validator: vote.slot.validator,
                target: .nothing, quantumState: .zero)
            own.replace(other)
            effects.append(.sign(other))
        }
    }

    /// Stores, counts and sends the signed votes that nothing holds up, even those whose round was
    /// left meanwhile.
    mutating func releaseVotes() {
        for vote in own.release(round: round) {
            effects.append(.persist(.vote(SignRecord(vote))))
            own.keep(vote, round: round)
            count(vote)
            effects.append(.broadcast(vote))
        }
        if !own.hasFailed { signingRetry = nil }
    }

    /// Takes somebody's verified vote.
    mutating func receive(_ vote: VerifiedVote, tree: BlockTree) {
        guard vote.vote.setID == domain.set.id, Int(vote.index.rawValue) < validatorCount,
            vote.round.rawValue < RoundNumber.limit,
            vote.round.rawValue - min(vote.round.rawValue, firstOpenRound) < Self.roundHorizon
        else { return }
        if let block = vote.target.block, let number = tree.number(of: block.hash),
            number != block.number
        {
            effects.append(.note(.wrongHeight(vote.target)))
            return
        }
        if vote.index == local { checkOwnKey(vote) }
        count(vote)
    }

    private mutating func count(_ vote: VerifiedVote) {
        switch tallies.add(vote) {
        case .tallied(.counted):
            noteCount(vote)
        case .tallied(.equivocation(let held)):
            let evidence = VerifiedDoubleVote(held, vote)
            effects.append(.persist(.evidence(evidence.evidence)))
            effects.append(.doubleVote(evidence))
            noteCount(vote)
        case .tallied(.duplicate), .tallied(.surplus), .kept, .ignored:
            break
        }
    }

    private mutating func noteCount(_ vote: VerifiedVote) {
        let votes = tallies.tally(vote.round, vote.phase)?.votes(for: vote.target) ?? 0
        effects.append(
            .note(.counted(vote.slot, vote.target, votes: votes, quorum: quorum)))
    }

    /// A vote of our own key that came from outside must be one that we stored before we sent it;
    /// anything else means that the key signs elsewhere.
    private mutating func checkOwnKey(_ vote: VerifiedVote) {
        guard rules.watchesOwnKey, rules.remembersVotes, rules.resendsStoredVotes,
            rules.decidesInOrder,
            rules.prevotesOncePerRound, rules.separatesRounds, rules.countsContentOnce,
            vote.round >= round.predecessor ?? round
        else { return }
        guard let ours = own.stored(at: vote.slot.position) else {
            return stopSigning(.ownKeyUsedElsewhere(vote.vote))
        }
        guard ours.target != vote.target else { return }
        stopSigning(.ownDoubleVote(DoubleVote(ours.vote, vote.vote)))
    }

    /// Takes what the quantum source says. Recovery may use the free slots of the round.
    mutating func take(_ measurement: QuantumMeasurement) {
        let judged =
            if case .usable(let state) = measurement {
                QuantumMeasurement(judging: state)
            } else { measurement }
        switch (self.measurement, judged) {
        case (_, .unusable(let reason)) where self.measurement != judged:
            effects.append(.note(.abstaining(reason)))
        case (.unusable, .usable):
            effects.append(.note(.abstentionEnded))
        default: break
        }
        self.measurement = judged
    }
}
