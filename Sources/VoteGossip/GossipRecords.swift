internal import Coherence
internal import Primitives
internal import SCALE

// Small records of the machine's state.

/// A peer whose stream is closed and whose offences are not forgotten.
struct Absentee: Sendable {
    /// Peers remembered.
    static let limit = 256
    /// Bytes of one, roughly.
    static let byteCount = 64

    let handle: PeerHandle
    let isReserved: Bool
    var reputation: PeerReputation
}

/// The newest certificate, as it is sent: with exactly q precommits, whatever came.
struct NewestCertificate: Sendable {
    let setID: SetID
    let round: RoundNumber
    let number: BlockNumber
    /// The validators whose precommits it has.
    let voters: [ValidatorIndex]
    let message: OutboundMessage
    let since: Instant

    init(_ certificate: FinalityCertificate, quorum: Int, since: Instant) {
        setID = certificate.setID
        round = certificate.round
        number = certificate.target.number
        voters = certificate.precommits.map(\.validator)
        message = certificate.outboundMessage(quorum: quorum)
        self.since = since
    }
}

/// The quorum certificate of the highest round, as it is sent: with exactly q prevotes.
struct HighestQuorum: Sendable {
    let round: RoundNumber
    /// The validators whose prevotes it has.
    let voters: Bits
    let message: OutboundMessage
    let since: Instant

    init(_ certificate: QuorumCertificate, set: ValidatorSet, since: Instant) {
        round = certificate.round
        let entries = Array(certificate.entries.prefix(set.quorum))
        voters = Bits(validatorCount: set.count, members: entries.map(\.validator))
        let trimmed = QuorumCertificate(
            setID: certificate.setID, round: certificate.round, target: certificate.target,
            entries: entries)
        message = OutboundMessage(
            bytes: GossipMessage.quorumCertificate(trimmed).encoded(),
            priority: OutboundPriority.certificate,
            supersession: .init(
                stream: OutboundStream.quorumCertificate,
                position: OutboundStream.position(set: certificate.setID, round: round)))
        self.since = since
    }
}

/// Votes for one target: what shares a bundle.
struct VoteGroup: Sendable {
    let target: VoteTarget
    var votes: [VerifiedVote]
}

/// When a vote was verified here.
struct Arrival: Sendable {
    let slot: VoteSlot
    let at: Instant
}

/// Votes that a peer was asked for, as a crowd has them.
struct Asked: Sendable {
    let position: VotePosition
    let votes: Bits
    /// They are not asked for again before.
    let until: Instant
}

/// What a certificate proves.
struct CertificateContent: Sendable, Equatable {
    /// Certificates remembered.
    static let limit = 16

    let phase: VotePhase
    let round: RoundNumber
    let target: VoteTarget
}

/// A stored certificate that is being read for a peer.
struct Load: Sendable, Equatable {
    let id: CertificateLoadID
    let peer: PeerHandle
}

extension FinalityCertificate {
    /// The certificate as a message, with the first `quorum` of its precommits: any q of them prove
    /// the same.
    func outboundMessage(quorum: Int) -> OutboundMessage {
        let trimmed = FinalityCertificate(
            setID: setID, setHash: setHash, round: round, target: target, policy: policy,
            precommits: Array(precommits.prefix(quorum)))
        return OutboundMessage(
            bytes: GossipMessage.certificate(trimmed).encoded(),
            priority: OutboundPriority.certificate,
            supersession: .init(
                stream: OutboundStream.certificate,
                position: OutboundStream.position(set: setID, round: round)))
    }
}
