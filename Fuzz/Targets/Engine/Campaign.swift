import Foundation
import Primitives

/// Many runs of one target on mutated samples, decided by a seed.
package struct Campaign: Sendable {
    /// What is run.
    package let target: FuzzTarget
    /// The seed that decides every input.
    package let seed: UInt64
    /// An execution may take this much time of its thread's processor, in seconds.
    package static let timeLimit = 4.0
    private let samples: [[UInt8]]

    /// What a campaign came to.
    package struct Report: Sendable {
        /// Inputs that were tried.
        package var executions = 0
        /// How many of them were accepted as valid.
        package var accepted = 0
        /// The longest execution, in seconds of the processor.
        package var longest = 0.0
    }

    /// A finding with the input that leads to it.
    package struct Failure: Error, CustomStringConvertible {
        package let target: String
        package let seed: UInt64
        package let run: Int
        package let input: [UInt8]
        package let reason: String

        package var description: String {
            """
            \(target): \(reason)
            seed \(seed), run \(run), \(input.count) bytes; again: \
            quantumharmony-fuzz \(target) --seed \(seed) --only \(run)
            keep it as Vectors/fuzz/\(target)/NAME.hex: \(input.hex)
            """
        }
    }

    package init(_ target: FuzzTarget, seed: UInt64) throws {
        self.target = target
        self.seed = seed
        samples = try target.samples()
    }

    /// The input of a run: the samples themselves come first.
    package func input(_ run: Int) -> [UInt8] {
        if run < samples.count { return samples[run] }
        var mixer = SeededGenerator(
            seed: seed ^ Properties.seed(of: Array(target.name.utf8)) &+ UInt64(run) &* 0x9E37_79B9)
        var mutator = Mutator(
            SeededGenerator(seed: mixer.next()), limit: target.maximumByteCount)
        return mutator.mutate(samples, asScript: target.isScript)
    }

    /// The number of samples; a sample must be accepted.
    package var sampleCount: Int { samples.count }

    /// Runs a range of inputs.
    ///
    /// - Throws: `Failure` at the first finding.
    package func run(
        _ runs: Range<Int>, before: (Int, [UInt8]) throws -> Void = { _, _ in }
    ) throws -> Report {
        var report = Report()
        for run in runs {
            let input = input(run)
            try before(run, input)
            let started = Self.processorSeconds()
            let outcome: FuzzOutcome
            do throws(FuzzFinding) {
                outcome = try target.check(input)
            } catch {
                throw failure(run, input, error.description)
            }
            let seconds = Self.processorSeconds() - started
            if seconds > Self.timeLimit {
                throw failure(run, input, "took \(seconds) s of the processor")
            }
            if run < samples.count, outcome != .accepted {
                throw failure(run, input, "refuses a sample")
            }
            report.executions += 1
            report.accepted += outcome == .accepted ? 1 : 0
            report.longest = max(report.longest, seconds)
        }
        return report
    }

    private func failure(_ run: Int, _ input: [UInt8], _ reason: String) -> Failure {
        Failure(target: target.name, seed: seed, run: run, input: input, reason: reason)
    }

    /// The time that this thread has had of the processor.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
