/// What libp2p says inside the second and third handshake message (libp2p noise specification,
/// `NoiseHandshakePayload`): who speaks, and a proof that the static key is that peer's.
package struct NoisePayload: Sendable, Equatable {
    /// Longer lists of multiplexers are taken as none.
    package static let maximumMuxerCount = 100
    /// Longer lists of security protocols are taken as none.
    package static let maximumSecurityProtocolCount = 16
    /// What the identity key signs, before the static key.
    private static let signaturePrefix = Array("noise-libp2p-static-key:".utf8)

    private enum FieldNumber {
        static let identityKey: UInt64 = 1
        static let identitySignature: UInt64 = 2
        static let extensions: UInt64 = 4
        /// Inside the extensions.
        static let streamMuxers: UInt64 = 2
        /// Inside the extensions; of this project alone, so far from the numbers that the
        /// specification gives out.
        static let securityProtocols: UInt64 = 7_168
    }

    /// A serialised `PublicKey`.
    package var identityKey: [UInt8]
    /// The identity key's signature over a fixed text and the static key.
    package var identitySignature: [UInt8]
    /// The multiplexers that the sender would use without another negotiation, best first; empty
    /// when it asks for the negotiation.
    package var streamMuxers: [String]
    /// The ways of encryption that the sender has, where one is the hybrid; others do not tell.
    package var securityProtocols: [String]

    package init(
        identityKey: [UInt8], identitySignature: [UInt8], streamMuxers: [String] = [],
        securityProtocols: [String] = []
    ) {
        self.identityKey = identityKey
        self.identitySignature = identitySignature
        self.streamMuxers = streamMuxers
        self.securityProtocols = securityProtocols
    }

    /// A payload in which `identity` vouches for a static key.
    package init(
        identity: NodeIdentity, staticKey: [UInt8], streamMuxers: [String],
        securityProtocols: [String] = []
    ) {
        self.init(
            identityKey: identity.publicKey.protobuf,
            identitySignature: identity.sign(Self.signedMessage(staticKey)),
            streamMuxers: streamMuxers, securityProtocols: securityProtocols)
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
        var extensions: [UInt8] = []
        for muxer in streamMuxers {
            extensions.appendProtobufField(FieldNumber.streamMuxers, Array(muxer.utf8))
        }
        for name in securityProtocols {
            extensions.appendProtobufField(FieldNumber.securityProtocols, Array(name.utf8))
        }
        guard !extensions.isEmpty else { return bytes }
        bytes.appendProtobufField(FieldNumber.extensions, extensions)
        return bytes
    }

    /// Reads a serialised message; fields of other numbers or forms are skipped.
    package init(protobuf bytes: [UInt8]) throws(NoiseError) {
        var key: ArraySlice<UInt8>?
        var signature: ArraySlice<UInt8>?
        var muxers: [String] = []
        var securityProtocols: [String] = []
        do {
            var reader = ProtobufFieldReader(bytes[...])
            while let field = try reader.next() {
                guard let content = field.content else { continue }
                switch field.number {
                case FieldNumber.identityKey: key = content
                case FieldNumber.identitySignature: signature = content
                case FieldNumber.extensions:
                    muxers += try Self.names(FieldNumber.streamMuxers, inExtensions: content)
                    securityProtocols += try Self.names(
                        FieldNumber.securityProtocols, inExtensions: content)
                default: break
                }
            }
        } catch {
            throw .malformedPayload
        }
        guard let key, let signature else { throw .missingIdentity }
        self.init(
            identityKey: Array(key), identitySignature: Array(signature),
            streamMuxers: muxers.count <= Self.maximumMuxerCount ? muxers : [],
            securityProtocols: securityProtocols.count <= Self.maximumSecurityProtocolCount
                ? securityProtocols : [])
    }

    private static func names(
        _ number: UInt64, inExtensions message: ArraySlice<UInt8>
    ) throws(ProtobufFieldReader.Malformed) -> [String] {
        var names: [String] = []
        var reader = ProtobufFieldReader(message)
        while let field = try reader.next() {
            guard field.number == number, let content = field.content else { continue }
            guard let name = String(validating: content, as: UTF8.self) else {
                throw ProtobufFieldReader.Malformed()
            }
            names.append(name)
        }
        return names
    }
}
