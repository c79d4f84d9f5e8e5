import Chain
import Coherence
import Primitives

/// Nodes: effects behind writes, crashes, what is sent again, and what a Byzantine key does.
extension Search {
    mutating func start(_ node: Int) {
        guard nodes[node].gadget == nil, !nodes[node].isLost else { return }
        // The tree is what was imported and still descends from the finalised block.
        let finalised = nodes[node].disk.recovered.finalised
        let root = allBlocks[finalised.hash]?.header ?? genesis
        nodes[node].tree = BlockTree(finalisedHeader: root, state: state)
        var kept: [Block] = []
        for block in nodes[node].blocks {
            do {
                _ = try nodes[node].tree.insert(block, state: state, waivingSlotLimit: true)
                kept.append(block)
            } catch {}
        }
        nodes[node].blocks = kept
        do {
            nodes[node].gadget = try CoherenceGadget(
                configuration: .init(), domain: domain, local: Fixture.index(node),
                recovered: nodes[node].disk.recovered, verifier: TrustingVerifier(),
                rules: profile.rules)
        } catch {
            return violate("node \(node) does not believe its disk: \(error)")
        }
        handle(.measurement(.usable(Fixture.state)), at: node)
        handle(.start, at: node)
        queue.schedule(.tick(node, life: nodes[node].life), at: now + pick(0, 1_000))
    }

    mutating func crash(_ node: Int) {
        guard nodes[node].gadget != nil else { return }
        // The write under way may or may not have reached the disk.
        if nodes[node].isWriting, chance(percent: 50),
            case .persist(let record)? = nodes[node].pending.first
        {
            nodes[node].disk.store(record)
        }
        nodes[node].gadget = nil
        nodes[node].life += 1
        nodes[node].pending = []
        nodes[node].isWriting = false
        nodes[node].timers = [:]
        nodes[node].parked = []
        nodes[node].wanted = []
        queue.schedule(.restart(node), at: now + pick(100, isHealed ? 200 : 6_000))
    }

    mutating func handle(_ input: CoherenceGadget.Input, at node: Int) {
        guard nodes[node].gadget != nil else { return }
        let tree = nodes[node].tree
        let effects =
            nodes[node].gadget?.handle(input, tree: tree, now: Instant(nanoseconds: now * 1_000))
            ?? []
        nodes[node].pending += effects
        if !nodes[node].isWriting { carryOut(node) }
    }

    /// Carries out what waits, up to the next write.
    private mutating func carryOut(_ node: Int) {
        while !nodes[node].isWriting, let effect = nodes[node].pending.first {
            if case .persist = effect {
                nodes[node].isWriting = true
                queue.schedule(
                    .persisted(node, life: nodes[node].life), at: now + pick(0, 5))
                return
            }
            nodes[node].pending.removeFirst()
            carryOut(effect, at: node)
        }
    }

    mutating func written(_ node: Int) {
        guard case .persist(let record)? = nodes[node].pending.first else { return }
        nodes[node].pending.removeFirst()
        nodes[node].isWriting = false
        nodes[node].disk.store(record)
        carryOut(node)
    }

    private mutating func carryOut(_ effect: CoherenceGadget.Effect, at node: Int) {
        let life = nodes[node].life
        switch effect {
        case .sign(let vote):
            queue.schedule(.signed(node, life: life, vote), at: now + pick(0, 4))
        case .broadcast(let vote):
            check(vote, of: node)
            for other in honest where other != node { send(.vote(vote), from: node, to: other) }
        case .broadcastQuorumCertificate(let quorum):
            for other in honest where other != node {
                send(.quorum(quorum), from: node, to: other)
            }
        case .finalised(let certificate, let block):
            finalise(block, certificate, at: node)
        case .wantBlock(let block): want(block, at: node)
        case .setTimer(let timer, let deadline):
            nodes[node].timers[timer] = deadline
            queue.schedule(
                .timer(node, life: life, timer, deadline),
                at: max(now, deadline.nanoseconds / 1_000))
        case .cancelTimer(let timer): nodes[node].timers[timer] = nil
        case .alarm(let alarm):
            if profile.rules == .production { violate("node \(node) raises an alarm: \(alarm)") }
        case .doubleVote(let pair):
            if honest.contains(Int(pair.slot.validator.rawValue)), profile.rules == .production {
                violate("\(pair.slot) is filled twice")
            }
        case .persist, .roundEntered, .note: break
        }
    }

    // MARK: Promises

    private mutating func check(_ vote: VerifiedVote, of node: Int) {
        mix(vote.round.rawValue << 1 | UInt64(vote.phase.rawValue))
        honestVotes.append(vote)
        if honestVotes.count > 40 { honestVotes.removeFirst() }
        let known = slots.updateValue(vote.target, forKey: vote.slot)
        // Votes that are repeated on purpose are looked for by what they lead to.
        if let known, known != vote.target, profile.rules.separatesRounds {
            violate("node \(node) fills \(vote.slot) with \(known) and \(vote.target)")
        }
    }

    private mutating func finalise(
        _ block: BlockRef, _ certificate: VerifiedCertificate, at node: Int
    ) {
        mix(UInt64(block.number.rawValue))
        guard block.number.rawValue > nodes[node].finalisedHeight else {
            // A restart says again what was not yet recorded.
            if block.number.rawValue < nodes[node].finalisedHeight {
                violate("finality of node \(node) moves back to \(block)")
            }
            return
        }
        var step = block.hash
        while let known = allBlocks[step] {
            let height = known.number.rawValue
            if let other = final[height] {
                if other != step { violate("two blocks are final at height \(height)") }
                break
            }
            final[height] = step
            step = known.header.parentHash
        }
        nodes[node].finalisedHeight = block.number.rawValue
        if nodes[node].tree.finalise(block.hash) == nil {
            violate("node \(node) finalises \(block), which it does not have")
        }
        nodes[node].disk.finalise(block)
        let tree = nodes[node].tree
        nodes[node].blocks.removeAll { !tree.contains($0.hash) }
        if profile.rules.sharesCertificates {
            for other in honest where other != node {
                send(.certificate(certificate), from: node, to: other)
            }
        }
    }

    // MARK: Network

    mutating func send(_ message: Message, from sender: Int, to receiver: Int) {
        if isHealed {
            queue.schedule(
                .deliver(to: receiver, from: sender, message), at: now + pick(1, 50))
            return
        }
        guard links[sender][receiver], !chance(percent: profile.lossPercent) else {
            return
        }
        queue.schedule(
            .deliver(to: receiver, from: sender, message),
            at: now + pick(1, profile.delayMilliseconds))
        if chance(percent: 5) {
            queue.schedule(
                .deliver(to: receiver, from: sender, message),
                at: now + pick(1, 3 * profile.delayMilliseconds))
        }
    }

    mutating func receive(_ message: Message, at node: Int, from sender: Int) {
        guard nodes[node].gadget != nil else { return }
        switch message {
        case .vote(let vote): handle(.vote(vote), at: node)
        case .quorum(let quorum): handle(.quorumCertificate(quorum), at: node)
        case .certificate(let certificate): handle(.certificate(certificate), at: node)
        case .status(let round, let height, let quorumRound):
            answer(round, height, quorumRound, from: node, to: sender)
        case .blocks(let blocks): take(blocks, at: node)
        case .blockRequest(let block):
            // The block and its ancestors down to our finalised block.
            var chain: [Block] = []
            var step = block.hash
            while chain.count < 256, let known = allBlocks[step],
                nodes[node].tree.contains(step) || !chain.isEmpty
            {
                chain.append(known)
                step = known.header.parentHash
            }
            if !chain.isEmpty { send(.blocks(chain.reversed()), from: node, to: sender) }
        }
    }

    /// Rule 6: certificates and quorum certificates for whoever shows that it lacks them.
    private mutating func answer(
        _ round: RoundNumber, _ height: BlockNumber, _ quorumRound: RoundNumber?,
        from node: Int, to peer: Int
    ) {
        guard let view = nodes[node].gadget?.view(tree: nodes[node].tree) else { return }
        if let newest = view.newestCertificate, profile.rules.sharesCertificates,
            round <= newest.round || height < newest.block.number
        {
            send(.certificate(newest), from: node, to: peer)
        }
        if let highest = view.highestQuorum, quorumRound.map({ $0 < highest.round }) ?? true {
            send(.quorum(highest), from: node, to: peer)
        }
    }

    /// Rule 6: Status always; own stored votes of rounds r and r-1 while not final; and the blocks
    /// that are still wanted are asked for again.
    mutating func sendAgain(_ node: Int) {
        guard let view = nodes[node].gadget?.view(tree: nodes[node].tree) else { return }
        for other in honest where other != node {
            send(
                .status(
                    round: view.round, height: view.finalised.number,
                    quorumRound: view.highestQuorum?.round), from: node, to: other)
            for vote in view.ownVotes { send(.vote(vote), from: node, to: other) }
        }
        for block in nodes[node].wanted {
            if nodes[node].tree.contains(block.hash)
                || block.number <= nodes[node].tree.finalised.number
            {
                nodes[node].wanted.removeAll { $0 == block }
            } else {
                for other in honest where other != node {
                    send(.blockRequest(block), from: node, to: other)
                }
            }
        }
        // The best head, so that blocks spread although announcements were lost.
        if let best = allBlocks[nodes[node].tree.best.hash] {
            for other in honest where other != node {
                send(.blocks([best]), from: node, to: other)
            }
        }
    }

    // MARK: Byzantine keys

    /// Every Byzantine key votes in a round of some honest validator: now and then what the honest
    /// do, each half of the network for something else, or a fork when it is the primary.
    mutating func byzantineVotes() {
        let rounds = honest.compactMap { nodes[$0].gadget?.round.rawValue }
        for key in honest.upperBound..<profile.validators {
            guard let base = rounds.randomElement(using: &random) else { break }
            let ahead = UInt64.random(in: 0...3, using: &random)
            let round = chance(percent: 60) ? base : base + (chance(percent: 3) ? 1_000 : ahead)
            for phase in VotePhase.allCases where chance(percent: 70) {
                let targets = [byzantineTarget(round), byzantineTarget(round)]
                for receiver in honest where chance(percent: 80) {
                    let target = targets[chance(percent: 50) ? 0 : 1]
                    let vote = Fixture.trusted(domain, key, round: round, phase, target)
                    send(.vote(vote), from: key, to: receiver)
                }
            }
        }
        queue.schedule(.byzantineVotes, at: now + pick(20, 200))
    }

    private mutating func byzantineTarget(_ round: UInt64) -> VoteTarget {
        if chance(percent: 10) { return .nothing }
        let voted = honestVotes.filter { $0.round.rawValue == round && !$0.target.isNil }
        if chance(percent: 60), let vote = voted.randomElement(using: &random) {
            return vote.target
        }
        return blockOrder.suffix(5).randomElement(using: &random).map { VoteTarget($0.ref) }
            ?? .nothing
    }
}

extension Fixture {
    /// A vote whose signature nobody looks at.
    static func trusted(
        _ domain: VotingDomain, _ validator: Int, round: UInt64, _ phase: VotePhase,
        _ target: VoteTarget
    ) -> VerifiedVote {
        guard let signature = VoteSignature(Search.signature) else {
            fatalError("the constant signature has the right form")
        }
        let vote = CoherenceVote(
            validator: domain.set.validators[validator].account, target: target,
            coherenceScore: target.isNil ? 0 : 95,
            quantumState: target.isNil ? .zero : state, signature: signature, phase: phase,
            round: RoundNumber(round), setID: domain.set.id)
        do {
            return try vote.verify(in: domain, using: TrustingVerifier())
        } catch {
            fatalError("fixture votes are valid: \(error)")
        }
    }
}
