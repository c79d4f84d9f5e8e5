import Coherence
import ModelCheck
import Testing

/// The gadget does nothing that the model does not: what holds for all of the model's runs holds
/// for the gadget's.
@Suite struct RefinementTests {
    @Test func `every vote, lock and final block of real gadgets is one of the model's`() {
        var sum = GadgetWorld.Counts()
        for seed in UInt64(1)...800 {
            var world = GadgetWorld(seed: seed)
            world.run(steps: 1_500)
            #expect(world.complaint == nil, "seed \(seed): \(world.complaint ?? "")")
            sum.votes += world.counts.votes
            sum.restarts += world.counts.restarts
            sum.certificates += world.counts.certificates
            sum.locks += world.counts.locks
            sum.unlocks += world.counts.unlocks
            sum.unsentLocks += world.counts.unsentLocks
        }
        // Everything that the model has a step for did occur.
        #expect(sum.votes > 1_000)
        #expect(sum.restarts > 1_000)
        #expect(sum.certificates > 100)
        #expect(sum.locks > 100)
        #expect(sum.unlocks > 0)
        #expect(sum.unsentLocks > 0)
    }

    static let faulty: [(name: String, rules: VotingRules)] = [
        ("no lock", .broken { $0.locks = false }),
        ("forgotten locks", .broken { $0.remembersLock = false }),
        ("late precommits", .broken { $0.decidesInOrder = false }),
        ("forgotten votes", .broken { $0.remembersVotes = false }),
        ("small quorums", .broken { $0.missingQuorumVotes = 1 }),
    ]

    @Test(arguments: faulty.map(\.name))
    func `a gadget with a broken rule does something that the model does not`(_ name: String) {
        guard let rules = Self.faulty.first(where: { $0.name == name })?.rules else { return }
        let isFound = (UInt64(1)...400).contains { seed in
            var world = GadgetWorld(seed: seed, gadgetRules: rules)
            world.run(steps: 1_500)
            return world.complaint != nil
        }
        #expect(isFound)
    }
}
