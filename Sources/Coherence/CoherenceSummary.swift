/// What the voters of a certificate measured, for people: error rates in basis points and scores.
public struct CoherenceSummary: Sendable, Hashable {
    /// The mean of the voters' average QBERs, rounded down.
    public let meanQBER: UInt32
    /// The lowest of the voters' average QBERs.
    public let minimumQBER: UInt32
    /// The highest of the voters' average QBERs.
    public let maximumQBER: UInt32
    /// The mean of the coherence scores, rounded down.
    public let meanScore: UInt64
    /// The lowest coherence score.
    public let minimumScore: UInt64
    /// The highest coherence score.
    public let maximumScore: UInt64

    /// Sums up votes for one block; nil when there are none.
    init?(_ entries: [VoteEntry]) {
        let rates = entries.map { UInt64($0.quantumState.averageQBER) }.sorted()
        let scores = entries.map { min($0.coherenceScore, 100) }.sorted()
        guard let lowestRate = rates.first, let highestRate = rates.last,
            let lowestScore = scores.first, let highestScore = scores.last
        else { return nil }
        let count = UInt64(entries.count)
        meanQBER = UInt32(truncatingIfNeeded: rates.reduce(0, +) / count)
        minimumQBER = UInt32(truncatingIfNeeded: lowestRate)
        maximumQBER = UInt32(truncatingIfNeeded: highestRate)
        meanScore = scores.reduce(0, +) / count
        minimumScore = lowestScore
        maximumScore = highestScore
    }
}

extension FinalityCertificate {
    /// What its voters measured; nil for a certificate without votes, which never verifies.
    public var summary: CoherenceSummary? { CoherenceSummary(precommits) }
}
