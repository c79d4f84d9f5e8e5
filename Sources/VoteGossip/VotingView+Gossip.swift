internal import Chain
internal import Coherence
internal import Primitives

/// What a vote says and where it belongs; its score, state and signature aside.
///
/// Falcon signing is randomised, so whatever deduplicates votes is keyed on this, never on bytes.
struct VoteContent: Sendable, Hashable {
    let slot: VoteSlot
    let target: VoteTarget

    init(slot: VoteSlot, target: VoteTarget) {
        self.slot = slot
        self.target = target
    }

    init(_ vote: VerifiedVote) { self.init(slot: vote.slot, target: vote.target) }
}

/// The gadget's state as the vote gossip asks for it.
extension VotingView {
    /// n.
    var validatorCount: Int { domain.set.count }

    /// The validators of whom a verified vote of that round and phase is held.
    func holdings(at position: VotePosition) -> Bits {
        guard let held = held(position.round, position.phase) else {
            return Bits(validatorCount: validatorCount)
        }
        return Bits(packed: held)
    }

    /// The validators of whom a vote for this target is held in a round and phase.
    func supporters(of target: VoteTarget, at position: VotePosition) -> Bits {
        Bits(
            validatorCount: validatorCount,
            members: supporters(position.round, position.phase, of: target))
    }

    /// The held votes of these validators in a round and phase, by index.
    func votes(at position: VotePosition, of validators: Bits) -> [VerifiedVote] {
        votes(position.round, position.phase, wanted: validators.bytes)
    }

    /// The round of the newest certificate of this set, its block known or not; nil before the
    /// first.
    var decidedRound: RoundNumber? { newestCertificate?.round }

    /// Whether the votes of a round are of no more use: a certificate of it or of a later round is
    /// known.
    func isDecided(_ round: RoundNumber) -> Bool { decidedRound.map { round <= $0 } ?? false }

    /// The lowest round that votes are taken of: the one before the current one.
    var lowestRound: RoundNumber { RoundNumber(round.rawValue - min(round.rawValue, 1)) }

    /// The highest round that every vote is taken of: the one after the current one.
    var highestRound: RoundNumber { round.successor ?? round }

    /// The rounds and phases whose votes are collected, ascending: of the previous round unless it
    /// is decided, of the current and of the next one.
    var collectedPositions: [VotePosition] {
        positions(from: max(lowestRound.rawValue, decidedRound.map { $0.rawValue + 1 } ?? 0))
    }

    /// The rounds and phases of which votes are held, decided or not, ascending.
    var heldPositions: [VotePosition] {
        positions(from: lowestRound.rawValue)
    }

    /// The positions of the rounds from `lowest` to the highest, ascending.
    private func positions(from lowest: UInt64) -> [VotePosition] {
        var positions: [VotePosition] = []
        positions.reserveCapacity(6)
        var number = lowest
        while number <= highestRound.rawValue {
            positions.append(VotePosition(RoundNumber(number), .prevote))
            positions.append(VotePosition(RoundNumber(number), .precommit))
            number += 1
        }
        return positions
    }

    /// The first round that is too far ahead for any honest validator to be in.
    var roundCeiling: RoundNumber {
        let undecided = certificate.map { $0.round.rawValue + 1 } ?? 0
        return RoundNumber(min(undecided + (1 << 20), RoundNumber.limit))
    }
}
