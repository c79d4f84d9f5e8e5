public import Primitives
public import SCALE

/// What a validator measured when it voted: a summary of its quantum key distribution reports.
///
/// Quantum bit error rates (QBER) are in basis points: 50 is 0.5 %, 10,000 is 100 %.
public struct QuantumState: Sendable, Hashable {
    /// Reports whose proof was valid.
    public let validProofs: UInt32
    /// Reports whose proof was refused.
    public let rejectedProofs: UInt32
    /// The mean QBER over the valid reports, in basis points.
    public let averageQBER: UInt32
    /// BLAKE2b-256 over the reports' entropy commitments in report order; zeros when there are
    /// none.
    public let entropyPoolHash: Hash256
    /// How many reporters the reports came from.
    public let reporterCount: UInt32
    /// The lowest QBER, in basis points.
    public let minimumQBER: UInt32
    /// The highest QBER, in basis points.
    public let maximumQBER: UInt32

    /// A validator whose average is above this abstains: 11 %, in basis points.
    public static let thresholdQBER: UInt32 = 1_100
    /// 100 %, in basis points.
    public static let wholeQBER: UInt32 = 10_000
    /// The encoding has this many bytes.
    public static let byteCount = 56
    /// The state that nil votes carry.
    public static let zero = QuantumState(
        validProofs: 0, rejectedProofs: 0, averageQBER: 0, entropyPoolHash: .zero,
        reporterCount: 0, minimumQBER: 0, maximumQBER: 0)

    public init(
        validProofs: UInt32, rejectedProofs: UInt32, averageQBER: UInt32,
        entropyPoolHash: Hash256, reporterCount: UInt32, minimumQBER: UInt32, maximumQBER: UInt32
    ) {
        self.validProofs = validProofs
        self.rejectedProofs = rejectedProofs
        self.averageQBER = averageQBER
        self.entropyPoolHash = entropyPoolHash
        self.reporterCount = reporterCount
        self.minimumQBER = minimumQBER
        self.maximumQBER = maximumQBER
    }

    /// min <= average <= max <= 100 %, whatever the average.
    public var isConsistent: Bool {
        minimumQBER <= averageQBER && averageQBER <= maximumQBER && maximumQBER <= Self.wholeQBER
    }

    /// Whether a vote for a block may carry this state: consistent, and an average of at most 11 %.
    public var isValid: Bool { isConsistent && averageQBER <= Self.thresholdQBER }

    /// floor(100 * (1100 - average) / 1100), in 0...100; nil for an average above 11 %.
    ///
    /// 0.5 % gives 95.
    public var coherenceScore: UInt64? {
        guard averageQBER <= Self.thresholdQBER else { return nil }
        return UInt64(100 * (Self.thresholdQBER - averageQBER) / Self.thresholdQBER)
    }
}

extension QuantumState: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(validProofs)
        encoder.append(rejectedProofs)
        encoder.append(averageQBER)
        encoder.append(entropyPoolHash)
        encoder.append(reporterCount)
        encoder.append(minimumQBER)
        encoder.append(maximumQBER)
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        validProofs = try decoder.readInteger()
        rejectedProofs = try decoder.readInteger()
        averageQBER = try decoder.readInteger()
        entropyPoolHash = try decoder.read()
        reporterCount = try decoder.readInteger()
        minimumQBER = try decoder.readInteger()
        maximumQBER = try decoder.readInteger()
    }
}

/// What the quantum source says when a validator is about to vote.
public enum QuantumMeasurement: Sendable, Hashable {
    /// A state fit to vote with.
    case usable(QuantumState)
    /// The validator has to abstain.
    case unusable(AbstentionReason)

    /// Judges a state by the same predicate that votes are checked with.
    public init(judging state: QuantumState) {
        if !state.isConsistent {
            self = .unusable(.inconsistent)
        } else if !state.isValid {
            self = .unusable(.errorRateTooHigh(averageQBER: state.averageQBER))
        } else {
            self = .usable(state)
        }
    }
}

/// Why a validator abstains.
public enum AbstentionReason: Sendable, Hashable {
    /// Nothing was measured yet.
    case noMeasurement
    /// The source's last report is too old.
    case stale
    /// The average QBER, in basis points, is above 11 %.
    case errorRateTooHigh(averageQBER: UInt32)
    /// Minimum, average and maximum contradict each other.
    case inconsistent
}
