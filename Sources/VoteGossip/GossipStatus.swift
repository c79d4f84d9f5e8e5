package import Coherence
package import Primitives
package import SCALE

/// What a node has: { set_id, round, finalised_number, finalised_hash, lock_round, highest_qc_round,
/// have }.
///
/// A claim that nobody can check: it decides what is worth sending to its sender, and nothing else.
package struct GossipStatus: Sendable, Hashable {
    /// The verified votes that are held of one round and phase.
    package struct Holding: Sendable, Hashable {
        package let round: RoundNumber
        package let phase: VotePhase
        /// The validators of whom a vote is held.
        package let validators: Bits

        package init(round: RoundNumber, phase: VotePhase, validators: Bits) {
            self.round = round
            self.phase = phase
            self.validators = validators
        }

        /// Round and phase.
        var position: VotePosition { VotePosition(round, phase) }
    }

    /// The most rounds and phases that one status tells of.
    package static let maximumHoldingCount = 6

    package var setID: SetID
    package var round: RoundNumber
    package var finalisedNumber: BlockNumber
    package var finalisedHash: Hash256
    package var lockRound: RoundNumber?
    package var highestQuorumRound: RoundNumber?
    /// At most six, each round and phase once. This node lists every round that it still collects
    /// votes for, empty or not, and none that its newest certificate has decided.
    package var have: [Holding]

    package init(
        setID: SetID, round: RoundNumber, finalisedNumber: BlockNumber, finalisedHash: Hash256,
        lockRound: RoundNumber? = nil, highestQuorumRound: RoundNumber? = nil,
        have: [Holding] = []
    ) {
        precondition(have.count <= Self.maximumHoldingCount)
        self.setID = setID
        self.round = round
        self.finalisedNumber = finalisedNumber
        self.finalisedHash = finalisedHash
        self.lockRound = lockRound
        self.highestQuorumRound = highestQuorumRound
        self.have = have
    }

    /// Whether all its rounds are ones that validators can be in.
    var hasRoundsInRange: Bool {
        round.rawValue < RoundNumber.limit
            && lockRound.map { $0.rawValue < RoundNumber.limit } ?? true
            && highestQuorumRound.map { $0.rawValue < RoundNumber.limit } ?? true
            && have.allSatisfy { $0.round.rawValue < RoundNumber.limit }
    }
}

extension GossipStatus: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(round)
        encoder.append(finalisedNumber)
        encoder.append(finalisedHash)
        encoder.appendOption(lockRound)
        encoder.appendOption(highestQuorumRound)
        encoder.appendItems(have)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        round = try decoder.read()
        finalisedNumber = try decoder.read()
        finalisedHash = try decoder.read()
        lockRound = try decoder.readOption()
        highestQuorumRound = try decoder.readOption()
        let start = decoder.offset
        have = try decoder.readItems(limit: Self.maximumHoldingCount, minimumItemByteCount: 10)
        for position in have.indices {
            for other in 0..<position where have[other].position == have[position].position {
                throw .invalidValue(offset: start, reason: "a round and phase stands twice")
            }
        }
    }
}

extension GossipStatus.Holding: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(round)
        encoder.append(phase)
        encoder.append(validators)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        round = try decoder.read()
        phase = try decoder.read()
        validators = try decoder.read()
    }
}
