import Simulation
import Testing

struct AttackerTests {
    /// Each attacker of four, alone, with the faults of the Byzantine profile.
    @Test(arguments: AttackerKind.allCases)
    func `One validator of four can neither split nor stop the others`(attacker: AttackerKind) {
        for seed in UInt64(1)...2 {
            var options = SimulationOptions(
                seed: seed, nodeCount: 4, profile: .byzantine, roundCount: 40)
            options.tuning.attackers = [attacker]
            if attacker.needsHandOffs { options.tuning.sessionLength = 2 }
            var simulator = Simulator(options)
            simulator.run()
            #expect(simulator.attackerAccounts.isEmpty == false, "\(attacker.rawValue)")
            #expect(
                simulator.violation == nil,
                "\(attacker.rawValue), seed \(seed)\n\(simulator.transcript.newest.suffix(40))")
        }
    }

    @Test func `Of three validators one that does not equivocate is borne`() {
        for attacker in AttackerKind.allCases where !attacker.equivocates {
            var options = SimulationOptions(
                seed: 3, nodeCount: 3, profile: .byzantine, roundCount: 30)
            options.tuning.attackers = [attacker]
            if attacker.needsHandOffs { options.tuning.sessionLength = 2 }
            var simulator = Simulator(options)
            simulator.run()
            #expect(simulator.violation == nil, "\(attacker.rawValue)")
        }
    }
}
