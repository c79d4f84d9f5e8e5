import Simulation
import Testing

struct MutantTests {
    @Test(arguments: Mutant.all)
    func `A broken rule is found`(mutant: Mutant) {
        let worlds = [HuntingGround.adversary(), HuntingGround.crashes()]
        let finding = mutant.search(worlds, seeds: 1...40)
        #expect(finding != nil)
        if let finding {
            print(
                "\(mutant.name): \(finding.runCount) runs, \(finding.roundCount) rounds: \(finding.violation)"
            )
        }
    }
}
