internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// What goes out, to whom and when: own votes at once, others' votes where they are missing.
extension VoteGossipMachine {
    // MARK: Own votes

    /// An own vote goes to every peer at once.
    mutating func sendOwnVote(_ vote: VerifiedVote, _ context: inout GossipContext) {
        local = vote.index
        publish(GossipMessage.vote(vote.vote).encoded(), &context)
        // What went over the topic only is sent once more, to the streams of those that do not show
        // it (rule 6).
        send(
            vote, to: activePeers, context.now, reaches: configuration.paths.useStreams, &context)
        restartResends(&context)
        touchStatus(&context)
    }

    /// The stored bytes of the own votes of this round and the last, to peers of which no status
    /// shows them; what is on its way already is not sent twice.
    mutating func resendOwnVotes(to places: [Int], _ context: inout GossipContext) {
        let view = context.view
        for vote in view.ownVotes where !view.isDecided(vote.round) {
            let position = vote.slot.position
            let receivers = places.filter { place in
                guard peers[place].isListening,
                    !peers[place].holdings.shows(vote.index, at: position)
                else { return false }
                let probe = peers[place].probes.first { $0.position == position }
                return probe.map { $0.sentAt + peers[place].statusLag <= context.now } ?? true
            }
            send(vote, to: receivers, context.now, &context)
        }
    }

    private mutating func send(
        _ vote: VerifiedVote, to places: [Int], _ now: Instant, reaches useStreams: Bool = true,
        _ context: inout GossipContext
    ) {
        let position = vote.slot.position
        let only = Bits(validatorCount: validatorCount, members: [vote.index])
        for place in places {
            peers[place].holdings.give(only, at: position)
            peers[place].noteSent(position, at: now)
        }
        guard useStreams else { return }
        counters.ownVotesSent += UInt64(places.count)
        let message = OutboundMessage(
            bytes: GossipMessage.vote(vote.vote).encoded(), priority: OutboundPriority.ownVote,
            supersession: .init(
                stream: OutboundStream.ownVotes(phase: vote.phase.rawValue),
                position: OutboundStream.position(set: vote.vote.setID, round: vote.round)))
        send(message, to: places, &context)
    }

    // MARK: What is due for whom

    /// A vote was verified: plans when it is forwarded to the peers that may lack it.
    mutating func noteArrival(of vote: VerifiedVote, _ context: inout GossipContext) {
        let now = context.now
        forgetArrivals(before: now)
        arrivals.append(Arrival(slot: vote.slot, at: now))
        let view = context.view
        guard !view.isDecided(vote.round) else { return }
        let position = vote.slot.position
        let quorum = view.domain.set.quorum
        var supporters: Bits?
        if view.voteCount(position.round, position.phase, for: vote.target) + 1 >= quorum {
            var all = view.supporters(of: vote.target, at: position)
            all.insert(vote.index)
            supporters = all.count >= quorum ? all : nil
        }
        for place in peers.indices {
            let earliest = now + peers[place].statusLag
            // What is looked at before it may go is planned anew then. With many peers that is less
            // than planning every vote.
            let enough = hasCrowds ? earliest + configuration.bundleDelay.upperBound : earliest
            if let due = peers[place].forwardDueAt, due <= enough { continue }
            guard canUse(position, place, view),
                !peers[place].holdings.has(vote.index, at: position)
            else { continue }
            let completes =
                supporters.map {
                    peers[place].holdings.votes(at: position).intersection($0).count < quorum
                } ?? false
            planForwarding(to: place, at: earliest, isUrgent: completes, &context)
        }
    }

    /// Forgets votes that arrived so long ago that nothing keeps them from being forwarded.
    private mutating func forgetArrivals(before now: Instant) {
        let limit = longestWait
        let kept = arrivals.firstIndex { $0.at + limit >= now } ?? arrivals.count
        if kept > 0 { arrivals.removeFirst(kept) }
    }

    /// Sets when a peer gets what it lacks; an earlier time stands.
    mutating func planForwarding(
        to place: Int, at earliest: Instant, isUrgent: Bool, _ context: inout GossipContext
    ) {
        if let due = peers[place].forwardDueAt, due <= earliest { return }
        let due =
            hasCrowds
            ? tick(in: configuration.bundleDelay, after: earliest)
            : isUrgent ? earliest : earliest + jitter()
        if let set = peers[place].forwardDueAt, set <= due { return }
        peers[place].forwardDueAt = due
        arm(.forward, at: due, &context)
    }

    /// Whether others' votes of the round and phase are to be forwarded to the peer at all.
    func canUse(_ position: VotePosition, _ place: Int, _ view: VotingView) -> Bool {
        peers[place].isListening && peers[place].hasShownStatus
            && peers[place].setID == view.domain.set.id
            && peers[place].wants(position, finalised: view.finalised.number)
    }

    /// Sends everything that is due.
    mutating func forwardDue(_ context: inout GossipContext) {
        publishDue(&context)
        askCrowds(&context)
        var next = Instant.distantFuture
        for place in peers.indices {
            if let due = peers[place].certificateDueAt, due <= context.now {
                peers[place].certificateDueAt = nil
                sendCertificateIfBehind(place, &context)
            }
            if let due = peers[place].quorumDueAt, due <= context.now {
                peers[place].quorumDueAt = nil
                sendQuorumCertificateIfLacking(place, .formed, &context)
            }
            if let due = peers[place].forwardDueAt, due <= context.now {
                peers[place].forwardDueAt = nil
                forwardVotes(to: place, &context)
            }
            next = min(next, peers[place].nextDueAt)
        }
        if let due = topic.nextDue { next = min(next, due) }
        if let askingDueAt { next = min(next, askingDueAt) }
        if next < .distantFuture { arm(.forward, at: next, &context) }
    }

    // MARK: Bundles

    /// Sends a peer the votes that it lacks and has had time to get elsewhere.
    private mutating func forwardVotes(to place: Int, _ context: inout GossipContext) {
        let view = context.view
        let lag = peers[place].statusLag
        for position in context.collectedPositions where canUse(position, place, view) {
            var lacking = view.holdings(at: position)
                .subtracting(peers[place].holdings.votes(at: position))
            guard !lacking.isEmpty else { continue }
            let crowded = crowded(at: position, &context)
            for arrival in arrivals
            where arrival.slot.position == position && lacking.contains(arrival.slot.validator) {
                let isCrowded = crowded?.contains(arrival.slot.validator) ?? false
                let ready = isCrowded ? release(of: arrival.at) : arrival.at + lag
                guard ready > context.now else { continue }
                lacking.remove(arrival.slot.validator)
                planForwarding(to: place, at: ready, isUrgent: false, &context)
            }
            if let local { lacking.remove(local) }
            sendVotes(lacking, at: position, to: place, &context)
        }
    }

    /// Sends the held votes of these validators in bundles, one or more for each target.
    ///
    /// - Returns: how many entries went out.
    @discardableResult
    mutating func sendVotes(
        _ wanted: Bits, at position: VotePosition, to place: Int, _ context: inout GossipContext
    ) -> Int {
        guard !wanted.isEmpty else { return 0 }
        let votes = context.view.votes(at: position, of: wanted)
        return sendBundles(votes, at: position, to: place, &context)
    }

    /// Sends votes of one round and phase in bundles, one or more for each target.
    ///
    /// - Returns: how many entries went out.
    mutating func sendBundles(
        _ votes: [VerifiedVote], at position: VotePosition, to place: Int,
        _ context: inout GossipContext
    ) -> Int {
        var groups: [VoteGroup] = []
        for vote in votes {
            if let known = groups.firstIndex(where: { $0.target == vote.target }) {
                groups[known].votes.append(vote)
            } else {
                groups.append(VoteGroup(target: vote.target, votes: [vote]))
            }
        }
        for group in groups {
            var rest = group.votes[...]
            while !rest.isEmpty {
                let part = rest.prefix(configuration.maximumBundleEntryCount)
                rest = rest.dropFirst(part.count)
                sendBundle(Array(part), group.target, at: position, to: place, &context)
            }
        }
        let given = Bits(validatorCount: validatorCount, members: votes.map(\.index))
        peers[place].holdings.give(given, at: position)
        counters.entriesForwarded += UInt64(votes.count)
        return votes.count
    }

    private mutating func sendBundle(
        _ votes: [VerifiedVote], _ target: VoteTarget, at position: VotePosition, to place: Int,
        _ context: inout GossipContext
    ) {
        let set = context.view.domain.set.id
        let bundle = VoteBundle(
            setID: set, round: position.round, phase: position.phase, target: target,
            entries: votes.map { VoteEntry($0) })
        let message = OutboundMessage(
            bytes: GossipMessage.voteBundle(bundle).encoded(), priority: OutboundPriority.bundle,
            supersession: .init(
                stream: OutboundStream.bundles(phase: position.phase.rawValue),
                position: OutboundStream.position(set: set, round: position.round)))
        send(message, to: [place], &context)
    }
}
