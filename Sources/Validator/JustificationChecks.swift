internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import VoteGossip

/// Certificates that came along with blocks and are being verified: at most one per height, and
/// few at a time. Those of sets that are not active yet wait for their turn.
///
/// Their jobs' identities have the highest bit set, which the vote gossip never uses.
struct JustificationChecks: Sendable {
    static let limit = 16
    private static let mark: UInt64 = 1 << 63
    private var counter: UInt64 = 0
    private var outstanding: [(id: VerificationJobID, number: BlockNumber)] = []
    /// Certificates of later sets, ascending by set, then by height; the highest give way.
    private var later: [FinalityCertificate] = []

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

    /// Keeps a certificate until its set is active.
    mutating func keep(_ certificate: FinalityCertificate) {
        func order(_ one: FinalityCertificate) -> (SetID, BlockNumber) {
            (one.setID, one.target.number)
        }
        let place = later.partitionPoint { order($0) < order(certificate) }
        if place < later.count, order(later[place]) == order(certificate) { return }
        later.insert(certificate, at: place)
        if later.count > Self.limit { later.removeLast() }
    }

    /// The certificates that waited for a set which is active now. Those of older sets are void.
    mutating func waiting(for set: SetID) -> [FinalityCertificate] {
        let ready = later.filter { $0.setID == set }
        later.removeAll { $0.setID <= set }
        return ready
    }

    /// The job ended.
    mutating func ended(_ id: VerificationJobID) {
        outstanding.removeAll { $0.id == id }
    }
}

extension ValidatorCore {
    /// Takes a certificate that stood in a block response, unverified.
    mutating func takeJustification(_ bytes: [UInt8]) {
        guard let certificate = try? SCALEDecoder.decode(FinalityCertificate.self, from: bytes)
        else { return }
        guard certificate.setID <= domain.set.id else { return justifications.keep(certificate) }
        verify(certificate)
    }

    /// Looks at the certificates that waited for the set which is active now.
    mutating func takeWaitingJustifications() {
        for certificate in justifications.waiting(for: domain.set.id) { verify(certificate) }
    }

    private mutating func verify(_ certificate: FinalityCertificate) {
        let job = justifications.job(
            for: certificate, above: tree.finalised.number, in: domain)
        if let job { effects.append(.verify([job])) }
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
