public import Primitives
public import SCALE

/// The two phases of a round; a validator votes once in each.
///
/// On the wire this is the field `vote_type`. See docs/protocol.md.
public enum VotePhase: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    /// The first vote: q of them for one block make a quorum certificate.
    case prevote = 0
    /// The second vote: q of them for one block make the block final.
    case precommit = 1

    public static func < (left: VotePhase, right: VotePhase) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension VotePhase: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(rawValue) }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let index = try decoder.readByte()
        guard let phase = VotePhase(rawValue: index) else {
            throw .invalidIndex(offset: start, index: index)
        }
        self = phase
    }
}

/// The place that a validator fills with at most one vote, ever: (set_id, round, vote_type,
/// validator).
///
/// Whatever deduplicates or compares votes is keyed on the slot and the target, never on bytes:
/// Falcon signing is randomised, so one vote has many valid signatures.
public struct VoteSlot: Sendable, Hashable {
    /// The validator set.
    public let setID: SetID
    /// The round within the set.
    public let round: RoundNumber
    /// Prevote or precommit.
    public let phase: VotePhase
    /// The voter's position in the set.
    public let validator: ValidatorIndex

    public init(setID: SetID, round: RoundNumber, phase: VotePhase, validator: ValidatorIndex) {
        self.setID = setID
        self.round = round
        self.phase = phase
        self.validator = validator
    }
}

extension VoteSlot: CustomStringConvertible {
    /// For people: `set 0 round 3 prevote of 2`.
    public var description: String { "set \(setID) round \(round) \(phase) of \(validator)" }
}

/// The position of a vote in its set's order of votes: round, then phase.
///
/// Rule 0 is stated in this order: a validator decides its slots in strictly increasing order.
public struct VotePosition: Sendable, Hashable, Comparable {
    /// The round.
    public let round: RoundNumber
    /// Prevote comes before precommit.
    public let phase: VotePhase

    public init(_ round: RoundNumber, _ phase: VotePhase) {
        self.round = round
        self.phase = phase
    }

    /// Not the derived one, which compares through the protocols of the parts: positions are
    /// looked up in short lists at every message.
    public static func == (left: VotePosition, right: VotePosition) -> Bool {
        left.round.rawValue == right.round.rawValue && left.phase.rawValue == right.phase.rawValue
    }

    public static func < (left: VotePosition, right: VotePosition) -> Bool {
        left.round != right.round ? left.round < right.round : left.phase < right.phase
    }
}

extension VoteSlot {
    /// Round and phase.
    public var position: VotePosition { VotePosition(round, phase) }
}
