import Simulation
import Testing

/// Seeds that once found something, with what it was. Changes of the protocol or of the simulator
/// give a seed another history; what each found also has a test of its own where it was mended.
struct PastFailureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let seed: UInt64
        let nodeCount: Int
        let profile: SimulationProfile
        /// Blocks in a session; nil: as the seed decides.
        var session: UInt32? = 0
        let found: String
        var testDescription: String { "seed \(seed): \(found)" }
    }

    static let cases = [
        Case(
            seed: 8, nodeCount: 4, profile: .swarm,
            found: "a certificate on disk with an own precommit that the sign log lacked"),
        Case(
            seed: 141, nodeCount: 3, profile: .swarm,
            found: "a tree full of a fork asked only for certificates of its own fork"),
        Case(
            seed: 120, nodeCount: 7, profile: .swarm,
            found: "claims above the tree's depth but within the gap were not followed"),
        Case(
            seed: 108, nodeCount: 3, profile: .swarm,
            found: "one withheld block was asked for so often that no other was served"),
        Case(
            seed: 1_026, nodeCount: 3, profile: .byzantine,
            found: "the same, with an attacker who withholds"),
        Case(
            seed: 107, nodeCount: 3, profile: .swarm,
            found: "the checker counted votes that were signed and never durable"),
        Case(
            seed: 128, nodeCount: 4, profile: .swarm,
            found: "more signers failed than the quorum can do without"),
        Case(
            seed: 3, nodeCount: 1, profile: .crash,
            found: "the checker did not know blocks that a crash had kept from it"),
        Case(
            seed: 1, nodeCount: 4, profile: .swarm, session: 2,
            found: "an extrinsic of a member that only the sender's chain had was held against it"),
        Case(
            seed: 1_403, nodeCount: 4, profile: .swarm, session: 1,
            found: "of two blocks that became final at once the first was taken for the hand-off"),
        Case(
            seed: 304, nodeCount: 3, profile: .crash, session: 1,
            found: "the checker did not know a vote that only the hand-off's certificate held"),
        Case(
            seed: 100_092, nodeCount: 7, profile: .swarm, session: nil,
            found: "requests that were given up stayed open towards a peer that stood still"),
        Case(
            seed: 101_450, nodeCount: 4, profile: .byzantine, session: nil,
            found: "the checker took a voter's place in a set for that in a branch's set"),
        Case(
            seed: 101_732, nodeCount: 4, profile: .byzantine, session: nil,
            found: "the checker did not know that attackers send votes that are not on their disks"),
        Case(
            seed: 100_382, nodeCount: 3, profile: .wan, session: nil,
            found: "a slow line in a storm held a stream up for a minute, and was not given up"),
    ]

    /// Seeds of hunting grounds in which the protocol as it is once broke a rule.
    static let hunted = [
        (
            ground: HuntingGround.strategist, seed: UInt64(12),
            found: "two of four ran ahead by nil precommits, and one of them crashed for good"
        )
    ]

    @Test(arguments: hunted.indices)
    func `What was found in a hunting ground is not found again`(index: Int) {
        let failure = Self.hunted[index]
        for var options in failure.ground.worlds {
            options.seed = failure.seed
            var simulator = Simulator(options)
            simulator.run()
            #expect(
                simulator.violation == nil,
                "\(failure.found): \(options.commandLine)\n\(simulator.transcript.newest.suffix(60))"
            )
        }
    }

    @Test(arguments: cases)
    func `What was found is not found again`(failure: Case) {
        var options = SimulationOptions(
            seed: failure.seed, nodeCount: failure.nodeCount, profile: failure.profile,
            roundCount: 100)
        options.tuning.sessionLength = failure.session
        var simulator = Simulator(options)
        simulator.run()
        #expect(
            simulator.violation == nil,
            "\(options.commandLine)\n\(simulator.transcript.newest.suffix(60))")
    }
}
