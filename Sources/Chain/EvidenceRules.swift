package import Primitives

/// Judges evidence of double votes for the chain, which does not know what a vote is.
package struct EvidenceRules: Sendable {
    /// Reads evidence against a member of one of two sets.
    package typealias Judge =
        @Sendable (_ payload: [UInt8], _ active: ValidatorSet, _ previous: ValidatorSet?) -> Charge?

    private let judge: Judge

    package init(_ judge: @escaping Judge) { self.judge = judge }

    /// The rules of a chain that takes no evidence.
    package static let noEvidence = EvidenceRules { _, _, _ in nil }

    /// Reads evidence.
    ///
    /// - Parameters:
    ///   - payload: the evidence, as an extrinsic carries it.
    ///   - active: the set in force.
    ///   - previous: the set before it; nil in the first one.
    /// - Returns: whom it charges and the signatures that have to hold; nil when it is no evidence,
    ///   or against nobody in these sets.
    package func charge(
        _ payload: [UInt8], active: ValidatorSet, previous: ValidatorSet?
    ) -> Charge? { judge(payload, active, previous) }
}

/// What evidence says, its signatures aside.
package struct Charge: Sendable, Hashable {
    /// The set in which the offender voted twice, and the offender.
    package let conviction: Conviction
    /// The hash of that set.
    package let setHash: Hash256
    /// The signatures that prove it; all must hold.
    package let signatures: [SignatureCheck]

    package init(conviction: Conviction, setHash: Hash256, signatures: [SignatureCheck]) {
        self.conviction = conviction
        self.setHash = setHash
        self.signatures = signatures
    }
}
