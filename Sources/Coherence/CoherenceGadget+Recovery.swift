internal import Chain
internal import Primitives

/// Why a stored voting state is not believed.
package enum RecoveryError: Error, Sendable, Hashable {
    /// A sign record whose vote is invalid.
    case invalidSignRecord(VoteSlot, VoteInvalid)
    /// A sign record of another validator, or one that contradicts its vote.
    case foreignSignRecord(VoteSlot)
    /// Two sign records of one slot.
    case duplicateSignRecord(VoteSlot)
    /// The lock's quorum certificate is invalid.
    case invalidLock(CertificateInvalid)
    /// The stored quorum certificate is invalid.
    case invalidQuorumCertificate(CertificateInvalid)
    /// The stored certificate is invalid.
    case invalidCertificate(CertificateInvalid)
}

extension CoherenceGadget {
    /// Restart: L, highQC and F from disk; r = max(round of the sign log's records, c(F) + 1).
    mutating func restore(
        _ recovered: RecoveredVoting, verifier: some SignatureVerifier
    ) throws(RecoveryError) {
        if let stored = recovered.certificate {
            do throws(CertificateInvalid) {
                certificate = try stored.verify(
                    set: domain.set, genesisHash: domain.genesisHash, verifier: verifier)
            } catch {
                throw .invalidCertificate(error)
            }
        }
        if let stored = recovered.lock, rules.remembersLock {
            do throws(CertificateInvalid) {
                let verified = try stored.quorumCertificate.verify(in: domain, using: verifier)
                _ = quorums.insert(verified)
                storedQuorumRound = verified.round
                lock = Lock(verified)
            } catch {
                throw .invalidLock(error)
            }
        }
        if let stored = recovered.highestQuorumCertificate {
            do throws(CertificateInvalid) {
                let verified = try stored.verify(in: domain, using: verifier)
                _ = quorums.insert(verified)
                storedQuorumRound = max(verified.round, storedQuorumRound ?? verified.round)
            } catch {
                throw .invalidQuorumCertificate(error)
            }
        }
        var votes = rules.remembersVotes ? try verified(recovered.signRecords, verifier) : []
        if rules.remembersVotes, let missing = unrecordedPrecommit(besides: votes) {
            unrecorded = missing
            votes.append(missing)
        }
        tallies.move(
            to: rules.roundAfterRestart(
                newest: votes.map(\.round).max(), firstOpen: firstOpenRound))
        own.restore(votes, round: round)
        guard rules.resendsStoredVotes else { return own.forget(before: RoundNumber(.max)) }
        for vote in own.stored { _ = tallies.add(vote) }
    }

    /// The own precommit that the stored certificate rests on and the sign log lacks.
    ///
    /// Certificate and sign log are different files, the certificate's is committed first, and a
    /// crash may come in between. The vote was made all the same: others will read it in the
    /// certificate, and it must not look like that of a stranger who has our key.
    private func unrecordedPrecommit(besides votes: [VerifiedVote]) -> VerifiedVote? {
        guard let local, let certificate = certificate?.certificate,
            votes.allSatisfy({ $0.round <= certificate.round }),
            let entry = certificate.precommits.first(where: { $0.validator == local }),
            let vote = entry.vote(
                in: domain.set, round: certificate.round, phase: .precommit,
                target: certificate.target)
        else { return nil }
        let missing = VerifiedVote(vote: vote, index: local)
        return votes.contains { $0.slot == missing.slot } ? nil : missing
    }

    /// The votes of the sign log: each ours, valid, and the only one of its slot.
    private func verified(
        _ records: [SignRecord], _ verifier: some SignatureVerifier
    ) throws(RecoveryError) -> [VerifiedVote] {
        var votes: [VerifiedVote] = []
        for record in records {
            let vote: VerifiedVote
            do throws(VoteInvalid) {
                vote = try record.vote.verify(in: domain, using: verifier)
            } catch {
                throw .invalidSignRecord(record.slot, error)
            }
            guard vote.slot == record.slot, vote.index == local ?? vote.index else {
                throw .foreignSignRecord(record.slot)
            }
            votes.append(vote)
        }
        votes.sort { $0.slot.position < $1.slot.position }
        for (vote, next) in zip(votes, votes.dropFirst()) where vote.slot == next.slot {
            throw .duplicateSignRecord(vote.slot)
        }
        return votes
    }

    /// The first input: what was recovered meets the block tree.
    mutating func start(tree: BlockTree) {
        guard !isStarted else { return }
        isStarted = true
        if let unrecorded { effects.append(.persist(.vote(SignRecord(unrecorded)))) }
        unrecorded = nil
        if let halt { effects.append(.alarm(halt)) }
        effects.append(.roundEntered(round))
        guard let stored = certificate, stored.block != finalised else {
            return reviewLock(on: certificate, tree: tree)
        }
        // The certificate became durable, but the tree's root was not moved any more; or it is
        // of a block that the tree has lost.
        certificate = nil
        receive(stored, tree: tree, isStored: true)
    }
}
