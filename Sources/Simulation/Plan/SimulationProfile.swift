internal import Primitives

/// What kind of world a run takes place in.
package enum SimulationProfile: String, Sendable, Hashable, CaseIterable {
    /// A good network and no crashes.
    case lite
    /// A mix of faults that is different for every seed.
    case swarm
    /// Partitions of all kinds.
    case partition
    /// Crashes, up to those of all nodes at once.
    case crash
    /// As many Byzantine validators as the policy bears, with some other faults.
    case byzantine
    /// Nodes far apart, on lines that lose packets and carry little.
    case wan
}

/// Everything about a run that its seed decides at the start.
struct World: Sendable {
    var network = NetworkConditions()
    var node = NodeConditions()
    var faults = FaultMix()
    var byzantineCount = 0
    /// Whether the policy bears that many validators that give a slot two contents.
    var toleratesEquivocation = true
    /// The chain's slot duration.
    var slotMilliseconds: UInt64 = 1_000
    /// The longest offset of a wall clock.
    var clockSkew: Duration = .milliseconds(50)
    /// The largest drift of a monotonic clock, in parts per million.
    var drift = 100
    /// The pause between two remarks.
    var remarkPause: ClosedRange<Duration> = .milliseconds(200)...(.seconds(4))
    /// How often all nodes start anew when the network heals, out of a thousand.
    var blackoutPermille = 0
    /// The fewest blocks above F at which authors wait.
    var treeDepth = 4_096
    /// Blocks in a session; 0: the validator set never changes.
    var sessionLength: UInt32 = 0
    /// Nodes that may join the set.
    var reserveCount = 0
    /// Nodes without a key that follow.
    var observerCount = 0
    /// The pause between two attempts to change the set.
    let changePause: ClosedRange<Duration> = .milliseconds(400)...(.seconds(4))
    /// How often a node's power fails while it writes a hand-off, out of a thousand.
    var handOffCrashPermille = 0

    /// The world of a run.
    init(_ options: SimulationOptions, random: inout SeededGenerator) {
        self.init(options.profile, validators: options.nodeCount, random: &random)
        let tuning = options.tuning
        network = tuning.network ?? network
        node = tuning.node ?? node
        faults = tuning.faults ?? faults
        slotMilliseconds = tuning.slotMilliseconds ?? slotMilliseconds
        clockSkew = tuning.clockSkew ?? clockSkew
        blackoutPermille = tuning.blackoutPermille ?? blackoutPermille
        admitHandOffs(options)
        if let count = tuning.attackerCount { admitAttackers(count, of: options.nodeCount) }
        if let count = tuning.attackerCount, tuning.bearsTooMany {
            toleratesEquivocation = true
            byzantineCount = count
        }
    }

    /// The world of a profile for a number of validators.
    init(_ profile: SimulationProfile, validators count: Int, random: inout SeededGenerator) {
        slotMilliseconds = random.pick([400, 1_000, 1_000, 2_000]) ?? 1_000
        switch profile {
        case .lite:
            faults[.abstention] = 1
            faults[.clockJump] = 1
            faults.pause = .seconds(5)...(.seconds(40))
        case .swarm:
            mixAtRandom(&random)
            if random.chance(permille: 300) { admitAttackers(1, of: count) }
        case .partition: splitOften(&random)
        case .crash: crashOften(&random)
        case .byzantine:
            splitOften(&random)
            crashOften(&random)
            faults[.slowLink] = 1
            faults[.strategy] = 3
            faults.pause = .seconds(1)...(.seconds(15))
            admitAttackers(Int.max, of: count)
        case .wan: moveApart(&random)
        }
    }

    /// Lets the validator set change in some worlds, with nodes that may join and one that follows.
    /// Drawn apart, so that worlds without are as they always were.
    private mutating func admitHandOffs(_ options: SimulationOptions) {
        var random = SeededGenerator(seed: options.seed, purpose: 5)
        let drawn: UInt32 =
            switch options.profile {
            case .lite, .wan: 0
            case .swarm, .partition, .crash, .byzantine:
                random.chance(permille: 350) ? random.pick([1, 2, 3, 5, 8]) ?? 1 : 0
            }
        sessionLength = options.tuning.sessionLength ?? drawn
        guard sessionLength > 0, options.script.isEmpty else { return }
        reserveCount = random.draw(1...2)
        observerCount = 1
        if faults[.crash] > 0 { handOffCrashPermille = random.draw(0...400) }
    }

    /// Lets as many validators be Byzantine as the policy bears, and no more than a limit. Where it
    /// bears no equivocator, one that is merely silent or wrong is borne when the quorum can do
    /// without it.
    private mutating func admitAttackers(_ limit: Int, of count: Int) {
        let policy = QuorumPolicy.standard(validatorCount: count)
        let borne = min((count - 1) / 3, policy.toleratedEquivocators(validatorCount: count))
        toleratesEquivocation = borne > 0
        let spare = count - policy.threshold(validatorCount: count)
        byzantineCount = min(limit, borne > 0 ? borne : min(1, spare))
    }

    private mutating func splitOften(_ random: inout SeededGenerator) {
        faults[.split] = 6
        faults[.isolation] = 4
        faults[.oneWay] = 4
        faults[.reset] = 2
        faults[.stall] = 2
        network.redeliveryPermille = 300
        network.jitter = random.duration(.zero ... .milliseconds(20))
    }

    private mutating func crashOften(_ random: inout SeededGenerator) {
        faults[.crash] = 8
        faults[.massCrash] = 2
        faults[.slowDisk] = 2
        faults[.fullDisk] = 1
        faults[.freeze] = 1
        blackoutPermille = 300
        node.commit = .microseconds(200)...(random.duration(.milliseconds(1) ... .milliseconds(40)))
        network.redeliveryPermille = 200
    }

    private mutating func moveApart(_ random: inout SeededGenerator) {
        network.latency = random.duration(.milliseconds(15) ... .milliseconds(120))
        network.jitter = random.duration(.milliseconds(5) ... .milliseconds(200))
        network.retransmissionPermille = random.draw(0...30)
        network.bytesPerSecond = random.pick([nil, 125_000, 1_250_000]) ?? nil
        slotMilliseconds = random.pick([2_000, 6_000]) ?? 2_000
        clockSkew = .milliseconds(400)
        faults[.reset] = 2
        faults[.storm] = 2
        faults[.slowLink] = 2
        faults[.stall] = 2
        faults[.oneWay] = 1
        faults[.abstention] = 1
        faults.pause = .seconds(2)...(.seconds(30))
    }

    /// Each fault is in the mix or not, each number anywhere in its range: mixes that nobody would
    /// think of find what nobody thought of.
    private mutating func mixAtRandom(_ random: inout SeededGenerator) {
        for kind in FaultMix.Kind.allCases where random.chance(permille: 450) {
            faults[kind] = random.draw(1...6)
        }
        while faults.weights.count(where: { $0 > 0 }) < 3 {
            if let kind = random.pick(FaultMix.Kind.allCases) { faults[kind] = 3 }
        }
        faults.pause = .milliseconds(50)...(random.duration(.milliseconds(500) ... .seconds(10)))
        faults.length = .milliseconds(20)...(random.duration(.milliseconds(500) ... .seconds(20)))
        network.latency = random.scaledDuration(.microseconds(100) ... .milliseconds(40))
        network.jitter = random.scaledDuration(.microseconds(100) ... .milliseconds(80))
        if random.chance(permille: 400) { network.retransmissionPermille = random.draw(1...60) }
        if random.chance(permille: 300) { network.lossPermille = random.draw(1...150) }
        if random.chance(permille: 200) { network.duplicationPermille = random.draw(1...100) }
        if random.chance(permille: 200) { network.reorderingPermille = random.draw(1...100) }
        if random.chance(permille: 500) { network.redeliveryPermille = random.draw(1...800) }
        if random.chance(permille: 300) { network.bytesPerSecond = random.draw(60_000...2_000_000) }
        if random.chance(permille: 300) { network.windowByteCount = random.draw(3_000...100_000) }
        node.commit =
            .microseconds(50)...(random.scaledDuration(.milliseconds(1) ... .milliseconds(200)))
        node.slowSigningPermille = random.chance(permille: 300) ? random.draw(1...60) : 0
        node.signingFailurePermille = random.chance(permille: 200) ? random.draw(1...30) : 0
        clockSkew = random.scaledDuration(.milliseconds(1) ... .seconds(3))
        drift = random.draw(0...500)
        if random.chance(permille: 250) { treeDepth = random.draw(8...64) }
        blackoutPermille = random.draw(0...500)
    }
}
