internal import Crypto

/// A handshake by any pattern of `NoiseToken`s (Noise specification, "The HandshakeState object").
///
/// Messages are written and read in turn; a payload of any content goes with each. An error is
/// final: the state must not be used any more.
package struct NoiseHandshakeState: Sendable {
    /// The most bytes of any Noise message.
    package static let maximumMessageByteCount = 65_535

    private let pattern: NoiseHandshakePattern
    private let role: NoiseRole
    private let staticKey: NoisePrivateKey
    private let ephemeralKey: NoisePrivateKey
    private let kemKey: NoiseKEMKey?
    private var symmetric: NoiseSymmetricState
    private var position = 0
    private var remoteEphemeralKey: [UInt8]?
    private var remoteKEMKey: NoiseKEMPublicKey?
    /// The other side's static public key, once it was received.
    package private(set) var remoteStaticKey: [UInt8]?

    /// The state before the first message. The ephemeral keys must be fresh for every handshake;
    /// `kemKey` is needed by the initiator of a hybrid pattern.
    package init(
        pattern: NoiseHandshakePattern, role: NoiseRole, prologue: [UInt8],
        staticKey: NoisePrivateKey, ephemeralKey: NoisePrivateKey, kemKey: NoiseKEMKey? = nil
    ) {
        precondition(
            kemKey != nil || role == .responder || !pattern.messages.joined().contains(.e1),
            "the initiator of a hybrid handshake has a key for it")
        self.pattern = pattern
        self.role = role
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        self.kemKey = kemKey
        symmetric = NoiseSymmetricState(protocolName: pattern.protocolName)
        symmetric.mixHash(prologue)
    }

    /// Whether all messages were exchanged.
    package var isFinished: Bool { position == pattern.messages.count }

    /// Whether the next message is this side's to write.
    package var isOwnTurn: Bool {
        !isFinished && (position.isMultiple(of: 2) == (role == .initiator))
    }

    /// h: the same on both sides when they agree on everything that was said.
    package var handshakeHash: [UInt8] { symmetric.hash }

    /// Writes the next message, this side's, around a payload.
    package mutating func writeMessage(payload: [UInt8]) throws(NoiseError) -> [UInt8] {
        precondition(isOwnTurn)
        var message: [UInt8] = []
        for token in pattern.messages[position] {
            switch token {
            case .e:
                message += ephemeralKey.publicKey
                symmetric.mixHash(ephemeralKey.publicKey)
            case .s: message += try symmetric.encryptAndHash(staticKey.publicKey)
            case .e1: message += try symmetric.encryptAndHash(kemKey?.publicKey ?? [])
            case .ekem1: message += try encapsulate()
            case .ee, .es, .se: try mixSharedSecret(token)
            }
        }
        message += try symmetric.encryptAndHash(payload)
        precondition(message.count <= Self.maximumMessageByteCount)
        position += 1
        return message
    }

    /// Reads the next message, the other side's, and returns its payload.
    package mutating func readMessage(_ message: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
        precondition(!isFinished && !isOwnTurn)
        var rest = message
        for token in pattern.messages[position] {
            switch token {
            case .e:
                let key = try take(NoisePrivateKey.byteCount, from: &rest, of: message)
                symmetric.mixHash(key)
                remoteEphemeralKey = Array(key)
            case .s:
                remoteStaticKey = try open(NoisePrivateKey.byteCount, from: &rest, of: message)
            case .e1:
                remoteKEMKey = try NoiseKEMPublicKey(
                    open(NoiseKEMKey.publicKeyByteCount, from: &rest, of: message))
            case .ekem1:
                try decapsulate(open(NoiseKEMKey.ciphertextByteCount, from: &rest, of: message))
            case .ee, .es, .se: try mixSharedSecret(token)
            }
        }
        if symmetric.hasKey, rest.count < NoiseCipherState.tagByteCount {
            throw .messageTooShort(byteCount: message.count)
        }
        let payload = try symmetric.decryptAndHash(rest)
        position += 1
        return payload
    }

    /// The encryption of what follows the last message.
    package func makeChannel() -> SecuredChannel {
        precondition(isFinished)
        let (initiators, responders) = symmetric.split()
        return role == .initiator
            ? SecuredChannel(sending: initiators, receiving: responders)
            : SecuredChannel(sending: responders, receiving: initiators)
    }

    private func take(
        _ byteCount: Int, from rest: inout ArraySlice<UInt8>, of message: ArraySlice<UInt8>
    ) throws(NoiseError) -> ArraySlice<UInt8> {
        guard rest.count >= byteCount else { throw .messageTooShort(byteCount: message.count) }
        defer { rest = rest.dropFirst(byteCount) }
        return rest.prefix(byteCount)
    }

    /// Takes a field of that many bytes, encrypted once there is a key.
    private mutating func open(
        _ byteCount: Int, from rest: inout ArraySlice<UInt8>, of message: ArraySlice<UInt8>
    ) throws(NoiseError) -> [UInt8] {
        let tag = symmetric.hasKey ? NoiseCipherState.tagByteCount : 0
        return try symmetric.decryptAndHash(take(byteCount + tag, from: &rest, of: message))
    }

    /// Step `ekem1` of the writer: the field to be sent.
    private mutating func encapsulate() throws(NoiseError) -> [UInt8] {
        guard let remoteKEMKey else {
            preconditionFailure("a pattern sends keys before it uses them")
        }
        let (ciphertext, secret) = remoteKEMKey.encapsulate()
        let field = try symmetric.encryptAndHash(ciphertext)
        symmetric.mixKey(secret)
        return field
    }

    /// Step `ekem1` of the reader.
    private mutating func decapsulate(_ ciphertext: [UInt8]) throws(NoiseError) {
        guard let kemKey else { preconditionFailure("the initiator has the key that it sent") }
        symmetric.mixKey(try kemKey.sharedSecret(in: ciphertext))
    }

    private mutating func mixSharedSecret(_ token: NoiseToken) throws(NoiseError) {
        let usesOwnStaticKey =
            switch token {
            case .es: role == .responder
            case .se: role == .initiator
            default: false
            }
        let usesRemoteStaticKey = token != .ee && !usesOwnStaticKey
        guard let remoteKey = usesRemoteStaticKey ? remoteStaticKey : remoteEphemeralKey else {
            preconditionFailure("a pattern sends keys before it uses them")
        }
        let ownKey = usesOwnStaticKey ? staticKey : ephemeralKey
        symmetric.mixKey(try ownKey.sharedSecret(with: remoteKey))
    }
}
