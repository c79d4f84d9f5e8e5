import Foundation
import Fuzzing
import Primitives
import Testing

/// Mutated inputs for everything that takes bytes from outside; docs/threats.md, "Input".
///
/// `QH_FUZZ_SEED` decides the inputs. A finding names seed and run; should an input end the process,
/// `quantumharmony-fuzz TARGET --seed SEED --trace FILE` leaves it in the file.
@Suite(.serialized) struct FuzzTests {
    static let seed =
        ProcessInfo.processInfo.environment["QH_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

    @Test(arguments: FuzzTarget.all.map(\.name))
    func `mutated inputs do no harm`(name: String) async throws {
        let target = try #require(FuzzTarget.named(name))
        print("fuzzing \(name), seed \(Self.seed)")
        let report = try await OwnThread.run {
            let campaign = try Campaign(target, seed: Self.seed)
            return try campaign.run(0..<max(target.runCount, campaign.sampleCount))
        }
        // The samples are taken, and not everything is.
        #expect(report.accepted > 0 && report.accepted < report.executions, "\(report)")
    }

    @Test(arguments: try Corpus.targetsWithFindings())
    func `past findings stay fixed`(folder: String) async throws {
        let target = try #require(FuzzTarget.named(folder), "no target \(folder)")
        let findings = try Corpus.findings(of: target)
        #expect(!findings.isEmpty)
        for finding in findings {
            let outcome = try await OwnThread.run { try target.check(finding.bytes) }
            print("\(folder)/\(finding.name): \(outcome)")
        }
    }

    @Test func `a seed decides every input`() throws {
        let target = try #require(FuzzTarget.named("gossip-message"))
        let (one, again, other) = (
            try Campaign(target, seed: 5), try Campaign(target, seed: 5),
            try Campaign(target, seed: 6)
        )
        let runs = one.sampleCount..<one.sampleCount + 200
        #expect(runs.map { one.input($0) } == runs.map { again.input($0) })
        #expect(runs.map { one.input($0) } != runs.map { other.input($0) })
    }

    @Test func `a finding is reported with what leads to it again`() async throws {
        let target = FuzzTarget("broken", reads: "nothing", runs: 1, samples: { [[1, 2, 3]] }) {
            bytes throws(FuzzFinding) in
            guard bytes.starts(with: [1]) else { throw FuzzFinding("does not begin with 1") }
            return .accepted
        }
        let campaign = try Campaign(target, seed: 3)
        let failure = await #expect(throws: Campaign.Failure.self) {
            try await OwnThread.run { try campaign.run(0..<1_000) }
        }
        let found = try #require(failure)
        #expect(!found.input.starts(with: [1]) && campaign.input(found.run) == found.input)
        #expect(throws: FuzzFinding.self) { try target.check(found.input) }
    }

    @Test func `names are folder names and differ`() {
        let names = FuzzTarget.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLetter || $0 == "-" || $0.isNumber } })
    }

    @Test func `scripts are written as they are read`() {
        var random = SeededGenerator(seed: Self.seed)
        for _ in 0..<500 {
            let steps = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                Script.Step(
                    UInt8.random(in: 0...255, using: &random),
                    UInt8.random(in: 0...255, using: &random),
                    (0..<Int.random(in: 0...700, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    })
            }
            #expect(Script(parsing: Script(steps).bytes).steps == steps)
        }
    }
}

/// Work on a thread of its own: targets wait for asynchronous work, which a thread of the pool must
/// not do.
enum OwnThread {
    static func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result { try work() }) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }
}
