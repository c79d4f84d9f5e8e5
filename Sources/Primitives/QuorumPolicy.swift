public import SCALE

/// How many of a set's votes make a supermajority: a constant of the chain.
///
/// Two quorums of `q` out of `n` share `2q - n` validators; the policy is safe while fewer than
/// that many are Byzantine. See docs/protocol.md, "Quorum".
public enum QuorumPolicy: UInt8, Sendable, Hashable, CaseIterable {
    /// q = ceil(2n/3): three validators survive one crash, but not an equivocator.
    case twoThirds = 0
    /// q = floor(2n/3) + 1: the usual Byzantine quorum.
    case moreThanTwoThirds = 1

    /// The votes that are needed out of `validatorCount`.
    public func threshold(validatorCount: Int) -> Int {
        precondition(validatorCount >= 0)
        switch self {
        case .twoThirds: return (2 * validatorCount + 2) / 3
        case .moreThanTwoThirds: return 2 * validatorCount / 3 + 1
        }
    }

    /// The policy that a new chain of this size takes unless its specification says otherwise.
    public static func standard(validatorCount: Int) -> QuorumPolicy {
        validatorCount <= 3 ? .twoThirds : .moreThanTwoThirds
    }

    /// The Byzantine validators that two quorums tolerate: `2q - n - 1`, at least 0.
    public func toleratedEquivocators(validatorCount: Int) -> Int {
        max(0, 2 * threshold(validatorCount: validatorCount) - validatorCount - 1)
    }

    /// The name used in chain specifications, RPC and logs.
    public var name: String {
        switch self {
        case .twoThirds: "twoThirds"
        case .moreThanTwoThirds: "moreThanTwoThirds"
        }
    }

    /// The policy of that name.
    public init?(name: String) {
        guard let policy = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = policy
    }
}

extension QuorumPolicy: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(rawValue) }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let index = try decoder.readByte()
        guard let policy = QuorumPolicy(rawValue: index) else {
            throw .invalidIndex(offset: start, index: index)
        }
        self = policy
    }
}
