internal import Chain
internal import Primitives

/// Rules 4 and 5 for certificates, and what becomes of the lock when finality moves (rule 6).
extension CoherenceGadget {
    /// Takes a verified certificate: it always wins, whatever the local round.
    ///
    /// - Parameter isStored: whether it came from disk and needs no record.
    mutating func receive(
        _ verified: VerifiedCertificate, tree: BlockTree, isStored: Bool = false
    ) {
        guard successor == nil, verified.certificate.setID == domain.set.id,
            verified.certificate.setHash == domain.set.hash
        else { return }
        let standing = Standing(
            of: verified.block, finalised: finalised, recent: recentFinality, tree: tree)
        switch standing {
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
        case .above where !rules.mayVote(on: verified.block.hash, of: domain.set.id, tree: tree):
            effects.append(.note(.beyondHandOff(verified.certificate.target)))
            return
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
        let next = rules.round(after: verified.round, from: round)
        if successor == nil, next > round { enter(next, byCertificate: true) }
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
        if let next = tree.state(of: block.hash)?.setInForce, next.id > domain.set.id {
            // Locks, votes and rounds of this set are void from here on.
            own.abandon()
            signingRetry = nil
            successor = next
            return
        }
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
        let fate = rules.fate(
            of: lock.reference, finalised: finalised, certificateRound: verified?.round,
            isFinal: recentFinality.hash(at: block.number) == block.hash, tree: tree)
        switch fate {
        case .kept where block.number > finalised.number && !tree.contains(block.hash): want(block)
        case .kept: break
        case .dropped: dropLock()
        case .contradicted:
            guard let verified else { return }
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
            guard tallies.hasQuorum(round, .precommit),
                let tally = tallies.tally(round, .precommit)
            else { continue }
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
        haltedKey = ownKey
        own.abandon()
        signingRetry = nil
        effects.append(.persist(.halt(setID: domain.set.id, alarm)))
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
