/// What libp2p says inside the second and third handshake message (libp2p noise specification,
/// `NoiseHandshakePayload`): who speaks, and a proof that the static key is that peer's.
package struct NoisePayload: Sendable, Equatable {
    /// Longer lists of multiplexers are taken as none.
    package static let maximumMuxerCount = 100
    /// What the identity key signs, before the static key.
    private static let signaturePrefix = Array("noise-libp2p-static-key:".utf8)

    private enum FieldNumber {
        static let identityKey: UInt64 = 1
        static let identitySignature: UInt64 = 2
        static let extensions: UInt64 = 4
        /// Inside the extensions.
        static let streamMuxers: UInt64 = 2
    }

    /// A serialised `PublicKey`.
    package var identityKey: [UInt8]
    /// The identity key's signature over a fixed text and the static key.
    package var identitySignature: [UInt8]
    /// The multiplexers that the sender would use without another negotiation, best first; empty
    /// when it asks for the negotiation.
    package var streamMuxers: [String]

    package init(identityKey: [UInt8], identitySignature: [UInt8], streamMuxers: [String] = []) {
        self.identityKey = identityKey
        self.identitySignature = identitySignature
        self.streamMuxers = streamMuxers
    }

    /// A payload in which `identity` vouches for a static key.
    package init(identity: NodeIdentity, staticKey: [UInt8], streamMuxers: [String]) {
        self.init(
            identityKey: identity.publicKey.protobuf,
            identitySignature: identity.sign(Self.signedMessage(staticKey)),
            streamMuxers: streamMuxers)
    }

    private static func signedMessage(_ staticKey: [UInt8]) -> [UInt8] {
        signaturePrefix + staticKey
    }

    /// Checks that the payload's key signed the static key that the handshake proved, and returns
    /// the key.
    package func verifiedKey(staticKey: [UInt8]) throws(NoiseError) -> PublicKey {
        let isValid: Bool
        let key: PublicKey
        do {
            key = try PublicKey(protobuf: identityKey)
            isValid = try key.isValidSignature(
                identitySignature, for: Self.signedMessage(staticKey))
        } catch {
            throw .invalidIdentityKey(error)
        }
        guard isValid else { throw .invalidIdentitySignature }
        return key
    }

    /// The serialised message.
    package var protobuf: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendProtobufField(FieldNumber.identityKey, identityKey)
        bytes.appendProtobufField(FieldNumber.identitySignature, identitySignature)
        guard !streamMuxers.isEmpty else { return bytes }
        var extensions: [UInt8] = []
        for muxer in streamMuxers {
            extensions.appendProtobufField(FieldNumber.streamMuxers, Array(muxer.utf8))
        }
        bytes.appendProtobufField(FieldNumber.extensions, extensions)
        return bytes
    }

    /// Reads a serialised message; fields of other numbers or forms are skipped.
    package init(protobuf bytes: [UInt8]) throws(NoiseError) {
        var key: ArraySlice<UInt8>?
        var signature: ArraySlice<UInt8>?
        var muxers: [String] = []
        do {
            var reader = ProtobufFieldReader(bytes[...])
            while let field = try reader.next() {
                guard let content = field.content else { continue }
                switch field.number {
                case FieldNumber.identityKey: key = content
                case FieldNumber.identitySignature: signature = content
                case FieldNumber.extensions: muxers += try Self.muxers(inExtensions: content)
                default: break
                }
            }
        } catch {
            throw .malformedPayload
        }
        guard let key, let signature else { throw .missingIdentity }
        self.init(
            identityKey: Array(key), identitySignature: Array(signature),
            streamMuxers: muxers.count <= Self.maximumMuxerCount ? muxers : [])
    }

    private static func muxers(
        inExtensions message: ArraySlice<UInt8>
    ) throws(ProtobufFieldReader.Malformed) -> [String] {
        var muxers: [String] = []
        var reader = ProtobufFieldReader(message)
        while let field = try reader.next() {
            guard field.number == FieldNumber.streamMuxers, let content = field.content else {
                continue
            }
            guard let name = String(validating: content, as: UTF8.self) else {
                throw ProtobufFieldReader.Malformed()
            }
            muxers.append(name)
        }
        return muxers
    }
}
