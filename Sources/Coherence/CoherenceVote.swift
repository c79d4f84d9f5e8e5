public import Primitives
public import SCALE

/// A signed vote as it stands on the wire.
///
/// The fields of the encoding, in order: validator [32], block_hash [32], block_number u32,
/// coherence_score u64, quantum_state, signature Vec<u8> (1,280 bytes, the first 0x3A), vote_type
/// u8, round u64, set_id u64. See docs/protocol.md.
///
/// A decoded vote has the right form and nothing more; `VerificationJob` turns it into a
/// `VerifiedVote`, the only kind that can be counted.
public struct CoherenceVote: Sendable, Hashable {
    /// The voter's account.
    public let validator: AccountID
    /// What the vote is for: `block_hash` and `block_number`.
    public let target: VoteTarget
    /// 0...100, by `QuantumState.coherenceScore`; 0 for a nil vote.
    public let coherenceScore: UInt64
    /// What the voter measured; all zero for a nil vote.
    public let quantumState: QuantumState
    /// A Falcon-1024 signature in padded form, 1,280 bytes, of `VotingDomain.signedBytes`.
    public let signature: VoteSignature
    /// Prevote or precommit: `vote_type`.
    public let phase: VotePhase
    /// The round; valid below 2^63.
    public let round: RoundNumber
    /// The validator set.
    public let setID: SetID

    public init(
        validator: AccountID, target: VoteTarget, coherenceScore: UInt64,
        quantumState: QuantumState, signature: VoteSignature, phase: VotePhase,
        round: RoundNumber, setID: SetID
    ) {
        self.validator = validator
        self.target = target
        self.coherenceScore = coherenceScore
        self.quantumState = quantumState
        self.signature = signature
        self.phase = phase
        self.round = round
        self.setID = setID
    }

    /// The encoding has this many bytes: every vote has the same size.
    public static let byteCount = 32 + 32 + 4 + 8 + QuantumState.byteCount + 2 + 1280 + 1 + 8 + 8
}

extension CoherenceVote: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(validator)
        encoder.append(target)
        encoder.append(coherenceScore)
        encoder.append(quantumState)
        encoder.appendBytes(signature.bytes)
        encoder.append(phase)
        encoder.append(round)
        encoder.append(setID)
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        validator = try decoder.read()
        target = try decoder.read()
        coherenceScore = try decoder.readInteger()
        quantumState = try decoder.read()
        let start = decoder.offset
        let count = try decoder.readCount(limit: SignatureFormat.byteCount)
        guard count == SignatureFormat.byteCount else {
            throw .invalidValue(offset: start, reason: "a signature has 1,280 bytes")
        }
        signature = try decoder.read()
        phase = try decoder.read()
        round = try decoder.read()
        setID = try decoder.read()
    }
}

/// A signature of the right form: 1,280 bytes, the first of them 0x3A.
public struct VoteSignature: Sendable, Hashable {
    /// The bytes.
    public let bytes: [UInt8]

    /// Takes bytes of the right form; nil for any other length or first byte.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == SignatureFormat.byteCount,
            bytes.first == SignatureFormat.firstByte
        else { return nil }
        self.bytes = bytes
    }
}

extension VoteSignature: SCALEEncodable, SCALEDecodable {
    /// Appends the 1,280 bytes without a count: the form `[u8; 1280]` of bundles and certificates.
    public func encode(to encoder: inout SCALEEncoder) { encoder.appendRaw(bytes) }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        guard let signature = VoteSignature(try decoder.readRaw(SignatureFormat.byteCount)) else {
            throw .invalidValue(offset: start, reason: "a signature begins with 0x3A")
        }
        self = signature
    }
}
