import Coherence
import Foundation
import Primitives
import Testing

/// The search must find every broken rule: a search that cannot fail proves nothing.
@Suite struct MutantSearchTests {
    struct Mutant: Sendable {
        let name: String
        let profile: SearchProfile
        /// A seed that is known to find it.
        let seed: UInt64

        init(
            _ name: String, seed: UInt64 = 0, _ profile: SearchProfile = SearchProfile(),
            _ change: (inout VotingRules) -> Void
        ) {
            self.name = name
            self.seed = seed
            var profile = profile
            profile.rules = .broken(change)
            self.profile = profile
        }
    }

    static let three = SearchProfile(validators: 3)
    static let byzantine = SearchProfile(byzantine: 1)
    static let lossy = SearchProfile(lost: 1)

    static let mutants: [Mutant] = [
        Mutant("no rounds") { $0.separatesRounds = false },
        Mutant("no lock", byzantine) { $0.locks = false },
        Mutant("no memory of the lock", three) { $0.remembersLock = false },
        Mutant("no memory of votes", three) { $0.remembersVotes = false },
        Mutant("nothing sent again") { $0.resendsStoredVotes = false },
        Mutant("a vote per import") { $0.prevotesOncePerRound = false },
        Mutant("late precommits", byzantine) { $0.decidesInOrder = false },
        Mutant("no precommit on leaving", lossy) { $0.precommitsNilOnLeaving = false },
        Mutant("jumps to the highest round", byzantine) { $0.jumpsToSupportedRound = false },
        Mutant("lock dropped below itself", byzantine) { $0.keepsLockAboveFinality = false },
        Mutant("conflicting lock kept", lossy) { $0.dropsConflictingLock = false },
        Mutant("certificates kept to oneself", lossy) { $0.sharesCertificates = false },
        Mutant("a vote less than a quorum", byzantine) { $0.missingQuorumVotes = 1 },
    ]

    @Test(arguments: mutants.indices) func `explore`(_ index: Int) {
        let mutant = Self.mutants[index]
        var found: [String] = []
        for seed: UInt64 in 0..<150 {
            if let violation = Search.run(mutant.profile, seed: seed).violation {
                found.append("\(seed): \(violation)")
                if found.count == 3 { break }
            }
        }
        print("MUT \(mutant.name): \(found)"); fflush(nil)
    }
}
