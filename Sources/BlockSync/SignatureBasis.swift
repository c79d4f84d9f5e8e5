internal import Chain
internal import Primitives

/// What the verdict on an extrinsic's signatures rests on, besides the extrinsic: it holds on every
/// state that has the same.
///
/// An extrinsic waits longer than a key may last: after its signer's rotation the signature that was
/// good is none.
package struct SignatureBasis: Sendable, Hashable {
    /// The signer's key in the set in force.
    let signerKey: [UInt8]
    /// The hash of the set that evidence is about.
    let chargedSet: Hash256?

    /// - Returns: nil when the signer is no member of the set in force, or the evidence is none.
    init?(of extrinsic: Extrinsic, state: ChainState, evidence: EvidenceRules) {
        let set = state.setInForce
        guard let index = set.index(of: extrinsic.signer), let member = set.validator(at: index)
        else { return nil }
        signerKey = member.falconPublicKey
        guard case .evidence(let payload) = extrinsic.call else {
            chargedSet = nil
            return
        }
        let charge = evidence.charge(payload, active: set, previous: state.previousSet)
        guard let charge else { return nil }
        chargedSet = charge.setHash
    }
}
