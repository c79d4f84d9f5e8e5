/// What a finished handshake hands over.
public struct NoiseSession: Sendable {
    /// The encryption of what follows.
    public var channel: SecuredChannel
    /// The peer, proven.
    public let remotePublicKey: PublicKey
    /// The multiplexer that both sides offered inside the handshake; nil when it is to be
    /// negotiated.
    public let earlyMuxer: String?
    /// How the connection is encrypted.
    public let security: SecurityProtocol
    /// Identifies this handshake and nothing else: the same 32 bytes on both sides.
    public let handshakeHash: [UInt8]

    /// The id of the peer.
    public var remotePeer: PeerID { remotePublicKey.peerID }
}

/// The Noise XX handshake of libp2p over a byte stream (libp2p noise specification), classical or
/// hybrid.
///
/// The initiator is the side that dialled. A byte mover: `receive` what arrived, send what
/// `nextOutput` gives, look at `outcome`; bytes that came behind the handshake are the first
/// records of the channel: `takeRemaining`.
public struct NoiseHandshake: Sendable {
    /// The most bytes of a handshake message that are read. Real ones have a few hundred; an RSA
    /// identity makes it about two thousand.
    public static let maximumMessageByteCount = 8_192

    /// Where a handshake stands.
    public enum Outcome: Sendable {
        /// More bytes from the peer are needed.
        case pending
        /// Both sides know each other.
        case established(NoiseSession)
        /// Close the connection.
        case failed(NoiseError)
    }

    private let credentials: NoiseCredentials
    private let expectedPeer: PeerID?
    private let isInitiator: Bool
    private let security: SecurityProtocol
    private var state: NoiseHandshakeState
    private var remotePayload: NoisePayload?
    private var remotePublicKey: PublicKey?
    private var buffer = ReceiveBuffer()
    private var output: [UInt8] = []
    /// Where the handshake stands.
    public private(set) var outcome = Outcome.pending

    /// A handshake on a new connection. The ephemeral keys are for this handshake only; the dialer
    /// of a hybrid one needs a `kemKey`. With `expectedPeer`, any other peer fails it. The prologue
    /// is empty with all stock peers.
    public init(
        role: ConnectionRole, credentials: NoiseCredentials, ephemeralKey: NoisePrivateKey,
        kemKey: NoiseKEMKey? = nil, security: SecurityProtocol = .noise,
        expectedPeer: PeerID? = nil, prologue: [UInt8] = []
    ) {
        self.credentials = credentials
        self.security = security
        self.expectedPeer = expectedPeer
        isInitiator = role == .dialer
        state = NoiseHandshakeState(
            pattern: security.pattern, role: role == .dialer ? .initiator : .responder,
            prologue: prologue, staticKey: credentials.staticKey, ephemeralKey: ephemeralKey,
            kemKey: kemKey)
        advance()
    }

    /// Takes bytes from the peer.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) {
        if case .failed = outcome { return }
        buffer.append(bytes)
        advance()
    }

    /// Takes bytes from the peer.
    public mutating func receive(_ bytes: [UInt8]) { receive(bytes[...]) }

    /// The peer will send nothing more.
    public mutating func receiveEndOfStream() {
        if case .pending = outcome { outcome = .failed(.endOfStream) }
    }

    /// The bytes to be sent next, nil when there are none.
    public mutating func nextOutput() -> [UInt8]? {
        guard !output.isEmpty else { return nil }
        defer { output = [] }
        return output
    }

    /// The bytes that came behind the handshake.
    public mutating func takeRemaining() -> [UInt8] { buffer.takeAll() }

    /// Writes and reads messages as far as the received bytes go.
    private mutating func advance() {
        guard case .pending = outcome else { return }
        do {
            while !state.isFinished {
                if state.isOwnTurn {
                    try write()
                } else if let message = try nextMessage() {
                    try read(message)
                } else {
                    return
                }
            }
            outcome = .established(try session())
        } catch {
            outcome = .failed(error)
            buffer = ReceiveBuffer()
        }
    }

    private mutating func write() throws(NoiseError) {
        // The first message is in the clear and says nothing.
        let isFirst = isInitiator && remotePayload == nil
        let message = try state.writeMessage(payload: isFirst ? [] : credentials.payload.protobuf)
        output += UInt16(message.count).bigEndianBytes
        output += message
    }

    private mutating func read(_ message: [UInt8]) throws(NoiseError) {
        let content = try state.readMessage(message[...])
        // The first message comes before the static key; nothing in it could be believed.
        guard let staticKey = state.remoteStaticKey else { return }
        let payload = try NoisePayload(protobuf: content)
        let key = try payload.verifiedKey(staticKey: staticKey)
        if let expectedPeer, key.peerID != expectedPeer {
            throw .unexpectedPeer(expected: expectedPeer, actual: key.peerID)
        }
        if security == .noise, credentials.security.protocols.contains(.hybridNoise),
            payload.securityProtocols.contains(where: SecurityProtocol.hybridNoise.name.isSameName)
        {
            throw .downgraded
        }
        remotePayload = payload
        remotePublicKey = key
    }

    private mutating func nextMessage() throws(NoiseError) -> [UInt8]? {
        guard let length = UInt16(bigEndianBytes: buffer.unread.prefix(2)) else { return nil }
        guard length <= Self.maximumMessageByteCount else {
            throw .messageTooLong(byteCount: Int(length))
        }
        guard buffer.count >= 2 + Int(length) else { return nil }
        buffer.consume(2)
        return buffer.take(Int(length))
    }

    private func session() throws(NoiseError) -> NoiseSession {
        guard let remotePublicKey, let remotePayload else { throw .missingIdentity }
        return NoiseSession(
            channel: state.makeChannel(),
            remotePublicKey: remotePublicKey,
            earlyMuxer: earlyMuxer(remote: remotePayload.streamMuxers), security: security,
            handshakeHash: state.handshakeHash)
    }

    /// The first of the initiator's multiplexers that the responder has too.
    private func earlyMuxer(remote: [String]) -> String? {
        let own = credentials.payload.streamMuxers
        let (initiators, responders) = isInitiator ? (own, remote) : (remote, own)
        return initiators.first { name in responders.contains { $0.isSameName(as: name) } }
    }
}
