internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import VoteGossip

/// Certificates that came along with blocks and are being verified: at most one per height, and
/// few at a time.
///
/// Their jobs' identities have the highest bit set, which the vote gossip never uses.
struct JustificationChecks: Sendable {
    static let limit = 16
    private static let mark: UInt64 = 1 << 63
    private var counter: UInt64 = 0
    private var outstanding: [(id: VerificationJobID, number: BlockNumber)] = []

    /// Whether an identity is one of a job made here.
    static func owns(_ id: VerificationJobID) -> Bool { id.rawValue & mark != 0 }

    /// A job for a certificate that is worth checking; nil otherwise.
    mutating func job(
        for certificate: FinalityCertificate, above finalised: BlockNumber, in domain: VotingDomain
    ) -> VerificationJob? {
        guard let block = certificate.target.block, block.number > finalised,
            certificate.setID == domain.set.id, outstanding.count < Self.limit,
            !outstanding.contains(where: { $0.number == block.number })
        else { return nil }
        counter += 1
        let id = VerificationJobID(Self.mark | counter)
        outstanding.append((id, block.number))
        return VerificationJob(id: id, domain: domain, subject: .certificate(certificate))
    }

    /// The job ended.
    mutating func ended(_ id: VerificationJobID) {
        outstanding.removeAll { $0.id == id }
    }
}

extension ValidatorCore {
    /// Takes a certificate that stood in a block response, unverified.
    mutating func takeJustification(_ bytes: [UInt8]) {
        guard let certificate = try? SCALEDecoder.decode(FinalityCertificate.self, from: bytes),
            let job = justifications.job(
                for: certificate, above: tree.finalised.number, in: configuration.domain)
        else { return }
        effects.append(.verify([job]))
    }

    /// Sorts verification results to those who asked.
    mutating func takeVerified(_ outcomes: [VerificationOutcome]) {
        var forGossip: [VerificationOutcome] = []
        for outcome in outcomes {
            guard JustificationChecks.owns(outcome.id) else {
                forGossip.append(outcome)
                continue
            }
            justifications.ended(outcome.id)
            if case .certificate(.success(let certificate)) = outcome.result {
                waiting.append(.gadget(.certificate(certificate)))
            }
        }
        if !forGossip.isEmpty { waiting.append(.gossip(.verified(forGossip))) }
    }
}
