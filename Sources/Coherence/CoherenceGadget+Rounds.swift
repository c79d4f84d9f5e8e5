internal import Chain
internal import Primitives

/// Rules 1 and 5: timers, and when a round is entered.
extension CoherenceGadget {
    /// Does everything that the state allows now. Every step but the decisions makes the state
    /// newer (a certificate, a quorum certificate or a higher round), so the loop ends.
    mutating func settle(tree: BlockTree, now: Instant) {
        while successor == nil,
            certifyTallied(tree: tree) || collectQuorums(tree: tree) || leaveRound()
        {}
        // The set is over: what is left to do is to stop its timers.
        if successor != nil {
            clock = RoundClock()
            return scheduleTimers()
        }
        for certificate in heldCertificates { want(certificate.block) }
        startTimers(tree: tree, now: now)
        decidePrevote(tree: tree)
        decidePrecommit(tree: tree)
        storeHighestQuorum(tree: tree)
        scheduleTimers()
    }

    /// Rule 5: whether the round is over, and if so the next one.
    private mutating func leaveRound() -> Bool {
        if let target = jumpTarget() {
            effects.append(.note(.jumped(from: round, to: target)))
            enter(target, byCertificate: false)
            return true
        }
        let isOver =
            rules.separatesRounds ? clock.precommitFired || isHopeless : clock.prevoteFired
        guard isOver, let next = round.successor, next.rawValue < RoundNumber.limit else {
            return false
        }
        enter(next, byCertificate: false)
        return true
    }

    /// Whether no block can get q precommits in this round any more, and q validators have
    /// precommitted in it.
    ///
    /// The second half is what liveness rests on: whoever is in a round without a certificate of
    /// the one before, there are q validators that precommitted in the one before, of which at
    /// least f+1 never fail. They send those votes again for as long as they are in that round or
    /// the next, and so take everybody along. With the first half alone, n - q + 1 validators can
    /// run ahead by nil precommits; when all of them but one have crashed, that one no longer sends
    /// the votes that the others lack and is too few for a jump.
    private var isHopeless: Bool {
        let precommits = tallies.current(.precommit)
        return !precommits.canReachQuorum
            && (precommits.voterCount >= quorum || !rules.awaitsPrecommits)
    }

    /// When f+1 distinct validators (1 if n <= 3) have verified votes in higher rounds: the
    /// (f+1)-th highest of their rounds, so that no f validators can drive the others on.
    private func jumpTarget() -> RoundNumber? {
        let support =
            validatorCount <= 3 || !rules.jumpsToSupportedRound ? 1 : domain.set.faultBound + 1
        return tallies.supportedRound(support: support)
    }

    /// Enters a higher round.
    ///
    /// - Parameter byCertificate: whether a certificate of the round before (or later) lets
    ///   everybody leave.
    mutating func enter(_ next: RoundNumber, byCertificate: Bool) {
        guard rules.separatesRounds || byCertificate else { return repeatRound() }
        precondition(next > round, "rounds only go up")
        // Rule 0: n-f precommits of the round before are on record for everybody to leave it by.
        if !byCertificate, rules.precommitsNilOnLeaving, rules.decidesInOrder,
            let left = next.predecessor
        {
            decide(VotePosition(left, .precommit), target: .nothing)
        }
        clock = RoundClock()
        wanted = []
        tallies.move(to: next)
        own.forget(before: next)
        releaseVotes()
        certified.removeAll { tallies.tally($0.round, .precommit) == nil }
        effects.append(.roundEntered(next))
    }

    /// What stands for a new round when rounds are not told apart: the same votes once more.
    private mutating func repeatRound() {
        clock = RoundClock()
        own.forgetDecisions()
    }

    /// Takes the firing of a timer.
    mutating func fire(_ timer: VotingTimer) {
        timers.removeAll { $0.timer == timer }
        guard timer.setID == domain.set.id else { return }
        if timer.kind == .signing { return retrySigning() }
        guard timer.round == round else { return }
        _ = clock.fire(timer)
    }

    /// Rule 1: starts the timers that are due to start.
    private mutating func startTimers(tree: BlockTree, now: Instant) {
        if clock.votingStarted == nil, hasBlockAboveFinality(tree) || hasBlockVote {
            clock.startVoting(at: now)
        }
        if clock.precommitsStarted == nil, tallies.current(.precommit).voterCount >= quorum {
            clock.startPrecommits(at: now)
        }
    }

    private func hasBlockAboveFinality(_ tree: BlockTree) -> Bool {
        highestTarget(from: finalised, tree: tree).map { $0.number > finalised.number } ?? false
    }

    /// Whether a vote of this round for a block was seen.
    private var hasBlockVote: Bool {
        tallies.current(.prevote).hasBlockVote || tallies.current(.precommit).hasBlockVote
            || quorums.all.contains { $0.round == round }
    }

    /// Sets the timers that run and are not set (or set to another time, because finality moved
    /// and D with it), and cancels those that run no more.
    private mutating func scheduleTimers() {
        var running = clock.running(in: round, of: domain.set.id, duration: roundDuration)
        if let signingRetry { running.append(signingRetry) }
        for old in timers where !running.contains(where: { $0.timer == old.timer }) {
            effects.append(.cancelTimer(old.timer))
        }
        for timer in running where !timers.contains(timer) {
            effects.append(.setTimer(timer.timer, timer.deadline))
        }
        timers = running
    }
}
