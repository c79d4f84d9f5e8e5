internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
package import Storage

/// What a signing process is asked to sign: everything that the signed bytes are made of, so that it
/// sees for itself which slot they fill. Nothing else is ever signed.
package enum SigningRequest: Sendable, Equatable {
    /// A vote's signed bytes: `VotingDomain.signedBytes`.
    case vote([UInt8])
    /// A header without its seal; what is signed is its hash.
    case seal([UInt8])
    /// An extrinsic's signed bytes: `Extrinsic.signingBytes`.
    case extrinsic([UInt8])
    /// The proof that a key is registered by its holder: `Extrinsic.keyProofBytes`.
    case keyProof([UInt8])

    /// The kinds as they stand in messages and in the log.
    package enum Kind: UInt8, Sendable, CaseIterable {
        case vote = 1
        case seal = 2
        case extrinsic = 3
        case keyProof = 4
    }

    package init(_ kind: Kind, _ bytes: [UInt8]) {
        self =
            switch kind {
            case .vote: .vote(bytes)
            case .seal: .seal(bytes)
            case .extrinsic: .extrinsic(bytes)
            case .keyProof: .keyProof(bytes)
            }
    }

    package var kind: Kind {
        switch self {
        case .vote: .vote
        case .seal: .seal
        case .extrinsic: .extrinsic
        case .keyProof: .keyProof
        }
    }

    /// The bytes as they were handed over.
    package var bytes: [UInt8] {
        switch self {
        case .vote(let bytes), .seal(let bytes), .extrinsic(let bytes), .keyProof(let bytes): bytes
        }
    }

    /// What a request comes to.
    package struct Meaning: Sendable, Equatable {
        /// The bytes that are signed.
        package var message: [UInt8]
        /// The slot that they fill; nil for what may be signed any number of times.
        package var slot: SignerLog.Slot?
        /// For people.
        package var description: String
    }

    /// Why something is not signed.
    package struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
        package var description: String

        package init(_ description: String) { self.description = description }
    }

    /// Reads the request for a key.
    ///
    /// - Throws: that the bytes are nothing that a key may sign.
    package func meaning(for publicKey: [UInt8]) throws(Refusal) -> Meaning {
        let key = BLAKE2b256.hash(publicKey)
        do throws(SCALEError) {
            switch self {
            case .vote(let bytes): return try Self.vote(bytes, key: key)
            case .seal(let bytes): return try Self.seal(bytes, key: key)
            case .extrinsic(let bytes): return try Self.extrinsic(bytes)
            case .keyProof(let bytes): return try Self.keyProof(bytes, publicKey: publicKey)
            }
        } catch {
            throw Refusal("this is no \(kind): \(error)")
        }
    }

    /// Reads past the text that signed bytes begin with.
    private static func decoder(
        _ bytes: [UInt8], after separator: String
    ) throws(SCALEError) -> SCALEDecoder {
        var decoder = SCALEDecoder(bytes)
        guard try decoder.readRaw(separator.utf8.count).elementsEqual(separator.utf8) else {
            throw .invalidValue(offset: 0, reason: "it does not begin with \(separator)")
        }
        return decoder
    }

    private static func vote(_ bytes: [UInt8], key: Hash256) throws(SCALEError) -> Meaning {
        var decoder = try Self.decoder(bytes, after: VotingDomain.separator)
        let genesisHash = try decoder.read(Hash256.self)
        let set = try decoder.read(SetID.self)
        _ = try decoder.read(Hash256.self)
        let round = try decoder.read(RoundNumber.self)
        let phase = try decoder.read(VotePhase.self)
        _ = try decoder.read(AccountID.self)
        let number = try decoder.read(BlockNumber.self)
        let hash = try decoder.read(Hash256.self)
        _ = try decoder.readInteger(UInt64.self)
        _ = try decoder.read(QuantumState.self)
        try decoder.finish()
        guard let target = VoteTarget(hash: hash, number: number) else {
            throw .invalidValue(offset: 0, reason: "a nil vote has block number 0")
        }
        return Meaning(
            message: bytes,
            slot: SignerLog.Slot(
                key: key, genesisHash: genesisHash, kind: Kind.vote.rawValue,
                major: set.rawValue, middle: round.rawValue, minor: phase.rawValue),
            description: "the \(phase) of set \(set), round \(round), for \(target)")
    }

    /// A header does not name its chain: all chains share the order of slots.
    private static func seal(_ bytes: [UInt8], key: Hash256) throws(SCALEError) -> Meaning {
        let header = try SCALEDecoder.decode(Header.self, from: bytes)
        guard header.seal == nil, let slot = header.slot else {
            throw .invalidValue(offset: 0, reason: "the header is sealed, or has no slot")
        }
        return Meaning(
            message: header.hash.bytes,
            slot: SignerLog.Slot(
                key: key, genesisHash: .zero, kind: Kind.seal.rawValue, major: slot.rawValue),
            description: "the seal of slot \(slot), for #\(header.number) (\(header.hash.short))")
    }

    private static func extrinsic(_ bytes: [UInt8]) throws(SCALEError) -> Meaning {
        var decoder = try Self.decoder(bytes, after: "quantumharmony/extrinsic/1")
        _ = try decoder.read(Hash256.self)
        let version = try decoder.readByte()
        guard version == Extrinsic.version, Extrinsic.Kind(rawValue: try decoder.readByte()) != nil
        else { throw .invalidValue(offset: 0, reason: "its version or its kind is unknown") }
        _ = try decoder.read(AccountID.self)
        let nonce = try decoder.readInteger(UInt64.self)
        _ = try decoder.readBytes(limit: Extrinsic.maximumPayloadByteCount)
        try decoder.finish()
        return Meaning(message: bytes, description: "extrinsic \(nonce) of its account")
    }

    private static func keyProof(
        _ bytes: [UInt8], publicKey: [UInt8]
    ) throws(SCALEError) -> Meaning {
        var decoder = try Self.decoder(bytes, after: "quantumharmony/key-proof/1")
        _ = try decoder.read(Hash256.self)
        _ = try decoder.read(AccountID.self)
        guard try decoder.readRaw(ValidatorIdentity.publicKeyByteCount).elementsEqual(publicKey)
        else { throw .invalidValue(offset: 0, reason: "it is the proof of another key") }
        try decoder.finish()
        return Meaning(message: bytes, description: "the proof of the key")
    }
}
