import LibP2P
import Primitives
import Testing

@Suite("GossipSub: scores")
struct GossipSubScoreTests {
    let topic = Gossip.topic

    private func joined(
        _ count: Int, network: [UInt8]? = nil,
        _ configure: (inout GossipSubConfiguration) -> Void = { _ in }
    ) -> GossipSubRouter {
        var router = Gossip.router(configure)
        _ = router.handle(.subscribe(topic), at: 0)
        router.join(Array(1...count), network: network)
        return router
    }

    /// Delivers a message of node 9's by a peer, and judges it.
    private func deliver(
        _ number: UInt64, by peer: Int, _ verdict: PubSubVerdict, to router: inout GossipSubRouter,
        at time: UInt64
    ) {
        _ = router.receive(Gossip.carrying(Gossip.message(by: 9, number)), from: peer, at: time)
        _ = router.handle(.validated(Gossip.id(9, number), verdict), at: time)
    }

    @Test("P1: time in the mesh counts by the second, up to the cap, and ends with the mesh")
    func timeInMesh() {
        var router = joined(1)
        #expect(router.score(1, at: 1_000_000) == 0.0025 * 1_000)
        #expect(router.score(1, at: 100_000_000) == 0.0025 * 4_000)
        _ = router.receive(Gossip.rpc { $0.prunes = [.init(topic)] }, from: 1, at: 1_000_000)
        #expect(router.score(1, at: 1_000_000) == 0)
    }

    @Test("P2: first deliveries count, copies do not, and they fade")
    func firstDeliveries() {
        var router = joined(2) { $0.scores.topic.timeInMeshWeight = 0 }
        for number in UInt64(1)...50 { deliver(number, by: 1, .accept, to: &router, at: 0) }
        for number in UInt64(1)...50 {
            _ = router.receive(Gossip.carrying(Gossip.message(by: 9, number)), from: 2)
        }
        #expect(router.score(1, at: 0) == 20)
        #expect(router.score(2, at: 0) == 0)
        router.beat(until: 10_100)
        #expect(abs(router.score(1, at: 10_100) - 20 * 0.737424) < 0.001)
        router.beat(until: 400_100, from: 11_100)
        #expect(router.score(1, at: 400_100) == 0)
    }

    @Test(
        "P3 and P3b: too few deliveries in the mesh count, stick after a prune, and are off by default"
    )
    func meshDeliveries() {
        var router = joined(2) { configuration in
            configuration.scores.topic.timeInMeshWeight = 0
            configuration.scores.topic.firstDeliveriesWeight = 0
            configuration.scores.topic.meshDeliveriesWeight = -1
            configuration.scores.topic.meshDeliveriesThreshold = 4
            configuration.scores.topic.meshFailureWeight = -1
        }
        for number in UInt64(1)...3 {
            deliver(number, by: 1, .accept, to: &router, at: 59_999)
            // A copy within ten milliseconds counts too, once; a later one does not.
            let copy = Gossip.carrying(Gossip.message(by: 9, number))
            _ = router.receive(copy, from: 2, at: number == 3 ? 60_010 : 60_009)
            _ = router.receive(copy, from: 2, at: 60_009)
        }
        #expect(router.score(1, at: 59_999) == 0, "not yet active")
        #expect(router.score(1, at: 60_010) == -1)
        #expect(router.score(2, at: 60_010) == -4)
        _ = router.receive(Gossip.rpc { $0.prunes = [.init(topic)] }, from: 2, at: 60_010)
        #expect(router.score(2, at: 60_010) == -4)
        let quiet = joined(1)
        #expect(quiet.score(1, at: 1_000_000) > 0)
    }

    @Test("P4: rejects count squared for all who brought the message, and fade")
    func invalid() {
        var router = joined(3) { $0.scores.topic.timeInMeshWeight = 0 }
        for number in UInt64(1)...2 {
            let rpc = Gossip.carrying(Gossip.message(by: 9, number))
            _ = router.receive(rpc, from: 1)
            _ = router.receive(rpc, from: 2)
            _ = router.handle(.validated(Gossip.id(9, number), .reject), at: 0)
            _ = router.receive(rpc, from: 3)
            _ = router.receive(rpc, from: 3)
        }
        for peer in 1...3 { #expect(router.score(peer, at: 0) == -4) }
        router.beat(until: 20_100)
        #expect(router.score(1, at: 20_100) > -0.1)
    }

    @Test("P5: the application's opinion counts as it is; nonsense is not taken")
    func application() {
        var router = joined(1)
        _ = router.handle(.setApplicationScore(Gossip.peer(1), -7), at: 0)
        #expect(router.score(1, at: 0) == -7)
        _ = router.handle(.setApplicationScore(Gossip.peer(1), .nan), at: 0)
        _ = router.handle(.setApplicationScore(Gossip.peer(1), .infinity), at: 0)
        #expect(router.score(1, at: 0) == -7)
    }

    @Test("P6: more than eight peers of one address count squared, for as long as they are there")
    func colocation() {
        var router = joined(8, network: [10, 0, 0, 1])
        #expect(router.score(1, at: 0) == 0)
        router.join([9, 10], network: [10, 0, 0, 1])
        #expect(router.score(1, at: 0) == -20)
        router.join([11], network: [10, 0, 0, 2])
        router.join([12])
        #expect(router.score(11, at: 0) == 0)
        #expect(router.score(12, at: 0) == 0)
        _ = router.handle(.disconnected(Gossip.peer(9)), at: 0)
        _ = router.handle(.disconnected(Gossip.peer(10)), at: 0)
        #expect(router.score(1, at: 0) == 0)
    }

    @Test("P7: frames that do not decode count four, and only above six")
    func misbehaviour() {
        var router = joined(1)
        _ = router.handle(.malformed(Gossip.peer(1)), at: 0)
        #expect(router.score(1, at: 0) == 0)
        _ = router.handle(.malformed(Gossip.peer(1)), at: 0)
        #expect(router.score(1, at: 0) == -40)
        _ = router.handle(.malformed(Gossip.peer(1)), at: 0)
        #expect(router.score(1, at: 0) == -360)
    }

    @Test("Each threshold cuts off what it is there for")
    func thresholds() {
        let have = Gossip.rpc { $0.advertisements = [.init(topic, [Gossip.id(8, 1)])] }
        var router = joined(7)
        let outside = (1...7).first { !router.mesh(of: topic).contains(Gossip.peer($0)) } ?? 0
        deliver(1, by: 1, .accept, to: &router, at: 0)
        let want = Gossip.rpc { $0.wanted = [Gossip.id(9, 1)] }
        func set(_ score: Double) {
            _ = router.handle(.setApplicationScore(Gossip.peer(outside), score), at: 0)
        }
        set(-9.9)
        #expect(router.receive(have, from: outside).sent(to: outside).wanted.count == 1)
        #expect(router.receive(want, from: outside).sent(to: outside).messages.count == 1)
        set(-10.1)
        #expect(router.receive(have, from: outside) == [])
        #expect(router.receive(want, from: outside) == [])
        #expect(
            router.handle(.publish(topic: topic, [1]), at: 0).sent(to: outside).messages.count == 1)
        set(-50.1)
        #expect(
            router.handle(.publish(topic: topic, [2]), at: 0).sent(to: outside).messages.count == 0)
        let message = Gossip.carrying(Gossip.message(by: 8, 1))
        set(-80)
        #expect(router.receive(message, from: outside).deliveries.count == 1)
        set(-80.1)
        let another = Gossip.carrying(Gossip.message(by: 8, 2))
        #expect(router.receive(another, from: outside) == [])
        #expect(router.counters.graylisted == 1)
    }

    @Test("A bad score is remembered when its peer leaves and comes back, for an hour")
    func retention() {
        var router = joined(2)
        for peer in 1...2 {
            if peer == 1 { for _ in 0..<3 { _ = router.handle(.malformed(Gossip.peer(1)), at: 0) } }
            _ = router.handle(.disconnected(Gossip.peer(peer)), at: 0)
        }
        #expect(router.peerCount == 1, "nothing is remembered of the good one")
        router.join([1], at: 1_000)
        #expect(router.score(1, at: 1_000) == -360)
        _ = router.handle(.disconnected(Gossip.peer(1)), at: 1_000)
        router.beat(until: 3_600_100, from: 3_600_100)
        #expect(router.peerCount == 1)
        router.beat(until: 3_601_100, from: 3_601_100)
        #expect(router.peerCount == 0)
    }

    @Test(
        "Parameters that contradict each other are not taken",
        arguments: [
            { $0.lowDegree = 7 }, { $0.highDegree = 5 }, { $0.outboundDegree = 4 },
            { $0.historyGossip = 6 }, { $0.scores.gossipThreshold = 1 },
            { $0.scores.graylistThreshold = -20 }, { $0.scores.topic.invalidWeight = 1 },
            { $0.scores.behaviourDecay = 1 },
        ] as [@Sendable (inout GossipSubConfiguration) -> Void])
    func consistency(change: @Sendable (inout GossipSubConfiguration) -> Void) {
        var configuration = GossipSubConfiguration()
        #expect(configuration.isConsistent)
        change(&configuration)
        #expect(!configuration.isConsistent)
    }
}
