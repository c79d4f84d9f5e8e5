import LibP2P
import Primitives
import Testing

/// Attackers as small programs over one router: what each can cost it, and when it is cut off.
@Suite("GossipSub: attacks")
struct GossipSubAttackTests {
    let topic = Gossip.topic

    /// A router with four honest peers (1 to 4) and an attacker (5).
    private func attacked(
        _ configure: (inout GossipSubConfiguration) -> Void = { _ in }
    ) -> GossipSubRouter {
        var router = Gossip.router(configure)
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(Array(1...5), isOutbound: false)
        return router
    }

    private func isGraylisted(_ router: GossipSubRouter, at time: UInt64) -> Bool {
        router.score(5, at: time) < -80
    }

    @Test("IHAVE spam: ten a heartbeat are looked at, 5,000 names are asked for, lies end it")
    func advertisements() {
        var router = attacked()
        var time: UInt64 = 150
        var asked = 0
        var name = 0
        while !isGraylisted(router, at: time), time < 60_000 {
            for _ in 0..<30 {
                let names = (0..<1_000).map { _ in
                    name += 1
                    return MessageID([5] + [UInt8](String(name).utf8))
                }
                let rpc = Gossip.rpc { $0.advertisements = [.init(topic, names)] }
                asked += router.receive(rpc, from: 5, at: time).sent(to: 5).wanted.count
            }
            #expect(asked <= 5_000 * Int(time / 1_000 + 1))
            time += 1_000
            _ = router.handle(.timer, at: time)
        }
        #expect(isGraylisted(router, at: time), "asked \(asked) in \(time) ms")
        #expect(time < 10_000)
        #expect(asked < 60_000)
        #expect(router.counters.brokenPromises > 6)
    }

    @Test("IWANT spam: each message goes to a peer three times, and unknown names cost nothing")
    func requests() {
        var router = attacked()
        for number in UInt64(1)...20 {
            _ = router.receive(Gossip.carrying(Gossip.message(by: 9, number)), from: 1)
            _ = router.handle(.validated(Gossip.id(9, number), .accept), at: 0)
        }
        let ask = Gossip.rpc { rpc in
            rpc.wanted = (UInt64(1)...40).map { Gossip.id(9, $0) }
        }
        let given = (0..<1_000).reduce(0) { sum, _ in
            sum + router.receive(ask, from: 5, at: 10).sent(to: 5).messages.count
        }
        #expect(given == 3 * 20)
        // The others are served as ever.
        #expect(router.receive(ask, from: 2, at: 10).sent(to: 2).messages.count == 20)
    }

    @Test("GRAFT spam after a prune costs the attacker its score within six tries")
    func grafts() {
        var router = attacked { $0.highDegree = 6 }
        _ = router.handle(.setApplicationScore(Gossip.peer(5), -1), at: 0)
        router.beat(until: 100)
        #expect(!router.mesh(of: topic).contains(Gossip.peer(5)))
        _ = router.handle(.setApplicationScore(Gossip.peer(5), 0), at: 100)
        let graft = Gossip.rpc { $0.grafts = [topic] }
        var tries = 0
        while !isGraylisted(router, at: 200), tries < 100 {
            let answer = router.receive(graft, from: 5, at: 200)
            #expect(answer.sent(to: 5).prunes == [.init(topic, backoffSeconds: 60)])
            tries += 1
        }
        #expect(tries == 5)
        #expect(router.receive(graft, from: 5, at: 200) == [])
        #expect(!router.mesh(of: topic).contains(Gossip.peer(5)))
        // Coming back under the same name does not help.
        _ = router.handle(.disconnected(Gossip.peer(5)), at: 300)
        router.join([5], at: 400)
        #expect(isGraylisted(router, at: 400))
    }

    @Test("IDONTWANT spam: a thousand names a heartbeat are kept, for three heartbeats")
    func unwanted() {
        var router = attacked()
        var name = 0
        var kept = 0
        for beat in UInt64(0)..<5 {
            for _ in 0..<20 {
                let names = (0..<500).map { _ in
                    name += 1
                    return MessageID([6] + [UInt8](String(name).utf8))
                }
                let effects = router.receive(
                    Gossip.rpc { $0.unwanted = names }, from: 5, at: 150 + beat * 1_000)
                for case .withdraw(_, let ids) in effects { kept += ids.count }
            }
            _ = router.handle(.timer, at: 1_150 + beat * 1_000)
        }
        #expect(kept == 5 * 1_000)
        // It hurts nobody but the attacker itself.
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 1, at: 6_000)
        let passed = router.handle(.validated(Gossip.id(9, 1), .accept), at: 6_000)
        #expect(passed.sent(to: 2).messages.count == 1)
    }

    @Test("Forged messages: two in a row end it, and none is judged, kept or passed on")
    func forgeries() {
        var router = attacked()
        var sent = 0
        while !isGraylisted(router, at: 0), sent < 100 {
            sent += 1
            var message = Gossip.message(by: 1, UInt64(sent))
            message.signature?[0] ^= 1
            #expect(router.receive(Gossip.carrying(message), from: 5) == [])
        }
        #expect(sent == 2)
        #expect(router.seenCount == 0 && router.pendingCount == 0)
    }

    @Test("Invalid content: the author is muted at the third, its relay is hardly touched")
    func mutedAuthor() {
        var router = attacked()
        for number in UInt64(1)...3 {
            let rpc = Gossip.carrying(Gossip.message(by: 66, number))
            #expect(router.receive(rpc, from: 1).deliveries.count == 1)
            _ = router.handle(.validated(Gossip.id(66, number), .reject), at: 0)
        }
        #expect(router.score(1, at: 0) >= -10)
        for number in UInt64(4)...100 {
            let rpc = Gossip.carrying(Gossip.message(by: 66, number))
            #expect(router.receive(rpc, from: 1) == [])
        }
        #expect(router.counters.muted == 97)
        #expect(router.score(1, at: 0) >= -10, "the relay may be a node that checks no votes")
        // Others that the same relay brings are judged as before, and the mute ends.
        #expect(
            router.receive(Gossip.carrying(Gossip.message(by: 67, 1)), from: 1).deliveries.count
                == 1)
        #expect(
            router.receive(
                Gossip.carrying(Gossip.message(by: 66, 200)), from: 1, at: 600_001
            ).deliveries.count == 1)
    }

    @Test("Invalid content under ever new names ends the relay that brings nine at once")
    func freshAuthors() {
        var router = attacked()
        var sent = 0
        while !isGraylisted(router, at: 0), sent < 100 {
            sent += 1
            let author = 1_000 + sent
            _ = router.receive(Gossip.carrying(Gossip.message(by: author, 1)), from: 5)
            _ = router.handle(.validated(Gossip.id(author, 1), .reject), at: 0)
        }
        #expect(sent == 9)
    }

    @Test("Broken promises: six are forgiven, nine end it")
    func promises() {
        for (lies, isForgiven) in [(6, true), (9, false)] {
            var router = attacked()
            for number in 1...lies {
                let id = Gossip.id(9, UInt64(number))
                let have = Gossip.rpc { $0.advertisements = [.init(topic, [id])] }
                #expect(router.receive(have, from: 5, at: 150).sent(to: 5).wanted == [id])
            }
            router.beat(until: 4_100, from: 1_100)
            #expect(router.counters.brokenPromises == lies)
            #expect((router.score(5, at: 4_100) >= 0) == isForgiven)
            #expect(isGraylisted(router, at: 4_100) != isForgiven)
        }
    }

    @Test("What somebody else delivers in time is no broken promise")
    func promiseKeptByAnother() {
        var router = attacked()
        let have = Gossip.rpc { $0.advertisements = [.init(topic, [Gossip.id(9, 1)])] }
        _ = router.receive(have, from: 5, at: 150)
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, 1)), from: 2, at: 3_000)
        router.beat(until: 4_100, from: 1_100)
        #expect(router.counters.brokenPromises == 0)
    }

    @Test("Sybils on one address: the thirteenth makes all of them graylisted, nobody else")
    func sybils() {
        var router = attacked()
        for number in 100..<113 { router.join([number], isOutbound: false, network: [66]) }
        for number in 100..<113 { #expect(router.score(number, at: 0) < -80) }
        for number in 1...4 { #expect(router.score(number, at: 0) >= 0) }
        router.beat(until: 100)
        #expect(router.mesh(of: topic) == (1...5).map(Gossip.peer).sorted())
        // They cannot fill the tables either.
        for number in 100..<113 {
            let rpc = Gossip.carrying(Gossip.message(by: number, 1))
            #expect(router.receive(rpc, from: number, at: 200) == [])
        }
        #expect(router.seenCount == 0)
    }

    @Test("Sybils cannot take a mesh over: a full one keeps its places for peers it chose")
    func eclipse() {
        var router = Gossip.router()
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(Array(1...4), isOutbound: true)
        let graft = Gossip.rpc { $0.grafts = [topic] }
        for number in 100..<200 {
            router.join([number], isOutbound: false)
            _ = router.receive(graft, from: number)
        }
        #expect(router.mesh(of: topic).count == 12)
        router.beat(until: 30_100)
        let chosen = router.mesh(of: topic).count { peer in
            (1...4).contains { Gossip.peer($0) == peer }
        }
        #expect(chosen >= 2)
    }

    @Test("A flood of good messages: pending, seen and cache stay within their bounds")
    func flood() {
        var router = attacked { configuration in
            configuration.maximumPending = 50
            configuration.maximumPendingPerPeer = 20
            configuration.maximumSeen = 100
            configuration.maximumCached = 30
            configuration.messageRate = RateLimit(burst: 200, perSecond: 1)
        }
        for number in UInt64(1)...500 {
            _ = router.receive(Gossip.carrying(Gossip.message(by: 50, number)), from: 5)
            #expect(router.pendingCount <= 20)
        }
        #expect(
            router.receive(
                Gossip.carrying(Gossip.message(by: 51, 1)), from: 1
            ).deliveries.count == 1,
            "others still have room")
        for number in UInt64(1)...500 {
            _ = router.handle(.validated(Gossip.id(50, number), .accept), at: 1)
            _ = router.receive(Gossip.carrying(Gossip.message(by: 52, number)), from: 5, at: 1)
            _ = router.handle(.validated(Gossip.id(52, number), .accept), at: 1)
        }
        #expect(router.seenCount <= 100)
        #expect(router.cachedCount <= 30)
        // Of the attacker's thousand messages, the burst was looked at.
        #expect(router.counters.accepted <= 200)
        #expect(router.counters.overflowed >= 800)
    }

    @Test("Peers without number: the table is bounded, and connected ones are never pushed out")
    func manyPeers() {
        var router = Gossip.router { $0.maximumPeers = 20 }
        router.join(Array(1...15))
        for number in 100..<300 {
            router.join([number])
            for _ in 0..<3 { _ = router.handle(.malformed(Gossip.peer(number)), at: 0) }
            _ = router.handle(.disconnected(Gossip.peer(number)), at: 0)
        }
        #expect(router.peerCount == 20)
        for number in 1...15 { #expect(router.score(number, at: 0) == 0) }
        router.join(Array(300..<310))
        #expect(router.peerCount == 20)
        #expect(router.score(of: Gossip.peer(305), now: .zero) == nil, "no place for it")
    }

    @Test("Random frames of random peers: no trap, and every bound holds")
    func chaos() {
        let seed: UInt64 = 0xC4A05
        var generator = SeededGenerator(seed: seed)
        var router = attacked { configuration in
            configuration.maximumPending = 8
            configuration.maximumSeen = 32
            configuration.maximumCached = 16
            configuration.maximumOpenRequests = 32
        }
        var time: UInt64 = 0
        var judged: [MessageID] = []
        for _ in 0..<5_000 {
            time += UInt64.random(in: 0...300, using: &generator)
            let number = Int.random(in: 1...8, using: &generator)
            let author = Int.random(in: 0...3, using: &generator)
            let id = Gossip.id(author, UInt64.random(in: 1...60, using: &generator))
            let message = Gossip.message(by: author, UInt64.random(in: 1...60, using: &generator))
            let name = ["x", topic].randomElement(using: &generator) ?? topic
            let input: GossipSubRouter.Input =
                switch Int.random(in: 0..<16, using: &generator) {
                case 0:
                    .connected(
                        Gossip.peer(number), isOutbound: .random(using: &generator), network: [1])
                case 1: .disconnected(Gossip.peer(number))
                case 2: .streamOpened(Gossip.peer(number), .v1_2)
                case 3: .streamClosed(Gossip.peer(number))
                case 4: .subscribe(name)
                case 5: .unsubscribe(name)
                case 6: .publish(topic: name, [UInt8(author)])
                case 7: .setDirect(Gossip.peer(number), .random(using: &generator))
                case 8: .malformed(Gossip.peer(9))
                case 9, 10: .validated(judged.popLast() ?? id, author == 3 ? .reject : .accept)
                case 11: .timer
                default:
                    .received(
                        Gossip.peer(number),
                        Gossip.rpc { rpc in
                            rpc.messages = [message]
                            rpc.subscriptions = [.init(name, isSubscribed: number > 2)]
                            rpc.wanted = [id]
                            rpc.advertisements = [.init(name, [id])]
                            rpc.unwanted = [id]
                            if author == 1 { rpc.grafts = [name] }
                            if author == 2 { rpc.prunes = [.init(name, backoffSeconds: 3)] }
                        })
                }
            judged += router.handle(input, at: time).deliveries.map(\.id)
            #expect(router.pendingCount <= 8 && router.seenCount <= 32, "seed \(seed)")
            #expect(router.cachedCount <= 16 && router.peerCount <= 9, "seed \(seed)")
        }
        #expect(router.counters.accepted > 10 && router.counters.given > 0, "seed \(seed)")
    }
}
