/// Worlds that are rough where a broken rule shows: short slots on slow lines, so that forks are
/// the rule, votes that an adversary keeps from some, and crashes. The protocol as it is has to
/// keep its rules in all of them.
package struct HuntingGround: Sendable, Hashable {
    /// What it is called.
    package let name: String
    private let kinds: [Kind]

    private enum Kind: Sendable, Hashable {
        case adversary(nodes: Int)
        case strategist(nodes: Int)
        case crashes(nodes: Int)
        case signers(nodes: Int)
        case handOffs(nodes: Int)
        case attackers([AttackerKind]?, nodes: Int)
        case script(DirectedSchedule)
    }

    /// Forks and an adversary who decides which votes of a round arrive where; with three
    /// validators, four, and one Byzantine of four.
    package static let rough = HuntingGround(
        name: "rough",
        kinds: [.adversary(nodes: 3), .adversary(nodes: 4), .attackers(nil, nodes: 4)])

    /// Forks and an adversary who knows the protocol, and a proof of life after every few rounds,
    /// often with one node less and all others just started.
    package static let strategist = HuntingGround(
        name: "strategist", kinds: [.strategist(nodes: 4)])

    /// The same, and nodes that crash all the time.
    package static let crashes = HuntingGround(
        name: "crashes", kinds: [.crashes(nodes: 3), .crashes(nodes: 4)])

    /// Signers that fail for seconds, on most nodes at once, and now and then at random.
    package static let signers = HuntingGround(
        name: "signers", kinds: [.signers(nodes: 3), .signers(nodes: 4)])

    /// Sets that change every few blocks, and nodes that crash all the time, most of all in hand-offs;
    /// and a hand-off that one of four knows to be final.
    package static let handOffs = HuntingGround(
        name: "handOffs", kinds: [.handOffs(nodes: 4), .script(.handOffOfOne)])

    /// A lock on a fork that the others then finalise another block against.
    package static let conflict = HuntingGround(
        name: "conflict", kinds: [.script(.conflictingLock)])

    /// A quorum certificate that is older than the locks of the others.
    package static let older = HuntingGround(
        name: "older", kinds: [.script(.olderCertificate)])

    /// A quorum that one hears of when it has left the round.
    package static let late = HuntingGround(
        name: "late", kinds: [.script(.latePrecommit)])

    /// A certificate that comes late, below a lock that has been set since.
    package static let above = HuntingGround(
        name: "above", kinds: [.script(.lockAboveFinality)])

    /// A round that one of four leaves early, and nobody after it.
    package static let early = HuntingGround(
        name: "early", kinds: [.script(.leavingSilently)])

    /// A certificate that one of four has.
    package static let alone = HuntingGround(
        name: "alone", kinds: [.script(.certificateOfOne)])

    /// One Byzantine validator of four, of these kinds.
    package static func against(_ attackers: [AttackerKind]) -> HuntingGround {
        HuntingGround(
            name: attackers.map(\.rawValue).joined(separator: ", "),
            kinds: [.attackers(attackers, nodes: 4)])
    }

    /// Every ground that mutants are looked for in.
    package static let all: [HuntingGround] = Mutant.controls.map(\.ground)

    /// The ground of this name.
    package static func named(_ name: String) -> HuntingGround? { all.first { $0.name == name } }

    /// The runs, but for their seed.
    package var worlds: [SimulationOptions] {
        kinds.enumerated().map { index, kind in
            var options = Self.options(kind)
            options.place = SimulationOptions.Place(ground: name, world: index, broken: nil)
            return options
        }
    }

    private static func options(_ kind: Kind) -> SimulationOptions {
        switch kind {
        case .adversary(let nodes): adversary(nodeCount: nodes)
        case .crashes(let nodes): crashes(nodeCount: nodes)
        case .strategist(let nodes): strategist(nodeCount: nodes)
        case .signers(let nodes): signers(nodeCount: nodes)
        case .handOffs(let nodes): handOffs(nodeCount: nodes)
        case .script(let schedule): schedule.options
        case .attackers(let attackers, let nodes):
            {
                var options = adversary(nodeCount: nodes)
                options.tuning.attackerCount = 1
                options.tuning.attackers = attackers
                return options
            }()
        }
    }

    private static func adversary(nodeCount: Int) -> SimulationOptions {
        var options = forks(nodeCount: nodeCount)
        var faults = FaultMix()
        faults[.hostility] = 8
        faults[.split] = 3
        faults[.oneWay] = 2
        faults.pause = .milliseconds(100)...(.seconds(3))
        faults.length = .milliseconds(300)...(.seconds(8))
        options.tuning.faults = faults
        return options
    }

    private static func strategist(nodeCount: Int) -> SimulationOptions {
        var options = forks(nodeCount: nodeCount)
        options.roundsPerEpoch = 6
        options.epochLimit = .seconds(60)
        var faults = FaultMix()
        faults[.strategy] = 8
        faults[.isolation] = 1
        faults.pause = .milliseconds(100)...(.seconds(2))
        faults.length = .seconds(4)...(.seconds(30))
        options.tuning.faults = faults
        options.tuning.blackoutPermille = 400
        return options
    }

    private static func crashes(nodeCount: Int) -> SimulationOptions {
        var options = forks(nodeCount: nodeCount)
        var faults = FaultMix()
        faults[.crash] = 8
        faults[.massCrash] = 3
        faults[.hostility] = 6
        faults[.split] = 2
        faults.pause = .milliseconds(50)...(.seconds(1))
        faults.length = .milliseconds(50)...(.seconds(3))
        options.tuning.faults = faults
        var node = NodeConditions()
        node.commit = .milliseconds(1)...(.milliseconds(60))
        options.tuning.node = node
        return options
    }

    private static func handOffs(nodeCount: Int) -> SimulationOptions {
        var options = crashes(nodeCount: nodeCount)
        options.roundsPerEpoch = 15
        options.epochLimit = .seconds(60)
        options.tuning.sessionLength = 2
        return options
    }

    private static func signers(nodeCount: Int) -> SimulationOptions {
        var options = forks(nodeCount: nodeCount)
        options.roundsPerEpoch = 10
        options.epochLimit = .seconds(60)
        var faults = FaultMix()
        faults[.signers] = 8
        faults[.hostility] = 2
        faults[.crash] = 1
        faults.pause = .milliseconds(100)...(.seconds(2))
        faults.length = .milliseconds(500)...(.seconds(20))
        options.tuning.faults = faults
        var node = NodeConditions()
        node.signingFailurePermille = 20
        options.tuning.node = node
        return options
    }

    private static func forks(nodeCount: Int) -> SimulationOptions {
        var options = SimulationOptions(
            seed: 1, nodeCount: nodeCount, profile: .lite, roundCount: 60)
        options.roundsPerEpoch = 30
        options.tuning.slotMilliseconds = 300
        var network = NetworkConditions()
        network.latency = .milliseconds(40)
        network.jitter = .milliseconds(300)
        options.tuning.network = network
        return options
    }
}
