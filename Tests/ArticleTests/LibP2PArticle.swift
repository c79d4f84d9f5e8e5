import LibP2P
import Primitives
import Testing

/// A node's side of one connection: everything between the socket's bytes and streams.
struct Link {
    var upgrade: ConnectionUpgrade
    var secured: SecuredConnection?
    var muxer: YamuxSession?
    let role: ConnectionRole

    init(
        _ identity: NodeIdentity, role: ConnectionRole, expecting peer: PeerID? = nil, now: Instant
    ) {
        var system = SystemRandomNumberGenerator()
        let credentials = NoiseCredentials(
            identity: identity, staticKey: NoisePrivateKey(using: &system), security: .preferHybrid)
        upgrade = ConnectionUpgrade(
            role: role, credentials: credentials, ephemeralKey: NoisePrivateKey(using: &system),
            kemKey: NoiseKEMKey(using: &system), expectedPeer: peer, now: now)
        self.role = role
    }

    /// Takes bytes from the socket.
    mutating func receive(_ bytes: [UInt8], now: Instant) throws {
        if var connection = secured {
            muxer?.receive(try connection.channel.open(bytes), now: now)
            secured = connection
            return
        }
        upgrade.receive(bytes, now: now)
        switch upgrade.nextEvent() {
        case .failed(let error)?: throw error
        case .secured(let connection)?:
            secured = connection
            muxer = YamuxSession(role: role == .dialer ? .client : .server, now: now)
            muxer?.receive(connection.earlyPlaintext, now: now)
        case nil: break
        }
    }

    /// The bytes for the socket; none when there is nothing to say.
    mutating func output() throws -> [UInt8] {
        var bytes = upgrade.nextOutput() ?? []
        guard var connection = secured else { return bytes }
        var frames: [UInt8] = []
        while muxer?.nextOutput(into: &frames, atMost: 65_536) == true {}
        try connection.channel.seal(frames, into: &bytes)
        secured = connection
        return bytes
    }
}

@Suite("The article on LibP2P")
struct LibP2PArticle {
    /// Carries bytes between two nodes until neither has any: what sockets do in a program.
    private func carry(_ first: inout Link, _ second: inout Link, now: Instant = .zero) throws {
        while true {
            let there = try first.output()
            if !there.isEmpty { try second.receive(there, now: now) }
            let back = try second.output()
            if !back.isEmpty { try first.receive(back, now: now) }
            if there.isEmpty && back.isEmpty { return }
        }
    }

    private func identity() throws -> NodeIdentity {
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        return try #require(NodeIdentity(seed: seed))
    }

    @Test("two nodes prove who they are, open a stream, and talk")
    func conversation() throws {
        let (alice, bob) = (try identity(), try identity())
        var dialer = Link(alice, role: .dialer, expecting: bob.peerID, now: .zero)
        var listener = Link(bob, role: .listener, now: .zero)
        try carry(&dialer, &listener)
        #expect(dialer.secured?.remotePeer == bob.peerID)
        #expect(listener.secured?.remotePeer == alice.peerID)
        #expect(dialer.secured?.security == .hybridNoise)

        let stream = try #require(try dialer.muxer?.openStream())
        try dialer.muxer?.write(stream, Array("hello".utf8))
        dialer.muxer?.shutdown(stream)
        try carry(&dialer, &listener)
        #expect(listener.muxer?.nextEvent() == .streamOpened(stream))
        #expect(listener.muxer?.nextEvent() == .data(stream, Array("hello".utf8)))
        #expect(listener.muxer?.nextEvent() == .halfClosed(stream))
    }

    @Test("a node that is not the one expected gets no connection")
    func stranger() throws {
        let (alice, bob, carol) = (try identity(), try identity(), try identity())
        var dialer = Link(alice, role: .dialer, expecting: carol.peerID, now: .zero)
        var listener = Link(bob, role: .listener, now: .zero)
        #expect(throws: UpgradeError.self) { try carry(&dialer, &listener) }
        #expect(dialer.secured == nil)
    }

    @Test("addresses are read from text and name peers")
    func addresses() throws {
        let bob = try identity()
        let address = try Multiaddr("/ip4/127.0.0.1/tcp/30333/p2p/\(bob.peerID)")
        #expect(address.peerID == bob.peerID)
        #expect(try PeerID("\(bob.peerID)") == bob.peerID)
    }
}
