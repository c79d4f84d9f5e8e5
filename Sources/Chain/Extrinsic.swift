package import Primitives
package import SCALE

/// A signed request to the chain.
///
/// Encoding: compact byte count of the rest, as Substrate's opaque extrinsics carry it, then
/// version, kind, signer, nonce, payload, signature. Falcon signing is randomised, so one request
/// has many valid encodings; what identifies it is its signer and nonce.
package struct Extrinsic: Sendable {
    /// The version of the layout.
    package static let version: UInt8 = 1
    /// A payload has at most this many bytes.
    package static let maximumPayloadByteCount = 4_096
    /// The fewest bytes an encoding takes.
    package static let minimumByteCount = 2 + fixedByteCount + 1
    /// The most bytes an encoding takes.
    package static let maximumByteCount = 4 + fixedByteCount + 2 + maximumPayloadByteCount

    private static let fixedByteCount = 1 + 1 + 32 + 8 + SignatureFormat.byteCount

    /// What is asked for.
    package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// Bytes put on the chain.
        case remark = 0
        /// Another key for the signer, from the next set on.
        case rotateKey = 1
        /// Evidence of a double vote.
        case evidence = 2
        /// A wish that somebody joins or leaves the next set.
        case nominate = 3
        /// The signer leaves with the next set.
        case leave = 4
    }

    /// What is asked for.
    package let kind: Kind
    /// The account that asks, a member of the set in force.
    package let signer: AccountID
    /// The signer's count of earlier extrinsics.
    package let nonce: UInt64
    /// The kind's operands: see `Call`.
    package let payload: [UInt8]
    /// What is asked for, read from the payload.
    package let call: Call
    /// A Falcon-1024 signature over `signingBytes`, 1,280 bytes.
    package let signature: [UInt8]
    /// BLAKE2b-256 of the encoding.
    package let hash: Hash256
    /// The bytes of the encoding.
    package let encodedByteCount: Int

    /// Makes an extrinsic; nil when the payload is not one of the kind, or when it or the signature
    /// has a length that is not allowed.
    package init?(
        kind: Kind, signer: AccountID, nonce: UInt64, payload: [UInt8], signature: [UInt8]
    ) {
        guard payload.count <= Self.maximumPayloadByteCount,
            signature.count == SignatureFormat.byteCount,
            let call = Call(kind, payload: payload)
        else { return nil }
        self.call = call
        self.kind = kind
        self.signer = signer
        self.nonce = nonce
        self.payload = payload
        self.signature = signature
        let encoding = Self.encoding(kind, signer, nonce, payload, signature)
        hash = BLAKE2b256.hash(encoding)
        encodedByteCount = encoding.count
    }

    /// What the signer signs for a chain, domain-separated.
    package func signingBytes(genesisHash: Hash256) -> [UInt8] {
        Self.signingBytes(
            kind: kind, signer: signer, nonce: nonce, payload: payload, genesisHash: genesisHash)
    }

    /// What the signer signs for a chain, before there is a signature.
    package static func signingBytes(
        kind: Kind, signer: AccountID, nonce: UInt64, payload: [UInt8], genesisHash: Hash256
    ) -> [UInt8] {
        var encoder = SCALEEncoder(capacity: 128 + payload.count)
        encoder.appendRaw("quantumharmony/extrinsic/1".utf8)
        encoder.append(genesisHash)
        appendUnsigned(kind, signer, nonce, payload, to: &encoder)
        return encoder.bytes
    }

    private static func appendUnsigned(
        _ kind: Kind, _ signer: AccountID, _ nonce: UInt64, _ payload: [UInt8],
        to encoder: inout SCALEEncoder
    ) {
        encoder.append(version)
        encoder.append(kind.rawValue)
        encoder.append(signer)
        encoder.append(nonce)
        encoder.appendBytes(payload)
    }

    private static func encoding(
        _ kind: Kind, _ signer: AccountID, _ nonce: UInt64, _ payload: [UInt8],
        _ signature: [UInt8]
    ) -> [UInt8] {
        var inner = SCALEEncoder(capacity: fixedByteCount + 4 + payload.count)
        appendUnsigned(kind, signer, nonce, payload, to: &inner)
        inner.appendRaw(signature)
        var outer = SCALEEncoder(capacity: inner.bytes.count + 4)
        outer.appendBytes(inner.bytes)
        return outer.bytes
    }
}

extension Extrinsic: Hashable {
    package static func == (left: Extrinsic, right: Extrinsic) -> Bool { left.hash == right.hash }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

extension Extrinsic: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.appendRaw(Self.encoding(kind, signer, nonce, payload, signature))
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let bytes = try decoder.readBytes(limit: Self.maximumByteCount)
        var inner = SCALEDecoder(bytes)
        let version = try inner.readByte()
        guard version == Self.version else {
            throw .invalidValue(offset: start, reason: "extrinsic version \(version) is unknown")
        }
        let index = try inner.readByte()
        guard let kind = Kind(rawValue: index) else {
            throw .invalidIndex(offset: start, index: index)
        }
        let signer = try inner.read(AccountID.self)
        let nonce = try inner.readInteger(UInt64.self)
        let payload = try inner.readBytes(limit: Self.maximumPayloadByteCount)
        let signature = try inner.readRaw(SignatureFormat.byteCount)
        try inner.finish()
        guard
            let extrinsic = Extrinsic(
                kind: kind, signer: signer, nonce: nonce, payload: payload, signature: signature)
        else { throw .invalidValue(offset: start, reason: "the payload is none of its kind") }
        self = extrinsic
    }
}
