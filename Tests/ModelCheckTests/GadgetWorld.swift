import Chain
import Coherence
import ModelCheck
import Primitives

/// Real gadgets in a world where anything may happen, with the model beside them: for every gadget
/// the set of all places where the model's validator may stand after the votes that it has sent.
/// A vote that the model does not allow leaves that set empty.
struct GadgetWorld {
    let configuration: ModelConfiguration
    let domain: VotingDomain
    let tree: ModelTree
    var model: Model
    var random: SeededGenerator
    var nodes: [GadgetNode] = []
    /// The votes sent by honest validators, of the model's rounds.
    var sent: [VerifiedVote] = []
    /// What honest keys filled their slots with, nil votes too.
    var contents: [VoteSlot: VoteTarget] = [:]
    /// The model's ballots, and by node where its validator may stand.
    var state = ModelState()
    var places: [Set<ModelValidator>] = []
    var complaint: String?
    /// What happened, so that the tests know that enough did.
    var counts = Counts()
    /// By receiver and sender, the Byzantine one last: whether votes arrive for now.
    var lines: [[Bool]] = []

    struct Counts {
        var votes = 0
        var restarts = 0
        var certificates = 0
        var locks = 0
        var unlocks = 0
        var unsentLocks = 0
    }

    init(seed: UInt64, rounds: Int = 5, gadgetRules: VotingRules = .production) {
        configuration = ModelConfiguration(rounds: rounds, reduced: false)
        model = Model(configuration)
        tree = model.tree
        domain = ModelKeys.domain(configuration, tree)
        random = SeededGenerator(seed: seed)
        for index in 0..<configuration.honest {
            nodes.append(GadgetNode(index, tree, domain, gadgetRules))
            places.append([])
        }
        for index in nodes.indices { places[index] = closure([ModelValidator()], of: index) }
        for index in nodes.indices {
            start(index)
            // Mostly the same blocks, so that there are quorums.
            importBlock(1, at: index)
            importBlock(pick(4) == 0 ? 4 : 2, at: index)
        }
    }

    mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    /// Takes steps until a gadget leaves the model's rounds or something is wrong.
    mutating func run(steps: Int) {
        for step in 0..<steps {
            if step % 40 == 0 {
                lines = nodes.map { _ in nodes.map { _ in pick(4) > 0 } + [pick(3) > 0] }
            }
            guard complaint == nil else { return }
            let index = pick(nodes.count)
            guard !isOver(index) else { return }
            act(index)
            compare(index)
        }
    }

    /// Whether a gadget is in the last round of the model, in the end of which the model stands
    /// still.
    func isOver(_ index: Int) -> Bool {
        Int(nodes[index].gadget.round.rawValue) >= configuration.rounds - 1
    }

    private mutating func act(_ index: Int) {
        switch pick(100) {
        case 0..<2: importBlock(pick(tree.count) + 1, at: index)
        case 2..<42: deliverSent(to: index)
        case 42..<58: deliverByzantine(to: index)
        case 58..<62: deliverCertificate(to: index)
        case 62..<64: fireTimer(at: index)
        case 64..<80: sign(at: index)
        case 80..<96: for _ in 0..<4 where nodes[index].canCarryOut { carryOut(index) }
        case 96..<97: handle(.targetCap(.init(depth: UInt32(pick(2)))), at: index)
        default: crash(index)
        }
    }

    // MARK: Inputs

    mutating func start(_ index: Int) {
        handle(.measurement(.usable(.zero)), at: index)
        handle(.start, at: index)
    }

    mutating func handle(_ input: CoherenceGadget.Input, at index: Int) {
        let tree = nodes[index].tree
        nodes[index].now = nodes[index].now + .milliseconds(1)
        nodes[index].effects += nodes[index].gadget.handle(input, tree: tree, now: nodes[index].now)
        if pick(3) > 0 { while nodes[index].canCarryOut { carryOut(index) } }
    }

    private mutating func importBlock(_ block: Int, at index: Int) {
        let hash = tree.blocks[block].hash
        guard let whole = tree.trees[0].block(hash), let state = tree.trees[0].state(of: hash),
            !nodes[index].tree.contains(hash),
            (try? nodes[index].tree.insert(whole, state: state, waivingSlotLimit: true)) != nil
        else { return }
        nodes[index].imported.append(block)
        handle(.blockImported(tree.blocks[block]), at: index)
    }

    private mutating func deliverSent(to index: Int) {
        guard !sent.isEmpty else { return }
        // Mostly the newest votes, so that quorums come together.
        let window = min(sent.count, pick(4) == 0 ? sent.count : 6)
        let vote = sent[sent.count - 1 - pick(window)]
        guard lines[index][Int(vote.index.rawValue)] else { return }
        handle(.vote(vote), at: index)
    }

    private mutating func deliverByzantine(to index: Int) {
        guard lines[index][configuration.honest] else { return }
        // What helps a quorum on, or something wild.
        let phase = VotePhase.allCases[pick(2)]
        var round = nodes[index].gadget.round
        var target = VoteTarget(tree.blocks[pick(tree.count) + 1])
        if pick(3) > 0, let vote = sent.suffix(6).dropFirst(pick(min(6, sent.count + 1))).first {
            (round, target) = (vote.round, vote.target)
        } else if pick(2) == 0 {
            round = RoundNumber(UInt64(pick(configuration.rounds)))
        }
        if pick(6) == 0 { target = .nothing }
        let vote = ModelKeys.vote(
            configuration.honest, phase, round: round, for: target, in: domain)
        handle(.vote(vote), at: index)
    }

    private mutating func deliverCertificate(to index: Int) {
        let known = model.certificates(in: state)
        guard !known.isEmpty else { return }
        let one = known[pick(known.count)]
        let target = VoteTarget(tree.blocks[one.block])
        let round = RoundNumber(UInt64(one.round))
        let voters = one.honestSigners + [configuration.honest]
        let certificate = FinalityCertificate(
            setID: domain.set.id, setHash: domain.set.hash, round: round, target: target,
            policy: domain.set.policy,
            precommits: voters.map {
                VoteEntry(
                    ModelKeys.vote($0, .precommit, round: round, for: target, in: domain))
            })
        do {
            let verified = try certificate.verify(
                set: domain.set, genesisHash: domain.genesisHash, verifier: NoSignatures())
            handle(.certificate(verified), at: index)
        } catch {
            complaint = "the model's certificate is refused: \(error)"
        }
    }

    private mutating func fireTimer(at index: Int) {
        guard !nodes[index].timers.isEmpty else { return }
        let timer = nodes[index].timers.remove(at: pick(nodes[index].timers.count))
        handle(.timer(timer), at: index)
    }

    private mutating func sign(at index: Int) {
        guard !nodes[index].unsigned.isEmpty else { return }
        let vote = nodes[index].unsigned.remove(at: pick(nodes[index].unsigned.count))
        guard pick(12) > 0 else { return handle(.signingFailed(vote.slot), at: index) }
        let own = ModelKeys.vote(
            index, vote.slot.phase, round: vote.slot.round, for: vote.target, in: domain)
        handle(.signed(vote.slot, own.vote.signature.bytes), at: index)
    }

    private mutating func crash(_ index: Int) {
        counts.restarts += 1
        let durable = nodes[index].disk
        if durable.lock != nil,
            durable.signRecords.map(\.slot.round).max() ?? RoundNumber(0)
                < durable.lock?.round ?? RoundNumber(0)
        {
            counts.unsentLocks += 1
        }
        do {
            try nodes[index].restart(tree, domain)
        } catch {
            complaint = "node \(index) does not believe its disk: \(error)"
        }
        start(index)
    }

    // MARK: Effects

    mutating func carryOut(_ index: Int) {
        let effect = nodes[index].effects.removeFirst()
        switch effect {
        case .sign(let vote): nodes[index].unsigned.append(vote)
        case .persist(let record):
            if case .lock(_, let lock) = record {
                if lock != nil { counts.locks += 1 }
                if let old = nodes[index].disk.lock, let lock, lock.round > old.round,
                    !nodes[index].tree.isDescendant(lock.block.hash, ofOrEqual: old.block.hash)
                {
                    counts.unlocks += 1
                }
            }
            nodes[index].store(record)
            if case .vote(let record) = record { note(record, of: index) }
        case .finalised(_, let block):
            counts.certificates += 1
            _ = nodes[index].tree.finalise(block.hash)
            nodes[index].disk.finalised = block
        case .setTimer(let timer, _):
            nodes[index].timers.removeAll { $0 == timer }
            nodes[index].timers.append(timer)
        case .cancelTimer(let timer): nodes[index].timers.removeAll { $0 == timer }
        case .alarm(let alarm): complaint = "node \(index) raises an alarm: \(alarm)"
        case .broadcast, .broadcastQuorumCertificate, .wantBlock, .roundEntered, .doubleVote,
            .note:
            break
        }
    }

    /// A vote is durable: from now on others may have it.
    private mutating func note(_ record: SignRecord, of index: Int) {
        let earlier = contents.updateValue(record.target, forKey: record.slot)
        if let earlier, earlier != record.target {
            complaint = "\(record.slot) holds \(earlier) and \(record.target)"
            return
        }
        let round = Int(record.slot.round.rawValue)
        guard round < configuration.rounds else { return }
        let vote = ModelKeys.vote(
            index, record.slot.phase, round: record.slot.round, for: record.target, in: domain)
        sent.append(vote)
        counts.votes += 1
        guard let block = tree.blocks.firstIndex(where: { $0.hash == record.target.hash }) else {
            return
        }
        let slot = 2 * round + Int(record.slot.phase.rawValue)
        var next: Set<ModelValidator> = []
        var ballots = state.ballots
        for place in places[index].sorted(by: { $0.order < $1.order }) {
            for successor in steps(of: index, from: place)
            where successor.move.slot == slot && successor.move.block == block
                && (successor.move.kind == .prevotes || successor.move.kind == .precommits)
            {
                next.insert(successor.state[index])
                ballots = successor.state.ballots
            }
        }
        if next.isEmpty {
            complaint = "the model does not let \(index) send \(record.slot) \(tree.names[block])"
            return
        }
        state.ballots = ballots
        places[index] = next
        for other in nodes.indices { places[other] = closure(places[other], of: other) }
    }
}
