import LibP2P
import Primitives

/// What a connection is made of, from the first byte to the multiplexer.
enum ConnectionTargets {
    static let all = [
        multistream, noiseHandshake, hybridHandshake, noiseRecords, upgrade, identify, streams,
    ]

    private static func key(_ byte: UInt8) throws -> NoisePrivateKey {
        guard let key = NoisePrivateKey([UInt8](repeating: byte, count: 32)) else {
            throw FuzzFinding("32 bytes are no key")
        }
        return key
    }

    private static let made = Result {
        NoiseCredentials(identity: try IdentityTargets.identity(), staticKey: try key(2))
    }

    // MARK: multistream-select

    struct Negotiated: Equatable {
        var outcome = MultistreamOutcome.pending
        var output: [UInt8] = []
        var rest: [UInt8] = []
    }

    static let multistream = FuzzTarget(
        "multistream", reads: "a negotiation, as listener or as dialer", runs: 20_000, upTo: 2_048,
        samples: {
            let header = MultistreamMessage.frame("/multistream/1.0.0")
            return [
                [0] + header + MultistreamMessage.frame("ls") + MultistreamMessage.frame("/x/2")
                    + MultistreamMessage.frame("/yamux/1.0.0") + [1, 2, 3],
                [1] + header + MultistreamMessage.frame("na") + MultistreamMessage.frame("/b/1")
                    + [4, 5],
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let isListener = form % 2 == 0
            let seen = try Properties.agreeing(Array(bytes.dropFirst())) {
                pieces throws(FuzzFinding) in
                isListener ? listen(pieces) : dial(pieces)
            }
            if case .agreed(let name) = seen.outcome {
                try Properties.require(
                    ["/yamux/1.0.0", "/noise", "/a/1", "/b/1"].contains(name), "agreed on \(name)")
                return .accepted
            }
            return .refused
        })

    private static func listen(_ pieces: [[UInt8]]) -> Negotiated {
        var listener = MultistreamListener(supported: ["/noise", "/yamux/1.0.0"])
        var seen = Negotiated()
        for piece in pieces {
            listener.receive(piece)
            while let output = listener.nextOutput() { seen.output += output }
        }
        seen.outcome = listener.outcome
        seen.rest = listener.takeRemaining()
        return seen
    }

    private static func dial(_ pieces: [[UInt8]]) -> Negotiated {
        var dialer = MultistreamDialer(proposals: ["/a/1", "/b/1"])
        var seen = Negotiated()
        for piece in pieces {
            dialer.receive(piece)
            while let output = dialer.nextOutput() { seen.output += output }
        }
        seen.outcome = dialer.outcome
        seen.rest = dialer.takeRemaining()
        return seen
    }

    // MARK: Noise

    private static func handshake(
        _ role: ConnectionRole, _ security: SecurityProtocol
    ) throws -> NoiseHandshake {
        NoiseHandshake(
            role: role, credentials: try made.get(),
            ephemeralKey: try key(role == .dialer ? 3 : 4),
            kemKey: NoiseKEMKey(seed: [UInt8](repeating: 5, count: NoiseKEMKey.seedByteCount)),
            security: security)
    }

    /// What a role receives in a handshake that succeeds, with `rest` behind it.
    private static func transcript(for role: ConnectionRole, rest: [UInt8]) throws -> [UInt8] {
        var dialer = try handshake(.dialer, .noise)
        var listener = try handshake(.listener, .noise)
        var received: [UInt8] = []
        for _ in 0..<2 {
            while let output = dialer.nextOutput() {
                listener.receive(output)
                if role == .listener { received += output }
            }
            while let output = listener.nextOutput() {
                dialer.receive(output)
                if role == .dialer { received += output }
            }
        }
        return received + rest
    }

    struct Handshaken: Equatable {
        var output: [UInt8] = []
        var failure: NoiseError?
        var hash: [UInt8]?
        var peer: PeerID?
        var rest: [UInt8] = []
    }

    static let noiseHandshake = FuzzTarget(
        "noise-handshake", reads: "the Noise handshake, as listener or as dialer", runs: 1_500,
        upTo: 9_000,
        samples: {
            [
                [0] + (try transcript(for: .listener, rest: [1, 2, 3])),
                [1] + (try transcript(for: .dialer, rest: [])),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            try shake(bytes, .noise)
        })

    /// A listener's ciphertext is fresh each time, so that the answer which a dialer takes is a
    /// vector (Vectors/libp2p/noise-hybrid.json).
    static let hybridHandshake = FuzzTarget(
        "noise-hybrid", reads: "the post-quantum Noise handshake, as listener or as dialer",
        runs: 1_500, upTo: 9_000,
        samples: {
            var dialer = try handshake(.dialer, .hybridNoise)
            return [[0] + (dialer.nextOutput() ?? [])]
        },
        check: { bytes throws(FuzzFinding) in
            try shake(bytes, .hybridNoise)
        })

    /// The first byte says which role reads the rest.
    private static func shake(
        _ bytes: [UInt8], _ security: SecurityProtocol
    ) throws(FuzzFinding) -> FuzzOutcome {
        guard let form = bytes.first else { return .refused }
        let role: ConnectionRole = form % 2 == 0 ? .listener : .dialer
        let isFresh = security == .hybridNoise && role == .listener
        let seen = try Properties.agreeing(Array(bytes.dropFirst())) {
            pieces throws(FuzzFinding) in
            guard var handshake = try? handshake(role, security) else {
                throw FuzzFinding("no handshake")
            }
            var seen = Handshaken()
            for piece in pieces {
                handshake.receive(piece)
                while let output = handshake.nextOutput() {
                    seen.output += isFresh ? [UInt8(truncatingIfNeeded: output.count)] : output
                }
            }
            switch handshake.outcome {
            case .pending: break
            case .established(let session):
                seen.hash = session.handshakeHash
                seen.peer = session.remotePeer
                seen.rest = handshake.takeRemaining()
            case .failed(let error): seen.failure = error
            }
            return seen
        }
        let own = try? IdentityTargets.identity().peerID
        try Properties.require(seen.peer == nil || seen.peer == own, "a peer without its key")
        let hasAnswered = isFresh && seen.failure == nil && !seen.output.isEmpty
        return seen.hash != nil || hasAnswered ? .accepted : .refused
    }

    /// Sealed with the keys that the receiver opens with; the keys are known here, so that what is
    /// changed may be sealed anew: the first byte says whether the rest is records or plaintext.
    static let noiseRecords = FuzzTarget(
        "noise-records", reads: "records of an encrypted channel", runs: 4_000, upTo: 8_192,
        samples: {
            var sender = channel(isSender: true)
            var records: [UInt8] = []
            for content in [[1], [UInt8](repeating: 2, count: 300), Array("three".utf8)] {
                try sender.seal(content, into: &records)
            }
            return [[0] + records, [1] + [UInt8](repeating: 3, count: 200)]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let content = Array(bytes.dropFirst())
            var records = content
            if form % 2 == 1 {
                var sender = channel(isSender: true)
                records = []
                for piece in Properties.cuttings(of: content)[2] {
                    guard (try? sender.seal(piece, into: &records)) != nil else {
                        throw FuzzFinding("sealing fails")
                    }
                }
            }
            struct Opened: Equatable {
                var plaintext: [UInt8] = []
                var failure: NoiseError?
            }
            let opened = try Properties.agreeing(records) { pieces throws(FuzzFinding) in
                var receiver = channel(isSender: false)
                var opened = Opened()
                for piece in pieces {
                    do throws(NoiseError) {
                        try receiver.open(piece.span, into: &opened.plaintext)
                    } catch {
                        opened.failure = error
                    }
                }
                return opened
            }
            if form % 2 == 1 {
                try Properties.require(
                    opened.failure == nil && opened.plaintext == content, "sealed and opened")
            }
            return opened.plaintext.isEmpty ? .refused : .accepted
        })

    private static func channel(isSender: Bool) -> SecuredChannel {
        let (one, other) = ([UInt8](repeating: 5, count: 32), [UInt8](repeating: 6, count: 32))
        return SecuredChannel(
            sendingKey: isSender ? one : other, receivingKey: isSender ? other : one)
    }

    // MARK: The whole way

    private static func upgrade(_ role: ConnectionRole) throws -> ConnectionUpgrade {
        ConnectionUpgrade(
            role: role, credentials: try made.get(), ephemeralKey: try key(role == .dialer ? 3 : 4),
            now: .zero)
    }

    static let upgrade = FuzzTarget(
        "upgrade", reads: "a new connection, up to the multiplexer", runs: 800, upTo: 9_000,
        samples: {
            try [ConnectionRole.listener, .dialer].enumerated().map { number, role in
                var dialer = try upgrade(.dialer)
                var listener = try upgrade(.listener)
                var received = [UInt8(number)]
                for _ in 0..<6 {
                    while let output = dialer.nextOutput() {
                        listener.receive(output, now: .zero)
                        if role == .listener { received += output }
                    }
                    while let output = listener.nextOutput() {
                        dialer.receive(output, now: .zero)
                        if role == .dialer { received += output }
                    }
                }
                return received
            }
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            struct Ended: Equatable {
                var failure: UpgradeError?
                var peer: PeerID?
            }
            let ended = try Properties.agreeing(Array(bytes.dropFirst())) {
                pieces throws(FuzzFinding) in
                guard var upgrade = try? upgrade(form % 2 == 0 ? .listener : .dialer) else {
                    throw FuzzFinding("no upgrade")
                }
                var ended = Ended()
                for piece in pieces {
                    upgrade.receive(piece, now: .zero)
                    _ = upgrade.nextOutput()
                    switch upgrade.nextEvent() {
                    case nil: break
                    case .failed(let error): ended.failure = error
                    case .secured(let connection): ended.peer = connection.remotePeer
                    }
                }
                return ended
            }
            return ended.peer == nil ? .refused : .accepted
        })

    // MARK: Streams

    static let identify = FuzzTarget(
        "identify", reads: "identify messages on a stream", runs: 10_000, upTo: 20_000,
        samples: {
            let key = try IdentityTargets.identity().publicKey
            let address = try Multiaddr("/ip4/10.0.0.1/tcp/40000")
            let message = IdentifyMessage(
                protocolVersion: "/substrate/1.0", agentVersion: "a/1", publicKey: key,
                listenAddresses: [address], observedAddress: address,
                protocols: ["/ipfs/ping/1.0.0"])
            let part = IdentifyMessage(protocols: ["/x/1", "/y/1"])
            return [message.framed, message.framed + part.framed]
        },
        check: { bytes throws(FuzzFinding) in
            struct Identified: Equatable {
                var message: IdentifyMessage?
                var failure: IdentifyError?
            }
            let seen = try Properties.agreeing(bytes) { pieces throws(FuzzFinding) in
                var decoder = IdentifyDecoder()
                var seen = Identified()
                do throws(IdentifyError) {
                    for piece in pieces { try decoder.receive(piece) }
                    seen.message = try decoder.finish()
                } catch {
                    seen.failure = error
                }
                return seen
            }
            guard let message = seen.message else { return .refused }
            try Properties.require(
                message.listenAddressBytes.count <= IdentifyLimits.maximumAddresses
                    && message.protocols.count <= IdentifyLimits.maximumProtocols, "bounds")
            _ = (message.publicKey, message.listenAddresses, message.observedAddress)
            let sent = message.protobuf
            try Properties.require(
                sent.count <= IdentifyLimits.maximumSentByteCount, "too long to be sent")
            // Texts above the limit are cut between scalars or left out, never unreadable.
            try Properties.require((try? IdentifyMessage(protobuf: sent)) != nil, "unreadable")
            return .accepted
        })

    static let streams = FuzzTarget(
        "streams", reads: "substreams of notifications, requests, responses and pings",
        runs: 20_000, upTo: 4_096,
        samples: {
            let ping = [UInt8](repeating: 8, count: 32)
            return [
                [0, 3, 1, 2, 3, 2, 9, 9, 0], [1, 3, 1, 2, 3], [2, 4, 1, 2, 3, 4],
                [3, 4, 1, 2, 3, 4], [4] + ping + ping, [5] + ping,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            return try SubstreamChecks.run(form % 6, Array(bytes.dropFirst()))
        })
}
