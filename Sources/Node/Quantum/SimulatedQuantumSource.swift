internal import Primitives

/// Made-up measurements for development chains: a healthy link around 0.5 % QBER.
///
/// Deterministic in (account, time step), so that two runs of one validator agree. Chains that are
/// not for development refuse to start on it.
struct SimulatedQuantumSource: Sendable {
    private let seed: UInt64

    init(account: AccountID) {
        seed = account.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The measurement of the ten-second step that `unixMilliseconds` falls in.
    func measure(unixMilliseconds: UInt64) -> QuantumDocument {
        let step = unixMilliseconds / 10_000
        var generator = SeededGenerator(seed: seed ^ step)
        let average = UInt32.random(in: 40...60, using: &generator)
        let spread = UInt32.random(in: 5...20, using: &generator)
        let reporters = UInt32.random(in: 3...8, using: &generator)
        let entropy = (0..<4).flatMap { _ in
            withUnsafeBytes(of: generator.next().bigEndian) { Array($0) }
        }
        return QuantumDocument(
            measuredAtUnixMilliseconds: unixMilliseconds, validProofs: 90 + reporters,
            rejectedProofs: reporters / 4, reporterCount: reporters, averageQBER: average,
            minimumQBER: average - spread, maximumQBER: average + spread,
            entropyPoolHash: BLAKE2b256.hash(entropy).description)
    }
}
