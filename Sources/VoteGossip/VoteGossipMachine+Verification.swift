internal import Chain
internal import Coherence
internal import Primitives

/// What verification found, and what becomes of verified votes.
extension VoteGossipMachine {
    mutating func finishVerifications(
        _ outcomes: [VerificationOutcome], _ tree: BlockTree, _ context: inout GossipContext
    ) {
        for outcome in outcomes {
            switch outcome.result {
            case .vote(let result): finishVote(outcome.id, result, tree, &context)
            case .quorumCertificate(let result): finish(outcome.id, result, &context)
            case .certificate(let result): finish(outcome.id, result, &context)
            case .doubleVote(let result): finish(outcome.id, result, &context)
            }
        }
    }

    /// Returns what a verification took from a peer's share.
    mutating func release(_ signatures: Int, of senders: [PeerHandle]) {
        guard let payer = senders.first, let place = index(of: payer) else { return }
        peers[place].verifyingCount = max(0, peers[place].verifyingCount - signatures)
    }

    private mutating func finishVote(
        _ id: VerificationJobID, _ result: Result<VerifiedVote, VoteInvalid>, _ tree: BlockTree,
        _ context: inout GossipContext
    ) {
        guard let pending = verifications.finishVote(id) else { return }
        release(1, of: pending.senders)
        if let place = pending.starter.flatMap({ index(of: $0) }) {
            peers[place].startedCount = max(0, peers[place].startedCount - 1)
        }
        switch result {
        case .success(let vote):
            for sender in pending.senders {
                if let place = index(of: sender) { peers[place].validCount += 1 }
            }
            let verdict = accept(vote, from: pending.senders, tree, &context)
            answerTopic(verdict, on: vote.vote, &context)
        case .failure:
            // Only those whose very bytes failed are at fault.
            for sender in pending.senders {
                judge(.reject(.badSignature), of: sender, .vote, &context)
            }
            answerTopic(.reject(.badSignature), on: pending.vote, &context)
            tryAlternative(of: pending, context)
        }
    }

    /// The next differently signed copy waits for its sender's turn; its sender's budget was
    /// charged on arrival.
    private mutating func tryAlternative(
        of given: PendingVerifications.Vote, _ context: GossipContext
    ) {
        let present = given.alternatives.filter { alternative in
            index(of: alternative.sender).map { !peers[$0].isCutOff } ?? false
        }
        guard let next = present.first, let place = index(of: next.sender),
            next.vote.setID == context.view.domain.set.id
        else { return }
        // Copies equal to this one were attached to the failed bytes only if they equalled those,
        // so several peers' equal alternatives join here.
        let equal = present.filter { $0.vote == next.vote }
        let others = present.filter { $0.vote != next.vote }
        let id = verifications.begin(
            PendingVerifications.Vote(
                content: given.content, vote: next.vote, senders: equal.map(\.sender),
                alternatives: others))
        peers[place].verifyingCount += 1
        peers[place].waitingVotes.append(id)
    }

    // MARK: Turns

    /// Begins the verifications whose turn it is.
    mutating func startVerifications(_ context: inout GossipContext) {
        guard verifications.waitingCount > 0 else { return }
        var batch: [VerificationJob] = []
        for place in peers.indices where !peers[place].waitingVotes.isEmpty {
            var taken = 0
            while taken < peers[place].waitingVotes.count,
                peers[place].startedCount < peers[place].verificationWindow
            {
                let id = peers[place].waitingVotes[taken]
                taken += 1
                // It may have had its turn elsewhere, or be over.
                guard let pending = verifications.vote(id), pending.starter == nil else { continue }
                verifications.start(id, for: peers[place].handle)
                peers[place].startedCount += 1
                counters.signaturesChecked += 1
                batch.append(
                    VerificationJob(
                        id: id, domain: context.view.domain, subject: .vote(pending.vote)))
                if batch.count == configuration.maximumBatchCount { flush(&batch, &context) }
            }
            peers[place].waitingVotes.removeFirst(taken)
        }
        flush(&batch, &context)
    }

    private func flush(_ batch: inout [VerificationJob], _ context: inout GossipContext) {
        guard !batch.isEmpty else { return }
        context.effects.append(.verify(batch))
        batch = []
    }

    /// A peer lost its turns: what waits for them goes to the next who sent it, or is forgotten.
    mutating func giveUpTurns(of place: Int, _ context: GossipContext) {
        let handle = peers[place].handle
        let waiting = peers[place].waitingVotes
        peers[place].waitingVotes = []
        for id in waiting {
            guard verifications.vote(id)?.starter == nil, var given = verifications.finishVote(id)
            else { continue }
            release(1, of: given.senders)
            given.alternatives.removeAll { $0.sender == handle }
            let others = given.senders.filter { $0 != handle }.map {
                (vote: given.vote, sender: $0)
            }
            given.alternatives.insert(contentsOf: others, at: 0)
            tryAlternative(of: given, context)
        }
    }

    // MARK: After the signature

    /// The end of the validation order: block known? height right? Then store, count, forward.
    ///
    /// - Returns: what became of it.
    mutating func accept(
        _ vote: VerifiedVote, from senders: [PeerHandle], _ tree: BlockTree,
        _ context: inout GossipContext
    ) -> GossipVerdict {
        guard let sender = senders.first else { return .ignore(.unknownPeer) }
        let view = context.view
        let verdict: GossipVerdict
        if vote.vote.setID != view.domain.set.id || vote.round < view.lowestRound {
            verdict = .ignore(.oldRound)
        } else if view.heldVote(in: vote.slot, for: vote.target) != nil {
            verdict = .ignore(.duplicate)
        } else if let block = vote.target.block {
            guard let number = tree.number(of: block.hash) else {
                return park(vote, block, from: senders, &context)
            }
            guard number == block.number else {
                for sender in senders {
                    judge(.reject(.mismatchedNumber), of: sender, .vote, &context)
                }
                return .reject(.mismatchedNumber)
            }
            verdict = .accept
        } else {
            verdict = .accept
        }
        judge(verdict, of: sender, .vote, &context)
        if verdict == .accept { deliver(vote, from: sender, &context) }
        return verdict
    }

    private mutating func deliver(
        _ vote: VerifiedVote, from sender: PeerHandle, _ context: inout GossipContext
    ) {
        context.note(.voteReceived(vote.slot, vote.target, from: sender.peer))
        if vote.round > context.view.highestRound {
            newestAhead[Int(vote.index.rawValue)] = vote.slot.position
        }
        context.effects.append(.deliver(vote))
        noteArrival(of: vote, &context)
        touchStatus(&context)
    }

    // MARK: Unknown blocks

    private mutating func park(
        _ vote: VerifiedVote, _ block: BlockRef, from senders: [PeerHandle],
        _ context: inout GossipContext
    ) -> GossipVerdict {
        guard let sender = senders.first else { return .ignore(.unknownPeer) }
        guard block.number > context.view.finalised.number else {
            judge(.ignore(.staleBlock), of: sender, .vote, &context)
            return .ignore(.staleBlock)
        }
        let isNew = !parking.awaits(block.hash)
        let outcome = parking.park(
            vote, from: senders, configuration: configuration, now: context.now)
        counters.parkedDropped += UInt64(outcome.dropped)
        let verdict = GossipVerdict.ignore(outcome.isParked ? .parked : .parkingFull)
        judge(verdict, of: sender, .vote, &context)
        if outcome.isParked {
            context.note(.voteParked(vote.slot, vote.target, from: sender.peer))
            if let expiry = parking.nextExpiry { arm(.parking, at: expiry, &context) }
        }
        // Whoever sends a vote for a block has it, or knows who does: every sender is worth asking.
        if isNew || outcome.isParked {
            context.effects.append(.wantBlock(block, senders.map(\.peer)))
        }
        return verdict
    }

    mutating func releaseParked(
        _ block: BlockRef, _ tree: BlockTree, _ context: inout GossipContext
    ) {
        touchStatus(&context)
        let (released, moreAt) = parking.release(block.hash)
        for parked in released {
            let verdict = accept(parked.vote, from: parked.senders, tree, &context)
            answerTopic(verdict, on: parked.vote.vote, &context)
        }
        if let moreAt, let place = index(of: moreAt.peer) {
            request(.voteRequest(blockHash: block.hash), from: place, &context)
        }
    }

    mutating func expireParked(_ context: inout GossipContext) {
        counters.parkedDropped += UInt64(parking.expire(now: context.now))
        if let expiry = parking.nextExpiry { arm(.parking, at: expiry, &context) }
    }

    /// Votes that can no longer matter make room.
    mutating func dropStaleParked(_ context: GossipContext) {
        let (finalised, lowest) = (context.view.finalised.number, context.view.lowestRound)
        counters.parkedDropped += UInt64(
            parking.drop { $0.vote.target.number <= finalised || $0.vote.round < lowest })
    }
}
