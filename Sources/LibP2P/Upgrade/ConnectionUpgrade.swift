public import Primitives

/// Why a new connection cannot be used.
public enum UpgradeError: Error, Sendable, Equatable {
    /// The sides did not agree on how to encrypt.
    case security(MultistreamError)
    /// The handshake failed, or a record after it.
    case noise(NoiseError)
    /// The sides did not agree on a multiplexer.
    case multiplexer(MultistreamError)
    /// It took too long.
    case timedOut
    /// The peer closed the connection before all was agreed.
    case endOfStream
}

/// A connection that is encrypted, whose peer is proven and whose multiplexer is agreed.
public struct SecuredConnection: Sendable {
    /// The encryption of all further bytes in both directions.
    public var channel: SecuredChannel
    /// The multiplexer's first bytes, when they came together with the agreement. They come before
    /// everything that `channel` opens from now on.
    public let earlyPlaintext: [UInt8]
    /// The peer.
    public let remotePeer: PeerID
    /// The peer's identity key.
    public let remotePublicKey: PublicKey
    /// The agreed multiplexer, `/yamux/1.0.0`.
    public let multiplexer: String
    /// How the connection is encrypted.
    public let security: SecurityProtocol
    /// Identifies this connection's handshake: the same 32 bytes on both sides.
    public let handshakeHash: [UInt8]
}

/// The way of a raw TCP connection to a secured one: multistream-select for the encryption that the
/// credentials' policy allows, the Noise handshake, multistream-select for `/yamux/1.0.0` inside it
/// (libp2p connection establishment specification).
///
/// A byte mover: `receive` what arrived, send what `nextOutput` gives, wait until `nextDeadline` at
/// most, and ask for the one event after each step. What `nextOutput` still gives after the event
/// is to be sent too: before anything that the channel seals, or before the connection is closed.
public struct ConnectionUpgrade: Sendable {
    /// The name of the multiplexer.
    public static let yamuxProtocol = "/yamux/1.0.0"
    /// How long an upgrade may take.
    public static let defaultTimeout = Duration.seconds(10)

    /// How an upgrade ends.
    public enum Event: Sendable {
        /// Close the connection.
        case failed(UpgradeError)
        /// Hand the connection to the multiplexer.
        case secured(SecuredConnection)
    }

    private enum Phase: Sendable {
        case security(Negotiation)
        case handshake(NoiseHandshake)
        case multiplexer(Negotiation, NoiseSession)
        case finished
    }

    /// What the handshake needs once its form is agreed.
    private struct Keys: Sendable {
        let credentials: NoiseCredentials
        let ephemeralKey: NoisePrivateKey
        let kemKey: NoiseKEMKey?
        let expectedPeer: PeerID?
    }

    private let role: ConnectionRole
    private let deadline: Instant
    private let keys: Keys
    private var phase: Phase
    private var output: [UInt8] = []
    private var event: Event?

    /// An upgrade that begins now. The ephemeral keys are for this connection only; a dialer whose
    /// credentials allow the hybrid encryption needs a `kemKey`. With `expectedPeer`, any other
    /// peer fails it.
    public init(
        role: ConnectionRole, credentials: NoiseCredentials, ephemeralKey: NoisePrivateKey,
        kemKey: NoiseKEMKey? = nil, expectedPeer: PeerID? = nil, now: Instant,
        timeout: Duration = defaultTimeout
    ) {
        let protocols = credentials.security.protocols
        precondition(role == .listener || kemKey != nil || !protocols.contains(.hybridNoise))
        self.role = role
        deadline = now + timeout
        keys = Keys(
            credentials: credentials, ephemeralKey: ephemeralKey, kemKey: kemKey,
            expectedPeer: expectedPeer)
        var negotiation = Negotiation(role: role, names: protocols.map(\.name))
        output = negotiation.nextOutput()
        phase = .security(negotiation)
    }

    /// When `handleDeadline` is to be called; nil when the upgrade is over.
    public var nextDeadline: Instant? {
        if case .finished = phase { return nil }
        return deadline
    }

    /// Fails the upgrade when its time is over.
    public mutating func handleDeadline(now: Instant) {
        if now >= deadline { fail(.timedOut) }
    }

    /// Takes bytes from the socket.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, now: Instant) {
        handleDeadline(now: now)
        advance(with: Array(bytes))
    }

    /// Takes bytes from the socket.
    public mutating func receive(_ bytes: [UInt8], now: Instant) { receive(bytes[...], now: now) }

    /// The peer will send nothing more.
    public mutating func receiveEndOfStream() { fail(.endOfStream) }

    /// The bytes for the socket, nil when there are none.
    public mutating func nextOutput() -> [UInt8]? {
        guard !output.isEmpty else { return nil }
        defer { output = [] }
        return output
    }

    /// How the upgrade ended: once, when it has.
    public mutating func nextEvent() -> Event? {
        defer { event = nil }
        return event
    }

    private mutating func fail(_ error: UpgradeError) {
        if case .finished = phase { return }
        phase = .finished
        event = .failed(error)
    }

    /// Gives bytes to the phase, and what it leaves over to the next one.
    private mutating func advance(with bytes: [UInt8]) {
        switch phase {
        case .security(let negotiation): negotiateSecurity(negotiation, bytes)
        case .handshake(let handshake): shakeHands(handshake, bytes)
        case .multiplexer(let negotiation, let session):
            negotiateMultiplexer(negotiation, session, bytes)
        case .finished: break
        }
    }

    private mutating func negotiateSecurity(_ current: Negotiation, _ bytes: [UInt8]) {
        var negotiation = current
        negotiation.receive(bytes)
        output += negotiation.nextOutput()
        switch negotiation.outcome {
        case .pending: phase = .security(negotiation)
        case .failed(let error): fail(.security(error))
        case .agreed(let name):
            let security = SecurityProtocol.allCases.first { $0.name.isSameName(as: name) }
            let handshake = NoiseHandshake(
                role: role, credentials: keys.credentials, ephemeralKey: keys.ephemeralKey,
                kemKey: keys.kemKey, security: security ?? .noise,
                expectedPeer: keys.expectedPeer)
            shakeHands(handshake, negotiation.takeRemaining())
        }
    }

    private mutating func shakeHands(_ current: NoiseHandshake, _ bytes: [UInt8]) {
        var handshake = current
        handshake.receive(bytes)
        output += handshake.nextOutput() ?? []
        switch handshake.outcome {
        case .pending: phase = .handshake(handshake)
        case .failed(let error): fail(.noise(error))
        case .established(var session):
            let rest = handshake.takeRemaining()
            guard let multiplexer = session.earlyMuxer else {
                let negotiation = Negotiation(role: role, names: [Self.yamuxProtocol])
                negotiateMultiplexer(negotiation, session, rest)
                return
            }
            // A bad record behind the handshake is the multiplexer's to meet: the channel reports
            // it again.
            let (plaintext, _) = session.channel.openAvailable(rest)
            finish(session, multiplexer: multiplexer, earlyPlaintext: plaintext)
        }
    }

    private mutating func negotiateMultiplexer(
        _ current: Negotiation, _ currentSession: NoiseSession, _ bytes: [UInt8]
    ) {
        var negotiation = current
        var session = currentSession
        let (plaintext, failure) = session.channel.openAvailable(bytes)
        negotiation.receive(plaintext)
        do {
            try session.channel.seal(negotiation.nextOutput(), into: &output)
        } catch {
            fail(.noise(error))
            return
        }
        switch negotiation.outcome {
        case .failed(let error): fail(.multiplexer(error))
        case .agreed(let name):
            // Again, a bad record behind the agreement is the multiplexer's to meet.
            let rest = negotiation.takeRemaining()
            finish(session, multiplexer: name, earlyPlaintext: rest)
        case .pending:
            if let failure {
                fail(.noise(failure))
            } else {
                phase = .multiplexer(negotiation, session)
            }
        }
    }

    private mutating func finish(
        _ session: NoiseSession, multiplexer: String, earlyPlaintext: [UInt8]
    ) {
        phase = .finished
        event = .secured(
            SecuredConnection(
                channel: session.channel, earlyPlaintext: earlyPlaintext,
                remotePeer: session.remotePeer, remotePublicKey: session.remotePublicKey,
                multiplexer: multiplexer, security: session.security,
                handshakeHash: session.handshakeHash))
    }
}

/// Either side of a negotiation.
private enum Negotiation: Sendable {
    case dialer(MultistreamDialer)
    case listener(MultistreamListener)

    init(role: ConnectionRole, names: [String]) {
        switch role {
        case .dialer: self = .dialer(MultistreamDialer(proposals: names))
        case .listener: self = .listener(MultistreamListener(supported: names))
        }
    }

    var outcome: MultistreamOutcome {
        switch self {
        case .dialer(let dialer): dialer.outcome
        case .listener(let listener): listener.outcome
        }
    }

    mutating func receive(_ bytes: [UInt8]) {
        switch self {
        case .dialer(var dialer):
            dialer.receive(bytes)
            self = .dialer(dialer)
        case .listener(var listener):
            listener.receive(bytes)
            self = .listener(listener)
        }
    }

    mutating func nextOutput() -> [UInt8] {
        switch self {
        case .dialer(var dialer):
            defer { self = .dialer(dialer) }
            return dialer.nextOutput() ?? []
        case .listener(var listener):
            defer { self = .listener(listener) }
            return listener.nextOutput() ?? []
        }
    }

    mutating func takeRemaining() -> [UInt8] {
        switch self {
        case .dialer(var dialer):
            defer { self = .dialer(dialer) }
            return dialer.takeRemaining()
        case .listener(var listener):
            defer { self = .listener(listener) }
            return listener.takeRemaining()
        }
    }
}
