import LibP2P
import Primitives
import Testing

/// Networks of routers: everything arrives, soon, and not too often. Each prints what it measured,
/// for docs/networking.md.
@Suite("GossipSub: networks")
struct GossipNetworkTests {
    /// Lets a network settle, publishes messages of a vote's size from random routers every 50 ms,
    /// and runs until all should be there.
    private func measure(
        _ plan: GossipNetwork.Plan, messages: Int = 40
    ) -> GossipNetwork.Figures {
        var network = GossipNetwork(plan)
        network.run(for: .seconds(5))
        let before = network.figures
        var generator = SeededGenerator(seed: plan.seed)
        for number in 0..<messages {
            let data = [UInt8(number)] + [UInt8](repeating: 9, count: 1_499)
            network.publish(
                data, by: Int.random(in: 0..<plan.count, using: &generator),
                after: .milliseconds(50 * number))
        }
        network.run(for: .milliseconds(50 * messages) + .seconds(10))
        var figures = network.figures
        figures.bytes -= before.bytes
        figures.copies -= before.copies
        let perDelivery = figures.bytes / max(1, figures.latencies.count)
        let control = 100 * (figures.bytes - figures.messageBytes) / max(1, figures.bytes)
        print(
            "GossipSub, n = \(plan.count), loss \(plan.loss), flood \(plan.configuration.floodPublish),",
            "\(plan.version): duplication \(figures.duplication.rounded(2)),",
            "latency p50 \(figures.quantile(0.5)), p99 \(figures.quantile(0.99)),",
            "max \(figures.quantile(1)) ms, \(perDelivery) bytes a delivery, \(control) % control,",
            "seed \(plan.seed)")
        return figures
    }

    @Test(
        "Everything arrives everywhere; copies and latency stay bounded",
        arguments: [4, 20, 50, 100])
    func dissemination(count: Int) {
        var plan = GossipNetwork.Plan(count: count, seed: UInt64(count))
        plan.dials = count <= 20 ? count : 10
        let figures = measure(plan)
        #expect(figures.latencies.count == figures.expected)
        // Flood publishing reaches neighbours at once, the mesh the rest in two or three hops.
        #expect(figures.quantile(1) <= 400)
        // Many links carry a message both ways at once, before an IDONTWANT is there.
        #expect(figures.duplication <= 7.5)
    }

    @Test("The mesh alone carries everything, with fewer first hops", arguments: [20, 100])
    func meshOnly(count: Int) {
        var plan = GossipNetwork.Plan(count: count, seed: 7)
        plan.configuration.floodPublish = false
        let figures = measure(plan)
        #expect(figures.latencies.count == figures.expected)
        #expect(figures.quantile(1) <= 800)
    }

    @Test("Version 1.1 works alike, with more copies than 1.2 where messages are slow")
    func oldVersion() {
        var plan = GossipNetwork.Plan(count: 20, seed: 8)
        plan.version = .v1_1
        let old = measure(plan)
        plan.version = .v1_2
        let new = measure(plan)
        #expect(old.latencies.count == old.expected && new.latencies.count == new.expected)
        #expect(new.copies < old.copies)
    }

    @Test("Where frames are lost, gossip brings the messages back", arguments: [0.05, 0.3])
    func loss(share: Double) {
        var plan = GossipNetwork.Plan(count: 30, seed: 9)
        plan.loss = share
        // Bare loss: no copies by flooding.
        plan.configuration.floodPublish = false
        plan.dials = 4
        let figures = measure(plan)
        #expect(figures.lostFrames > 100)
        let delivered = Double(figures.latencies.count) / Double(figures.expected)
        #expect(delivered > 0.999, "\(delivered)")
    }

    @Test("A third that passes nothing on cannot stop a message")
    func silentThird() {
        var plan = GossipNetwork.Plan(count: 30, seed: 10)
        plan.rejecting = Set(0..<10)
        plan.configuration.floodPublish = false
        // Who rejects what is right takes its honest neighbours for liars: that must not spread.
        var network = GossipNetwork(plan)
        network.run(for: .seconds(5))
        for number in 0..<40 {
            network.publish(
                [UInt8(number)] + Gossip.vote, by: 10 + number % 20,
                after: .milliseconds(50 * number))
        }
        network.run(for: .seconds(15))
        for number in 10..<30 {
            #expect(
                network.counters(of: number).accepted + network.counters(of: number).published == 40
            )
        }
    }

    @Test("The same seed gives the same network, to the last byte")
    func replay() {
        let plan = GossipNetwork.Plan(count: 12, seed: 11)
        let (first, second) = (measure(plan), measure(plan))
        #expect(first.bytes == second.bytes && first.latencies == second.latencies)
    }
}

extension Double {
    fileprivate func rounded(_ digits: Int) -> Double {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}
