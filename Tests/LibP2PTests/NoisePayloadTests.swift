import Crypto
import LibP2P
import Primitives
import Testing

@Suite("Noise payload")
struct NoisePayloadTests {
    /// Lets an initiator shake hands with a responder that sends whatever payload it likes.
    private func initiatorError(
        payload: ([UInt8]) throws -> [UInt8]
    ) throws -> (error: NoiseError?, session: NoiseSession?) {
        var initiator = try NoiseFixture.handshake(.dialer)
        let staticKey = try NoiseFixture.key(2)
        var responder = NoiseHandshakeState(
            pattern: .xx, role: .responder, prologue: [], staticKey: staticKey,
            ephemeralKey: try NoiseFixture.key(4))
        let first = initiator.feed([])
        #expect(try responder.readMessage(first[2...]) == [])
        let second = try responder.writeMessage(payload: try payload(staticKey.publicKey))
        _ = initiator.feed(noiseFrame(second))
        return (initiator.error, initiator.session)
    }

    /// Lets a responder shake hands with an initiator that sends whatever payloads it likes.
    private func responderError(
        first: [UInt8] = [], third: ([UInt8]) throws -> [UInt8]
    ) throws -> (error: NoiseError?, session: NoiseSession?) {
        var responder = try NoiseFixture.handshake(.listener)
        let staticKey = try NoiseFixture.key(1)
        var initiator = NoiseHandshakeState(
            pattern: .xx, role: .initiator, prologue: [], staticKey: staticKey,
            ephemeralKey: try NoiseFixture.key(3))
        let second = responder.feed(noiseFrame(try initiator.writeMessage(payload: first)))
        _ = try initiator.readMessage(second[2...])
        let message = try initiator.writeMessage(payload: try third(staticKey.publicKey))
        _ = responder.feed(noiseFrame(message))
        return (responder.error, responder.session)
    }

    private func payload(_ staticKey: [UInt8], identity: UInt8 = 2) throws -> NoisePayload {
        NoisePayload(
            identity: try NoiseFixture.identity(identity), staticKey: staticKey, streamMuxers: [])
    }

    @Test("The vectors' payloads are written and read")
    func vectors() throws {
        for (vector, muxers) in [
            (SecurityVectors.noise.libp2p_xx_no_extensions, []),
            (SecurityVectors.noise.libp2p_xx_with_stream_muxers, ["/yamux/1.0.0"]),
        ] {
            let initiator = NoisePayload(
                identity: try NoiseFixture.identity(1),
                staticKey: try bytes(vector.init_static_pub), streamMuxers: muxers)
            #expect(initiator.protobuf == (try bytes(vector.payload_3_initiator)))
            #expect(try NoisePayload(protobuf: initiator.protobuf) == initiator)
            let responder = NoisePayload(
                identity: try NoiseFixture.identity(2),
                staticKey: try bytes(vector.resp_static_pub), streamMuxers: muxers)
            #expect(responder.protobuf == (try bytes(vector.payload_2_responder)))
            #expect(try NoisePayload(protobuf: responder.protobuf) == responder)
        }
    }

    @Test("A signature by another key, or for another static key, is refused on both sides")
    func signatures() throws {
        let impostor = { (staticKey: [UInt8]) in
            var payload = try self.payload(staticKey, identity: 8)
            payload.identityKey = try NoiseFixture.identity(2).publicKey.protobuf
            return payload.protobuf
        }
        #expect(try initiatorError(payload: impostor).error == .invalidIdentitySignature)
        #expect(try responderError(third: impostor).error == .invalidIdentitySignature)
        let replayed = { (_: [UInt8]) in
            try self.payload([UInt8](repeating: 7, count: 32)).protobuf
        }
        #expect(try initiatorError(payload: replayed).error == .invalidIdentitySignature)
        #expect(try responderError(third: replayed).error == .invalidIdentitySignature)
        let short = { (staticKey: [UInt8]) in
            var payload = try self.payload(staticKey)
            payload.identitySignature.removeLast()
            return payload.protobuf
        }
        #expect(try initiatorError(payload: short).error == .invalidIdentitySignature)
    }

    @Test("Payloads without an identity, or with a malformed one, are refused")
    func identities() throws {
        #expect(try initiatorError { _ in [] }.error == .missingIdentity)
        #expect(try responderError { _ in [] }.error == .missingIdentity)
        #expect(try initiatorError { _ in [0xFF] }.error == .malformedPayload)
        let keyOnly = try initiatorError { key in
            Array(try payload(key).protobuf.prefix(38))
        }
        #expect(keyOnly.error == .missingIdentity)
        let malformedKey = try initiatorError { key in
            var payload = try payload(key)
            payload.identityKey.append(0)
            return payload.protobuf
        }
        #expect(malformedKey.error == .invalidIdentityKey(.malformedEncoding))
    }

    @Test("Peers with an ECDSA identity are known, with too short an RSA key refused by type")
    func keyTypes() throws {
        let secret = P256.Signing.PrivateKey()
        let key = try PublicKey(type: .ecdsa, content: Array(secret.publicKey.derRepresentation))
        let (error, session) = try initiatorError { staticKey in
            let message = Array("noise-libp2p-static-key:".utf8) + staticKey
            let signature = Array(try secret.signature(for: message).derRepresentation)
            return NoisePayload(identityKey: key.protobuf, identitySignature: signature).protobuf
        }
        #expect(error == nil)
        #expect(session?.remotePeer == key.peerID)
        #expect(session?.remotePublicKey == key)
        let short = try PublicKey(
            type: .rsa, content: try bytes(SecurityVectors.identitySignatures.shortRSA.key))
        let refused = try initiatorError { _ in
            NoisePayload(identityKey: short.protobuf, identitySignature: [1]).protobuf
        }
        #expect(refused.error == .invalidIdentityKey(.unsupportedKeyType(.rsa)))
    }

    @Test("A payload in the first message is ignored")
    func firstPayload() throws {
        let (error, session) = try responderError(first: [0xFF, 1, 2]) { key in
            try payload(key, identity: 1).protobuf
        }
        #expect(error == nil)
        #expect(session?.remotePeer == (try NoiseFixture.identity(1).peerID))
    }

    @Test("Unknown fields, other orders and long varints are tolerated")
    func tolerance() throws {
        let expected = NoisePayload(
            identityKey: [1, 2], identitySignature: [3], streamMuxers: ["/a", "/b"])
        let extensions: [UInt8] = [0x0A, 1, 9, 0x12, 2, 0x2F, 0x61, 0x12, 2, 0x2F, 0x62]
        let forms: [[UInt8]] = [
            [0x0A, 2, 1, 2, 0x12, 1, 3, 0x22, 11] + extensions,
            [0x22, 11] + extensions + [0x12, 1, 3, 0x0A, 2, 1, 2],
            [0x0A, 1, 9, 0x0A, 2, 1, 2, 0x12, 1, 3, 0x22, 11] + extensions,
            [0x0A, 0x82, 0x00, 1, 2, 0x92, 0x00, 1, 3, 0x22, 11] + extensions,
            [0x1A, 2, 8, 8, 0x0A, 2, 1, 2, 0x12, 1, 3, 0x22, 11] + extensions,
            [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x0A, 2, 1, 2]
                + [0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x12, 1, 3, 0x22, 11]
                + extensions,
            [0x0A, 2, 1, 2, 0x12, 1, 3, 0x22, 7] + extensions.prefix(7) + [0x22, 4]
                + extensions.suffix(4),
        ]
        for form in forms { #expect(try NoisePayload(protobuf: form) == expected) }
    }

    @Test("What is no protobuf is refused")
    func malformed() {
        let whole: [UInt8] = [0x0A, 2, 1, 2, 0x12, 1, 3]
        for tail: [UInt8] in [
            [0x00], [0x02, 0], [0x0B], [0x0C], [0x0E], [0x0F], [0x80], [0x0A], [0x0A, 1],
            [0x0D, 1, 2, 3], [0x09, 1, 2, 3, 4, 5, 6, 7],
            [0x0A] + [UInt8](repeating: 0xFF, count: 10),
            [0x08] + [UInt8](repeating: 0x80, count: 10) + [0x00],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0x22, 2, 0x12, 1], [0x22, 3, 0x12, 1, 0xFF],
        ] {
            #expect(throws: NoiseError.malformedPayload) {
                try NoisePayload(protobuf: whole + tail)
            }
        }
    }

    @Test("A list of more than a hundred multiplexers counts as none")
    func manyMuxers() throws {
        let list = (0..<100).map { "/m/\($0)" }
        var payload = NoisePayload(identityKey: [1], identitySignature: [2], streamMuxers: list)
        #expect(try NoisePayload(protobuf: payload.protobuf).streamMuxers == list)
        payload.streamMuxers.append("/one/more")
        #expect(try NoisePayload(protobuf: payload.protobuf).streamMuxers == [])
    }

    static let muxerLists: [([String], [String], String?)] = [
        ([], [], nil), (["/a"], [], nil), ([], ["/a"], nil), (["/a"], ["/b"], nil),
        (["/a", "/b"], ["/b", "/a"], "/a"), (["/c", "/b"], ["/a", "/b", "/c"], "/c"),
        (["/x", "/b"], ["/b"], "/b"),
    ]

    @Test("The multiplexer is the initiator's first that the responder has", arguments: muxerLists)
    func choice(_ initiators: [String], _ responders: [String], _ expected: String?) throws {
        var initiator = try NoiseFixture.handshake(.dialer, earlyMuxers: initiators)
        var responder = try NoiseFixture.handshake(.listener, earlyMuxers: responders)
        _ = responder.feed(initiator.feed(responder.feed(initiator.feed([]))))
        #expect(try #require(initiator.session).earlyMuxer == expected)
        #expect(try #require(responder.session).earlyMuxer == expected)
    }

    @Test("Random payloads never trap", arguments: 1...10 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let valid = try payload([UInt8](repeating: 1, count: 32)).protobuf
        for _ in 0..<500 {
            var input = generator.bytes(count: Int(generator.next() % 60))
            if generator.next().isMultiple(of: 2) {
                input = valid
                for _ in 0..<4 {
                    let position = Int(generator.next() % UInt64(input.count))
                    input[position] = UInt8(truncatingIfNeeded: generator.next())
                }
            }
            guard let payload = try? NoisePayload(protobuf: input) else { continue }
            #expect(
                try NoisePayload(protobuf: payload.protobuf) == payload, "seed \(seed): \(input)")
        }
    }
}
