internal import Chain
internal import Coherence
internal import Primitives

/// The validation of quorum certificates and certificates that come in.
extension VoteGossipMachine {
    // MARK: Quorum certificates

    /// - Returns: what became of it, nil when that is for its verification to say.
    mutating func receive(
        _ certificate: QuorumCertificate, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        counters.certificateEntriesReceived += UInt64(certificate.entries.count)
        if let verdict = judgeSet(certificate.setID, from: place, &context) { return verdict }
        let view = context.view
        guard certificate.round.rawValue < RoundNumber.limit else {
            return .reject(.roundOutOfRange)
        }
        guard certificate.round < view.roundCeiling else { return .ignore(.roundTooNew) }
        guard
            hasValidForm(
                certificate.entries, round: certificate.round, phase: .prevote,
                target: certificate.target, context.view.domain)
        else { return .reject(.malformedCertificate) }
        answerIfBehind(place, &context)
        let holder = holder(place)
        for entry in certificate.entries {
            peers[holder].holdings.receive(
                entry.validator, at: VotePosition(certificate.round, .prevote))
        }
        guard !view.isDecided(certificate.round),
            view.highestQuorum.map({ !$0.certificate.provesSame(as: certificate) }) ?? true
        else { return .ignore(.oldQuorumCertificate) }
        let content = CertificateContent(
            phase: .prevote, round: certificate.round, target: certificate.target)
        return verify(
            .quorumCertificate(certificate), content, signatures: certificate.entries.count,
            from: place, &context)
    }

    mutating func finish(
        _ id: VerificationJobID,
        _ result: Result<VerifiedQuorumCertificate, CertificateInvalid>,
        _ context: inout GossipContext
    ) {
        guard let pending = verifications.finishCertificate(id) else { return }
        release(pending.signatureCount, of: pending.senders)
        switch result {
        case .success(let certificate):
            let proof = CertificateContent(certificate.certificate)
            remember(proof)
            answerTopic(proof, .quorumCertificate(certificate.certificate), &context)
            if let sender = pending.senders.first {
                judge(.accept, of: sender, .quorumCertificate, &context)
            }
            context.effects.append(.deliverQuorumCertificate(certificate))
            touchStatus(&context)
        case .failure:
            for sender in pending.senders {
                judge(.reject(.badQuorumCertificate), of: sender, .quorumCertificate, &context)
            }
            answerTopic(.reject(.badQuorumCertificate), on: pending.subject, &context)
        }
    }

    // MARK: Certificates

    /// - Returns: what became of it, nil when that is for its verification to say.
    mutating func receive(
        _ certificate: FinalityCertificate, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        counters.certificateEntriesReceived += UInt64(certificate.precommits.count)
        if let verdict = judgeSet(certificate.setID, from: place, &context) { return verdict }
        let (view, set) = (context.view, context.view.domain.set)
        guard certificate.round.rawValue < RoundNumber.limit else {
            return .reject(.roundOutOfRange)
        }
        guard certificate.round < view.roundCeiling else { return .ignore(.roundTooNew) }
        guard certificate.setHash == set.hash, certificate.policy == set.policy,
            hasValidForm(
                certificate.precommits, round: certificate.round, phase: .precommit,
                target: certificate.target, view.domain)
        else { return .reject(.malformedCertificate) }
        guard
            view.newestCertificate.map({ !$0.certificate.provesSame(as: certificate) }) ?? true
        else { return .ignore(.oldCertificate) }
        let content = CertificateContent(
            phase: .precommit, round: certificate.round, target: certificate.target)
        return verify(
            .certificate(certificate), content, signatures: certificate.precommits.count,
            from: place, &context)
    }

    mutating func finish(
        _ id: VerificationJobID, _ result: Result<VerifiedCertificate, CertificateInvalid>,
        _ context: inout GossipContext
    ) {
        guard let pending = verifications.finishCertificate(id) else { return }
        release(pending.signatureCount, of: pending.senders)
        switch result {
        case .success(let certificate):
            let proof = CertificateContent(certificate.certificate)
            remember(proof)
            answerTopic(proof, .certificate(certificate.certificate), &context)
            let number = certificate.block.number
            highestCertified = max(highestCertified ?? number, number)
            if let sender = pending.senders.first {
                judge(.accept, of: sender, .certificate, &context)
            }
            context.effects.append(.deliverCertificate(certificate))
        case .failure:
            for sender in pending.senders {
                judge(.reject(.badCertificate), of: sender, .certificate, &context)
            }
            answerTopic(.reject(.badCertificate), on: pending.subject, &context)
        }
    }

    // MARK: What both share

    /// Everything but the signatures: q to n entries by strictly increasing index, for a block,
    /// each a vote that its voter may cast.
    private func hasValidForm(
        _ entries: [VoteEntry], round: RoundNumber, phase: VotePhase, target: VoteTarget,
        _ domain: VotingDomain
    ) -> Bool {
        guard !target.isNil, entries.count >= domain.set.quorum,
            entries.count <= domain.set.count
        else { return false }
        for (position, entry) in entries.enumerated() {
            guard position == 0 || entries[position - 1].validator < entry.validator,
                let vote = entry.vote(in: domain.set, round: round, phase: phase, target: target),
                (try? vote.check(in: domain)) != nil
            else { return false }
        }
        return true
    }

    /// Begins a verification unless the content was verified lately.
    private mutating func verify(
        _ subject: VerificationJob.Subject, _ content: CertificateContent, signatures: Int,
        from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        guard !verifiedCertificates.contains(content) else { return .ignore(.duplicate) }
        return verify(
            subject, signatures: signatures, in: context.view.domain, from: place, &context)
    }

    /// Begins the verification of what has several signatures unless it is under way.
    mutating func verify(
        _ subject: VerificationJob.Subject, signatures: Int, in domain: VotingDomain,
        from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        let handle = peers[place].handle
        if verifications.share(subject, from: handle) {
            counters.verificationsShared += 1
            return .ignore(.duplicate)
        }
        // The first bad signature ends a certificate's verification: each is one strike at most.
        guard verifications.hasRoomForCertificate,
            verifications.certificateCount(of: handle) < peers[place].reputation.strikesLeft
        else { return .ignore(.verificationBusy) }
        let size = signatures * VoteEntry.byteCount
        if let verdict = spend(signatures, of: place, byteCount: size, context) { return verdict }
        let id = verifications.begin(subject, signatureCount: signatures, from: handle)
        counters.signaturesChecked += UInt64(signatures)
        context.effects.append(
            .verify([VerificationJob(id: id, domain: domain, subject: subject)]))
        return nil
    }

    mutating func remember(_ content: CertificateContent) {
        guard !verifiedCertificates.contains(content) else { return }
        if verifiedCertificates.count == CertificateContent.limit {
            verifiedCertificates.removeFirst()
        }
        verifiedCertificates.append(content)
    }
}

extension QuorumCertificate {
    /// Whether both are of one round and block, whatever votes they rest on.
    func provesSame(as other: QuorumCertificate) -> Bool {
        round == other.round && target == other.target
    }
}

extension FinalityCertificate {
    /// Whether both are of one round and block, whatever votes they rest on.
    func provesSame(as other: FinalityCertificate) -> Bool {
        round == other.round && target == other.target
    }
}
