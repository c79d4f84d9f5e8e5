/// What became of an input that no decoder trapped on.
package enum FuzzOutcome: Sendable, Hashable {
    /// It is no valid input, and the decoder said so.
    case refused
    /// It was taken as valid, and all properties held.
    case accepted
}

/// A property that did not hold for an input.
package struct FuzzFinding: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Something of this package that takes bytes from outside, with the properties that must hold
/// whatever the bytes are. That it does not trap is the first of them.
package struct FuzzTarget: Sendable {
    /// The name on the command line, and of the folder of its past findings.
    package let name: String
    /// What is fed, in one line.
    package let reads: String
    /// How often one pass of `scripts/test` runs it.
    package let runCount: Int
    /// Longer inputs are not made.
    package let maximumByteCount: Int
    /// Whether inputs are `Script`s, so that mutations may keep their steps apart.
    package let isScript: Bool
    /// Valid inputs, made by our own encoders.
    let makeSamples: @Sendable () throws -> [[UInt8]]
    /// Runs the target on one input.
    ///
    /// - Throws: the property that did not hold.
    package let check: @Sendable ([UInt8]) throws(FuzzFinding) -> FuzzOutcome

    package init(
        _ name: String, reads: String, runs: Int, upTo maximumByteCount: Int = 16 * 1024,
        isScript: Bool = false, samples: @escaping @Sendable () throws -> [[UInt8]],
        check: @escaping @Sendable ([UInt8]) throws(FuzzFinding) -> FuzzOutcome
    ) {
        self.name = name
        self.reads = reads
        runCount = runs
        self.maximumByteCount = maximumByteCount
        self.isScript = isScript
        makeSamples = samples
        self.check = check
    }

    /// What mutations start from: the target's own samples, and whatever of the `Vectors` folder it
    /// takes as valid.
    package func samples() throws -> [[UInt8]] {
        let own = try makeSamples()
        guard !isScript else { return own }
        var samples = own
        for bytes in try Corpus.vectors() {
            guard samples.count < own.count + 32 else { break }
            guard bytes.count <= maximumByteCount, !samples.contains(bytes) else { continue }
            if (try? check(bytes)) == .accepted { samples.append(bytes) }
        }
        return samples
    }
}
