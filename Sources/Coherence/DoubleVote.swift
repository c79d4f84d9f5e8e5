public import Primitives
public import SCALE

/// Evidence of an equivocation: two votes of one slot for different targets, the one with the
/// lower block hash (then number) first.
///
/// Encoding: vote a, vote b.
public struct DoubleVote: Sendable, Hashable {
    /// The vote whose target comes first.
    public let first: CoherenceVote
    /// The vote whose target comes second.
    public let second: CoherenceVote

    /// Puts two votes in order; whether they are evidence is for `verify` to say.
    public init(_ one: CoherenceVote, _ other: CoherenceVote) {
        let inOrder =
            (one.target.hash, one.target.number) <= (other.target.hash, other.target.number)
        first = inOrder ? one : other
        second = inOrder ? other : one
    }
}

/// Why a pair of votes is no evidence.
public enum DoubleVoteInvalid: Error, Sendable, Hashable {
    /// The votes are of different slots.
    case differentSlots
    /// The votes are for the same target: another signature or state is no offence.
    case sameTarget
    /// One of the votes is invalid.
    case invalidVote(VoteInvalid)
}

/// Evidence that was checked.
public struct VerifiedDoubleVote: Sendable, Hashable {
    /// The two votes, in the order of `DoubleVote`.
    public let first: VerifiedVote
    /// See `first`.
    public let second: VerifiedVote

    /// Orders two verified votes of one slot with different targets.
    init(_ one: VerifiedVote, _ other: VerifiedVote) {
        precondition(one.slot == other.slot && one.target != other.target)
        let isFirst = DoubleVote(one.vote, other.vote).first == one.vote
        first = isFirst ? one : other
        second = isFirst ? other : one
    }

    /// The slot that was filled twice.
    public var slot: VoteSlot { first.slot }

    /// The evidence as it is sent and stored.
    public var evidence: DoubleVote { DoubleVote(first.vote, second.vote) }
}

extension DoubleVote {
    /// Checks everything but the signatures: both votes, and that they are of one slot for
    /// different targets.
    ///
    /// - Returns: the slot that was filled twice.
    public func check(in domain: VotingDomain) throws(DoubleVoteInvalid) -> VoteSlot {
        guard first.target != second.target else { throw .sameTarget }
        guard first.validator == second.validator, first.round == second.round,
            first.phase == second.phase, first.setID == second.setID
        else { throw .differentSlots }
        do {
            let slot = try first.check(in: domain)
            _ = try second.check(in: domain)
            return slot
        } catch {
            throw .invalidVote(error)
        }
    }

    /// Checks both votes and that they are of one slot for different targets.
    public func verify(
        in domain: VotingDomain, using verifier: some SignatureVerifier
    ) throws(DoubleVoteInvalid) -> VerifiedDoubleVote {
        _ = try check(in: domain)
        do {
            return VerifiedDoubleVote(
                try first.verify(in: domain, using: verifier),
                try second.verify(in: domain, using: verifier))
        } catch {
            throw .invalidVote(error)
        }
    }
}

extension DoubleVote: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(first)
        encoder.append(second)
    }

    /// Reads two votes in their order; equal targets pass here and fail `verify`.
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let first = try decoder.read(CoherenceVote.self)
        let second = try decoder.read(CoherenceVote.self)
        self.init(first, second)
        guard self.first == first, self.second == second else {
            throw .invalidValue(offset: start, reason: "evidence is ordered by block hash")
        }
    }
}
