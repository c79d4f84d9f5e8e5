import LibP2P
import Primitives
import Testing

@Suite("GossipSub: mesh and subscriptions")
struct GossipSubTests {
    let topic = Gossip.topic

    /// A router with that many peers of the topic, all in its mesh where they fit.
    private func joined(
        _ count: Int, _ configure: (inout GossipSubConfiguration) -> Void = { _ in }
    ) -> GossipSubRouter {
        var router = Gossip.router(configure)
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(Array(1...count))
        return router
    }

    @Test("A new stream begins with all subscriptions, and every later one is announced")
    func hello() {
        var router = Gossip.router()
        _ = router.handle(.subscribe("a"), at: 0)
        _ = router.handle(.subscribe("b"), at: 0)
        #expect(
            router.handle(.connected(Gossip.peer(1), isOutbound: true, network: nil), at: 0) == [])
        let hello = Gossip.rpc {
            $0.subscriptions = [.init("a", isSubscribed: true), .init("b", isSubscribed: true)]
        }
        #expect(
            router.handle(.streamOpened(Gossip.peer(1), .v1_2), at: 0)
                == [.send(Gossip.peer(1), hello)])
        #expect(
            router.handle(.unsubscribe("a"), at: 0).sent(to: 1).subscriptions
                == [.init("a", isSubscribed: false)])
        #expect(
            router.handle(.subscribe("c"), at: 0).sent(to: 1).subscriptions
                == [.init("c", isSubscribed: true)])
        // The stream was lost and is open again: the peer may have forgotten everything.
        _ = router.handle(.streamClosed(Gossip.peer(1)), at: 0)
        #expect(
            router.handle(.streamOpened(Gossip.peer(1), .v1_1), at: 0).sent(to: 1).subscriptions
                == [.init("b", isSubscribed: true), .init("c", isSubscribed: true)])
    }

    @Test("Peers' subscriptions are reported, and end with the connection")
    func reports() {
        var router = Gossip.router { $0.maximumTopicsPerPeer = 2 }
        router.join([1], subscribed: false)
        let peer = Gossip.peer(1)
        let many = Gossip.rpc {
            $0.subscriptions = ["a", "b", "a", "c"].map { .init($0, isSubscribed: true) }
        }
        #expect(
            router.receive(many, from: 1) == [
                .subscriptionChanged(peer, topic: "a", isSubscribed: true),
                .subscriptionChanged(peer, topic: "b", isSubscribed: true),
            ])
        #expect(router.subscribers(of: "a") == [peer])
        let leave = Gossip.rpc { $0.subscriptions = [.init("a", isSubscribed: false)] }
        #expect(
            router.receive(leave, from: 1)
                == [.subscriptionChanged(peer, topic: "a", isSubscribed: false)])
        #expect(
            router.handle(.disconnected(peer), at: 0)
                == [.subscriptionChanged(peer, topic: "b", isSubscribed: false)])
        #expect(router.peerCount == 0)
    }

    @Test("Only known topics are remembered where a list is given")
    func allowList() {
        var router = Gossip.router { $0.knownTopics = ["a"] }
        router.join([1], subscribed: false)
        let many = Gossip.rpc {
            $0.subscriptions = ["x", "a"].map { .init($0, isSubscribed: true) }
        }
        #expect(
            router.receive(many, from: 1)
                == [.subscriptionChanged(Gossip.peer(1), topic: "a", isSubscribed: true)])
    }

    @Test("A mesh that lacks peers grafts at once, and stops at D_low until the heartbeat")
    func grafting() {
        var router = Gossip.router()
        _ = router.handle(.subscribe(topic), at: 0)
        for number in 1...5 {
            #expect(router.join([number]).sent(to: number).grafts == [topic])
        }
        #expect(router.join([6]).sent(to: 6).grafts == [])
        #expect(router.mesh(of: topic) == (1...5).map(Gossip.peer).sorted())
    }

    @Test("Joining grafts D random peers, and leaving prunes them with the short back-off")
    func joinAndLeave() {
        var router = Gossip.router()
        router.join(Array(1...10))
        let join = router.handle(.subscribe(topic), at: 0)
        let grafted = join.addressees(of: Array(1...10)) { $0.grafts == [topic] }
        #expect(grafted.count == 6)
        #expect(router.mesh(of: topic) == grafted.map(Gossip.peer).sorted())
        let leave = router.handle(.unsubscribe(topic), at: 0)
        let prune = GossipRPC.Prune(topic, backoffSeconds: 10)
        #expect(leave.addressees(of: Array(1...10)) { $0.prunes == [prune] } == grafted)
        #expect(router.mesh(of: topic) == [])
        // Who was pruned is not grafted for ten seconds (and one of slack) by a new subscription.
        let again = router.handle(.subscribe(topic), at: 10_999)
        #expect(again.addressees(of: grafted) { !$0.grafts.isEmpty } == [])
        router.beat(until: 11_100, from: 11_100)
        #expect(router.mesh(of: topic).count == 6)
    }

    @Test("GRAFT: in, unless unknown topic, direct, backed off, low score or full")
    func takeGraft() {
        let graft = Gossip.rpc { $0.grafts = [topic] }
        let prune = Gossip.rpc { $0.prunes = [.init(topic, backoffSeconds: 60)] }
        var router = joined(5)
        router.join([6, 7], isOutbound: false)
        #expect(router.receive(graft, from: 6) == [])
        #expect(router.mesh(of: topic).contains(Gossip.peer(6)))
        #expect(router.receive(graft, from: 6) == [], "it is in the mesh")
        // Another topic is no topic of ours: no answer that anybody could provoke at will.
        #expect(router.receive(Gossip.rpc { $0.grafts = ["other"] }, from: 7) == [])
        _ = router.handle(.setDirect(Gossip.peer(7), true), at: 0)
        #expect(router.receive(graft, from: 7) == [.send(Gossip.peer(7), prune)])
        router.join([8], isOutbound: false)
        _ = router.handle(.setApplicationScore(Gossip.peer(8), -1), at: 0)
        #expect(router.receive(graft, from: 8) == [.send(Gossip.peer(8), prune)])
        // Full: peers that dialled are turned away, peers that were dialled are not.
        router.join(Array(9...14))
        for number in 9...14 { _ = router.receive(graft, from: number) }
        #expect(router.mesh(of: topic).count == 12)
        router.join([15], isOutbound: false)
        #expect(router.receive(graft, from: 15) == [.send(Gossip.peer(15), prune)])
        router.join([16], isOutbound: true)
        #expect(router.receive(graft, from: 16) == [])
        #expect(router.mesh(of: topic).count == 13)
    }

    @Test("PRUNE: out of the mesh, and no GRAFT from here before the peer's back-off is over")
    func takePrune() {
        var router = joined(1)
        let prune = Gossip.rpc { $0.prunes = [.init(topic, backoffSeconds: 5)] }
        #expect(router.receive(prune, from: 1) == [])
        #expect(router.mesh(of: topic) == [])
        router.beat(until: 5_100)
        #expect(router.mesh(of: topic) == [])
        router.beat(until: 6_100, from: 6_100)
        #expect(router.mesh(of: topic) == [Gossip.peer(1)])
        // Without a back-off it is a minute; an absurd one is cut to ten minutes.
        for (seconds, ends) in [(nil, 60_000), (UInt64.max, 600_000)] as [(UInt64?, UInt64)] {
            var router = joined(1)
            let prune = Gossip.rpc { $0.prunes = [.init(topic, backoffSeconds: seconds)] }
            _ = router.receive(prune, from: 1)
            router.beat(until: ends, from: ends)
            #expect(router.mesh(of: topic) == [], "\(ends)")
            router.beat(until: ends + 1_000, from: ends + 1_000)
            #expect(router.mesh(of: topic) == [Gossip.peer(1)], "\(ends)")
        }
    }

    @Test("The heartbeat keeps the mesh between D_low and D_high, and its outbound share")
    func heartbeat() {
        var router = joined(20)
        #expect(router.mesh(of: topic).count == 5)
        // Others graft until there are too many.
        for number in 1...20 {
            _ = router.receive(Gossip.rpc { $0.grafts = [topic] }, from: number)
        }
        #expect(router.mesh(of: topic).count == 20)
        let effects = router.beat(until: 100)
        #expect(router.mesh(of: topic).count == 6)
        let prune = GossipRPC.Prune(topic, backoffSeconds: 60)
        #expect(effects.addressees(of: Array(1...20)) { $0.prunes == [prune] }.count == 14)
        // Too few: filled up to D.
        for peer in router.mesh(of: topic).prefix(2) {
            _ = router.handle(.disconnected(peer), at: 200)
        }
        router.join(Array(21...25), at: 200)
        router.beat(until: 1_100, from: 1_100)
        #expect((5...6).contains(router.mesh(of: topic).count))
    }

    @Test("A mesh of peers that all dialled takes two that this node dialled")
    func outboundQuota() {
        var router = Gossip.router()
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(Array(1...6), isOutbound: false)
        router.join(Array(7...9), isOutbound: true)
        let before = router.mesh(of: topic)
        #expect(before.count == 5)
        router.beat(until: 100)
        let added = Set(router.mesh(of: topic)).subtracting(before)
        #expect(added.count == 2)
        #expect(added.isSubset(of: (7...9).map(Gossip.peer)))
    }

    @Test("When the mesh is cut, the best by score stay")
    func bestStay() {
        var router = joined(14)
        for number in 1...14 {
            _ = router.receive(Gossip.rpc { $0.grafts = [topic] }, from: number)
            _ = router.handle(.setApplicationScore(Gossip.peer(number), Double(number)), at: 0)
        }
        router.beat(until: 100)
        let mesh = router.mesh(of: topic)
        #expect(mesh.count == 6)
        for number in 11...14 { #expect(mesh.contains(Gossip.peer(number))) }
    }

    @Test("A peer whose score falls below zero leaves the mesh at the next heartbeat")
    func badPeer() {
        var router = joined(3)
        _ = router.handle(.setApplicationScore(Gossip.peer(2), -0.5), at: 0)
        let effects = router.beat(until: 100)
        #expect(effects.sent(to: 2).prunes == [.init(topic, backoffSeconds: 60)])
        #expect(router.mesh(of: topic) == [1, 3].map(Gossip.peer).sorted())
    }

    @Test("Every 60 heartbeats a poor mesh takes two better peers")
    func opportunism() {
        var router = joined(12) { $0.scores.opportunisticGraftThreshold = 5 }
        router.beat(until: 58_100)
        let mesh = router.mesh(of: topic)
        let outside = (1...12).filter { !mesh.contains(Gossip.peer($0)) }
        for number in outside {
            _ = router.handle(.setApplicationScore(Gossip.peer(number), 20), at: 58_500)
        }
        router.beat(until: 59_100, from: 59_100)
        #expect(router.mesh(of: topic).count == mesh.count + 2)
    }

    @Test("A stream that is lost takes its peer out of every mesh until it is back")
    func lostStream() {
        var router = joined(2)
        _ = router.handle(.streamClosed(Gossip.peer(1)), at: 10)
        #expect(router.mesh(of: topic) == [Gossip.peer(2)])
        router.beat(until: 100)
        #expect(router.mesh(of: topic) == [Gossip.peer(2)])
        let graft = Gossip.rpc { $0.grafts = [topic] }
        #expect(router.receive(graft, from: 1, at: 200) == [], "nothing could be said to it")
        #expect(router.mesh(of: topic) == [Gossip.peer(2)])
        let back = router.handle(.streamOpened(Gossip.peer(1), .v1_2), at: 300)
        #expect(back.sent(to: 1).grafts == [topic])
    }

    @Test("Peer exchange is off; switched on, names go out and are believed above a score only")
    func peerExchange() {
        let prune = Gossip.rpc { rpc in
            rpc.prunes = [.init(topic, peers: [Gossip.peer(2), Gossip.peer(9)], backoffSeconds: 1)]
        }
        var off = joined(5)
        _ = off.handle(.setApplicationScore(Gossip.peer(1), 50), at: 0)
        #expect(off.receive(prune, from: 1) == [])
        #expect(off.handle(.unsubscribe(topic), at: 0).sent(to: 2).prunes[0].peers == [])
        var on = joined(5) { $0.exchangesPeers = true }
        #expect(on.receive(prune, from: 1) == [])
        _ = on.handle(.setApplicationScore(Gossip.peer(1), 10), at: 0)
        #expect(on.receive(prune, from: 1) == [.connect([Gossip.peer(9)])])
        let named = on.handle(.unsubscribe(topic), at: 0).sent(to: 2).prunes[0].peers
        #expect(named.sorted() == [1, 3, 4, 5].map(Gossip.peer).sorted())
    }

    @Test("The heartbeat is a timer: first after 100 ms, then every second, and never early")
    func timer() {
        var router = Gossip.router()
        #expect(router.handle(.subscribe(topic), at: 0) == [.setTimer(.milliseconds(100))])
        #expect(router.handle(.timer, at: 99) == [])
        #expect(router.handle(.timer, at: 100) == [.setTimer(.milliseconds(1_100))])
        #expect(router.handle(.timer, at: 101) == [])
        #expect(router.handle(.timer, at: 1_500) == [.setTimer(.milliseconds(2_500))])
    }

    @Test("The same seed decides the same way")
    func determinism() {
        func run() -> [GossipEffect] {
            var router = Gossip.router(seed: 99)
            var effects = router.join(Array(1...30))
            effects += router.handle(.subscribe(topic), at: 0)
            for number in 1...30 {
                effects += router.receive(
                    Gossip.carrying(Gossip.message(by: number, 1)), from: number)
                effects += router.handle(.validated(Gossip.id(number, 1), .accept), at: 1)
            }
            return effects + router.beat(until: 10_100)
        }
        #expect(run() == run())
    }
}
