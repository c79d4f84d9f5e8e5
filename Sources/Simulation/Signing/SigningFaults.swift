internal import Coherence
internal import Primitives

/// What may be wrong with signing and verifying, to prove that it is found. Production has none of
/// it.
package struct SigningFaults: Sendable, Hashable {
    /// The round is not among the signed bytes of a vote.
    package var leavesOutRound = false
    /// Certificates and quorum certificates are accepted without a look at their signatures.
    package var trustsCertificates = false

    package init() {}

    /// The round's place among a vote's signed bytes: after separator, genesis hash, set id and set
    /// hash.
    private static let roundStart = VotingDomain.separator.utf8.count + 32 + 8 + 32

    /// What of a message goes into its signature.
    func signedPart(of message: [UInt8]) -> [UInt8] {
        guard leavesOutRound, message.starts(with: VotingDomain.separator.utf8) else {
            return message
        }
        var masked = message
        for place in Self.roundStart..<Self.roundStart + 8 { masked[place] = 0 }
        return masked
    }
}

/// Finds every signature valid.
struct CredulousVerifier: SignatureVerifier {
    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool { true }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool { true }
}
