import LibP2P
import Primitives
import Testing

extension ConnectionUpgrade {
    /// Feeds bytes in pieces of `step` and collects what is sent.
    fileprivate mutating func feed(
        _ bytes: [UInt8], step: Int = .max, now: Instant = .zero
    ) -> [UInt8] {
        var sent = nextOutput() ?? []
        var rest = bytes[...]
        while !rest.isEmpty {
            receive(Array(rest.prefix(step)), now: now)
            rest = rest.dropFirst(step)
            while let output = nextOutput() { sent += output }
        }
        return sent
    }

    fileprivate mutating func error() -> UpgradeError? {
        guard case .failed(let error)? = nextEvent() else { return nil }
        return error
    }

    fileprivate mutating func connection() -> SecuredConnection? {
        guard case .secured(let connection)? = nextEvent() else { return nil }
        return connection
    }

    fileprivate mutating func secured() throws -> SecuredConnection {
        let connection = connection()
        return try #require(connection)
    }
}

@Suite("Connection upgrade")
struct ConnectionUpgradeTests {
    let header = MultistreamMessage.frame("/multistream/1.0.0")
    let noise = MultistreamMessage.frame("/noise")
    let yamux = MultistreamMessage.frame("/yamux/1.0.0")
    let na = MultistreamMessage.frame("na")

    private func upgrade(
        _ role: ConnectionRole, expecting peer: PeerID? = nil, earlyMuxers: [String] = []
    ) throws -> ConnectionUpgrade {
        ConnectionUpgrade(
            role: role,
            credentials: try NoiseFixture.credentials(
                role == .dialer ? 1 : 2, earlyMuxers: earlyMuxers),
            ephemeralKey: try NoiseFixture.key(role == .dialer ? 3 : 4), expectedPeer: peer,
            now: .zero)
    }

    /// Runs both sides against each other until nothing is said any more; returns what each sent.
    private func converse(
        _ dialer: inout ConnectionUpgrade, _ listener: inout ConnectionUpgrade, step: Int = .max
    ) -> (dialer: [UInt8], listener: [UInt8]) {
        var sent: (dialer: [UInt8], listener: [UInt8]) = ([], [])
        var toListener = dialer.feed([])
        while !toListener.isEmpty {
            sent.dialer += toListener
            let toDialer = listener.feed(toListener, step: step)
            sent.listener += toDialer
            toListener = dialer.feed(toDialer, step: step)
        }
        return sent
    }

    /// Whether two ends understand each other in both directions.
    private func expectLink(_ first: SecuredConnection, _ second: SecuredConnection) throws {
        var (first, second) = (first.channel, second.channel)
        var records: [UInt8] = []
        try first.seal([1, 2, 3], into: &records)
        #expect(try second.open(records) == [1, 2, 3])
        records = []
        try second.seal([4, 5], into: &records)
        #expect(try first.open(records) == [4, 5])
    }

    @Test(
        "Two nodes secure a connection, however the bytes are cut", arguments: [1, 2, 7, 64, .max])
    func success(step: Int) throws {
        var dialer = try upgrade(.dialer, expecting: try NoiseFixture.identity(2).peerID)
        var listener = try upgrade(.listener)
        #expect(dialer.nextDeadline == .zero + .seconds(10))
        let sent = converse(&dialer, &listener, step: step)
        let vector = SecurityVectors.noise.libp2p_xx_no_extensions
        let plain = try header + noise + bytes(vector.frame_1) + bytes(vector.frame_3)
        #expect(Array(sent.dialer.prefix(plain.count)) == plain)
        let answer = try header + noise + bytes(vector.frame_2)
        #expect(Array(sent.listener.prefix(answer.count)) == answer)

        let dialled = try dialer.secured()
        let accepted = try listener.secured()
        #expect(dialled.remotePeer == (try NoiseFixture.identity(2).peerID))
        #expect(accepted.remotePeer == (try NoiseFixture.identity(1).peerID))
        #expect(accepted.remotePublicKey == (try NoiseFixture.identity(1).publicKey))
        #expect(dialled.multiplexer == "/yamux/1.0.0" && accepted.multiplexer == "/yamux/1.0.0")
        #expect(dialled.earlyPlaintext == [] && accepted.earlyPlaintext == [])
        #expect(dialled.handshakeHash == accepted.handshakeHash)
        #expect(dialled.handshakeHash == (try bytes(vector.handshake_hash)))
        try expectLink(dialled, accepted)
        #expect(dialer.nextEvent() == nil && listener.nextEvent() == nil)
        #expect(dialer.nextDeadline == nil && listener.nextDeadline == nil)
    }

    @Test("A multiplexer agreed inside the handshake needs no negotiation", arguments: [1, .max])
    func earlyMuxer(step: Int) throws {
        var dialer = try upgrade(.dialer, earlyMuxers: ["/yamux/1.0.0"])
        var listener = try upgrade(.listener, earlyMuxers: ["/yamux/1.0.0"])
        let sent = converse(&dialer, &listener, step: step)
        let vector = SecurityVectors.noise.libp2p_xx_with_stream_muxers
        #expect(sent.dialer == (try header + noise + bytes(vector.frame_1) + bytes(vector.frame_3)))
        #expect(sent.listener == (try header + noise + bytes(vector.frame_2)))
        let dialled = try dialer.secured()
        let accepted = try listener.secured()
        #expect(dialled.multiplexer == "/yamux/1.0.0")
        try expectLink(dialled, accepted)
    }

    @Test("When only one side offers early multiplexers, they are negotiated")
    func halfEarlyMuxer() throws {
        var dialer = try upgrade(.dialer, earlyMuxers: ["/yamux/1.0.0"])
        var listener = try upgrade(.listener)
        _ = converse(&dialer, &listener)
        try expectLink(dialer.secured(), listener.secured())
    }

    /// A dialer made of parts that sends everything as early as it can: the first Noise message
    /// with the proposal, the multiplexer's data with its proposal.
    @Test("A hasty dialer's early bytes all arrive", arguments: [1, 3, .max])
    func hastyDialer(step: Int) throws {
        var listener = try upgrade(.listener)
        var handshake = try NoiseFixture.handshake(.dialer)
        let answer = listener.feed(header + noise + handshake.feed([]), step: step)
        #expect(answer.starts(with: header + noise))
        var last = handshake.feed(Array(answer.dropFirst(header.count + noise.count)))
        var session = try #require(handshake.session)
        try session.channel.seal(header + yamux + [0, 1, 2], into: &last)
        try session.channel.seal([3, 4], into: &last)
        // Once the event is there, further bytes are the channel's.
        var agreement: [UInt8] = []
        var connection: SecuredConnection?
        var plaintext: [UInt8] = []
        while !last.isEmpty {
            let part = Array(last.prefix(step))
            last = Array(last.dropFirst(step))
            if connection != nil {
                try connection?.channel.open(part.span, into: &plaintext)
                continue
            }
            agreement += listener.feed(part)
            connection = listener.connection()
            plaintext += connection?.earlyPlaintext ?? []
        }
        #expect(try session.channel.open(agreement) == header + yamux)
        #expect(plaintext == [0, 1, 2, 3, 4])
    }

    @Test("A peer that does not speak Noise or Yamux is told apart by the error")
    func refusals() throws {
        var dialer = try upgrade(.dialer)
        _ = dialer.feed(header + na)
        #expect(dialer.error() == .security(.noCommonProtocol))
        #expect(dialer.nextDeadline == nil)

        var listener = try upgrade(.listener)
        let sent = listener.feed(header + MultistreamMessage.frame("/tls/1.0.0"))
        #expect(sent == header + na)
        #expect(listener.nextEvent() == nil)
        _ = listener.feed([0x02, 0x61, 0x62])
        #expect(listener.error() == .security(.malformedMessage))

        var noisy = try upgrade(.dialer)
        var handshake = try NoiseFixture.handshake(.listener)
        let first = noisy.feed(header + noise)
        let answer = handshake.feed(Array(first.dropFirst(header.count + noise.count)))
        _ = handshake.feed(Array(noisy.feed(answer).prefix(170)))
        var session = try #require(handshake.session)
        var records: [UInt8] = []
        try session.channel.seal(header + na, into: &records)
        _ = noisy.feed(records)
        #expect(noisy.error() == .multiplexer(.noCommonProtocol))
    }

    @Test("Another peer than the expected one fails the dialer")
    func unexpectedPeer() throws {
        let expected = try NoiseFixture.identity(9).peerID
        let actual = try NoiseFixture.identity(2).peerID
        var dialer = try upgrade(.dialer, expecting: expected)
        var listener = try upgrade(.listener)
        _ = converse(&dialer, &listener)
        #expect(dialer.error() == .noise(.unexpectedPeer(expected: expected, actual: actual)))
        listener.receiveEndOfStream()
        #expect(listener.error() == .endOfStream)
    }

    @Test("An upgrade that takes ten seconds fails, at the deadline or at the next byte")
    func timeout() throws {
        let late = Instant.zero + .seconds(10)
        var waiting = try upgrade(.listener)
        waiting.handleDeadline(now: late + .nanoseconds(-1))
        #expect(waiting.nextEvent() == nil)
        waiting.handleDeadline(now: late)
        #expect(waiting.error() == .timedOut)
        waiting.handleDeadline(now: late)
        #expect(waiting.nextEvent() == nil)

        var receiving = try upgrade(.listener)
        #expect(receiving.feed(header + noise, now: late) == [])
        #expect(receiving.error() == .timedOut)

        var dialer = try upgrade(.dialer)
        var listener = try upgrade(.listener)
        _ = converse(&dialer, &listener)
        dialer.handleDeadline(now: late)
        #expect(dialer.connection() != nil)
    }

    @Test("A bad record fails the negotiation of the multiplexer")
    func badRecord() throws {
        for position in 2..<52 {
            var dialer = try upgrade(.dialer)
            var listener = try upgrade(.listener)
            let first = listener.feed(dialer.feed([]))
            let second = listener.feed(dialer.feed(first))
            var third = dialer.feed(second)
            // The third Noise message has 170 bytes with its length; the record comes behind it.
            third[170 + position] ^= 0x40
            _ = listener.feed(third)
            #expect(listener.error() == .noise(.decryptionFailed), "byte \(position)")
        }
    }

    @Test("The end of the connection fails an upgrade at every byte of it")
    func truncation() throws {
        var dialer = try upgrade(.dialer)
        var listener = try upgrade(.listener)
        let sent = converse(&dialer, &listener)
        for length in 0..<sent.dialer.count {
            var victim = try upgrade(.listener)
            _ = victim.feed(Array(sent.dialer[..<length]))
            victim.receiveEndOfStream()
            #expect(victim.error() == .endOfStream, "\(length) bytes")
        }
        for length in 0..<sent.listener.count {
            var victim = try upgrade(.dialer)
            _ = victim.feed(Array(sent.listener[..<length]))
            victim.receiveEndOfStream()
            #expect(victim.error() == .endOfStream, "\(length) bytes")
        }
    }

    @Test("No altered bit of the conversation goes unnoticed")
    func bitFlips() throws {
        var dialer = try upgrade(.dialer)
        var listener = try upgrade(.listener)
        let sent = converse(&dialer, &listener)
        for position in sent.listener.indices {
            var altered = sent.listener
            altered[position] ^= 1 << (position % 8)
            var victim = try upgrade(.dialer)
            _ = victim.feed(altered)
            victim.receiveEndOfStream()
            #expect(victim.connection() == nil, "byte \(position)")
        }
        for position in sent.dialer.indices {
            var altered = sent.dialer
            altered[position] ^= 1 << (position % 8)
            var victim = try upgrade(.listener)
            _ = victim.feed(altered)
            victim.receiveEndOfStream()
            #expect(victim.connection() == nil, "byte \(position)")
        }
    }

    @Test(
        "Random bytes at any point never trap, and cuts do not matter",
        arguments: 1...20 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var dialer = try upgrade(.dialer)
        var listener = try upgrade(.listener)
        let sent = converse(&dialer, &listener)
        for _ in 0..<20 {
            let good = sent.dialer.prefix(Int(generator.next() % UInt64(sent.dialer.count)))
            let input = good + generator.bytes(count: Int(generator.next() % 400))
            let step = Int.random(in: 1...50, using: &generator)
            var whole = try upgrade(.listener)
            var cut = try upgrade(.listener)
            #expect(whole.feed(Array(input)) == cut.feed(Array(input), step: step), "seed \(seed)")
            let errors = (whole.error(), cut.error())
            #expect(errors.0 == errors.1, "seed \(seed)")
        }
    }
}
