package import Chain
package import Primitives
package import SCALE

/// One durable vote of our own: what was signed in which slot, with the full signed bytes.
///
/// Encoding: set_id u64, round u64, vote_type u8, validator u16, block_hash [32], block_number
/// u32, vote Vec<u8> (a `CoherenceVote`, 1,431 bytes).
package struct SignRecord: Sendable, Hashable {
    /// The slot; no second record ever has it.
    package let slot: VoteSlot
    /// The stored vote: asked for the same slot again, these are the bytes that are sent.
    package let vote: CoherenceVote

    package init(_ own: VerifiedVote) {
        slot = own.slot
        vote = own.vote
    }

    /// What was signed.
    package var target: VoteTarget { vote.target }
}

extension SignRecord: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(slot.setID)
        encoder.append(slot.round)
        encoder.append(slot.phase)
        encoder.append(slot.validator)
        encoder.append(target)
        encoder.appendBytes(vote.scaleBytes)
    }

    /// Reads a record; its header and its vote must say the same.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        slot = VoteSlot(
            setID: try decoder.read(), round: try decoder.read(), phase: try decoder.read(),
            validator: try decoder.read())
        let target = try decoder.read(VoteTarget.self)
        vote = try SCALEDecoder.decode(
            from: try decoder.readBytes(limit: CoherenceVote.byteCount))
        guard vote.setID == slot.setID, vote.round == slot.round, vote.phase == slot.phase,
            vote.target == target
        else { throw .invalidValue(offset: start, reason: "a sign record contradicts its vote") }
    }
}

/// A validator's lock: the block that it precommitted to in `round`, with the proof that it had to.
///
/// Encoding: that of the quorum certificate, which names block and round.
package struct Lock: Sendable, Hashable {
    /// The prevotes that the lock rests on.
    package let quorumCertificate: QuorumCertificate

    /// The locked block.
    package let block: BlockRef

    /// A lock on the block of a certificate; nil for a nil target, which verification refuses.
    package init?(_ quorumCertificate: QuorumCertificate) {
        guard let block = quorumCertificate.target.block else { return nil }
        self.quorumCertificate = quorumCertificate
        self.block = block
    }

    init(_ verified: VerifiedQuorumCertificate) {
        quorumCertificate = verified.certificate
        block = verified.block
    }

    /// The round that the lock was set in.
    package var round: RoundNumber { quorumCertificate.round }

    /// Block and round.
    package var reference: QuorumReference { QuorumReference(block: block, round: round) }
}

extension Lock: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) { encoder.append(quorumCertificate) }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        guard let lock = Lock(try decoder.read(QuorumCertificate.self)) else {
            throw .invalidValue(offset: start, reason: "a lock on no block")
        }
        self = lock
    }
}

/// What the gadget wants on disk. A record is durable before any effect after it is carried out.
package enum VotingRecord: Sendable, Hashable {
    /// An own vote, before it is counted and sent.
    case vote(SignRecord)
    /// The lock, before the precommit is signed; nil when it was dropped.
    case lock(setID: SetID, Lock?)
    /// The quorum certificate of the highest round.
    case highestQuorumCertificate(QuorumCertificate)
    /// The certificate, before finality is announced.
    case certificate(FinalityCertificate)
    /// An equivocation of some validator.
    case evidence(DoubleVote)
    /// Why this node signs no more in a set; the alarm itself may be of an earlier one.
    case halt(setID: SetID, SafetyAlarm)
}

/// What a gadget knows when it starts: what its predecessor had made durable for this set.
package struct RecoveredVoting: Sendable, Hashable {
    /// The finalised block, the root of the block tree.
    package var finalised: BlockRef
    /// The newest certificate of this set; nil before the first.
    package var certificate: FinalityCertificate?
    /// The lock.
    package var lock: Lock?
    /// The quorum certificate of the highest round.
    package var highestQuorumCertificate: QuorumCertificate?
    /// The sign log's records of this set: all of the two highest rounds that have any, in any
    /// order; more do no harm.
    package var signRecords: [SignRecord]
    /// The alarm that ended signing in this set, if one did.
    package var halt: SafetyAlarm?

    /// The state of a set in which nothing has happened yet.
    package init(
        finalised: BlockRef, certificate: FinalityCertificate? = nil, lock: Lock? = nil,
        highestQuorumCertificate: QuorumCertificate? = nil, signRecords: [SignRecord] = [],
        halt: SafetyAlarm? = nil
    ) {
        self.finalised = finalised
        self.certificate = certificate
        self.lock = lock
        self.highestQuorumCertificate = highestQuorumCertificate
        self.signRecords = signRecords
        self.halt = halt
    }
}
