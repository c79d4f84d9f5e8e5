package import Chain
package import Primitives

/// A block and the round in which a quorum of prevotes was for it: what a lock and a quorum
/// certificate say to the voting rules.
package struct QuorumReference: Sendable, Hashable {
    /// The block.
    package let block: BlockRef
    /// The round of the prevotes.
    package let round: RoundNumber

    package init(block: BlockRef, round: RoundNumber) {
        self.block = block
        self.round = round
    }
}

/// What becomes of a lock when finality moves, and of a loaded lock at the start.
package enum LockFate: Sendable, Hashable {
    /// It stays.
    case kept
    /// It goes.
    case dropped
    /// More validators are faulty than the protocol tolerates: signing ends.
    case contradicted
}

/// The decisions that safety rests on, as pure functions: the gadget takes them, and the model
/// checker explores every order in which validators may take them (docs/model.md).
extension VotingRules {
    /// Rule 0: whether a slot may still be decided when the last one decided is `last`.
    package func mayDecide(_ position: VotePosition, after last: VotePosition?) -> Bool {
        last.map { $0 < position } ?? true || !decidesInOrder
    }

    /// Rule 2: whether a block may be prevoted in a round. Allowed iff T >= F and (no lock, or
    /// T >= L.block, or T >= Q for a known quorum certificate for Q of a round above the lock's and
    /// below this one).
    ///
    /// - Parameter quorums: the known quorum certificates, of any rounds.
    package func mayPrevote(
        _ target: BlockRef, in round: RoundNumber, finalised: BlockRef, lock: QuorumReference?,
        quorums: some Sequence<QuorumReference>, tree: BlockTree
    ) -> Bool {
        guard tree.isDescendant(target.hash, ofOrEqual: finalised.hash) else { return false }
        guard let lock else { return true }
        if tree.isDescendant(target.hash, ofOrEqual: lock.block.hash) { return true }
        return quorums.contains { quorum in
            (lock.round < quorum.round || !unlocksByNewerQuorumOnly) && quorum.round < round
                && tree.number(of: quorum.block.hash) == quorum.block.number
                && tree.isDescendant(target.hash, ofOrEqual: quorum.block.hash)
        }
    }

    /// Rule 3: whether the block of a quorum certificate may be precommitted in a round: the
    /// certificate is of that round, the block is known and at or above F.
    package func mayPrecommit(
        _ quorum: QuorumReference, in round: RoundNumber, finalised: BlockRef, tree: BlockTree
    ) -> Bool {
        guard quorum.round == round else { return false }
        return !locksOnlyKnownBlocks
            || tree.number(of: quorum.block.hash) == quorum.block.number
                && tree.isDescendant(quorum.block.hash, ofOrEqual: finalised.hash)
    }

    /// Rule 3: whether a validator locks a block that it is about to precommit. A lock on F itself
    /// would say nothing.
    package func locks(on quorum: QuorumReference, finalised: BlockRef) -> Bool {
        locks && quorum.block != finalised
    }

    /// Rule 5: the round that a certificate leads to, r := max(r, c + 1).
    package func round(after certificate: RoundNumber, from round: RoundNumber) -> RoundNumber {
        guard certificate >= round else { return round }
        return certificate.successor ?? round
    }

    /// Rule 6: what becomes of a lock when a certificate of round c has moved F, and of a loaded
    /// lock at the start.
    ///
    /// - Parameters:
    ///   - certificateRound: c; nil when F has no certificate in this set.
    ///   - isFinal: whether the lock's block is remembered as a finalised one.
    package func fate(
        of lock: QuorumReference, finalised: BlockRef, certificateRound: RoundNumber?,
        isFinal: Bool, tree: BlockTree
    ) -> LockFate {
        let block = lock.block
        if isFinal || tree.isDescendant(finalised.hash, ofOrEqual: block.hash) { return .dropped }
        // An unknown block may be one that was pruned because it conflicts with F: a crash came
        // between the commits of the chain's file and of the sign log. A lock on it that is older
        // than F's certificate has no force wherever the block is: had it been final, no other
        // block's certificate could be of a later round, unless it is for a descendant.
        let isSuperseded = certificateRound.map { lock.round < $0 } ?? false
        let isAbove =
            block.number > finalised.number
            && (tree.contains(block.hash)
                ? tree.isDescendant(block.hash, ofOrEqual: finalised.hash) : !isSuperseded)
        // Dropping a lock above F would fork. One whose block the disk has lost is kept too.
        guard !isAbove else { return keepsLockAboveFinality ? .kept : .dropped }
        guard let certificateRound else { return .dropped }
        guard lock.round < certificateRound else { return .contradicted }
        return dropsConflictingLock ? .dropped : .kept
    }

    /// Restart: r = max(round of the sign log's records, c(F) + 1), else 0.
    ///
    /// - Parameters:
    ///   - newest: the highest round that the sign log has a record of.
    ///   - firstOpen: c(F) + 1; 0 before the first certificate.
    package func roundAfterRestart(newest: RoundNumber?, firstOpen: UInt64) -> RoundNumber {
        max(newest ?? RoundNumber(0), RoundNumber(firstOpen))
    }
}

/// How a block stands to F.
package enum Standing: Sendable, Hashable {
    /// It is F.
    case finalised
    /// It is a known descendant of F.
    case above
    /// It is final already, or so old that we cannot tell.
    case below
    /// It is neither an ancestor nor a descendant of F.
    case conflicting
    /// It is above F's height and not known.
    case unknown
    /// Its height is not the one that the reference says.
    case wrongHeight

    /// - Parameter recent: the newest finalised blocks, F the last of them.
    package init(of block: BlockRef, finalised: BlockRef, recent: RecentFinality, tree: BlockTree) {
        if block.hash == finalised.hash {
            self = block.number == finalised.number ? .finalised : .wrongHeight
        } else if let number = tree.number(of: block.hash), number != block.number {
            self = .wrongHeight
        } else if block.number <= finalised.number {
            let hash = recent.hash(at: block.number)
            self = hash == nil || hash == block.hash ? .below : .conflicting
        } else if !tree.contains(block.hash) {
            self = .unknown
        } else {
            self =
                tree.isDescendant(block.hash, ofOrEqual: finalised.hash) ? .above : .conflicting
        }
    }
}
