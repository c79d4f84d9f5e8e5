import LibP2P
import Primitives
import Testing

/// The hybrid handshake: X25519 and ML-KEM-768 together.
@Suite("Hybrid Noise")
struct HybridNoiseTests {
    static let vector = SecurityVectors.noise.xxhfs_public_kat_1

    private func kemKey(_ byte: UInt8) throws -> NoiseKEMKey {
        try #require(NoiseKEMKey(seed: [UInt8](repeating: byte, count: 64)))
    }

    private func credentials(
        _ number: UInt8, _ security: SecurityPolicy, earlyMuxers: [String] = []
    ) throws -> NoiseCredentials {
        NoiseCredentials(
            identity: try NoiseFixture.identity(number), staticKey: try NoiseFixture.key(number),
            earlyMuxers: earlyMuxers, security: security)
    }

    private func handshake(
        _ role: ConnectionRole, _ policy: SecurityPolicy = .preferHybrid,
        over security: SecurityProtocol = .hybridNoise
    ) throws -> NoiseHandshake {
        NoiseHandshake(
            role: role, credentials: try credentials(role == .dialer ? 1 : 2, policy),
            ephemeralKey: try NoiseFixture.key(role == .dialer ? 3 : 4),
            kemKey: role == .dialer ? try kemKey(5) : nil, security: security)
    }

    private func upgrade(
        _ role: ConnectionRole, _ policy: SecurityPolicy
    ) throws -> ConnectionUpgrade {
        ConnectionUpgrade(
            role: role, credentials: try credentials(role == .dialer ? 1 : 2, policy),
            ephemeralKey: try NoiseFixture.key(role == .dialer ? 3 : 4),
            kemKey: try kemKey(5), now: .zero)
    }

    /// The state of one side of the public vector; the responder's messages hold fresh secrets, so
    /// only the initiator can be held against it byte by byte.
    private func initiator() throws -> NoiseHandshakeState {
        let seed = try bytes(Self.vector.kem_keygen_d) + bytes(Self.vector.kem_keygen_z)
        let kemKey: NoiseKEMKey = try #require(NoiseKEMKey(seed: seed))
        return NoiseHandshakeState(
            pattern: .xxHybrid, role: .initiator, prologue: [],
            staticKey: try #require(NoisePrivateKey(try bytes(Self.vector.init_static))),
            ephemeralKey: try #require(NoisePrivateKey(try bytes(Self.vector.init_ephemeral))),
            kemKey: kemKey)
    }

    @Test("The initiator writes and reads the public vector")
    func knownAnswer() throws {
        let vector = Self.vector
        #expect(vector.protocol_name == NoiseHandshakePattern.xxHybrid.protocolName)
        var initiator = try initiator()
        let first = try initiator.writeMessage(payload: [])
        #expect(first == (try bytes(vector.msg_a)))
        let payload = try initiator.readMessage(try bytes(vector.msg_b)[...])
        #expect(payload == [])
        let third = try initiator.writeMessage(payload: [])
        #expect(third == (try bytes(vector.msg_c)))
        #expect(initiator.isFinished)
        #expect(initiator.handshakeHash == (try bytes(vector.handshake_hash)))
        let responder = try #require(NoisePrivateKey(try bytes(vector.resp_static)))
        #expect(initiator.remoteStaticKey == responder.publicKey)
        var channel = initiator.makeChannel()
        var other = SecuredChannel(
            sendingKey: try bytes(vector.cs2_k_responder_to_initiator),
            receivingKey: try bytes(vector.cs1_k_initiator_to_responder))
        var record: [UInt8] = []
        try channel.seal([1, 2, 3], into: &record)
        let forth = try other.open(record)
        record = []
        try other.seal([4], into: &record)
        let back = try channel.open(record)
        #expect(forth == [1, 2, 3] && back == [4])
    }

    @Test("Every cut and every altered bit of the vector's second message is refused")
    func damaged() throws {
        let message = try bytes(Self.vector.msg_b)
        for length in 0..<message.count {
            var initiator = try initiator()
            _ = try initiator.writeMessage(payload: [])
            #expect(throws: NoiseError.self) {
                try initiator.readMessage(message[..<length])
            }
        }
        for position in message.indices {
            var altered = message
            altered[position] ^= 1 << (position % 8)
            var initiator = try initiator()
            _ = try initiator.writeMessage(payload: [])
            #expect(throws: NoiseError.decryptionFailed, "byte \(position)") {
                try initiator.readMessage(altered[...])
            }
        }
    }

    @Test("An encapsulation key with an unreduced coefficient is refused")
    func unreducedKey() throws {
        var message = try bytes(Self.vector.msg_a)
        // Two coefficients of 12 bits in three bytes: 4,095 is above 3,328.
        message[32] = 0xFF
        message[33] |= 0x0F
        var responder = NoiseHandshakeState(
            pattern: .xxHybrid, role: .responder, prologue: [],
            staticKey: try NoiseFixture.key(2), ephemeralKey: try NoiseFixture.key(4))
        #expect(throws: NoiseError.invalidEncapsulationKey) {
            try responder.readMessage(message[...])
        }
    }

    @Test("Both sides agree, however the bytes are cut", arguments: [1, 7, 100, .max])
    func roundTrip(step: Int) throws {
        var dialer = try handshake(.dialer)
        var listener = try handshake(.listener)
        let second = listener.feed(dialer.feed([]), step: step)
        let third = dialer.feed(second, step: step)
        #expect(listener.feed(third, step: step) == [])
        let dialled = try #require(dialer.session)
        let accepted = try #require(listener.session)
        #expect(dialled.handshakeHash == accepted.handshakeHash)
        #expect(dialled.security == .hybridNoise && accepted.security == .hybridNoise)
        #expect(accepted.remotePeer == (try NoiseFixture.identity(1).peerID))
        var (one, other) = (dialled.channel, accepted.channel)
        var record: [UInt8] = []
        try one.seal([9], into: &record)
        let content = try other.open(record)
        #expect(content == [9])
    }

    @Test("Each handshake has another secret, with the same keys on both sides")
    func freshSecrets() throws {
        var hashes: Set<[UInt8]> = []
        for _ in 0..<3 {
            var dialer = try handshake(.dialer)
            var listener = try handshake(.listener)
            _ = listener.feed(dialer.feed(listener.feed(dialer.feed([]))))
            hashes.insert(try #require(listener.session).handshakeHash)
        }
        #expect(hashes.count == 3)
    }

    @Test(
        "What is agreed follows from both policies",
        arguments: SecurityPolicy.allCases, SecurityPolicy.allCases)
    func policies(dialing: SecurityPolicy, listening: SecurityPolicy) throws {
        var dialer = try upgrade(.dialer, dialing)
        var listener = try upgrade(.listener, listening)
        converse(&dialer, &listener)
        let expected = dialing.protocols.first { listening.protocols.contains($0) }
        switch (dialer.nextEvent(), listener.nextEvent()) {
        case (.secured(let dialled), .secured(let accepted)):
            #expect(dialled.security == expected && accepted.security == expected)
        case (.failed(let error), nil):
            #expect(expected == nil && error == .security(.noCommonProtocol))
        case (let one, let other):
            Issue.record("\(String(describing: one)), \(String(describing: other))")
        }
    }

    @Test("Both sides notice that somebody talked them out of the hybrid")
    func downgrade() throws {
        // The one in between answers the hybrid proposal with "na" and hides it from the listener.
        let name = SecurityProtocol.hybridNoise.name
        var dialer = try upgrade(.dialer, .preferHybrid)
        var listener = try upgrade(.listener, .preferHybrid)
        let header = MultistreamMessage.frame("/multistream/1.0.0")
        let proposal = dialer.nextOutput()
        #expect(proposal == header + MultistreamMessage.frame(name))
        dialer.receive(header + MultistreamMessage.frame("na"), now: .zero)
        let fallback = MultistreamMessage.frame("/noise")
        #expect(dialer.nextOutput() == fallback)
        listener.receive(header + fallback, now: .zero)
        let answer = listener.nextOutput() ?? []
        #expect(answer == header + fallback)
        dialer.receive(fallback, now: .zero)
        converse(&dialer, &listener)
        guard case .failed(.noise(.downgraded))? = dialer.nextEvent() else {
            Issue.record("the dialer went on")
            return
        }

        // The listener's half: whether the dialer says that it has the hybrid decides.
        for (names, error) in [([name], NoiseError.downgraded), ([], nil)] {
            var suspicious = try handshake(.listener, .preferHybrid, over: .noise)
            var initiator = NoiseHandshakeState(
                pattern: .xx, role: .initiator, prologue: [], staticKey: try NoiseFixture.key(1),
                ephemeralKey: try NoiseFixture.key(3))
            let first = noiseFrame(try initiator.writeMessage(payload: []))
            let second = suspicious.feed(first)
            _ = try initiator.readMessage(second[2...])
            let payload = NoisePayload(
                identity: try NoiseFixture.identity(1),
                staticKey: try NoiseFixture.key(1).publicKey, streamMuxers: [],
                securityProtocols: names)
            let third = try initiator.writeMessage(payload: payload.protobuf)
            _ = suspicious.feed(noiseFrame(third))
            #expect(suspicious.error == error && (suspicious.session == nil) == (error != nil))
        }
    }

    @Test("The list of security protocols is bounded and needs no order")
    func payload() throws {
        let identity = try NoiseFixture.identity(1)
        let names = ["/noise", SecurityProtocol.hybridNoise.name]
        let payload = NoisePayload(
            identity: identity, staticKey: try NoiseFixture.key(1).publicKey,
            streamMuxers: ["/yamux/1.0.0"], securityProtocols: names)
        let read = try NoisePayload(protobuf: payload.protobuf)
        #expect(read == payload && read.securityProtocols == names)
        let many = NoisePayload(
            identityKey: payload.identityKey, identitySignature: payload.identitySignature,
            securityProtocols: Array(repeating: "/noise", count: 17))
        #expect(try NoisePayload(protobuf: many.protobuf).securityProtocols == [])
    }

    /// Runs both sides against each other until nothing is said any more.
    private func converse(_ dialer: inout ConnectionUpgrade, _ listener: inout ConnectionUpgrade) {
        while true {
            var isQuiet = true
            while let output = dialer.nextOutput() {
                listener.receive(output, now: .zero)
                isQuiet = false
            }
            while let output = listener.nextOutput() {
                dialer.receive(output, now: .zero)
                isQuiet = false
            }
            if isQuiet { return }
        }
    }
}
