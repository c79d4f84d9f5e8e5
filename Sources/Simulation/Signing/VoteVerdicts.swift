internal import Coherence
internal import Primitives

/// What became of the votes verified last: every node verifies the same ones by one scheme, so that
/// each is verified once for each validator set.
struct VoteVerdicts {
    private static let placeCount = 256

    private struct Entry {
        let setHash: Hash256
        let vote: CoherenceVote
        let result: VerificationResult
    }

    private var known = [Entry?](repeating: nil, count: placeCount)

    /// The result of a vote's verification, as `verify` gives it.
    mutating func result(
        of vote: CoherenceVote, in domain: VotingDomain, _ verify: () -> VerificationResult
    ) -> VerificationResult {
        let bytes = vote.signature.bytes
        // After the first byte comes the nonce, which no two signatures share but by chance.
        let place = (Int(bytes[1]) | Int(bytes[2]) << 8) % Self.placeCount
        let setHash = domain.set.hash
        if let entry = known[place], entry.setHash == setHash, Self.isSame(entry.vote, vote) {
            return entry.result
        }
        let result = verify()
        known[place] = Entry(setHash: setHash, vote: vote, result: result)
        return result
    }

    private static func isSame(_ left: CoherenceVote, _ right: CoherenceVote) -> Bool {
        left.round == right.round && left.phase == right.phase && left.setID == right.setID
            && left.validator == right.validator && left.target == right.target
            && left.coherenceScore == right.coherenceScore
            && left.quantumState == right.quantumState
            && isSame(left.signature.bytes, right.signature.bytes)
    }

    /// Whether two signatures are equal, eight bytes at a time.
    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count, left.count % 8 == 0 else { return left == right }
        return left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                stride(from: 0, to: left.count, by: 8).allSatisfy {
                    left.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
                        == right.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
                }
            }
        }
    }
}
