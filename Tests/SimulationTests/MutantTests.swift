import Simulation
import Testing

/// Each broken rule is found, and nothing is found where no rule is broken.
struct MutantTests {
    /// In how many seeds each mutant has to be found here; docs/simulator.md tells of the one that
    /// takes longer.
    struct Hunt: Sendable, CustomTestStringConvertible {
        let name: String
        let limit: UInt64
        var testDescription: String { "\(name), within \(limit) seeds" }
    }

    static let hunts = [
        Hunt(name: "votes again in the same round", limit: 5),
        Hunt(name: "never locks", limit: 40),
        Hunt(name: "forgets its votes at a restart", limit: 5),
        Hunt(name: "prevotes every imported block", limit: 5),
        Hunt(name: "takes q - 1 votes for a quorum", limit: 5),
        Hunt(name: "counts a prevote for the ancestors of its block too", limit: 10),
        Hunt(name: "counts one content as often as it comes", limit: 5),
        Hunt(name: "sends before the commit ends", limit: 5),
        Hunt(name: "does not write votes", limit: 5),
        Hunt(name: "does not write locks", limit: 60),
        Hunt(name: "forgets its lock at a restart", limit: 60),
        Hunt(name: "writes blocks when they are final", limit: 5),
        Hunt(name: "leaves the round out of the signed bytes", limit: 5),
        Hunt(name: "believes certificates without signatures", limit: 10),
        Hunt(name: "does not send stored votes again", limit: 5),
        Hunt(name: "drops locks above F when F moves", limit: 2),
        Hunt(name: "unlocks by an older quorum certificate", limit: 2),
        Hunt(name: "decides precommits of rounds that it left", limit: 6),
        Hunt(name: "keeps certificates to itself", limit: 2),
        Hunt(name: "does not begin the rounds of a set at 0", limit: 2),
        Hunt(name: "goes on voting in a set beyond its hand-off", limit: 2),
        Hunt(name: "asks a signer that failed for something else", limit: 3),
        Hunt(name: "asks a signer that failed no more", limit: 10),
        Hunt(name: "leaves rounds without a precommit", limit: 2),
        Hunt(name: "jumps to the highest round seen", limit: 5),
        Hunt(name: "keeps conflicting locks when F moves", limit: 2),
        Hunt(name: "locks blocks that it does not have", limit: 20),
        Hunt(name: "does not write certificates", limit: 5),
    ]

    @Test(arguments: hunts)
    func `A broken rule is found`(hunt: Hunt) throws {
        let mutant = try #require(Mutant.all.first { $0.name == hunt.name })
        #expect(mutant.search(seeds: 1...hunt.limit) != nil)
    }

    @Test(arguments: Mutant.controls)
    func `Nothing is found where no rule is broken`(control: Mutant) {
        let finding = control.search(seeds: 1...3)
        #expect(finding == nil, "\(finding.map { "\($0.options.seed): \($0.violation)" } ?? "")")
    }
}
