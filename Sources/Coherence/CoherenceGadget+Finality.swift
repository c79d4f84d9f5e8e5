internal import Chain
internal import Primitives

/// Rules 4 and 5 for certificates, and what becomes of the lock when finality moves (rule 6).
extension CoherenceGadget {
    /// How a block stands to F.
    private enum Standing {
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
    }

    private func standing(of block: BlockRef, tree: BlockTree) -> Standing {
        if block.hash == finalised.hash {
            return block.number == finalised.number ? .finalised : .wrongHeight
        }
        if let number = tree.number(of: block.hash), number != block.number {
            return .wrongHeight
        }
        guard block.number > finalised.number else {
            guard let hash = recentFinality.hash(at: block.number) else { return .below }
            return hash == block.hash ? .below : .conflicting
        }
        guard isKnown(block, tree: tree) else { return .unknown }
        return isAtLeast(block, finalised, tree: tree) ? .above : .conflicting
    }

    /// Takes a verified certificate: it always wins, whatever the local round.
    ///
    /// - Parameter isStored: whether it came from disk and needs no record.
    mutating func receive(
        _ verified: VerifiedCertificate, tree: BlockTree, isStored: Bool = false
    ) {
        guard verified.certificate.setID == domain.set.id,
            verified.certificate.setHash == domain.set.hash
        else { return }
        switch standing(of: verified.block, tree: tree) {
        case .wrongHeight:
            effects.append(.note(.wrongHeight(verified.certificate.target)))
            return
        case .conflicting:
            stopSigning(
                .conflictingCertificate(
                    verified.certificate, finalised: VoteTarget(finalised),
                    finalisedBy: certificate?.certificate))
        case .unknown:
            hold(verified)
        case .above:
            finalise(verified, tree: tree, isStored: isStored)
        case .finalised:
            // Another round finalised the same block again. The newest certificate is the one that
            // brings others furthest.
            guard verified.round.rawValue >= firstOpenRound else { break }
            certificate = verified
            if !isStored { effects.append(.persist(.certificate(verified.certificate))) }
        case .below:
            break
        }
        // Rule 5, in one step and before any further signing. No nil precommit is owed: the
        // certificate lets everybody leave.
        if verified.round >= round, let next = verified.round.successor {
            enter(next, byCertificate: true)
        }
    }

    /// Keeps a certificate whose block is not known; of too many, the highest.
    private mutating func hold(_ verified: VerifiedCertificate) {
        guard !heldCertificates.contains(where: { $0.block == verified.block }) else { return }
        heldCertificates.append(verified)
        heldCertificates.sort { $0.block.number < $1.block.number }
        if heldCertificates.count > Self.heldCertificateLimit { heldCertificates.removeFirst() }
        want(verified.block)
    }

    /// Moves F up to a descendant.
    private mutating func finalise(
        _ verified: VerifiedCertificate, tree: BlockTree, isStored: Bool
    ) {
        let block = verified.block
        precondition(block.number > finalised.number, "finality never moves back")
        recentFinality.advance(to: block, in: tree)
        finalised = block
        certificate = verified
        if !isStored { effects.append(.persist(.certificate(verified.certificate))) }
        effects.append(.finalised(verified, block))
        reviewLock(on: verified, tree: tree)
        let held = heldCertificates
        heldCertificates = []
        for certificate in held { receive(certificate, tree: tree) }
    }

    /// Rule 6: what becomes of the lock when a certificate of round c has moved F, and of a loaded
    /// lock at the start.
    mutating func reviewLock(on verified: VerifiedCertificate?, tree: BlockTree) {
        guard let lock else { return }
        let block = lock.block
        if isAtLeast(finalised, block, tree: tree)
            || recentFinality.hash(at: block.number) == block.hash
        {
            return dropLock()
        }
        let isAbove =
            block.number > finalised.number
            && (!tree.contains(block.hash) || isAtLeast(block, finalised, tree: tree))
        guard !isAbove else {
            // Kept: dropping it here would fork. A lock whose block the disk has lost is kept too.
            if !rules.keepsLockAboveFinality { dropLock() }
            if !tree.contains(block.hash) { want(block) }
            return
        }
        guard let verified else { return dropLock() }
        if lock.round < verified.round {
            if rules.dropsConflictingLock { dropLock() }
        } else {
            stopSigning(.conflictingLock(lock, verified.certificate))
        }
    }

    private mutating func dropLock() {
        guard let dropped = lock else { return }
        lock = nil
        effects.append(.persist(.lock(setID: domain.set.id, nil)))
        effects.append(.note(.lockDropped(dropped.block, dropped.round)))
    }

    /// Rule 4: makes a certificate of a quorum that was not looked at yet; true when there was one.
    mutating func certifyTallied(tree: BlockTree) -> Bool {
        for round in tallies.rounds {
            guard let tally = tallies.tally(round, .precommit) else { continue }
            for target in tally.quorumTargets {
                let block = CertifiedTarget(round: round, target: target)
                guard !certified.contains(block) else { continue }
                certified.append(block)
                receive(
                    VerifiedCertificate(
                        precommits: tally.quorumVotes(for: target), set: domain.set), tree: tree)
                return true
            }
        }
        return false
    }

    /// Stops signing in this set, with a record of why. Following and counting go on.
    mutating func stopSigning(_ alarm: SafetyAlarm) {
        guard halt == nil else { return }
        halt = alarm
        own.abandon()
        effects.append(.persist(.halt(alarm)))
        effects.append(.alarm(alarm))
    }

    /// A block came: certificates and quorum certificates may have waited for it.
    mutating func blockImported(_ block: BlockRef, tree: BlockTree) {
        wanted.removeAll { $0 == block }
        prevoteImported(block, tree: tree)
        // Those whose blocks are still unknown are held again.
        guard heldCertificates.contains(where: { isKnown($0.block, tree: tree) }) else { return }
        let held = heldCertificates
        heldCertificates = []
        for certificate in held { receive(certificate, tree: tree) }
    }
}
