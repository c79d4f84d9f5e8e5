package import Coherence
package import Primitives
package import SCALE

/// A message of the vote gossip: one index byte, then the fields.
///
/// Source: docs/protocol.md, "GossipMessage". Decoding has the right form as its result and says
/// nothing about signatures or about the validator set.
package enum GossipMessage: Sendable, Hashable {
    /// One vote, as its voter signed it.
    case vote(CoherenceVote)
    /// Asks for the votes held for a block.
    case voteRequest(blockHash: Hash256)
    /// Proof that a block is final.
    case certificate(FinalityCertificate)
    /// What the sender has.
    case status(GossipStatus)
    /// Votes of one round, phase and target.
    case voteBundle(VoteBundle)
    /// Asks for the votes of some validators in a round and phase.
    case roundRequest(RoundRequest)
    /// q prevotes of one round for one block.
    case quorumCertificate(QuorumCertificate)
    /// Evidence that a validator voted twice in one slot.
    indirect case equivocation(DoubleVote)
    /// Asks for the lowest certificate at or above a height.
    case certificateRequest(number: BlockNumber)

    /// The message's kind, which is its index on the wire.
    package var kind: GossipMessageKind {
        switch self {
        case .vote: .vote
        case .voteRequest: .voteRequest
        case .certificate: .certificate
        case .status: .status
        case .voteBundle: .voteBundle
        case .roundRequest: .roundRequest
        case .quorumCertificate: .quorumCertificate
        case .equivocation: .equivocation
        case .certificateRequest: .certificateRequest
        }
    }

    /// Why bytes are no message.
    package enum Malformed: Error, Sendable, Hashable {
        /// An index that this version does not know; not an offence.
        case unknownIndex(UInt8)
        /// Longer than its kind allows.
        case oversize(GossipMessageKind?)
        /// Not the encoding of a message of its kind.
        case undecodable(GossipMessageKind?)
        /// A message with something after it.
        case trailingBytes(GossipMessageKind)
    }

    /// The message's bytes. Like `scaleBytes`, with room for them from the start.
    package func encoded() -> [UInt8] {
        let entries =
            switch self {
            case .vote: 1
            case .certificate(let certificate): certificate.precommits.count
            case .voteBundle(let bundle): bundle.entries.count
            case .quorumCertificate(let certificate): certificate.entries.count
            case .equivocation: 2
            case .voteRequest, .status, .roundRequest, .certificateRequest: 0
            }
        var encoder = SCALEEncoder(capacity: 160 + entries * VoteEntry.byteCount)
        encode(to: &encoder)
        return encoder.bytes
    }

    /// Whether the bytes are, if a message at all, one of those that carry votes.
    package static func carriesVotes(_ bytes: [UInt8]) -> Bool {
        switch bytes.first.flatMap(GossipMessageKind.init) {
        case .vote, .voteBundle, .quorumCertificate, .certificate, .equivocation: true
        case nil, .voteRequest, .status, .roundRequest, .certificateRequest: false
        }
    }

    /// Reads a whole message; its size is checked before anything is read.
    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> GossipMessage {
        guard let index = bytes.first else { throw .undecodable(nil) }
        guard let kind = GossipMessageKind(rawValue: index) else {
            guard bytes.count <= GossipMessageKind.largestByteCount else { throw .oversize(nil) }
            throw .unknownIndex(index)
        }
        guard bytes.count <= kind.maximumByteCount else { throw .oversize(kind) }
        do {
            return try SCALEDecoder.decode(from: bytes)
        } catch {
            if case .trailingBytes = error { throw .trailingBytes(kind) }
            throw .undecodable(kind)
        }
    }
}

extension GossipMessage: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(kind.rawValue)
        switch self {
        case .vote(let vote): encoder.append(vote)
        case .voteRequest(let hash): encoder.append(hash)
        case .certificate(let certificate): encoder.append(certificate)
        case .status(let status): encoder.append(status)
        case .voteBundle(let bundle): encoder.append(bundle)
        case .roundRequest(let request): encoder.append(request)
        case .quorumCertificate(let certificate): encoder.append(certificate)
        case .equivocation(let evidence): encoder.append(evidence)
        case .certificateRequest(let number): encoder.append(number)
        }
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let index = try decoder.readByte()
        switch GossipMessageKind(rawValue: index) {
        case nil: throw .invalidIndex(offset: start, index: index)
        case .vote: self = .vote(try decoder.read())
        case .voteRequest: self = .voteRequest(blockHash: try decoder.read())
        case .certificate: self = .certificate(try decoder.read())
        case .status: self = .status(try decoder.read())
        case .voteBundle: self = .voteBundle(try decoder.read())
        case .roundRequest: self = .roundRequest(try decoder.read())
        case .quorumCertificate: self = .quorumCertificate(try decoder.read())
        case .equivocation: self = .equivocation(try decoder.read())
        case .certificateRequest: self = .certificateRequest(number: try decoder.read())
        }
    }
}

/// Votes that share a header: { set_id, round, vote_type, block_hash, block_number, entries }.
package struct VoteBundle: Sendable, Hashable {
    package let setID: SetID
    package let round: RoundNumber
    package let phase: VotePhase
    package let target: VoteTarget
    /// The votes, in any order.
    package let entries: [VoteEntry]

    package init(
        setID: SetID, round: RoundNumber, phase: VotePhase, target: VoteTarget,
        entries: [VoteEntry]
    ) {
        self.setID = setID
        self.round = round
        self.phase = phase
        self.target = target
        self.entries = entries
    }
}

extension VoteBundle: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(round)
        encoder.append(phase)
        encoder.append(target)
        encoder.appendItems(entries)
    }

    /// Reads a bundle of at most 1,000 entries.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        round = try decoder.read()
        phase = try decoder.read()
        target = try decoder.read()
        entries = try decoder.readItems(
            limit: ValidatorSet.maximumCount, minimumItemByteCount: VoteEntry.byteCount)
    }
}

/// Asks for votes that the sender misses: { set_id, round, vote_type, missing }.
package struct RoundRequest: Sendable, Hashable {
    package let setID: SetID
    package let round: RoundNumber
    package let phase: VotePhase
    /// The validators whose votes are wanted.
    package let missing: Bits

    package init(setID: SetID, round: RoundNumber, phase: VotePhase, missing: Bits) {
        self.setID = setID
        self.round = round
        self.phase = phase
        self.missing = missing
    }
}

extension RoundRequest: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(round)
        encoder.append(phase)
        encoder.append(missing)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        round = try decoder.read()
        phase = try decoder.read()
        missing = try decoder.read()
    }
}
