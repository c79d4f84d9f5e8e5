import Crypto
import LibP2P
import Primitives
import Testing

@Suite("Noise handshake")
struct NoiseHandshakeTests {
    static let patterns = [SecurityVectors.noise.cacophony, SecurityVectors.noise.snow]
    static let handshakes = [
        SecurityVectors.noise.libp2p_xx_no_extensions,
        SecurityVectors.noise.libp2p_xx_with_stream_muxers,
    ]

    @Test("The engine writes and reads the public XX vectors", arguments: [0, 1])
    func pattern(_ index: Int) throws {
        let vector = Self.patterns[index]
        #expect(vector.protocol_name == NoiseHandshakePattern.xx.protocolName)
        var initiator = NoiseHandshakeState(
            pattern: .xx, role: .initiator, prologue: try bytes(vector.init_prologue),
            staticKey: try #require(NoisePrivateKey(try bytes(vector.init_static))),
            ephemeralKey: try #require(NoisePrivateKey(try bytes(vector.init_ephemeral))))
        var responder = NoiseHandshakeState(
            pattern: .xx, role: .responder, prologue: try bytes(vector.resp_prologue),
            staticKey: try #require(NoisePrivateKey(try bytes(vector.resp_static))),
            ephemeralKey: try #require(NoisePrivateKey(try bytes(vector.resp_ephemeral))))
        for (position, message) in vector.messages.prefix(3).enumerated() {
            let payload = try bytes(message.payload)
            let ciphertext = try bytes(message.ciphertext)
            if position.isMultiple(of: 2) {
                #expect(try initiator.writeMessage(payload: payload) == ciphertext)
                #expect(try responder.readMessage(ciphertext[...]) == payload)
            } else {
                #expect(try responder.writeMessage(payload: payload) == ciphertext)
                #expect(try initiator.readMessage(ciphertext[...]) == payload)
            }
        }
        #expect(initiator.isFinished && responder.isFinished)
        #expect(initiator.handshakeHash == responder.handshakeHash)
        if let hash = vector.handshake_hash {
            #expect(initiator.handshakeHash == (try bytes(hash)))
        }
        var ends = [initiator.makeChannel(), responder.makeChannel()]
        for (position, message) in vector.messages.enumerated().dropFirst(3) {
            var record: [UInt8] = []
            try ends[position % 2].seal(try bytes(message.payload), into: &record)
            #expect(record == noiseFrame(try bytes(message.ciphertext)))
            #expect(try ends[(position + 1) % 2].open(record) == (try bytes(message.payload)))
        }
    }

    @Test(
        "libp2p handshakes are the vectors' bytes, however they arrive",
        arguments: [0, 1], [1, 2, 3, 100, .max])
    func libp2p(_ index: Int, step: Int) throws {
        let vector = Self.handshakes[index]
        let muxers = index == 0 ? [] : ["/yamux/1.0.0"]
        let initiatorPeer = try NoiseFixture.identity(1).peerID
        let responderPeer = try NoiseFixture.identity(2).peerID
        var initiator = try NoiseFixture.handshake(
            .dialer, expecting: responderPeer, earlyMuxers: muxers)
        var responder = try NoiseFixture.handshake(.listener, earlyMuxers: muxers)
        let first = initiator.feed([])
        #expect(first == (try bytes(vector.frame_1)))
        let second = responder.feed(first, step: step)
        #expect(second == (try bytes(vector.frame_2)))
        let third = initiator.feed(second, step: step)
        #expect(third == (try bytes(vector.frame_3)))
        #expect(responder.feed(third, step: step) == [])

        var initiatorEnd = try #require(initiator.session)
        var responderEnd = try #require(responder.session)
        #expect(initiatorEnd.remotePeer == responderPeer)
        #expect(responderEnd.remotePeer == initiatorPeer)
        #expect(initiatorEnd.handshakeHash == (try bytes(vector.handshake_hash)))
        #expect(responderEnd.handshakeHash == initiatorEnd.handshakeHash)
        #expect(initiatorEnd.earlyMuxer == muxers.first)
        #expect(responderEnd.earlyMuxer == muxers.first)

        let plaintext = try bytes(vector.transport_plaintext)
        var record: [UInt8] = []
        try initiatorEnd.channel.seal(plaintext, into: &record)
        #expect(record == (try bytes(vector.transport_frame_init_n0)))
        #expect(try responderEnd.channel.open(record) == plaintext)
        record = []
        try responderEnd.channel.seal(plaintext, into: &record)
        #expect(record == (try bytes(vector.transport_frame_resp_n0)))
        #expect(try initiatorEnd.channel.open(record) == plaintext)
    }

    @Test("Bytes behind the handshake are handed on exactly", arguments: [1, 3, .max])
    func remaining(step: Int) throws {
        let vector = Self.handshakes[0]
        let record = try bytes(vector.transport_frame_init_n0)
        var responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed(
            try bytes(vector.frame_1) + (try bytes(vector.frame_3)) + record, step: step)
        var session = try #require(responder.session)
        let rest = responder.takeRemaining()
        #expect(rest == record)
        #expect(try session.channel.open(rest) == (try bytes(vector.transport_plaintext)))
    }

    @Test("A handshake cut at any byte stays pending and fails at the end of the stream")
    func truncation() throws {
        let vector = Self.handshakes[0]
        let toResponder = try bytes(vector.frame_1) + (try bytes(vector.frame_3))
        for length in 0..<toResponder.count {
            var responder = try NoiseFixture.handshake(.listener)
            _ = responder.feed(Array(toResponder[..<length]))
            #expect(responder.session == nil && responder.error == nil, "\(length) bytes")
            responder.receiveEndOfStream()
            #expect(responder.error == .endOfStream)
        }
        let toInitiator = try bytes(vector.frame_2)
        for length in 0..<toInitiator.count {
            var initiator = try NoiseFixture.handshake(.dialer)
            _ = initiator.feed(Array(toInitiator[..<length]))
            #expect(initiator.session == nil && initiator.error == nil, "\(length) bytes")
            initiator.receiveEndOfStream()
            #expect(initiator.error == .endOfStream)
        }
    }

    @Test("No altered bit passes, in whichever message")
    func bitFlips() throws {
        let vector = Self.handshakes[0]
        let first = try bytes(vector.frame_1)
        let second = try bytes(vector.frame_2)
        let third = try bytes(vector.frame_3)
        for position in first.indices {
            var altered = first
            altered[position] ^= 1 << (position % 8)
            var responder = try NoiseFixture.handshake(.listener)
            let answer = responder.feed(altered)
            var initiator = try NoiseFixture.handshake(.dialer)
            _ = initiator.feed(answer)
            #expect(initiator.session == nil, "message 1, byte \(position)")
            if !answer.isEmpty {
                #expect(initiator.error == .decryptionFailed, "message 1, byte \(position)")
            }
        }
        for position in second.indices {
            var altered = second
            altered[position] ^= 1 << (position % 8)
            var initiator = try NoiseFixture.handshake(.dialer)
            _ = initiator.feed(altered)
            #expect(initiator.session == nil, "message 2, byte \(position)")
            if position >= 2 {
                #expect(initiator.error == .decryptionFailed, "message 2, byte \(position)")
            }
        }
        for position in third.indices {
            var altered = third
            altered[position] ^= 1 << (position % 8)
            var responder = try NoiseFixture.handshake(.listener)
            _ = responder.feed(first + altered)
            #expect(responder.session == nil, "message 3, byte \(position)")
            if position >= 2 {
                #expect(responder.error == .decryptionFailed, "message 3, byte \(position)")
            }
        }
    }

    @Test("A prologue must be the same on both sides")
    func prologue() throws {
        var initiator = NoiseHandshake(
            role: .dialer, credentials: try NoiseFixture.credentials(1),
            ephemeralKey: try NoiseFixture.key(3), prologue: [1])
        var responder = try NoiseFixture.handshake(.listener)
        _ = initiator.feed(responder.feed(initiator.feed([])))
        #expect(initiator.error == .decryptionFailed)
    }

    @Test("Another peer than the expected one is refused before anything is revealed")
    func unexpectedPeer() throws {
        let expected = try NoiseFixture.identity(9).peerID
        let actual = try NoiseFixture.identity(2).peerID
        var initiator = try NoiseFixture.handshake(.dialer, expecting: expected)
        var responder = try NoiseFixture.handshake(.listener)
        let answer = responder.feed(initiator.feed([]))
        #expect(initiator.feed(answer) == [])
        #expect(initiator.error == .unexpectedPeer(expected: expected, actual: actual))
        #expect(initiator.feed(answer) == [])
    }

    @Test("Lengths out of range fail at once", arguments: [1, .max])
    func lengths(step: Int) throws {
        var responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed([0x20, 0x01], step: step)
        #expect(responder.error == .messageTooLong(byteCount: 8_193))
        responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed([0xFF, 0xFF], step: step)
        #expect(responder.error == .messageTooLong(byteCount: 65_535))
        responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed([0x00, 0x00], step: step)
        #expect(responder.error == .messageTooShort(byteCount: 0))
        responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed(noiseFrame([UInt8](repeating: 9, count: 31)), step: step)
        #expect(responder.error == .messageTooShort(byteCount: 31))
        for length in [0, 31, 32, 79, 80, 95] {
            var initiator = try NoiseFixture.handshake(.dialer)
            let frame = try bytes(Self.handshakes[0].frame_2)
            _ = initiator.feed(noiseFrame(Array(frame[2..<2 + length])), step: step)
            #expect(initiator.error == .messageTooShort(byteCount: length))
        }
        responder = try NoiseFixture.handshake(.listener)
        _ = responder.feed(try bytes(Self.handshakes[0].frame_1) + noiseFrame([1, 2]), step: step)
        #expect(responder.error == .messageTooShort(byteCount: 2))
    }

    /// The points of small order of Curve25519 below 2^255, and 2^255 - 19 + 0 and + 1.
    static let weakKeys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test("Public keys of small order are refused, ephemeral or static", arguments: weakKeys)
    func weakKey(_ hex: String) throws {
        let weak = try bytes(hex)
        var responder = try NoiseFixture.handshake(.listener)
        #expect(responder.feed(noiseFrame(weak)) == [])
        #expect(responder.error == .weakPublicKey)

        var initiator = try NoiseFixture.handshake(.dialer)
        _ = initiator.feed(noiseFrame(weak + [UInt8](repeating: 0, count: 100)))
        #expect(initiator.error == .weakPublicKey)
    }
}
