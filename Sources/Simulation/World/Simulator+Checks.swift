internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// The checkers: what an honest node does is held against the rules at every step.
extension Simulator {
    /// Effects that wait behind a commit; more would mean that the queue grows without end.
    private static let effectLimit = 20_000

    // MARK: Votes

    /// An honest node sends a message of the vote gossip: its own votes in it must be durable, and
    /// the only ones of their slots.
    mutating func checkSending(_ bytes: [UInt8], _ node: Int) {
        guard GossipMessage.carriesVotes(bytes), let message = try? GossipMessage.decode(bytes)
        else { return }
        switch message {
        case .vote(let vote):
            guard let domain = domain(of: vote.setID), let slot = domain.slot(of: vote),
                slot.validator == nodes[node].index(in: domain.set)
            else { return }
            check(slot, vote.target, node)
        case .voteBundle(let bundle):
            check(
                bundle.entries, bundle.setID, bundle.round, bundle.phase, bundle.target, node)
        case .quorumCertificate(let quorum):
            check(quorum.entries, quorum.setID, quorum.round, .prevote, quorum.target, node)
        case .certificate(let certificate):
            // Of a set that is over, the certificate itself is what is on disk.
            guard certificate.setID >= nodes[node].toldSet else { return }
            check(
                certificate.precommits, certificate.setID, certificate.round, .precommit,
                certificate.target, node)
        case .status, .voteRequest, .roundRequest, .certificateRequest, .equivocation: break
        }
    }

    private mutating func check(
        _ entries: [VoteEntry], _ set: SetID, _ round: RoundNumber, _ phase: VotePhase,
        _ target: VoteTarget, _ node: Int
    ) {
        guard let own = domain(of: set).flatMap({ nodes[node].index(in: $0.set) }),
            entries.contains(where: { $0.validator == own })
        else { return }
        let slot = VoteSlot(setID: set, round: round, phase: phase, validator: own)
        check(slot, target, node)
    }

    private mutating func check(_ slot: VoteSlot, _ target: VoteTarget, _ node: Int) {
        if !options.skippedChecks.contains(.durability),
            nodes[node].disk.durable.signedTarget(in: slot) != target
        {
            fail(.voteNotDurable(slot, target))
        }
        note(.voted(slot, target), node: node)
        fail(
            history.add(
                slot, target, isHonest: true,
                checksContent: !options.skippedChecks.contains(.oneContent)))
    }

    /// An honest node asks its signer for a vote: never for two different ones of a slot in one
    /// life, however often the signer fails.
    /// The key is the one that the set has for the voter, so that it is never another one in a set.
    mutating func checkRequest(_ vote: UnsignedVote, _ key: [UInt8], _ node: Int) {
        guard nodes[node].isHonest else { return }
        let member = domain(of: vote.slot.setID)?.set.validator(at: vote.slot.validator)
        if member?.falconPublicKey != key || member?.account != nodes[node].account {
            fail(.keyOutOfTurn(node: node, vote.slot))
        }
        guard
            let earlier = nodes[node].requestedVotes.updateValue(vote, forKey: vote.slot),
            earlier != vote
        else { return }
        fail(.signerAskedAnew(vote.slot, earlier.target, vote.target))
    }

    // MARK: Events

    mutating func observe(_ event: ValidatorEvent, _ node: Int) {
        switch event {
        case .imported(let block, _, let isBest, let isOwn):
            fail(history.add(block.header))
            guard isOwn, let slot = block.header.slot else {
                return note(.imported(block.ref, isBest: isBest), node: node)
            }
            note(.authored(block.ref, slot), node: node)
            guard nodes[node].isHonest else { return }
            fail(history.authored(block.header, by: node, in: slot))
        case .finalised(let certificate, let block):
            note(.finalised(block, certificate.round), node: node)
            if nodes[node].isHonest { checkFinality(certificate, block, node) }
        case .setActivated(let set, let certificate):
            note(.note("enters set \(set.id)"), node: node)
            nodes[node].toldSet = set.id
            if nodes[node].isHonest { checkHandOff(to: set, by: certificate, node) }
        case .alarm(let alarm):
            note(.note("alarm: \(alarm)"), node: node)
            if nodes[node].isHonest { fail(.alarm(node: node, "\(alarm)")) }
        case .gossip(.rejected(let peer, let kind, let offence)):
            let other = place(of: peer)
            guard nodes[node].isHonest, nodes[other].isHonest else { return }
            let what = kind.map { " \($0)" } ?? ""
            fail(.honestPeerBlamed(by: node, peer: other, "\(offence)\(what)"))
        case .syncOffence(let peer, let offence):
            let other = place(of: peer)
            note(.note("holds \(offence) against n\(other)"), node: node)
            guard nodes[node].isHonest, nodes[other].isHonest, offence.weight != .slight else {
                return
            }
            fail(.honestPeerBlamed(by: node, peer: other, "\(offence)"))
        case .roundEntered(let round):
            note(.entered(round), node: node)
            nodes[node].recentRoundCount += 1
            let set = nodes[node].toldSet
            if nodes[node].isHonest, history.entered(round, of: set) {
                fail(.setBeganLate(node: node, set, round))
            }
        case .voting(let told): note(told, node)
        case .authoringFailed(_, let reason):
            note(.note("makes no block: \(reason)"), node: node)
        case .authorEquivocation, .doubleVote, .gossip, .sync: break
        }
    }

    private mutating func note(_ told: VotingNote, _ node: Int) {
        switch told {
        case .counted(let slot, let target, let votes, _):
            note(.counted(slot, target, votes: votes), node: node)
        case .locked(let block, let round): note(.locked(block, round), node: node)
        case .lockDropped(let block, let round): note(.lockDropped(block, round), node: node)
        case .jumped(let from, let to): note(.note("jumps from \(from) to \(to)"), node: node)
        case .abstaining(let reason): note(.note("abstains: \(reason)"), node: node)
        case .abstentionEnded: note(.note("votes again"), node: node)
        case .signingFailed(let slot): note(.note("could not sign \(slot)"), node: node)
        case .wrongHeight(let target): note(.note("wrong height: \(target)"), node: node)
        case .beyondHandOff(let target):
            note(.note("beyond the hand-off: \(target)"), node: node)
        }
    }

    // MARK: Finality

    private mutating func checkFinality(
        _ certificate: VerifiedCertificate, _ block: BlockRef, _ node: Int
    ) {
        if let earlier = nodes[node].announced, block.number <= earlier.number {
            fail(.finalityNotMonotone(node: node, from: earlier, to: block))
        }
        nodes[node].announced = block
        if nodes[node].disk.durable.certificate(.lowest(atOrAbove: block.number)) == nil {
            fail(.certificateNotDurable(node: node, block))
        }
        let set = certificate.certificate.setID
        let round = History.SetRound(set: set, round: certificate.round)
        let backers = history.backers(of: VoteTarget(block), in: round)
        if backers < domain(of: set)?.set.quorum ?? .max {
            fail(
                .unbackedCertificate(
                    node: node, block, round: certificate.round, backers: backers))
        }
        fail(history.extend(to: VoteTarget(block), round: round))
        if let final = history.final(at: block.number), final != block.hash {
            fail(.conflictingFinality(node: node, block, canonical: final))
        }
    }

    /// A node that comes back knows all that it has announced, and the block of its lock; of an old
    /// lock the block may have been pruned.
    mutating func checkRecovery(_ node: Int, _ tree: BlockTree, _ voting: RecoveredVoting) {
        guard nodes[node].isHonest else { return }
        let finalised = tree.finalised
        if let lock = voting.lock, lock.block.number > finalised.number,
            !tree.contains(lock.block.hash),
            voting.certificate.map({ lock.round >= $0.round }) ?? true
        {
            fail(.lockWithoutBlock(node: node, lock.block, round: lock.round))
        }
        guard let earlier = nodes[node].announced else { return }
        if finalised.number < earlier.number {
            fail(.finalityNotMonotone(node: node, from: earlier, to: finalised))
        }
        if let final = history.final(at: finalised.number), final != finalised.hash {
            fail(.conflictingFinality(node: node, finalised, canonical: final))
        }
    }

    // MARK: Bounds

    mutating func checkLine(_ line: Line, _ node: Int) {
        guard nodes[node].isHonest, let excess = line.excess else { return }
        fail(.overBound(node: node, excess))
    }

    /// Looks at what honest nodes have sent lately.
    mutating func readMeter() {
        heap.push(.metering, at: now + TrafficMeter.window)
        let rounds = nodes.map(\.recentRoundCount)
        for node in nodes { node.recentRoundCount = 1 }
        if let excess = meter.read(rounds: rounds, of: honest) {
            fail(
                .amplified(
                    node: excess.sender, peer: excess.receiver, byteCount: excess.byteCount))
        }
    }

    /// Everything that a node holds has a bound.
    mutating func checkBounds(_ it: SimulatedNode, _ node: Int) {
        guard it.isHonest, let running = it.core else { return }
        if let excess = running.core.findExcess() { fail(.overBound(node: node, excess)) }
        if it.queue.count > Self.effectLimit {
            fail(.overBound(node: node, "the effect queue"))
        }
    }
}

extension ValidatorCore {
    /// What holds more than it may; nil when everything keeps its bounds. Changes nothing, but a
    /// core is large, and called like this it is not copied.
    fileprivate mutating func findExcess() -> String? {
        if !tree.isWithinLimits { return "the block tree" }
        if !gossip.hasRoom(forByteCount: 0), case let gauges = gossip.gauges,
            gauges.heldByteCount > gauges.byteBudget
        {
            return "the vote gossip: \(gauges.heldByteCount) of \(gauges.byteBudget) bytes"
        }
        return sync.excess
    }
}
