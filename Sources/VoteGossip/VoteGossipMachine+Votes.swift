internal import Chain
internal import Coherence
internal import Primitives

/// The validation of votes, in the order of docs/protocol.md, "Validation order of an incoming
/// vote": everything cheap comes before the signature.
extension VoteGossipMachine {
    // MARK: Single votes

    /// - Returns: what became of it, nil when that is for its verification to say.
    mutating func receive(
        _ vote: CoherenceVote, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        if let verdict = judgeSet(vote.setID, from: place, &context) { return verdict }
        guard let slot = context.view.domain.slot(of: vote) else {
            return .reject(.unknownValidator)
        }
        if let verdict = judgeRound(vote.round, from: place, &context) { return verdict }
        guard (try? vote.check(in: context.view.domain)) != nil else {
            return .reject(.invalidState)
        }
        noteEntry(slot, from: place)
        let verdict = consider(vote, slot, from: place, context)
        answerIfBehind(place, &context)
        return verdict
    }

    // MARK: Bundles

    /// All entries of a bundle are checked before any is considered: a peer that sends one entry
    /// that no honest peer sends is believed nothing of the rest.
    mutating func receive(
        _ bundle: VoteBundle, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        if let verdict = judgeSet(bundle.setID, from: place, &context) { return verdict }
        let domain = context.view.domain
        var votes: [CoherenceVote] = []
        votes.reserveCapacity(bundle.entries.count)
        for entry in bundle.entries {
            let vote = entry.vote(
                in: domain.set, round: bundle.round, phase: bundle.phase, target: bundle.target)
            guard let vote else { return .reject(.unknownValidator) }
            votes.append(vote)
        }
        if let verdict = judgeRound(bundle.round, from: place, &context) { return verdict }
        var slots: [VoteSlot] = []
        slots.reserveCapacity(votes.count)
        for vote in votes {
            guard let slot = try? vote.check(in: domain) else { return .reject(.invalidState) }
            slots.append(slot)
        }
        let handle = peers[place].handle
        for (vote, slot) in zip(votes, slots) {
            noteEntry(slot, from: place)
            if let verdict = consider(vote, slot, from: place, context) {
                judge(verdict, of: handle, .voteBundle, &context)
            }
        }
        answerIfBehind(place, &context)
        return nil
    }

    // MARK: The order of checks

    /// The set; nil for the current one.
    mutating func judgeSet(
        _ setID: SetID, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        let current = context.view.domain.set.id
        if setID == current { return nil }
        if setID < current {
            answerOlderSet(setID, of: place, &context)
            return .ignore(.olderSet)
        }
        noteNewerSet(setID, of: place, &context)
        return .ignore(.newerSet)
    }

    /// The round; nil for one whose votes are taken.
    mutating func judgeRound(
        _ round: RoundNumber, from place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        guard round.rawValue < RoundNumber.limit else { return .reject(.roundOutOfRange) }
        guard round < context.view.roundCeiling else { return .ignore(.roundTooNew) }
        guard round >= context.view.lowestRound else {
            answerIfBehind(place, &context)
            return .ignore(.oldRound)
        }
        return nil
    }

    /// Counts an entry that came in, and remembers that the peer has it.
    private mutating func noteEntry(_ slot: VoteSlot, from place: Int) {
        counters.entriesReceived += 1
        if seen.insert(slot) { counters.entriesDistinct += 1 }
        peers[holder(place)].holdings.receive(slot.validator, at: slot.position)
    }

    /// Where it is noted what the peer of an account has: with its stream, if there is one.
    func holder(_ place: Int) -> Int {
        peers[place].isRelay ? index(of: peers[place].handle.peer) ?? place : place
    }

    /// Content, then budgets: what remains is to verify the signature.
    private mutating func consider(
        _ vote: CoherenceVote, _ slot: VoteSlot, from place: Int, _ context: GossipContext
    ) -> GossipVerdict? {
        let view = context.view
        let content = VoteContent(slot: slot, target: vote.target)
        let isHeld = view.heldVote(in: slot, for: vote.target) != nil
        if isHeld || parking.contains(content) || isSuperseded(slot, view) {
            return .ignore(.duplicate)
        }
        if let pending = verifications.vote(content) {
            return join(pending, vote, from: place, now: context.now)
        }
        if let verdict = spend(1, of: place, byteCount: CoherenceVote.byteCount, context) {
            return verdict
        }
        let handle = peers[place].handle
        let id = verifications.begin(
            PendingVerifications.Vote(content: content, vote: vote, senders: [handle]))
        peers[place].waitingVotes.append(id)
        return nil
    }

    /// Beyond the next round only the newest vote of each validator is of use, for jumps.
    private func isSuperseded(_ slot: VoteSlot, _ view: VotingView) -> Bool {
        guard slot.round > view.highestRound,
            let newest = newestAhead[Int(slot.validator.rawValue)]
        else { return false }
        return slot.position <= newest
    }

    /// The content is being verified already.
    private mutating func join(
        _ pending: PendingVerifications.Vote, _ vote: CoherenceVote, from place: Int, now: Instant
    ) -> GossipVerdict? {
        let handle = peers[place].handle
        let isTurn =
            pending.starter == nil && peers[place].startedCount < peers[place].verificationWindow
        if pending.vote == vote {
            verifications.addSender(handle, to: pending.content)
            counters.verificationsShared += 1
            if isTurn { queue(pending.content, for: place) }
            return .ignore(.duplicate)
        }
        guard hasRoom(forByteCount: CoherenceVote.byteCount) else {
            return .ignore(.overByteBudget)
        }
        guard peers[place].verificationBudget.take(1, now: now) else {
            return .ignore(.overVerificationBudget)
        }
        if isTurn, pending.alternatives.count < configuration.maximumAlternativeCount,
            !pending.senders.contains(handle)
        {
            // Its sender is the one who pays from here on.
            release(1, of: pending.senders)
            peers[place].verifyingCount += 1
            verifications.prefer(vote, from: handle, to: pending.content)
            queue(pending.content, for: place)
            return nil
        }
        let isKept = verifications.addAlternative(
            vote, from: handle, to: pending.content,
            limit: configuration.maximumAlternativeCount)
        return isKept ? nil : .ignore(.duplicate)
    }

    /// Takes what a verification costs from the peer's budget, and holds it against the global
    /// bounds; nil when it may begin.
    ///
    /// When more than half of all capacity is in use, nobody gets more than an equal share, so that
    /// one peer's flood delays neither own votes nor others'.
    mutating func spend(
        _ signatures: Int, of place: Int, byteCount: Int, _ context: GossipContext
    ) -> GossipVerdict? {
        let capacity = GossipConfiguration.verificationCapacity(validatorCount: validatorCount)
        let used = verifications.signatureCount + signatures
        guard used <= capacity else { return .ignore(.verificationBusy) }
        let share = max(signatures, capacity / 2 / max(1, peers.count))
        guard used <= capacity / 2 || peers[place].verifyingCount + signatures <= share else {
            return .ignore(.verificationBusy)
        }
        guard hasRoom(forByteCount: byteCount) else { return .ignore(.overByteBudget) }
        guard peers[place].verificationBudget.take(signatures, now: context.now) else {
            return .ignore(.overVerificationBudget)
        }
        peers[place].verifyingCount += signatures
        return nil
    }

    /// A vote that waits in another peer's turn may be verified in this one's.
    private mutating func queue(_ content: VoteContent, for place: Int) {
        if let id = verifications.id(of: content) { peers[place].waitingVotes.append(id) }
    }
}
