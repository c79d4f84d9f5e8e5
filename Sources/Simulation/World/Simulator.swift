internal import BlockSync
internal import Chain
package import Coherence
package import Primitives
internal import Validator
internal import VoteGossip

/// A whole network in one deterministic machine: nodes that run the real `ValidatorCore` and
/// `EffectQueue`, and around them a virtual clock, network, disks, signers and faults.
///
/// Everything is decided by the options, the seed among them; nothing else is asked. Checkers look
/// at every step: see `Violation`. A run alternates between epochs of faults and a network that is
/// healed and has to prove within a bound that finality advances everywhere.
package struct Simulator {
    package let options: SimulationOptions
    let world: World
    let constants: ChainConstants
    /// The chain's first set.
    let domain: VotingDomain
    /// The sets that were activated, by id.
    var domains: [VotingDomain]
    let genesis: (state: ChainState, header: Header)
    let verifier: KeyedHashVerifier

    /// The simulation's time.
    package internal(set) var now = Instant.zero
    var heap = EventHeap<Happening>()
    var nodes: [SimulatedNode] = []
    var links: LinkTable
    var network: NetworkConditions
    var nodeConditions: NodeConditions

    var history: History
    package internal(set) var transcript: Transcript
    var digest = EventDigest()
    var meter: TrafficMeter
    /// What went wrong first; the run ends with it.
    package internal(set) var violation: Violation?
    /// Whether nothing went wrong: whether there is no violation, without a look at that large value.
    var isWell = true
    /// What came of forks in a run that may have them: see `SafetyCheck.forks`.
    package internal(set) var forks: [Violation] = []
    package internal(set) var statistics = RunStatistics()

    // Chance, one sequence per purpose.
    var networkRandom: SeededGenerator
    var faultRandom: SeededGenerator
    var workRandom: SeededGenerator
    var changeRandom: SeededGenerator

    /// What somebody wants of the validator set, until it is so.
    var plannedChange: PlannedChange?
    /// Keys that were made for rotations.
    var newKeyCount = 0

    // Faults.
    var phase = Phase.faults
    var activeFaults: [ActiveFault] = []
    var nextFaultID: UInt64 = 0
    var latencyFactor = 1
    var dropRules: [DropRule] = []
    var hostilitySeed: UInt64 = 0
    var strategySeed: UInt64 = 0
    /// Who gets no blocks in this weather, and so goes on with a chain of its own.
    var starvedOfBlocks: Int?
    var verdicts = VoteVerdicts()
    /// What the messages on their way carry votes of.
    var contents = MessageMemo<(DropRule.Content, RoundNumber)?>()
    /// When something of a round was first heard of in this weather.
    var roundsHeard: [RoundNumber: Instant] = [:]

    /// Nodes that stay down while the others prove that they can do without them.
    var spared: [Int] = []

    // Requests under way.
    var requests: [RequestToken: OpenRequest] = [:]
    var asked: [OwnRequest: RequestToken] = [:]
    var inbound: [InboundRequestID: RequestToken] = [:]
    var nextRequest: UInt64 = 0

    /// Whether faults happen now.
    enum Phase: Sendable { case faults, healed }

    /// A request as the node that makes it knows it.
    struct OwnRequest: Sendable, Hashable {
        let node: Int
        let life: UInt32
        let id: RequestID
    }

    /// A request for blocks under way.
    struct OpenRequest: Sendable {
        let id: RequestID
        let requester: Int
        let life: UInt32
        let link: Int
        let connection: UInt32
        let inbound: InboundRequestID

        var own: OwnRequest { OwnRequest(node: requester, life: life, id: id) }
    }

    package init(_ options: SimulationOptions) {
        precondition((1...128).contains(options.nodeCount), "1 to 128 nodes")
        var random = SeededGenerator(seed: options.seed, purpose: 1)
        let world = World(options, random: &random)
        self.options = options
        self.world = world
        (constants, genesis, domain) = Self.chain(options, world)
        domains = [domain]
        network = world.network
        nodeConditions = world.node
        verifier = KeyedHashVerifier(faults: options.signing)
        let attackers = Self.attackers(options, world, &random)
        let nodeCount = attackers.count + world.reserveCount + world.observerCount
        let validatorCount = options.nodeCount + world.reserveCount
        var linkRandom = SeededGenerator(seed: options.seed, purpose: 7)
        links = LinkTable(
            nodeCount: nodeCount,
            voteByteBudget: GossipConfiguration().queueByteBudget(
                validatorCount: validatorCount),
            random: &linkRandom)
        history = History(set: domain.set, genesis: domain.genesisHash)
        transcript = Transcript(limit: options.transcriptLimit)
        networkRandom = SeededGenerator(seed: options.seed, purpose: 2)
        faultRandom = SeededGenerator(seed: options.seed, purpose: 3)
        workRandom = SeededGenerator(seed: options.seed, purpose: 4)
        changeRandom = SeededGenerator(seed: options.seed, purpose: 6)
        meter = TrafficMeter(
            nodeCount: nodeCount, validatorCount: validatorCount,
            quorum: constants.policy.threshold(validatorCount: validatorCount))
        makeNodes(attackers, &random)
        beginEverything()
    }

    private static func chain(
        _ options: SimulationOptions, _ world: World
    ) -> (ChainConstants, (state: ChainState, header: Header), VotingDomain) {
        let policy = QuorumPolicy.standard(validatorCount: options.nodeCount)
        let validators = identities(options.nodeCount)
        do {
            let constants = try ChainConstants(
                specVersion: 1, chainID: "simulated",
                slotDurationMilliseconds: world.slotMilliseconds, policy: policy,
                sessionLength: world.sessionLength)
            let genesis = try ChainState.genesis(constants: constants, validators: validators)
            let domain = VotingDomain(
                genesisHash: genesis.header.hash, set: genesis.state.activeSet)
            return (constants, genesis, domain)
        } catch {
            preconditionFailure("the simulated chain is well-formed: \(error)")
        }
    }

    private static func identities(_ count: Int) -> [ValidatorIdentity] {
        (0..<count).compactMap(identity)
    }

    /// The account of a number with its first key.
    private static func identity(_ number: Int) -> ValidatorIdentity? {
        ValidatorIdentity(
            account: KeyedHashScheme.account(of: number),
            falconPublicKey: KeyedHashScheme.publicKey(of: number))
    }

    /// The set of a run with this many validators.
    static func validators(_ count: Int) -> ValidatorSet {
        do {
            return try ValidatorSet(
                id: SetID(0), validators: identities(count),
                policy: QuorumPolicy.standard(validatorCount: count))
        } catch {
            preconditionFailure("the simulated set is well-formed: \(error)")
        }
    }

    private mutating func makeNodes(
        _ attackers: [(validator: Int, attacker: (any Attacker)?)],
        _ random: inout SeededGenerator
    ) {
        let reserve = (0..<world.reserveCount + world.observerCount).map {
            (validator: options.nodeCount + $0, attacker: nil as (any Attacker)?)
        }
        for (index, (number, attacker)) in (attackers + reserve).enumerated() {
            let isObserver = number >= options.nodeCount + world.reserveCount
            let skew = world.clockSkew
            let clock = VirtualClock(
                origin: UInt64(random.draw(0...1_000_000)) * 1_000_000,
                driftPartsPerMillion: Int64(random.draw(-world.drift...world.drift)),
                wallOffset: random.duration(.zero - skew...skew).clampedNanoseconds)
            let image = DiskImage(genesisHeader: genesis.header, state: genesis.state)
            nodes.append(
                SimulatedNode(
                    number: number,
                    keys: isObserver ? [] : Self.identity(number).map { [HeldKey($0)] } ?? [],
                    attacker: attacker,
                    clock: clock, disk: VirtualDisk(image, faults: options.persistence),
                    random: SeededGenerator(
                        seed: options.seed, purpose: 100 + UInt64(index))))
        }
    }

    /// Which validator each node is, and what attacks it: one node for each, and a second one for
    /// each twin.
    private static func attackers(
        _ options: SimulationOptions, _ world: World, _ random: inout SeededGenerator
    ) -> [(validator: Int, attacker: (any Attacker)?)] {
        let kinds = (options.tuning.attackers ?? AttackerKind.allCases).filter {
            (world.toleratesEquivocation || !$0.equivocates)
                && (world.sessionLength > 0 || !$0.needsHandOffs)
        }
        var chosen = [AttackerKind?](repeating: nil, count: options.nodeCount)
        var places = Array(0..<options.nodeCount)
        for _ in 0..<world.byzantineCount {
            let place = places.remove(at: random.draw(0...(places.count - 1)))
            chosen[place] = random.pick(kinds)
        }
        let firsts = chosen.enumerated().map { ($0.offset, $0.element?.attacker) }
        let twins = chosen.enumerated().filter { $0.element == .twin }
        return firsts + twins.map { ($0.offset, $0.element?.attacker) }
    }

    private mutating func beginEverything() {
        for (index, node) in nodes.enumerated() {
            if let attacker = node.attacker {
                note(.note("is Byzantine: \(type(of: attacker).name)"), node: index)
            }
            if node.attacker is Twin {
                note(.note("shares the key of v\(node.number)"), node: index)
            }
            let delay = workRandom.duration(.zero ... .milliseconds(800))
            heap.push(.restart(node: index, life: 0), at: now + delay)
        }
        for link in links.dialled {
            heap.push(.dial(link: link), at: now + networkRandom.duration(.zero ... .seconds(1)))
        }
        heap.push(.remark, at: now + .seconds(1))
        if world.sessionLength > 0, options.script.isEmpty {
            heap.push(.setChange, at: now + .seconds(2))
        }
        heap.push(.metering, at: now + TrafficMeter.window)
        if options.script.isEmpty {
            heap.push(.fault, at: now + faultRandom.scaledDuration(world.faults.pause))
        }
        for (index, step) in options.script.enumerated() {
            heap.push(.script(index), at: now + step.at)
        }
    }

    // MARK: Running

    /// The nodes that follow the protocol.
    var honest: [Int] { nodes.indices.filter { nodes[$0].isHonest } }

    /// The honest nodes that have to prove that they are alive.
    var provers: [Int] { honest.filter { !spared.contains($0) } }

    /// The evidence of double votes that each node has on its disk.
    package var evidence: [[DoubleVote]] { nodes.map(\.disk.durable.evidence) }

    /// The accounts of the attackers.
    package var attackerAccounts: [AccountID] {
        nodes.filter { !$0.isHonest }
            .map(\.account)
    }

    /// The digest of everything that happened so far.
    package var historyDigest: Hash256 { digest.value }

    /// Lets the next thing happen; false when something went wrong.
    mutating func step() -> Bool {
        guard isWell, let (at, happening) = heap.pop() else { return false }
        now = max(now, at)
        if let node = happening.node, nodes[node].frozenUntil > now {
            heap.push(happening, at: nodes[node].frozenUntil)
            return true
        }
        statistics.eventCount += 1
        happen(happening)
        return isWell
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .input(let node, let life, let input):
            if isAlive(node, life) { give(input, to: node) }
        case .timer(let node, let life, let id, let setting):
            guard isAlive(node, life), nodes[node].timers.end(id, setting) else { return }
            give(.timer(id), to: node)
        case .committed(let node, let life): if isAlive(node, life) { committed(node) }
        case .slot(let node, let life): if isAlive(node, life) { enterSlot(node) }
        case .measurement(let node, let life): if isAlive(node, life) { measure(node) }
        case .attack(let node, let life): if isAlive(node, life) { attack(node) }
        case .metering: readMeter()
        case .remark: submitRemark()
        case .setChange: changeSet()
        case .crash(let node, let life): if isAlive(node, life) { failInHandOff(node) }
        case .restart(let node, let life):
            if !nodes[node].isUp, nodes[node].life == life { start(node) }
        case .fault: if phase == .faults { injectFault() }
        case .faultEnd(let id): endFault(id)
        case .script(let index): perform(options.script[index].action)
        case .dial, .opened, .closed, .reopen, .send, .arrival, .silence, .requestTimeout:
            happenOnNetwork(happening)
        }
    }

    func isAlive(_ node: Int, _ life: UInt32) -> Bool {
        nodes[node].isUp && nodes[node].life == life
    }

    mutating func fail(_ violation: Violation?) {
        guard let violation, isWell else { return }
        if options.skippedChecks.contains(.forks), violation.isOfFork {
            if forks.isEmpty { note(.fault("fork: \(violation)")) }
            if forks.count < 64 { forks.append(violation) }
            return
        }
        self.violation = violation
        isWell = false
        note(.fault("VIOLATION: \(violation)"))
    }

    mutating func note(_ event: Transcript.Event, node: Int? = nil) {
        transcript.add(event, node: node, at: now)
    }
}

extension Happening {
    /// The node whose standing still holds it up.
    fileprivate var node: Int? {
        switch self {
        case .input(let node, _, _), .timer(let node, _, _, _), .committed(let node, _),
            .slot(let node, _), .measurement(let node, _), .attack(let node, _):
            node
        default: nil
        }
    }
}
