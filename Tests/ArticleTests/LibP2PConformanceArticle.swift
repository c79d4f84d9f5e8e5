import LibP2P
import LibP2PConformance
import Primitives
import Testing

/// The library's Noise, as the checks want it.
struct NoiseEndpoint: SecurityEndpoint {
    private var handshake: NoiseHandshake
    private var session: NoiseSession?
    private var records: [UInt8] = []

    init(_ handshake: NoiseHandshake) { self.handshake = handshake }

    var remotePeer: PeerID? { session?.remotePeer }

    mutating func receive(_ bytes: [UInt8]) throws -> [UInt8] {
        if session != nil { return try session?.channel.open(bytes) ?? [] }
        handshake.receive(bytes)
        switch handshake.outcome {
        case .pending: return []
        case .failed(let error): throw error
        case .established(var session):
            let plaintext = try session.channel.open(handshake.takeRemaining())
            self.session = session
            return plaintext
        }
    }

    mutating func receiveEndOfStream() throws {
        if session == nil { throw NoiseError.endOfStream }
    }

    mutating func send(_ plaintext: [UInt8]) throws {
        try session?.channel.seal(plaintext, into: &records)
    }

    mutating func nextOutput() -> [UInt8] {
        defer { records = [] }
        return (handshake.nextOutput() ?? []) + records
    }
}

/// Noise XX, or XXhfs with ML-KEM-768.
struct Noise: SecurityImplementation {
    var security: SecurityProtocol
    var name: String { security.name }

    func makeEndpoint(
        role: ConnectionRole, identity: NodeIdentity, expectedPeer: PeerID?,
        using generator: inout SeededGenerator
    ) -> NoiseEndpoint {
        let credentials = NoiseCredentials(
            identity: identity, staticKey: NoisePrivateKey(using: &generator))
        return NoiseEndpoint(
            NoiseHandshake(
                role: role, credentials: credentials,
                ephemeralKey: NoisePrivateKey(using: &generator),
                kemKey: NoiseKEMKey(using: &generator), security: security,
                expectedPeer: expectedPeer))
    }
}

/// The library's yamux, as the checks want it.
struct YamuxEndpoint: MuxerEndpoint {
    private var session: YamuxSession

    init(_ session: YamuxSession) { self.session = session }

    var isClosed: Bool { session.isClosed }

    mutating func openStream() throws -> YamuxStreamID { try session.openStream() }

    mutating func write(_ bytes: ArraySlice<UInt8>, to stream: YamuxStreamID) throws -> Int {
        try session.write(stream, bytes)
    }

    mutating func consumed(_ byteCount: Int, of stream: YamuxStreamID) {
        session.consumed(stream, byteCount)
    }

    mutating func finish(_ stream: YamuxStreamID) { session.shutdown(stream) }

    mutating func reset(_ stream: YamuxStreamID) { session.reset(stream) }

    mutating func close() { session.goAway() }

    mutating func receive(_ bytes: [UInt8]) { session.receive(bytes, now: .zero) }

    mutating func nextEvent() -> MuxerEvent<YamuxStreamID>? {
        while let event = session.nextEvent() {
            switch event {
            case .streamOpened(let id): return .opened(id)
            case .data(let id, let bytes): return .data(id, bytes)
            case .halfClosed(let id): return .finished(id)
            case .reset(let id, _): return .reset(id)
            case .goAway, .protocolError, .timedOut: return .sessionEnded
            case .streamAccepted, .writable, .closed, .pong: continue
            }
        }
        return nil
    }

    mutating func nextOutput(atMost limit: Int) -> [UInt8] {
        var output: [UInt8] = []
        _ = session.nextOutput(into: &output, atMost: limit)
        return output
    }
}

/// Yamux with few streams.
struct Yamux: MuxerImplementation {
    let name = "yamux"
    let maximumInboundStreams = 16
    let windowByteCount = Int(YamuxLimits.windowByteCount)

    func makeEndpoint(role: ConnectionRole) -> YamuxEndpoint {
        var limits = YamuxLimits()
        limits.maximumInboundStreams = maximumInboundStreams
        return YamuxEndpoint(
            YamuxSession(role: role == .dialer ? .client : .server, limits: limits, now: .zero))
    }
}

/// A failure names its seed.
@Suite("The library's own security protocols and multiplexer", .serialized)
struct OwnConformance {
    @Test(
        "Noise does what a security protocol has to", arguments: SecurityCheck.allCases,
        SecurityProtocol.allCases)
    func security(check: SecurityCheck, security: SecurityProtocol) throws {
        let seed = UInt64.random(in: .min ... .max)
        let conformance = SecurityConformance(Noise(security: security))
        try conformance.run(check, seed: seed)
    }

    @Test("yamux does what a multiplexer has to", arguments: MuxerCheck.allCases)
    func muxer(check: MuxerCheck) throws {
        try MuxerConformance(Yamux()).run(check, seed: .random(in: .min ... .max))
    }
}
