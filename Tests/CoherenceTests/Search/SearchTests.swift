import Coherence
import Foundation
import Primitives
import Testing

/// Hard searches over seeds; a failure prints the seed, which replays it.
@Suite struct SearchTests {
    static let profiles: [(String, SearchProfile)] = [
        ("four honest", SearchProfile()),
        ("four, one is lost", SearchProfile(lost: 1)),
        ("four with an equivocator", SearchProfile(byzantine: 1)),
        ("three, two votes suffice", SearchProfile(validators: 3)),
        ("three, one is lost", SearchProfile(validators: 3, lost: 1)),
        ("seven with two equivocators", SearchProfile(validators: 7, byzantine: 2)),
        ("seven, an equivocator, one is lost", SearchProfile(validators: 7, byzantine: 1, lost: 1)),
        ("one alone", SearchProfile(validators: 1)),
        ("two", SearchProfile(validators: 2)),
        ("many crashes", SearchProfile(lossPercent: 5, crashMilliseconds: 700)),
        (
            "noise",
            SearchProfile(byzantine: 1, crashMilliseconds: 0, noiseMilliseconds: 500)
        ),
        (
            "slow network, quick blocks",
            SearchProfile(
                blockMilliseconds: 300, delayMilliseconds: 1_500, partitionMilliseconds: 2_000)
        ),
    ]

    /// Seeds per profile; `QH_SEARCH_SEEDS` asks for more.
    static let seeds: UInt64 =
        ProcessInfo.processInfo.environment["QH_SEARCH_SEEDS"].flatMap(UInt64.init) ?? 40

    @Test(arguments: profiles.indices)
    func `no seed breaks a promise`(_ index: Int) {
        let (name, profile) = Self.profiles[index]
        var slowest: (UInt64, UInt64) = (0, 0)
        var heights = 0
        for seed in 0..<Self.seeds {
            let outcome = Search.run(profile, seed: seed)
            #expect(outcome.violation == nil, "\(name), seed \(seed)")
            if let healed = outcome.healedAfter, healed > slowest.0 { slowest = (healed, seed) }
            heights += Int(outcome.height)
        }
        if Self.seeds > 40 {
            print(
                "\(name): slowest healing \(slowest.0) ms (seed \(slowest.1)), mean height",
                heights / Int(Self.seeds))
        }
    }

    @Test func `a seed replays exactly`() {
        let profile = SearchProfile(byzantine: 1)
        #expect(Search.run(profile, seed: 7) == Search.run(profile, seed: 7))
        #expect(Search.run(profile, seed: 7).digest != Search.run(profile, seed: 8).digest)
    }
}
