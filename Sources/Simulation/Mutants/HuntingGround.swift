/// Worlds that are rough where a broken rule shows: short slots on slow lines, so that forks are
/// the rule, votes that an adversary keeps from some, and crashes.
package enum HuntingGround {
    /// All of them, for four nodes.
    package static var all: [SimulationOptions] { [adversary(), crashes(), attackers()] }

    /// Forks, an adversary, and one Byzantine validator.
    package static func attackers(nodeCount: Int = 4) -> SimulationOptions {
        var options = adversary(nodeCount: nodeCount)
        options.tuning.attackerCount = 1
        return options
    }

    /// Forks and an adversary who decides which votes of a round arrive where.
    package static func adversary(nodeCount: Int = 4) -> SimulationOptions {
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

    /// Forks, an adversary, and nodes that crash all the time.
    package static func crashes(nodeCount: Int = 4) -> SimulationOptions {
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
