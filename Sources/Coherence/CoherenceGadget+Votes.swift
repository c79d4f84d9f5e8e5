internal import Chain
internal import Primitives

/// Rule 0 and the tally: how an own vote comes to be, and what is done with everybody's.
extension CoherenceGadget {
    /// Decides a slot if rule 0 allows it: the slot is taken, and one signature asked for, once.
    mutating func decide(_ position: VotePosition, target: VoteTarget) {
        guard let signer, position.round.rawValue < RoundNumber.limit else { return }
        guard own.isFree(position, by: rules) else { return }
        let vote = UnsignedVote(
            domain: domain, position: position, validator: signer, target: target,
            quantumState: usableState ?? .zero)
        own.take(vote)
        effects.append(.sign(vote))
    }

    /// Takes a signature, or its failure: the vote is stored, counted and sent like anybody's, even
    /// when its round was left meanwhile.
    mutating func complete(_ slot: VoteSlot, signature: [UInt8]?) {
        guard let (released, failed) = own.complete(slot, signature: signature) else { return }
        if failed { effects.append(.note(.signingFailed(slot))) }
        for vote in released {
            effects.append(.persist(.vote(SignRecord(vote))))
            own.keep(vote, round: round)
            count(vote)
            effects.append(.broadcast(vote))
        }
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
