import LibP2P
import Primitives
import Testing

@Suite("Multicast discovery")
struct MulticastDiscoveryTests {
    typealias Effect = MulticastDiscovery.Effect

    private static let source = IPv4Address(rawValue: 0xC0A8_0114)
    private static let network = IPv4Network(
        address: IPv4Address(rawValue: 0xC0A8_0102), prefixLength: 24)
    private let local = Kad.peer(1)
    private let other = Kad.peer(2)
    private let vectors = MuxingVectors.mdns

    private func make(
        _ addresses: [String] = ["/ip4/192.168.1.2/tcp/30333"], seed: UInt64 = 1,
        _ configure: (inout MulticastDiscoveryConfiguration) -> Void = { _ in }
    ) throws -> MulticastDiscovery {
        var configuration = MulticastDiscoveryConfiguration()
        configure(&configuration)
        var machine = MulticastDiscovery(
            localPeer: local, configuration: configuration, seed: seed, now: .zero)
        let effects = machine.handle(.setNetworks([Self.network]), now: .zero)
        #expect(effects == [])
        _ = machine.handle(
            .setAddresses(try addresses.map { try Multiaddr($0) }), now: .zero)
        return machine
    }

    private func packet(
        _ addresses: [String], of peer: PeerID? = nil, timeToLive: UInt32 = 120,
        name: String = "xyz._p2p._udp.local"
    ) throws -> [UInt8] {
        let instance = try #require(DNSName(name))
        let strings = addresses.map { Array("dnsaddr=\($0)/p2p/\(peer ?? other)".utf8) }
        return DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [
                DNSRecord(
                    MulticastDiscovery.Names.service, timeToLive: timeToLive, .ptr(instance))
            ],
            additionals: strings.map { DNSRecord(instance, timeToLive: timeToLive, .txt([$0])) }
        ).bytes
    }

    private func found(_ effects: [Effect]) -> [Effect] {
        effects.filter { if case .found = $0 { true } else { false } }
    }

    private func timer(_ effects: [Effect]) -> Instant? {
        for case .setTimer(let time) in effects { return time }
        return nil
    }

    @Test("Questions are asked at once, then after doubling pauses of up to five minutes")
    func questions() throws {
        var machine = try make()
        var deadline = try #require(timer(machine.handle(.start, now: .zero)))
        #expect(deadline <= .milliseconds(100))
        var pauses: [Duration] = []
        for _ in 0..<14 {
            let now = deadline
            let effects = machine.handle(.timer, now: now)
            #expect(effects.first == .send(try bytes(vectors.query)))
            deadline = try #require(timer(effects))
            pauses.append(deadline - now)
        }
        #expect(pauses[0] >= .milliseconds(500) && pauses[0] <= .milliseconds(600))
        #expect(pauses[3] >= .seconds(4) && pauses[3] <= .milliseconds(4_100))
        #expect(pauses[13] >= .seconds(300) && pauses[13] <= .milliseconds(300_100))
        #expect(machine.handle(.start, now: deadline) == [])
    }

    @Test("A question is answered after a moment, with what the specification wants")
    func answer() throws {
        var machine = try make(["/ip4/192.168.1.2/tcp/30333", "/ip6/fd00::1/tcp/30333"])
        let question = try bytes(vectors.query)
        let due = try #require(
            timer(machine.handle(.received(question, from: Self.source), now: .zero)))
        #expect(due >= .milliseconds(20) && due <= .milliseconds(120))
        guard case .send(let bytes)? = machine.handle(.timer, now: due).first else {
            Issue.record("no answer")
            return
        }
        let answer = try DNSMessage(bytes: bytes)
        #expect(answer == machine.answer)
        #expect(answer.id == 0 && answer.flags == DNSMessage.answerFlags)
        let label = String(decoding: machine.label, as: UTF8.self)
        #expect(
            label.count == 32 && label.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) })
        let instance = try #require(DNSName("\(label)._p2p._udp.local"))
        let host = try #require(DNSName("\(label).local"))
        #expect(answer.answers.map(\.name) == [MulticastDiscovery.Names.service])
        #expect(answer.answers.map(\.content) == [.ptr(instance)])
        #expect(
            answer.additionals.map(\.content) == [
                .txt([
                    Array("dnsaddr=/ip4/192.168.1.2/tcp/30333/p2p/\(local)".utf8),
                    Array("dnsaddr=/ip6/fd00::1/tcp/30333/p2p/\(local)".utf8),
                ]), .srv(priority: 0, weight: 0, port: 30333, target: host),
                .a(IPv4Address(rawValue: 0xC0A8_0102)),
            ])
        // Another node understands it.
        var neighbour = MulticastDiscovery(localPeer: other, seed: 2, now: .zero)
        _ = neighbour.handle(.setNetworks([Self.network]), now: .zero)
        let heard = neighbour.handle(.received(bytes, from: Self.source), now: .zero)
        #expect(
            heard == [
                .found(
                    local,
                    try ["/ip4/192.168.1.2/tcp/30333", "/ip6/fd00::1/tcp/30333"]
                        .map { try Multiaddr($0) })
            ])
    }

    @Test("Answers are at least a second apart, however many ask")
    func answerRate() throws {
        var machine = try make()
        let question = try bytes(vectors.query)
        var sent: [Instant] = []
        var deadline: Instant?
        for millisecond in 0..<5_000 as Range<UInt64> {
            let now = Instant.milliseconds(millisecond)
            var effects: [Effect] = []
            if millisecond % 50 == 0 {
                effects += machine.handle(.received(question, from: Self.source), now: now)
            }
            if let due = deadline, due <= now { effects += machine.handle(.timer, now: now) }
            deadline = timer(effects) ?? deadline
            if effects.contains(where: { if case .send = $0 { true } else { false } }) {
                sent.append(now)
            }
        }
        #expect(sent.count == 5)
        #expect(zip(sent, sent.dropFirst()).allSatisfy { $1 - $0 >= .seconds(1) })
    }

    @Test("Services, instances and hosts are answered; who knows this node already is not")
    func otherQuestions() throws {
        let machine = try make()
        let answer = try #require(machine.answer)
        func isDue(_ message: DNSMessage) -> Bool {
            var copy = machine
            return timer(copy.handle(.received(message.bytes, from: Self.source), now: .zero))
                != nil
        }
        func question(
            _ name: DNSName, _ type: UInt16, _ classCode: UInt16 = DNSClass.internet,
            known: [DNSRecord] = []
        ) -> DNSMessage {
            DNSMessage(
                questions: [DNSQuestion(name, type: type, classCode: classCode)], answers: known)
        }
        let service = MulticastDiscovery.Names.service
        #expect(isDue(question(service, DNSRecordType.ptr)))
        #expect(isDue(question(service, DNSRecordType.ptr, 0x8001)))
        #expect(!isDue(question(service, DNSRecordType.ptr, 3)))
        #expect(!isDue(question(service, DNSRecordType.txt)))
        #expect(!isDue(question(try #require(DNSName("_http._tcp.local")), DNSRecordType.ptr)))
        #expect(isDue(question(answer.additionals[0].name, DNSRecordType.txt)))
        #expect(isDue(question(answer.additionals[2].name, DNSRecordType.a)))
        #expect(!isDue(question(service, DNSRecordType.ptr, known: answer.answers)))
        var old = answer.answers
        old[0].timeToLive = 179
        #expect(isDue(question(service, DNSRecordType.ptr, known: old)))
        // What services there are.
        var copy = machine
        let meta = question(MulticastDiscovery.Names.services, DNSRecordType.ptr)
        let due = try #require(
            timer(copy.handle(.received(meta.bytes, from: Self.source), now: .zero)))
        #expect(copy.handle(.timer, now: due) == [.send(try bytes(vectors.meta_response))])
    }

    @Test("Only addresses of the own networks are announced; without any there is no answer")
    func announcements() throws {
        var machine = try make([
            "/ip4/192.168.1.2/tcp/1", "/ip4/8.8.8.8/tcp/1", "/ip4/10.0.0.1/tcp/1",
            "/ip6/2001:db8::1/tcp/1", "/dns4/a.example/tcp/1", "/ip4/192.168.1.2/udp/1/quic-v1",
        ])
        guard case .txt(let strings)? = machine.answer?.additionals.first?.content else {
            Issue.record("no TXT record")
            return
        }
        #expect(
            strings.map { String(decoding: $0, as: UTF8.self) }
                == ["dnsaddr=/ip4/192.168.1.2/tcp/1/p2p/\(local)"])
        _ = machine.handle(
            .setAddresses((1...30).compactMap { try? Multiaddr("/ip4/192.168.1.2/tcp/\($0)") }),
            now: .zero)
        guard case .txt(let many)? = machine.answer?.additionals.first?.content else {
            Issue.record("no TXT record")
            return
        }
        #expect(many.count == 8)
        _ = machine.handle(.setAddresses([try Multiaddr("/ip4/8.8.8.8/tcp/1")]), now: .zero)
        #expect(machine.answer == nil)
        let question = try bytes(vectors.query)
        let due = try #require(
            timer(machine.handle(.received(question, from: Self.source), now: .zero)))
        #expect(machine.handle(.timer, now: due) == [])
    }

    @Test("Both forms of names are read, and the strings of other implementations")
    func forms() throws {
        let expected = [
            Effect.found(
                try PeerID("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"),
                [try Multiaddr("/ip4/192.168.1.10/tcp/30333")])
        ]
        for vector in [vectors.response_spec_form, vectors.response_as_rust_libp2p_emits] {
            var machine = try make()
            let effects = machine.handle(
                .received(try bytes(vector), from: Self.source), now: .zero)
            #expect(effects == expected)
        }
        // py-libp2p: one record, numbered keys.
        var machine = try make()
        let instance = try #require(DNSName("abc._p2p._udp.local"))
        let strings = [
            "dnsaddr=/ip4/192.168.1.9/tcp/1", "dnsaddr2=/ip4/192.168.1.9/tcp/2",
            "dnsaddress=/ip4/192.168.1.9/tcp/3", "dnsaddr/ip4/192.168.1.9/tcp/4", "id=x",
        ]
        .map { Array("\($0)/p2p/\(other)".utf8) }
        let message = DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [
                DNSRecord(MulticastDiscovery.Names.service, timeToLive: 120, .ptr(instance)),
                DNSRecord(instance, timeToLive: 120, .txt(strings)),
            ])
        #expect(
            machine.handle(.received(message.bytes, from: Self.source), now: .zero)
                == [
                    .found(
                        other,
                        try ["/ip4/192.168.1.9/tcp/1", "/ip4/192.168.1.9/tcp/2"]
                            .map { try Multiaddr($0) })
                ])
    }

    @Test("Spoofers are not believed")
    func spoofing() throws {
        var machine = try make()
        let good = ["/ip4/192.168.1.9/tcp/1"]
        func hear(_ bytes: [UInt8], _ source: UInt32 = 0xC0A8_0114) -> [Effect] {
            machine.handle(.received(bytes, from: IPv4Address(rawValue: source)), now: .zero)
        }
        // From another network.
        #expect(hear(try packet(good), 0xC0A8_0214) == [])
        #expect(hear(try packet(good), 0x0808_0808) == [])
        // Addresses elsewhere, and of this machine's own loopback.
        for address in [
            "/ip4/8.8.8.8/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1",
            "/ip6/2001:db8::1/tcp/1", "/ip6/::1/tcp/1", "/dns4/a.example/tcp/1",
            "/ip4/192.168.1.9/udp/1/quic-v1",
        ] {
            #expect(hear(try packet([address])) == [], "\(address)")
        }
        // In this node's own name, without a pointer to the name, and garbage.
        #expect(hear(try packet(good, of: local)) == [])
        var unnamed = try DNSMessage(bytes: packet(good))
        unnamed.answers = []
        #expect(hear(unnamed.bytes) == [])
        #expect(hear(Array(try packet(good).dropLast())) == [])
        #expect(hear([]) == [])
        // The sender's own address, and a good one.
        #expect(hear(try packet(good + ["/ip4/8.8.8.8/tcp/1"])).count == 1)
    }

    @Test("A peer is reported once, again when its addresses change or its time is over")
    func expiry() throws {
        var machine = try make()
        let (one, two) = (["/ip4/192.168.1.9/tcp/1"], ["/ip4/192.168.1.9/tcp/2"])
        func hear(_ bytes: [UInt8], at seconds: UInt64) -> Bool {
            !machine.handle(
                .received(bytes, from: Self.source), now: .milliseconds(1_000 * seconds)
            ).isEmpty
        }
        #expect(hear(try packet(one), at: 0))
        #expect(!hear(try packet(one), at: 60))
        #expect(!hear(try packet(one), at: 179))
        #expect(hear(try packet(two), at: 180))
        #expect(hear(try packet(two), at: 300))
        // A farewell.
        #expect(!hear(try packet(two, timeToLive: 0), at: 301))
        #expect(hear(try packet(two), at: 302))
    }

    @Test("Floods of packets, of names and of addresses are bounded")
    func floods() throws {
        var machine = try make()
        var reports = 0
        for number in 0..<1_000 {
            let bytes = try packet(["/ip4/192.168.1.9/tcp/1"], of: Kad.peer(number + 100))
            reports += machine.handle(.received(bytes, from: Self.source), now: .zero).count
        }
        #expect(reports == 32)
        // The next second brings four.
        reports = 0
        for number in 0..<1_000 {
            let bytes = try packet(["/ip4/192.168.1.9/tcp/1"], of: Kad.peer(number + 2_000))
            reports +=
                machine.handle(
                    .received(bytes, from: Self.source), now: .milliseconds(1_000)
                ).count
        }
        #expect(reports == 4)
        var small = try make { $0.maximumPeers = 2 }
        func hear(_ number: Int, at seconds: UInt64) throws -> Int {
            found(
                small.handle(
                    .received(
                        try packet(
                            (1...30).map { "/ip4/192.168.1.9/tcp/\($0)" },
                            of: Kad.peer(number)), from: Self.source),
                    now: .milliseconds(seconds * 1_000))
            ).count
        }
        #expect(try hear(101, at: 0) == 1)
        #expect(try hear(102, at: 1) == 1)
        #expect(try hear(103, at: 2) == 0)
        #expect(try hear(103, at: 120) == 1, "the first one's time is over")
    }

    @Test("Random packets are taken without harm", arguments: 1...3)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try bytes(vectors.response_spec_form)
        var machine = try make { $0.packets = RateLimit(burst: 1_000_000, perSecond: 1) }
        var heard = 0
        for _ in 0..<3_000 {
            var input = whole
            for _ in 0..<3 {
                let place = Int.random(in: input.indices, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            for effect in machine.handle(.received(input, from: Self.source), now: .zero) {
                guard case .found(let peer, let addresses) = effect else { continue }
                heard += 1
                #expect(peer != local && !addresses.isEmpty, "seed \(seed)")
                #expect(addresses.allSatisfy { $0.scope == .site }, "seed \(seed)")
            }
        }
        #expect(heard <= 32, "seed \(seed)")
    }
}
