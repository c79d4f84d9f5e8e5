import Coherence
import Simulation
import Testing

/// More Byzantine validators than the policy bears: the fork that no protocol can prevent, and what
/// is known of it afterwards.
struct TooManyTests {
    /// Three validators, two of which make a quorum, and one that votes twice, while the network is
    /// split again and again.
    private func world(seed: UInt64) -> SimulationOptions {
        var options = SimulationOptions(
            seed: seed, nodeCount: 3, profile: .lite, roundCount: 200)
        options.tuning.attackers = [.equivocator]
        options.tuning.attackerCount = 1
        options.tuning.bearsTooMany = true
        options.skippedChecks = [.forks]
        var faults = FaultMix()
        faults[.split] = 1
        faults.pause = .seconds(1)...(.seconds(4))
        faults.length = .seconds(2)...(.seconds(8))
        options.tuning.faults = faults
        return options
    }

    @Test func `One equivocator of three makes two certificates, and evidence that names it`()
        throws
    {
        var found: Simulator?
        for seed in UInt64(1)...20 where found == nil {
            var simulator = Simulator(world(seed: seed))
            simulator.run()
            if !simulator.forks.isEmpty, simulator.evidence.contains(where: { !$0.isEmpty }) {
                found = simulator
            }
        }
        let simulator = try #require(found, "no fork with evidence in 20 seeds")
        #expect(
            simulator.forks.contains {
                if case .conflictingCertificate = $0 { true } else { false }
            })
        let culprits = simulator.attackerAccounts
        #expect(culprits.count == 1)
        for double in simulator.evidence.joined() {
            #expect(culprits.contains(double.first.validator))
            #expect(double.first.target != double.second.target)
        }
    }

    @Test func `The same equivocator of four makes no fork`() {
        for seed in UInt64(1)...3 {
            var options = world(seed: seed)
            options.nodeCount = 4
            options.roundCount = 40
            options.skippedChecks = []
            var simulator = Simulator(options)
            simulator.run()
            #expect(
                simulator.violation == nil,
                "seed \(seed)\n\(simulator.transcript.newest.suffix(40))")
        }
    }
}
