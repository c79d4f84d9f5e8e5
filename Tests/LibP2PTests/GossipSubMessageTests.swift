import LibP2P
import Primitives
import Testing

@Suite("GossipSub: messages and gossip")
struct GossipSubMessageTests {
    let topic = Gossip.topic

    private func joined(
        _ numbers: [Int] = [1, 2, 3], version: GossipSubVersion = .v1_2,
        _ configure: (inout GossipSubConfiguration) -> Void = { _ in }
    ) -> GossipSubRouter {
        var router = Gossip.router(configure)
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(numbers, version: version)
        return router
    }

    @Test("An own message is signed, numbered and goes to all peers of the topic")
    func publish() throws {
        var router = joined(Array(1...9))
        router.join([10], subscribed: false)
        for number in [UInt64(1), 2] {
            let effects = router.handle(.publish(topic: topic, [5]), at: 0)
            let expected = Gossip.message(by: 0, number, [5])
            #expect(
                effects.addressees(of: Array(1...10)) { $0.messages == [expected] } == Array(1...9))
            #expect(
                effects.contains(.published(topic: topic, Gossip.id(0, number), recipients: 9)))
        }
        // It comes back: known, not judged, not passed on.
        let back = Gossip.carrying(Gossip.message(by: 0, 1, [5]))
        #expect(router.receive(back, from: 1) == [])
        #expect(router.counters.duplicates == 1)
    }

    @Test("Without flood publishing an own message goes to the mesh")
    func meshPublish() {
        var router = joined(Array(1...9)) { $0.floodPublish = false }
        let effects = router.handle(.publish(topic: topic, [5]), at: 0)
        let got = effects.addressees(of: Array(1...9)) { $0.messages.count == 1 }
        #expect(got.map(Gossip.peer).sorted() == router.mesh(of: topic))
    }

    @Test("A topic without subscription is published to by a fan-out that is kept and refilled")
    func fanout() {
        var router = Gossip.router { $0.floodPublish = false }
        router.join(Array(1...9))
        func receivers(_ time: UInt64) -> [Int] {
            router.handle(.publish(topic: topic, [UInt8(time & 0xFF)]), at: time)
                .addressees(of: Array(1...9)) { $0.messages.count == 1 }
        }
        let first = receivers(0)
        #expect(first.count == 6)
        #expect(receivers(10) == first)
        _ = router.handle(.disconnected(Gossip.peer(first[0])), at: 20)
        let second = receivers(30)
        #expect(second.count == 6 && !second.contains(first[0]))
        // The peers of the fan-out are the first of the mesh.
        let join = router.handle(.subscribe(topic), at: 40)
        #expect(join.addressees(of: Array(1...9)) { $0.grafts == [topic] } == second)
    }

    @Test("What cannot be published is refused with the numbers")
    func unpublishable() {
        var router = joined { $0.maximumMessageByteCount = 10 }
        let long = String(repeating: "t", count: 257)
        #expect(
            router.handle(.publish(topic: topic, [UInt8](repeating: 0, count: 11)), at: 0) == [
                .publishFailed(topic: topic, .tooLong(byteCount: 11, limit: 10))
            ])
        #expect(
            router.handle(.publish(topic: long, []), at: 0) == [
                .publishFailed(topic: long, .topicTooLong(byteCount: 257, limit: 256))
            ])
    }

    @Test("A message is judged once, and passed on only when it is accepted")
    func forwarding() {
        var router = joined()
        let rpc = Gossip.carrying(Gossip.message(by: 9, 1))
        #expect(router.receive(rpc, from: 1).deliveries.map(\.id) == [Gossip.id(9, 1)])
        #expect(router.receive(rpc, from: 2).deliveries == [])
        let effects = router.handle(.validated(Gossip.id(9, 1), .accept), at: 5)
        #expect(effects == [.send(Gossip.peer(3), rpc)], "1 and 2 have it")
        #expect(router.handle(.validated(Gossip.id(9, 1), .accept), at: 6) == [])
        #expect(router.receive(rpc, from: 3) == [])
        #expect(router.pendingCount == 0)
    }

    @Test("Nothing goes back to its author", arguments: [PubSubVerdict.ignore, .reject, .accept])
    func verdicts(verdict: PubSubVerdict) {
        var router = joined()
        _ = router.receive(Gossip.carrying(Gossip.message(by: 2, 1)), from: 1)
        let effects = router.handle(.validated(Gossip.id(2, 1), verdict), at: 5)
        let got = effects.addressees(of: [1, 2, 3]) { !$0.messages.isEmpty }
        #expect(got == (verdict == .accept ? [3] : []))
        #expect((router.score(1, at: 5) < 0) == (verdict == .reject))
    }

    @Test("A verdict that does not come is taken as ignore")
    func timeout() {
        var router = joined { $0.validationTimeout = .seconds(2) }
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 1)
        router.beat(until: 2_100)
        #expect(router.pendingCount == 0)
        #expect(router.counters.unjudged == 1)
        #expect(router.handle(.validated(Gossip.id(9, 1), .accept), at: 2_200) == [])
    }

    @Test("Form and signature: what every router must check counts five times against the bringer")
    func unverified() {
        var unsigned = Gossip.message(by: 9, 1)
        unsigned.signature = nil
        var anonymous = Gossip.message(by: 9, 1)
        anonymous.author = nil
        var shortNumber = Gossip.message(by: 9, 1)
        shortNumber.sequenceNumber = [1]
        var stranger = Gossip.message(by: 9, 1)
        stranger.author = Gossip.peer(8).bytes
        var noPeer = Gossip.message(by: 9, 1)
        noPeer.author = [1, 2, 3]
        var changed = Gossip.message(by: 9, 1)
        changed.data = [2]
        var otherTopic = Gossip.message(by: 9, 1, topic: "x")
        otherTopic.topic = topic
        var wrongKey = Gossip.message(by: 9, 1)
        wrongKey.key = Gossip.identity(8).publicKey.protobuf
        var noKey = Gossip.message(by: 9, 1)
        noKey.key = [1]
        for message in [
            unsigned, anonymous, shortNumber, stranger, noPeer, changed, otherTopic, wrongKey,
            noKey,
        ] {
            var router = joined()
            #expect(router.receive(Gossip.carrying(message), from: 1) == [])
            #expect(router.counters.unverified == 1)
            #expect(router.score(1, at: 0) == -25)
            // A forgery under a name must not keep the message of that name out.
            let right = Gossip.carrying(Gossip.message(by: 9, 1))
            #expect(router.receive(right, from: 2).deliveries.count == 1)
        }
    }

    @Test("An author whose kind of key cannot be checked here is nobody's fault")
    func unsupportedKey() throws {
        let key = try PublicKey(
            type: .rsa, content: try bytes(SecurityVectors.identitySignatures.shortRSA.key))
        var message = Gossip.message(by: 9, 1)
        message.author = key.peerID.bytes
        message.key = key.protobuf
        var router = joined()
        #expect(router.receive(Gossip.carrying(message), from: 1) == [])
        #expect(router.counters.unwanted == 1)
        #expect(router.score(1, at: 0) == 0)
    }

    @Test("Own messages of an earlier run, unknown topics and too long ones are passed over")
    func passedOver() {
        var router = joined { $0.maximumMessageByteCount = 10 }
        let others = [
            Gossip.message(by: 0, 77), Gossip.message(by: 9, 1, topic: "other"),
            Gossip.message(by: 9, 2, [UInt8](repeating: 0, count: 11)),
        ]
        for message in others { #expect(router.receive(Gossip.carrying(message), from: 1) == []) }
        #expect(router.counters.unwanted == 3)
        #expect(router.score(1, at: 0) == 0)
    }

    @Test("Without signatures the content is the name, and fields of an author are refused")
    func noSign() {
        var router = GossipSubRouter(signing: .strictNoSign, seed: 1)
        _ = router.handle(.subscribe(topic), at: 0)
        router.join([1, 2])
        let plain = PubSubMessage(topic: topic, data: Array("hello".utf8))
        let delivery = router.receive(Gossip.carrying(plain), from: 1).deliveries.first
        #expect(delivery?.author == nil)
        #expect(delivery?.id.bytes.count == 20)
        #expect(router.receive(Gossip.carrying(plain), from: 2) == [])
        let effects = router.handle(.publish(topic: topic, Array("hello".utf8)), at: 0)
        #expect(
            effects == [.publishFailed(topic: topic, .duplicate(delivery?.id ?? MessageID([])))])
        #expect(router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 1) == [])
        #expect(router.counters.unverified == 1)
    }

    @Test("IDONTWANT goes to the mesh when a long message comes, and is honoured when it goes on")
    func unwanted() {
        var router = joined([1, 2])
        router.join([3], version: .v1_1)
        let long = Gossip.carrying(Gossip.message(by: 9, 1, Gossip.vote))
        let effects = router.receive(long, from: 1)
        #expect(effects.addressees(of: [1, 2, 3]) { $0.unwanted == [Gossip.id(9, 1)] } == [2])
        let short = Gossip.carrying(
            Gossip.message(by: 9, 2, [UInt8](repeating: 0, count: 1_023)))
        #expect(router.receive(short, from: 1).sent(to: 2).unwanted == [])
        let told = Gossip.rpc { $0.unwanted = [Gossip.id(9, 1)] }
        #expect(
            router.receive(told, from: 2) == [.withdraw(Gossip.peer(2), [Gossip.id(9, 1)])])
        let passed = router.handle(.validated(Gossip.id(9, 1), .accept), at: 1)
        #expect(passed.addressees(of: [1, 2, 3]) { !$0.messages.isEmpty } == [3])
        #expect(router.counters.spared == 1)
        // After three heartbeats it is forgotten.
        let late = Gossip.rpc { $0.unwanted = [Gossip.id(9, 3)] }
        _ = router.receive(late, from: 2, at: 10)
        router.beat(until: 4_100)
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 3)), from: 1, at: 4_200)
        let third = router.handle(.validated(Gossip.id(9, 3), .accept), at: 4_300)
        #expect(third.sent(to: 2).messages.count == 1)
    }

    @Test("IHAVE: three heartbeats long to peers outside the mesh; IWANT: five, three times each")
    func gossip() {
        var router = joined(Array(1...20)) { $0.firstHeartbeat = .seconds(1) }
        let mesh = router.mesh(of: topic)
        _ = router.receive(Gossip.carrying(Gossip.message(by: 30, 1)), from: 1)
        _ = router.handle(.validated(Gossip.id(30, 1), .accept), at: 0)
        let id = Gossip.id(30, 1)
        for beat in UInt64(1)...3 {
            let effects = router.handle(.timer, at: beat * 1_000)
            let told = effects.addressees(of: Array(1...20)) {
                $0.advertisements == [.init(topic, [id])]
            }
            #expect(told.count == 6, "beat \(beat)")
            #expect(told.allSatisfy { !router.mesh(of: topic).contains(Gossip.peer($0)) })
        }
        #expect(mesh.count == 5)
        let fourth = router.handle(.timer, at: 4_000)
        #expect(fourth.addressees(of: Array(1...20)) { !$0.advertisements.isEmpty } == [])
        let ask = Gossip.rpc { $0.wanted = [id, Gossip.id(30, 2)] }
        for round in 0..<4 {
            let given = router.receive(ask, from: 7, at: 4_500).sent(to: 7).messages
            #expect(given == (round < 3 ? [Gossip.message(by: 30, 1)] : []))
        }
        _ = router.handle(.timer, at: 5_000)
        #expect(router.receive(ask, from: 8, at: 5_500) == [], "it is gone after five")
        #expect(router.cachedCount == 0)
    }

    @Test("IHAVE of what is unknown is answered with IWANT, to two peers at the same time at most")
    func ask() {
        var router = joined()
        let have = Gossip.rpc { $0.advertisements = [.init(topic, [Gossip.id(9, 1)])] }
        for (number, expected) in [(1, [Gossip.id(9, 1)]), (2, [Gossip.id(9, 1)]), (3, [])] {
            #expect(router.receive(have, from: number).sent(to: number).wanted == expected)
        }
        let other = Gossip.rpc { $0.advertisements = [.init("other", [Gossip.id(9, 2)])] }
        #expect(router.receive(other, from: 1) == [])
        // It comes: nobody broke a promise, and it is not asked for again.
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 1, at: 10)
        router.beat(until: 4_100)
        #expect(router.counters.brokenPromises == 0)
        #expect(router.receive(have, from: 3, at: 4_200) == [])
    }

    @Test("Direct peers get everything, whatever the mesh and their score")
    func direct() {
        var router = joined(Array(1...8))
        _ = router.handle(.setDirect(Gossip.peer(20), true), at: 0)
        router.join([20])
        #expect(!router.mesh(of: topic).contains(Gossip.peer(20)))
        _ = router.handle(.setApplicationScore(Gossip.peer(20), -1_000), at: 0)
        let delivered = router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 20)
        #expect(delivered.deliveries.count == 1, "its frames are looked at")
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 2)), from: 1)
        let passed = router.handle(.validated(Gossip.id(9, 2), .accept), at: 0)
        #expect(passed.sent(to: 20).messages.count == 1)
        let own = router.handle(.publish(topic: topic, [1]), at: 0)
        #expect(own.sent(to: 20).messages.count == 1)
    }
}
