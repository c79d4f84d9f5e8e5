package import Chain
package import Primitives
internal import SCALE

extension EvidenceRules {
    /// Evidence on a chain: the encoding of a `DoubleVote`.
    package static func doubleVotes(genesisHash: Hash256) -> EvidenceRules {
        EvidenceRules { payload, active, previous in
            guard let evidence = try? SCALEDecoder.decode(DoubleVote.self, from: payload) else {
                return nil
            }
            let set = [active, previous].compactMap { $0 }
                .first { $0.id == evidence.first.setID }
            guard let domain = set.map({ VotingDomain(genesisHash: genesisHash, set: $0) }),
                let slot = try? evidence.check(in: domain)
            else { return nil }
            return Charge(
                conviction: Conviction(setID: slot.setID, account: evidence.first.validator),
                setHash: domain.set.hash,
                signatures: [evidence.first, evidence.second].map { vote in
                    SignatureCheck(
                        signature: vote.signature.bytes, message: domain.signedBytes(of: vote),
                        validator: slot.validator, set: domain.set)
                })
        }
    }
}
