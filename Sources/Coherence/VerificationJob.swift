public import Primitives

/// Names a verification so that its result finds its way back.
public struct VerificationJobID: TypedInteger {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// The check of one message's signatures, as a value: it is made where messages are decided on and
/// run elsewhere, in a pool of threads or at once in a simulator.
public struct VerificationJob: Sendable, Hashable {
    /// What is to be checked.
    public enum Subject: Sendable, Hashable {
        case vote(CoherenceVote)
        case quorumCertificate(QuorumCertificate)
        case certificate(FinalityCertificate)
        indirect case doubleVote(DoubleVote)
    }

    /// The identity that the result carries.
    public let id: VerificationJobID
    /// The chain and set that the signatures must be of.
    public let domain: VotingDomain
    /// What is to be checked.
    public let subject: Subject

    public init(id: VerificationJobID, domain: VotingDomain, subject: Subject) {
        self.id = id
        self.domain = domain
        self.subject = subject
    }

    /// How many signatures the job checks at most: its price.
    public var signatureCount: Int {
        switch subject {
        case .vote: 1
        case .quorumCertificate(let certificate): certificate.entries.count
        case .certificate(let certificate): certificate.precommits.count
        case .doubleVote: 2
        }
    }

    /// Checks the subject; a pure function of the job.
    public func run(using verifier: some SignatureVerifier) -> VerificationResult {
        switch subject {
        case .vote(let vote):
            return .vote(
                Result { () throws(VoteInvalid) in
                    try vote.verify(in: domain, using: verifier)
                })
        case .quorumCertificate(let certificate):
            return .quorumCertificate(
                Result { () throws(CertificateInvalid) in
                    try certificate.verify(in: domain, using: verifier)
                })
        case .certificate(let certificate):
            return .certificate(
                Result { () throws(CertificateInvalid) in
                    try certificate.verify(
                        set: domain.set, genesisHash: domain.genesisHash, verifier: verifier)
                })
        case .doubleVote(let evidence):
            return .doubleVote(
                Result { () throws(DoubleVoteInvalid) in
                    try evidence.verify(in: domain, using: verifier)
                })
        }
    }
}

/// What became of a verification.
public enum VerificationResult: Sendable, Hashable {
    case vote(Result<VerifiedVote, VoteInvalid>)
    case quorumCertificate(Result<VerifiedQuorumCertificate, CertificateInvalid>)
    case certificate(Result<VerifiedCertificate, CertificateInvalid>)
    indirect case doubleVote(Result<VerifiedDoubleVote, DoubleVoteInvalid>)
}
