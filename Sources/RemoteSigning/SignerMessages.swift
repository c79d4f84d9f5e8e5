package import Primitives
package import SCALE

/// What a node asks a signing process. In a frame: u32 byte count, little-endian, then version u8 = 1,
/// kind u8 (0: the keys; 5: a new key; else `SigningRequest.Kind`), the key's name [32], bytes Vec<u8>.
package enum SignerQuery: Sendable, Equatable {
    /// Which keys are there.
    case keys
    /// A key that is made now and kept with the others: answered with its public key.
    case makeKey
    /// A signature with the key of that name.
    case sign(SigningRequest, key: Hash256)
}

/// What a signing process answers. In a frame as above: kind u8 (0: keys, 1: signature, 2: refusal),
/// bytes Vec<u8>: the public keys one after the other, the signature, or a text.
package enum SignerAnswer: Sendable, Equatable {
    /// The public keys.
    case keys([[UInt8]])
    /// A Falcon-1024 signature, 1,280 bytes.
    case signature([UInt8])
    /// Why nothing was signed.
    case refused(String)
}

/// The bounds of frames.
package enum SignerFrame {
    /// The most bytes of a frame; a header has up to 64 KiB, and 64 keys take 112 KiB.
    package static let maximumByteCount = 131_072
    static let version: UInt8 = 1
    /// The kinds of queries that are no requests for signatures.
    static let (keysKind, makeKeyKind): (UInt8, UInt8) = (0, 5)
    /// The most keys that a process tells of.
    package static let keyLimit = 64
}

extension SignerQuery: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(SignerFrame.version)
        switch self {
        case .keys, .makeKey:
            encoder.append(self == .keys ? SignerFrame.keysKind : SignerFrame.makeKeyKind)
            encoder.append(Hash256.zero)
            encoder.appendBytes([])
        case .sign(let request, let key):
            encoder.append(request.kind.rawValue)
            encoder.append(key)
            encoder.appendBytes(request.bytes)
        }
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let version = try decoder.readByte()
        guard version == SignerFrame.version else {
            throw .invalidValue(offset: 0, reason: "version \(version) is unknown")
        }
        let index = try decoder.readByte()
        let key = try decoder.read(Hash256.self)
        let bytes = try decoder.readBytes(limit: SignerFrame.maximumByteCount)
        if index == SignerFrame.keysKind || index == SignerFrame.makeKeyKind {
            guard key == .zero, bytes.isEmpty else {
                throw .invalidValue(offset: 2, reason: "keys are asked for without operands")
            }
            self = index == SignerFrame.keysKind ? .keys : .makeKey
            return
        }
        guard let kind = SigningRequest.Kind(rawValue: index) else {
            throw .invalidIndex(offset: 1, index: index)
        }
        self = .sign(SigningRequest(kind, bytes), key: key)
    }
}

extension SignerAnswer: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        switch self {
        case .keys(let keys):
            encoder.append(UInt8(0))
            encoder.appendBytes(Array(keys.joined()))
        case .signature(let bytes):
            encoder.append(UInt8(1))
            encoder.appendBytes(bytes)
        case .refused(let reason):
            encoder.append(UInt8(2))
            encoder.appendBytes(Array(reason.utf8))
        }
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let index = try decoder.readByte()
        let bytes = try decoder.readBytes(limit: SignerFrame.maximumByteCount)
        switch index {
        case 0:
            let size = ValidatorIdentity.publicKeyByteCount
            guard bytes.count % size == 0, bytes.count / size <= SignerFrame.keyLimit else {
                throw .invalidValue(offset: 1, reason: "\(bytes.count) bytes are no public keys")
            }
            self = .keys(
                stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<$0 + size]) })
        case 1:
            guard bytes.count == SignatureFormat.byteCount else {
                throw .invalidValue(offset: 1, reason: "a signature has 1,280 bytes")
            }
            self = .signature(bytes)
        case 2:
            guard let reason = String(validating: bytes, as: UTF8.self) else {
                throw .invalidValue(offset: 1, reason: "the reason is no text")
            }
            self = .refused(reason)
        default: throw .invalidIndex(offset: 0, index: index)
        }
    }
}
