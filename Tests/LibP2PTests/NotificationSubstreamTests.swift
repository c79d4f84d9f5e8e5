import LibP2P
import Primitives
import Testing

@Suite("Notification substreams")
struct NotificationSubstreamTests {
    private let limits = NotificationLimits(maximumNotificationByteCount: 200)

    private func inbound(after input: [UInt8] = []) -> InboundNotifications {
        var substream = InboundNotifications(limits: limits)
        substream.receive(input)
        return substream
    }

    private func opened() throws -> InboundNotifications {
        var substream = inbound(after: [0])
        #expect(substream.nextEvent() == .handshake([]))
        #expect(try substream.accept(handshake: [9]) == [1, 9])
        return substream
    }

    @Test("Handshakes are framed as the vectors say")
    func vectors() throws {
        let vectors = MuxingVectors.substrate
        let substream = OutboundNotifications()
        for (content, framed) in [
            (vectors.block_announces_handshake.scale, vectors.block_announces_handshake.on_wire),
            ("", vectors.empty_handshake), ("01", vectors.roles_only_handshake.full),
            ("04", vectors.roles_only_handshake.authority),
            ("02", vectors.roles_only_handshake.light),
        ] {
            #expect(try substream.open(handshake: bytes(content)).hex == framed)
            var inbound = InboundNotifications()
            inbound.receive(try bytes(framed))
            #expect(inbound.nextEvent() == .handshake(try bytes(content)))
        }
        let neighbour = vectors.grandpa_neighbor
        #expect(try substream.frame(bytes(neighbour.scale)).hex == neighbour.on_wire)
    }

    @Test("From handshake to end, whole or byte by byte", arguments: [1, 2, 5, 1_000])
    func conversation(size: Int) throws {
        var opener = OutboundNotifications(limits: limits)
        var acceptor = InboundNotifications(limits: limits)
        #expect(!opener.isOpen && !acceptor.isOpen)
        #expect(
            feed(try opener.open(handshake: [1, 2]), to: &acceptor, by: size) == [
                .handshake([1, 2])
            ])
        let greeting = try acceptor.accept(handshake: [3])
        let answer = try #require(greeting)
        #expect(try acceptor.accept(handshake: [3]) == nil)
        var accepted: [OutboundNotifications.Event] = []
        for start in stride(from: 0, to: answer.count, by: size) {
            let piece = Array(answer[start..<min(answer.count, start + size)])
            accepted += opener.receive(piece).map { [$0] } ?? []
        }
        #expect(accepted == [.accepted([3])])
        #expect(opener.isOpen && acceptor.isOpen)
        let messages = [[], [7], [UInt8](repeating: 8, count: 200)] as [[UInt8]]
        let output = try messages.flatMap { try opener.frame($0) }
        #expect(
            feed(output, to: &acceptor, by: size) == messages.map { .notification($0) })
        #expect(acceptor.bufferedByteCount == 0)
        acceptor.receiveEnd()
        #expect(acceptor.nextEvent() == .closed && acceptor.nextEvent() == nil)
        #expect(opener.receiveEnd() == .closed && opener.receiveEnd() == nil)
    }

    private func feed(
        _ bytes: [UInt8], to substream: inout InboundNotifications, by size: Int
    ) -> [InboundNotifications.Event] {
        var events: [InboundNotifications.Event] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            substream.receive(Array(bytes[start..<min(bytes.count, start + size)]))
            while let event = substream.nextEvent() { events.append(event) }
        }
        return events
    }

    @Test("An end without a handshake is a refusal")
    func refusal() {
        var substream = OutboundNotifications()
        #expect(substream.receiveEnd() == .refused)
        var partly = OutboundNotifications()
        #expect(partly.receive([5, 1]) == nil)
        #expect(partly.receiveEnd() == .refused)
        #expect(partly.receive([1]) == nil)
    }

    @Test("What the acceptor says after its handshake is an offence")
    func talkativeAcceptor() {
        var late = OutboundNotifications()
        #expect(late.receive([0]) == .accepted([]))
        #expect(late.receive([0]) == .failed(.answerAfterHandshake))
        #expect(late.receiveEnd() == nil)
        var early = OutboundNotifications()
        #expect(early.receive([0, 0]) == .failed(.answerAfterHandshake))
    }

    @Test("An opener that does not wait for the answer is at fault")
    func hastyOpener() throws {
        var substream = inbound(after: [1, 5, 1])
        #expect(substream.nextEvent() == .handshake([5]))
        #expect(try substream.accept(handshake: []) == nil)
        #expect(substream.nextEvent() == .failed(.earlyNotification))
        #expect(substream.nextEvent() == nil)
        substream.receive([1, 2, 3])
        #expect(substream.bufferedByteCount == 0)
    }

    @Test("Handshakes end at 1,024 bytes, notifications at the protocol's cap")
    func caps() throws {
        let handshake = [UInt8](repeating: 1, count: 1_024)
        let outbound = OutboundNotifications(limits: limits)
        #expect(try outbound.open(handshake: handshake).count == 1_026)
        #expect(throws: NotificationFailure.tooLong(byteCount: 1_025, limit: 1_024)) {
            try outbound.open(handshake: handshake + [1])
        }
        #expect(throws: NotificationFailure.tooLong(byteCount: 201, limit: 200)) {
            try outbound.frame([UInt8](repeating: 1, count: 201))
        }
        var answering = inbound(after: [0])
        #expect(answering.nextEvent() == .handshake([]))
        #expect(throws: NotificationFailure.tooLong(byteCount: 1_025, limit: 1_024)) {
            try answering.accept(handshake: handshake + [1])
        }
        let long = FramingError.frameTooLong(byteCount: 1_025, limit: 1_024)
        var greeted = inbound(after: UnsignedVarint.encode(1_025))
        #expect(greeted.nextEvent() == .failed(.framing(long)))
        var answered = OutboundNotifications(limits: limits)
        #expect(answered.receive(UnsignedVarint.encode(1_025)) == .failed(.framing(long)))
        var open = try opened()
        open.receive(UnsignedVarint.encode(201))
        #expect(
            open.nextEvent() == .failed(.framing(.frameTooLong(byteCount: 201, limit: 200))))
    }

    @Test("An end inside a message is told apart from one between messages")
    func truncation() throws {
        let message: [UInt8] = [3, 1, 2, 3]
        for length in 0..<message.count {
            var substream = try opened()
            substream.receive(Array(message[..<length]))
            #expect(substream.nextEvent() == nil)
            substream.receiveEnd()
            #expect(substream.nextEvent() == (length == 0 ? .closed : .failed(.truncated)))
        }
        var full = try opened()
        full.receive(message)
        full.receiveEnd()
        #expect(full.nextEvent() == .notification([1, 2, 3]), "what came before the end counts")
        #expect(full.nextEvent() == .closed)
    }

    @Test("Random bytes end in one event and are not kept", arguments: 1...5)
    func garbage(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<500 {
            var substream = generator.next() % 2 == 0 ? inbound() : try opened()
            var endings = 0
            for _ in 0..<30 {
                substream.receive(
                    generator.bytes(count: Int.random(in: 0...30, using: &generator)))
                while let event = substream.nextEvent() {
                    switch event {
                    case .closed, .failed: endings += 1
                    case .handshake: _ = try substream.accept(handshake: [])
                    case .notification: break
                    }
                }
            }
            substream.receiveEnd()
            if substream.nextEvent() != nil { endings += 1 }
            #expect(endings == 1 && substream.bufferedByteCount == 0, "seed \(seed)")
        }
    }

    @Test("Protocol names carry the genesis hash without 0x")
    func names() throws {
        let vector = MuxingVectors.substrate.block_announces_handshake
        let names = ProtocolNames(genesis: try #require(Hash256(hex: vector.genesis)))
        #expect(
            names.name("block-announces", version: "1") == "/\(vector.genesis)/block-announces/1")
        #expect(names.name("kad") == "/\(vector.genesis)/kad")
        let forked = ProtocolNames(genesis: .zero, forkID: "b")
        let zeros = String(repeating: "0", count: 64)
        #expect(forked.name("sync", version: "2") == "/\(zeros)/b/sync/2")
    }
}
