internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

// Nodes that start, are told things, write and crash.
extension Simulator {
    // MARK: Lives

    /// A node starts, for the first time or after a crash, from what its disk holds.
    mutating func start(_ node: Int) {
        let recovered: (tree: BlockTree, voting: RecoveredVoting)
        do {
            recovered = try nodes[node].disk.durable.recover(limits: treeLimits)
        } catch {
            return fail(.disk(node: node, error))
        }
        nodes[node].clock.origin = UInt64(nodes[node].random.draw(0...1_000_000)) * 1_000_000
        nodes[node].life += 1
        correctClock(of: node)
        do {
            nodes[node].core = RunningCore(
                try ValidatorCore(
                    configuration: configuration(of: node), tree: recovered.tree,
                    recovered: recovered.voting, currentSlot: slot(of: node),
                    authoredSlot: nodes[node].disk.durable.authoredSlot,
                    evidence: nodes[node].disk.durable.evidence,
                    verifier: verifier, rules: rules(of: node)))
        } catch {
            return fail(.notRecovered(node: node, error))
        }
        for set in nodes[node].disk.durable.sets.dropFirst(domains.count) { learn(set, node) }
        nodes[node].toldSet = nodes[node].core?.core.domain.set.id ?? SetID(0)
        for record in recovered.voting.signRecords { remember(record, node) }
        rememberHandOff(node)
        // A commit may have survived although the crash swallowed the news of it.
        for header in nodes[node].disk.durable.headers(upTo: { history.knows($0) }) {
            fail(history.add(header))
        }
        checkRecovery(node, recovered.tree, recovered.voting)
        guard let core = nodes[node].core?.core else { return }
        let view = core.gadget.view(tree: core.tree)
        nodes[node].handshakes[Int(Channel.votes.rawValue)] =
            core.gossip.handshake(of: view).scaleBytes
        nodes[node].handshakes[Int(Channel.blocks.rawValue)] =
            core.sync.handshake(best: core.tree.best)
        note(.started(recovered.tree.finalised, view.round), node: node)
        statistics.startCount += 1
        measure(node)
        give(.start, to: node)
        heap.push(.slot(node: node, life: nodes[node].life), at: now)
        if !nodes[node].isHonest { attack(node) }
    }

    /// A twin does not mind that its key is used elsewhere.
    private func rules(of node: Int) -> VotingRules {
        var rules = options.rules
        if nodes[node].attacker is Twin { rules.watchesOwnKey = false }
        return rules
    }

    private var treeLimits: TreeLimits {
        TreeLimits(
            maximumDepth: world.treeDepth, maximumBlockCount: 4 * world.treeDepth + 64)
    }

    private mutating func configuration(of node: Int) -> ValidatorCore.Configuration {
        var gossip = GossipConfiguration()
        let isFollower = nodes[node].keys.isEmpty
        gossip.role = isFollower ? .full : .authority
        gossip.seed = nodes[node].random.next()
        return ValidatorCore.Configuration(
            genesisHash: domain.genesisHash,
            keys: nodes[node].keys,
            producesBlocks: true,
            voting: CoherenceGadget.Configuration(timings: constants.votingTimings),
            gossip: gossip,
            sync: SyncConfiguration(
                genesisHash: domain.genesisHash, roles: isFollower ? .full : .authority))
    }

    /// A node loses everything that its disk does not hold.
    mutating func crash(_ node: Int, leaving remains: VirtualDisk.Remains) {
        guard nodes[node].isUp else { return }
        nodes[node].core = nil
        nodes[node].life += 1
        nodes[node].queue = EffectQueue()
        nodes[node].timers.cancelAll()
        nodes[node].requestedVotes = [:]
        nodes[node].frozenUntil = .zero
        nodes[node].verifierFreeAt = .zero
        note(.crashed, node: node)
        statistics.crashCount += 1
        do {
            try nodes[node].disk.crash(leaving: remains, tornAt: faultRandom.next())
        } catch {
            return fail(.disk(node: node, error))
        }
        // A process that dies is missed at once, a machine that loses power after a while.
        let isNoticed = faultRandom.chance(permille: 600)
        for link in links.links(of: node) {
            let notice: ClosedRange<Duration> =
                isNoticed
                ? .milliseconds(1)...(.milliseconds(80)) : .seconds(3)...(.milliseconds(4_500))
            breakConnection(link, notice: notice)
        }
    }

    /// A node comes back after a while.
    mutating func restart(_ node: Int, after delay: Duration) {
        heap.push(.restart(node: node, life: nodes[node].life), at: now + delay)
    }

    // MARK: Inputs

    /// Tells a node something and carries out what it wants done.
    mutating func give(_ input: ValidatorCore.Input, to node: Int) {
        record(input, node: node)
        let it = nodes[node]
        let local = it.clock.monotonic(at: now)
        guard let running = it.core else { return }
        let effects = running.core.handle(input, now: local)
        if world.sessionLength > 0 { learnSets(from: effects, node) }
        it.queue.append(effects)
        pump(node)
        checkBounds(it, node)
    }

    /// Tells a node something after a while, if it lives then.
    mutating func give(_ input: ValidatorCore.Input, to node: Int, after delay: Duration) {
        heap.push(
            .input(node: node, life: nodes[node].life, input), at: now + delay)
    }

    /// Carries out what may be carried out.
    mutating func pump(_ node: Int) {
        let it = nodes[node]
        while isWell, let step = it.queue.next() {
            switch step {
            case .run(let effect): carryOut(effect, node)
            case .commit(let records):
                guard !it.isDiskFull else { return stop(node, records) }
                it.disk.beginCommit(records)
                statistics.commitCount += 1
                if world.sessionLength > 0 { mayFail(during: records, node) }
                let time = it.random.duration(nodeConditions.commit)
                heap.push(
                    .committed(node: node, life: it.life), at: now + time * it.diskSlowness)
                if options.persistence.runsAheadOfCommits { it.queue.committed() }
            }
        }
    }

    /// A write fails for lack of space: the node stops, and is started again after a while.
    private mutating func stop(_ node: Int, _ records: [StoredRecord]) {
        note(.note("cannot write: the disk is full"), node: node)
        nodes[node].disk.beginCommit(records)
        crash(node, leaving: faultRandom.chance(permille: 500) ? .nothing : .chain)
        restart(node, after: faultRandom.duration(.milliseconds(500) ... .seconds(3)))
    }

    mutating func committed(_ node: Int) {
        for case .voting(.vote(let record)) in nodes[node].disk.oldestCommit {
            remember(record, node)
        }
        do {
            try nodes[node].disk.endCommit()
        } catch {
            return fail(.disk(node: node, error))
        }
        digest.record(1, node: node, at: now)
        if !options.persistence.runsAheadOfCommits { nodes[node].queue.committed() }
        pump(node)
    }

    /// A vote is durable: it can be counted by its own node from now on, sent or not.
    private mutating func remember(_ record: SignRecord, _ node: Int) {
        remember(record.slot, record.target, node)
    }

    mutating func remember(_ slot: VoteSlot, _ target: VoteTarget, _ node: Int) {
        let isHonest = nodes[node].isHonest
        let checksContent = isHonest && !options.skippedChecks.contains(.oneContent)
        fail(history.add(slot, target, isHonest: isHonest, checksContent: checksContent))
    }

    /// Puts an input into the history's digest.
    private mutating func record(_ input: ValidatorCore.Input, node: Int) {
        switch input {
        case .notification(let channel, let peer, let bytes):
            digest.record(
                10 + channel.rawValue, node: node, at: now, number: peer.rawValue, bytes)
        case .streamOpened(let channel, let peer, let handshake, _):
            digest.record(
                20 + channel.rawValue, node: node, at: now, number: peer.rawValue, handshake)
        case .streamClosed(let channel, let peer):
            digest.record(30 + channel.rawValue, node: node, at: now, number: peer.rawValue)
        case .request(let id, _, let bytes):
            digest.record(40, node: node, at: now, number: id.rawValue, bytes)
        case .response(let id, .success(let bytes)):
            digest.record(41, node: node, at: now, number: id.rawValue, bytes)
        case .response(let id, .failure):
            digest.record(42, node: node, at: now, number: id.rawValue)
        case .voteSigned(let slot, let bytes):
            digest.record(
                43, node: node, at: now, number: slot.round.rawValue, bytes ?? [])
        case .sealSigned(let slot, let bytes):
            digest.record(44, node: node, at: now, number: slot.rawValue, bytes ?? [])
        case .slotStarted(let slot):
            digest.record(45, node: node, at: now, number: slot.rawValue)
        case .extrinsicSigned(let bytes): digest.record(55, node: node, at: now, bytes ?? [])
        case .call(let call): digest.record(56, node: node, at: now, call.payload)
        case .keyAdded(let key): digest.record(54, node: node, at: now, key.publicKey)
        case .submit(let extrinsic):
            digest.record(46, node: node, at: now, extrinsic.hash.bytes)
        case .timer: digest.record(47, node: node, at: now)
        case .checked(let id, _): digest.record(48, node: node, at: now, number: id.rawValue)
        case .verified(let outcomes):
            digest.record(49, node: node, at: now, number: UInt64(outcomes.count))
        case .blocksRead(let id, _): digest.record(50, node: node, at: now, number: id.rawValue)
        case .certificateLoaded(let id, _):
            digest.record(51, node: node, at: now, number: id.rawValue)
        case .measurement: digest.record(52, node: node, at: now)
        case .start: digest.record(53, node: node, at: now)
        case .topicMessage(let message):
            digest.record(
                57, node: node, at: now, number: message.source.rawValue, message.bytes)
        }
    }
}
