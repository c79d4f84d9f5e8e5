internal import Chain
package import Primitives

/// Rule 2, and rule 7.
extension CoherenceGadget {
    /// primary = validators[((r mod n) + (u64le(setHash[0..<8]) mod n)) mod n].
    package func primary(of round: RoundNumber) -> ValidatorIndex {
        let count = UInt64(validatorCount)
        var seed: UInt64 = 0
        for byte in domain.set.hash.bytes.prefix(8).reversed() { seed = seed << 8 | UInt64(byte) }
        return ValidatorIndex(UInt16((round.rawValue % count + seed % count) % count))
    }

    /// What to do about the prevote of the current round.
    private enum Choice {
        case wait
        case vote(VoteTarget)
    }

    /// Decides the prevote of the round if its slot is free and the time has come.
    mutating func decidePrevote(tree: BlockTree) {
        wantHint(tree: tree)
        let position = VotePosition(round, .prevote)
        guard signer != nil, own.isFree(position), usableState != nil else { return }
        guard case .vote(let target) = prevoteChoice(tree: tree) else { return }
        if failedRounds > 0, primary(of: round) == local, rules.countsExactly,
            let quorum = highestQuorum(tree: tree)
        {
            effects.append(.broadcastQuorumCertificate(quorum))
        }
        decide(position, target: target)
    }

    private func prevoteChoice(tree: BlockTree) -> Choice {
        // A block that is final and unknown is below no block that we know: whatever we could vote
        // for may conflict with it.
        guard heldCertificates.isEmpty else {
            return clock.halfFired && failedRounds > 0 ? .vote(.nothing) : .wait
        }
        if failedRounds == 0 {
            // No leader, no waiting.
            guard let best = ownHead(from: finalised, tree: tree) else { return .wait }
            return .vote(permitted(best, tree: tree))
        }
        if primary(of: round) != local, !clock.halfFired {
            guard let hint = tallies.current(.prevote).firstVote(of: primary(of: round)) else {
                return .wait
            }
            if let block = hint.target.block, block != finalised {
                return isFollowed(block, tree: tree) ? .vote(hint.target) : .wait
            }
        }
        if let choice = primaryChoice(tree: tree) {
            return .vote(permitted(choice, tree: tree))
        }
        if let lock { return .vote(VoteTarget(lock.block)) }
        return clock.halfFired ? .vote(.nothing) : .wait
    }

    /// The primary's rule: the best head at or above highQC's block (that block itself if there is
    /// no such head); the own best head if there is no highQC. Nil when that is not above F.
    private func primaryChoice(tree: BlockTree) -> BlockRef? {
        let base = highestQuorum(tree: tree)?.block ?? finalised
        if let head = ownHead(from: base, tree: tree) { return head }
        return base == finalised ? nil : base
    }

    /// The best head at or above a block, lowered to where this set votes (rule 7).
    func highestTarget(from base: BlockRef, tree: BlockTree) -> BlockRef? {
        tree.bestHead(descendingFrom: base.hash).flatMap {
            rules.highestTarget(towards: $0, of: domain.set.id, tree: tree)
        }
    }

    /// The best head at or above a block, lowered as rule 7 has it but not below the block; nil
    /// when that is not above F.
    private func ownHead(from base: BlockRef, tree: BlockTree) -> BlockRef? {
        guard let head = tree.bestHead(descendingFrom: base.hash),
            let highest = rules.highestTarget(towards: head, of: domain.set.id, tree: tree)
        else { return nil }
        var height = head.number.rawValue
        height -= min(targetCap.depth, height)
        height = max(min(height, highest.number.rawValue), base.number.rawValue)
        guard height > finalised.number.rawValue else { return nil }
        let number = BlockNumber(height)
        guard let hash = tree.ancestor(of: head.hash, at: number) else { return nil }
        return BlockRef(hash: hash, number: number)
    }

    /// The choice if it is allowed, else the locked block, which always is, even off the best
    /// chain.
    private func permitted(_ choice: BlockRef, tree: BlockTree) -> VoteTarget {
        if let lock, !isAllowed(choice, tree: tree) { return VoteTarget(lock.block) }
        return VoteTarget(choice)
    }

    /// Rule 2's condition for a prevote in this round.
    func isAllowed(_ target: BlockRef, tree: BlockTree) -> Bool {
        rules.mayPrevote(
            target, in: round, of: domain.set.id, finalised: finalised, lock: lock?.reference,
            quorums: quorums.all.lazy.map(\.reference), tree: tree)
    }

    /// Whether the primary's choice is taken over: known, allowed, and no deep reorganisation by
    /// one bad primary.
    private func isFollowed(_ hint: BlockRef, tree: BlockTree) -> Bool {
        guard isKnown(hint, tree: tree), isAllowed(hint, tree: tree),
            let best = tree.bestHead(descendingFrom: finalised.hash)
        else { return false }
        if isAtLeast(best, hint, tree: tree) { return true }
        let isCertified = quorums.all.contains { quorum in
            // A certificate on the part that both forks share would justify nothing.
            quorum.round < round && isKnown(quorum.block, tree: tree)
                && isAtLeast(hint, quorum.block, tree: tree)
                && !isAtLeast(best, quorum.block, tree: tree)
        }
        guard !isCertified, let fork = tree.bestHead(descendingFrom: hint.hash) else {
            return isCertified
        }
        return UInt64(fork.number.rawValue) + UInt64(Self.hintForkLimit)
            >= UInt64(best.number.rawValue)
    }

    /// Asks for the block of the primary's hint when it is missing.
    private mutating func wantHint(tree: BlockTree) {
        guard failedRounds > 0, !clock.prevoteFired,
            let hint = tallies.current(.prevote).firstVote(of: primary(of: round)),
            let block = hint.target.block, block.number > finalised.number,
            tree.number(of: block.hash) == nil
        else { return }
        want(block)
    }

    /// The broken rule of a vote for every imported fork.
    mutating func prevoteImported(_ block: BlockRef, tree: BlockTree) {
        guard !rules.prevotesOncePerRound, usableState != nil, failedRounds == 0,
            isAllowed(block, tree: tree)
        else { return }
        own.forgetDecisions()
        decide(VotePosition(round, .prevote), target: VoteTarget(block))
    }
}
