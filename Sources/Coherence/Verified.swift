package import Chain
public import Primitives
internal import SCALE

/// A vote whose content and signature were checked: the only kind that is counted or parked.
///
/// Only verification makes one (`CoherenceVote.verify`, `VerificationJob`), and the gadget for its
/// own signer's votes.
public struct VerifiedVote: Sendable, Hashable {
    /// The vote as it stood on the wire; its encoding is unique, so these are the exact bytes.
    public let vote: CoherenceVote
    /// The voter's position in its set.
    public let index: ValidatorIndex

    init(vote: CoherenceVote, index: ValidatorIndex) {
        self.vote = vote
        self.index = index
    }

    /// The slot that the vote fills.
    public var slot: VoteSlot {
        VoteSlot(setID: vote.setID, round: vote.round, phase: vote.phase, validator: index)
    }
    /// What the vote is for.
    public var target: VoteTarget { vote.target }
    /// The round.
    public var round: RoundNumber { vote.round }
    /// Prevote or precommit.
    public var phase: VotePhase { vote.phase }
    /// The wire form of the vote, 1,431 bytes.
    public var bytes: [UInt8] { vote.scaleBytes }

    /// Whether both fill the same slot with the same target; score, state and signature may differ.
    public func hasSameContent(as other: VerifiedVote) -> Bool {
        slot == other.slot && target == other.target
    }
}

/// A quorum certificate that was checked by itself, or made of verified prevotes.
public struct VerifiedQuorumCertificate: Sendable, Hashable {
    /// The certificate.
    public let certificate: QuorumCertificate

    init(certificate: QuorumCertificate) { self.certificate = certificate }

    /// The round of the prevotes.
    public var round: RoundNumber { certificate.round }

    /// The certified block.
    package var block: BlockRef { certifiedBlock(certificate.target) }

    /// Block and round.
    package var reference: QuorumReference { QuorumReference(block: block, round: round) }
}

/// A finality certificate that was checked by itself, or made of verified precommits.
public struct VerifiedCertificate: Sendable, Hashable {
    /// The certificate.
    public let certificate: FinalityCertificate

    init(certificate: FinalityCertificate) { self.certificate = certificate }

    /// The round of the precommits.
    public var round: RoundNumber { certificate.round }

    /// The final block.
    package var block: BlockRef { certifiedBlock(certificate.target) }
}

private func certifiedBlock(_ target: VoteTarget) -> BlockRef {
    guard let block = target.block else {
        preconditionFailure("verification refuses certificates for no block")
    }
    return block
}

// MARK: Making certificates of verified votes

extension VerifiedQuorumCertificate {
    /// The certificate that q or more prevotes of one round for one block make.
    init(prevotes: [VerifiedVote]) {
        let (first, entries) = quorum(of: prevotes, phase: .prevote)
        certificate = QuorumCertificate(
            setID: first.vote.setID, round: first.round, target: first.target, entries: entries)
    }
}

extension VerifiedCertificate {
    /// The certificate that q or more precommits of one round for one block make.
    init(precommits: [VerifiedVote], set: ValidatorSet) {
        let (first, entries) = quorum(of: precommits, phase: .precommit)
        precondition(first.vote.setID == set.id, "the votes are of this set")
        certificate = FinalityCertificate(
            setID: set.id, setHash: set.hash, round: first.round, target: first.target,
            policy: set.policy, precommits: entries)
    }
}

/// The entries of votes that agree on everything, in the order given, which is that of the indices.
private func quorum(
    of votes: [VerifiedVote], phase: VotePhase
) -> (first: VerifiedVote, entries: [VoteEntry]) {
    guard let first = votes.first else { preconditionFailure("a quorum is not empty") }
    for vote in votes {
        precondition(
            vote.phase == phase && vote.round == first.round && vote.target == first.target,
            "a quorum is of one round, phase and block")
    }
    return (first, votes.map(VoteEntry.init))
}
