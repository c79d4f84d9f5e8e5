internal import Chain
internal import Primitives

/// Rule 3, and the quorum certificates that it rests on.
extension CoherenceGadget {
    /// Takes a verified quorum certificate of any round.
    mutating func receive(_ quorum: VerifiedQuorumCertificate) {
        guard quorum.certificate.setID == domain.set.id,
            quorum.round.rawValue - min(quorum.round.rawValue, firstOpenRound)
                < Self.roundHorizon
        else { return }
        // Its prevotes are verified votes: those of a higher round count for the jump.
        for entry in quorum.certificate.entries
        where Int(entry.validator.rawValue) < validatorCount {
            tallies.noteRound(quorum.round, of: entry.validator)
        }
        _ = quorums.insert(quorum)
    }

    /// Makes quorum certificates of the tallied prevotes of this round and the one before; true
    /// when there was a new one. Early prevotes of the next round wait until it is entered.
    mutating func collectQuorums(tree: BlockTree) -> Bool {
        for counted in [round.predecessor, round] {
            guard let counted, rules.countsExactly == false || tallies.hasQuorum(counted, .prevote),
                let tally = tallies.tally(counted, .prevote)
            else { continue }
            for target in tally.quorumTargets
            where !quorums.all.contains(where: {
                $0.round == counted && $0.certificate.target == target
            }) {
                let quorum = VerifiedQuorumCertificate(prevotes: tally.quorumVotes(for: target))
                if quorums.insert(quorum) { return true }
            }
            if let quorum = ancestorQuorum(in: tally, counted, tree: tree),
                quorums.insert(quorum)
            {
                return true
            }
        }
        return false
    }

    /// The broken rule of counting a prevote for the ancestors of its block too: the highest block
    /// that q prevotes are at or above.
    private func ancestorQuorum(
        in tally: PhaseTally, _ round: RoundNumber, tree: BlockTree
    ) -> VerifiedQuorumCertificate? {
        guard !rules.countsExactly, tally.quorumTargets.isEmpty else { return nil }
        let votes = tally.votes { !$0.target.isNil }
        var best: (block: BlockRef, entries: [VoteEntry])?
        for vote in votes {
            var step = vote.target.block
            while let block = step, block.number > finalised.number {
                let supporters = votes.filter {
                    tree.isDescendant($0.target.hash, ofOrEqual: block.hash)
                }
                if supporters.count >= quorum, best.map({ $0.block.number < block.number }) ?? true
                {
                    best = (block, supporters.map { VoteEntry($0) })
                }
                step = tree.parent(of: block.hash).flatMap(tree.ref)
            }
        }
        return best.map { found in
            VerifiedQuorumCertificate(
                certificate: QuorumCertificate(
                    setID: domain.set.id, round: round, target: VoteTarget(found.block),
                    entries: found.entries))
        }
    }

    /// The block that has a quorum in this round, if it may be precommitted.
    private func precommittable(tree: BlockTree) -> VerifiedQuorumCertificate? {
        quorums.all.first { quorum in
            rules.mayPrecommit(
                quorum.reference, in: round, of: domain.set.id, finalised: finalised, tree: tree)
        }
    }

    /// Decides the precommit of the round if its slot is free and there is reason to.
    mutating func decidePrecommit(tree: BlockTree) {
        let position = VotePosition(round, .precommit)
        for quorum in quorums.all
        where quorum.block.number > finalised.number && !isKnown(quorum.block, tree: tree) {
            want(quorum.block)
        }
        decideLatePrecommit(tree: tree)
        // While abstaining, only rule 0 signs.
        guard signer != nil, own.isFree(position), usableState != nil else { return }
        if let quorum = precommittable(tree: tree) {
            setLock(quorum)
            if rules.countsExactly { effects.append(.broadcastQuorumCertificate(quorum)) }
            decide(position, target: VoteTarget(quorum.block))
            return
        }
        let prevotes = tallies.current(.prevote)
        if clock.prevoteFired || prevotes.nilCount >= quorum || !prevotes.canReachQuorum {
            decide(position, target: .nothing)
        }
    }

    /// L := (B, r, QC), durable before the precommit is signed. A lock on F itself would say
    /// nothing.
    private mutating func setLock(_ quorum: VerifiedQuorumCertificate) {
        guard rules.locks(on: quorum.reference, finalised: finalised) else { return }
        let lock = Lock(quorum)
        self.lock = lock
        storedQuorumRound = max(quorum.round, storedQuorumRound ?? quorum.round)
        effects.append(.persist(.lock(setID: domain.set.id, lock)))
        effects.append(.note(.locked(lock.block, lock.round)))
    }

    /// Makes highQC durable, unless the lock's record holds it.
    mutating func storeHighestQuorum(tree: BlockTree) {
        // The one of the highest round first, which is usually stored already.
        guard local != nil, let newest = quorums.all.last,
            storedQuorumRound.map({ newest.round > $0 }) ?? true,
            let highest = highestQuorum(tree: tree),
            storedQuorumRound.map({ highest.round > $0 }) ?? true
        else { return }
        storedQuorumRound = highest.round
        effects.append(.persist(.highestQuorumCertificate(highest.certificate)))
    }

    /// The broken rule of deciding an old round's precommit after having moved on.
    private mutating func decideLatePrecommit(tree: BlockTree) {
        guard !rules.decidesInOrder, signer != nil, usableState != nil,
            let left = round.predecessor,
            !own.isTaken(VotePosition(left, .precommit)),
            let quorum = quorums.all.first(where: { $0.round == left }),
            isKnown(quorum.block, tree: tree)
        else { return }
        setLock(quorum)
        decide(VotePosition(left, .precommit), target: VoteTarget(quorum.block))
    }
}
