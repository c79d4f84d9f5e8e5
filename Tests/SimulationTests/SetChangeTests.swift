import Coherence
import Simulation
import Testing

/// Worlds in which validators rotate keys, join, leave and are excluded.
struct SetChangeTests {
    private func run(
        _ profile: SimulationProfile, nodes: Int, session: UInt32, seed: UInt64,
        rounds: UInt64 = 60, _ tune: (inout WorldTuning) -> Void = { _ in }
    ) -> Simulator {
        var options = SimulationOptions(
            seed: seed, nodeCount: nodes, profile: profile, roundCount: rounds)
        options.tuning.sessionLength = session
        tune(&options.tuning)
        var simulator = Simulator(options)
        simulator.run()
        #expect(
            simulator.violation == nil,
            "\(options.commandLine)\n\(simulator.transcript.newest.suffix(60))")
        return simulator
    }

    @Test(arguments: [.swarm, .partition, .crash, .byzantine] as [SimulationProfile], [3, 4, 5])
    func `Sets change again and again, and no rule is broken`(
        profile: SimulationProfile, nodes: Int
    ) {
        var changes = 0
        for seed in UInt64(1)...2 {
            changes += run(profile, nodes: nodes, session: 2, seed: seed).setChangeCount
        }
        #expect(changes >= 4, "\(profile), \(nodes)")
    }

    @Test func `The seed decides whether sets change`() {
        let changes = (UInt64(1)...12).map { seed in
            let options = SimulationOptions(
                seed: seed, nodeCount: 4, profile: .crash, roundCount: 20)
            var simulator = Simulator(options)
            simulator.run()
            #expect(simulator.violation == nil, "\(options.commandLine)")
            return simulator.setChangeCount
        }
        #expect(changes.contains(0) && changes.contains { $0 > 0 }, "\(changes)")
    }

    /// Unless so many have left before that the chain lets nobody else go.
    @Test func `An equivocator of five is convicted and not a member any more`() {
        var excluded = 0
        for seed in UInt64(1)...3 {
            let simulator = run(.byzantine, nodes: 5, session: 2, seed: seed) {
                $0.attackers = [.equivocator]
            }
            let offender = simulator.attackerAccounts
            #expect(offender.count == 1)
            let isMember = simulator.members.contains { offender.contains($0) }
            excluded += isMember ? 0 : 1
            #expect(!isMember || simulator.members.count <= 4, "seed \(seed)")
            #expect(
                simulator.evidence.joined().contains { offender.contains($0.first.validator) },
                "seed \(seed)")
        }
        #expect(excluded > 0)
    }

    @Test func `Power that fails in hand-offs does no harm`() {
        let simulator = run(.crash, nodes: 4, session: 1, seed: 9, rounds: 120)
        #expect(simulator.statistics.handOffCrashCount > 10)
        #expect(simulator.setChangeCount > 10)
    }

    @Test func `Whoever keeps a hand-off to itself is found`() throws {
        let world = try #require(HuntingGround.handOffs.worlds.last)
        let mutant = try #require(Mutant.all.first { $0.name == "keeps certificates to itself" })
        var sound = Simulator(world)
        sound.run()
        #expect(sound.violation == nil && sound.setChangeCount == 1)
        var broken = Simulator(world.breaking(mutant))
        broken.run()
        guard case .notAlive? = broken.violation else {
            Issue.record("\(broken.violation.map { "\($0)" } ?? "nothing found")")
            return
        }
    }
}
