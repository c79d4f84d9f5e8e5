import LibP2P
import Networking
import Primitives
import Testing

extension PubSubService {
    /// Waits for an event that `pick` takes.
    func event<Value>(_ pick: (PubSubEvent) -> Value?) async throws -> Value {
        while let event = await nextEvent() {
            if let value = pick(event) { return value }
        }
        throw Trouble.eventsEnded
    }

    /// Waits for a message, and judges it.
    func message(_ verdict: PubSubVerdict = .accept) async throws -> PubSubDelivery {
        let delivery: PubSubDelivery = try await event { event in
            if case .message(let delivery) = event { delivery } else { nil }
        }
        answer(delivery.id, verdict)
        return delivery
    }

    /// Waits until a peer takes part in a topic.
    func subscriber(_ topic: String) async throws -> PeerID {
        try await event { event in
            if case .subscriptionChanged(let peer, topic, true) = event { peer } else { nil }
        }
    }
}

@Suite("GossipSub over sockets", .timeLimit(.minutes(1)))
struct PubSubTests {
    private static let topic = "/test/votes/1"

    private func register(
        _ node: TestNode, _ seed: UInt8,
        _ configure: (inout PubSubRegistration) -> Void = { _ in }
    ) -> PubSubService {
        var registration = PubSubRegistration(
            signing: .strictSign(TestNode.identity(seed), firstSequenceNumber: UInt64(seed) << 32))
        registration.configuration.heartbeatInterval = .milliseconds(100)
        configure(&registration)
        return node.swarm.register(registration)
    }

    @Test("messages of all sizes reach a subscriber, and subscriptions are reported")
    func pair() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = register(nodes[0], 1)
            let bob = register(nodes[1], 2)
            bob.subscribe(Self.topic)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            #expect(try await alice.subscriber(Self.topic) == nodes[1].id)
            let sizes = [0, 1, 1_023, 1_500, 70_000, 800_000]
            for size in sizes {
                alice.publish(pattern(size), to: Self.topic)
                let delivery = try await bob.message()
                #expect(delivery.data == pattern(size))
                #expect(delivery.author == nodes[0].id && delivery.source == nodes[0].id)
            }
            #expect(alice.counters.messagesOut == UInt64(sizes.count))
            #expect(bob.counters.messagesIn == UInt64(sizes.count))
            #expect(alice.counters.bytesOut > UInt64(sizes.reduce(0, +)))
            #expect(alice.counters.drops == 0)
            let counted = await nodes[0].swarm.snapshot().protocols["/meshsub/1.2.0"]
            #expect(counted == alice.counters)
            bob.unsubscribe(Self.topic)
            let left: PeerID = try await alice.event { event in
                if case .subscriptionChanged(let peer, Self.topic, false) = event {
                    peer
                } else {
                    nil
                }
            }
            #expect(left == nodes[1].id)
        }
    }

    @Test("a message goes on along a line of nodes, when it is accepted and only then")
    func line() async throws {
        try await withNodes([.start(1), .start(2), .start(3)]) { nodes in
            let services = (0..<3).map { register(nodes[$0], UInt8($0 + 1)) }
            for service in services { service.subscribe(Self.topic) }
            try await nodes[0].swarm.connect(to: nodes[1].address())
            try await nodes[1].swarm.connect(to: nodes[2].address())
            try await eventually("the middle has both in its mesh") {
                await services[1].snapshot().mesh(of: Self.topic).count == 2
            }
            services[0].publish([1], to: Self.topic)
            #expect(try await services[1].message(.reject).data == [1])
            services[0].publish([2], to: Self.topic)
            #expect(try await services[1].message(.ignore).data == [2])
            services[0].publish([3], to: Self.topic)
            #expect(try await services[1].message(.accept).data == [3])
            let last = try await services[2].message()
            #expect(last.data == [3])
            #expect(last.author == nodes[0].id && last.source == nodes[1].id)
            let state = await services[1].snapshot()
            #expect(state.counters.accepted == 1 && state.counters.rejected == 1)
            #expect((state.scores[nodes[0].id] ?? 0) < (state.scores[nodes[2].id] ?? 0))
        }
    }

    @Test("registered after the connection, and again on the next one")
    func lateAndAgain() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await nodes[1].connected(to: nodes[0].id)
            let bob = register(nodes[1], 2)
            bob.subscribe(Self.topic)
            // Bob's first attempts find nobody who speaks it; he tries again.
            try await eventually("Bob is refused") { bob.counters.failures > 0 }
            let alice = register(nodes[0], 1)
            #expect(try await alice.subscriber(Self.topic) == nodes[1].id)
            alice.publish([7], to: Self.topic)
            #expect(try await bob.message().data == [7])
            nodes[0].swarm.disconnect(nodes[1].id)
            _ = try await nodes[1].disconnected(from: nodes[0].id)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            #expect(try await alice.subscriber(Self.topic) == nodes[1].id)
            alice.publish([8], to: Self.topic)
            #expect(try await bob.message().data == [8])
        }
    }

    @Test("an owner that takes no events loses messages, and nothing else stops")
    func slowOwner() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = register(nodes[0], 1)
            let bob = register(nodes[1], 2) { $0.eventLimit = 8 }
            bob.subscribe(Self.topic)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await alice.subscriber(Self.topic)
            for number in 0..<100 { alice.publish([UInt8(number)], to: Self.topic) }
            try await eventually("all are there") { bob.counters.messagesIn == 100 }
            let counters = await bob.snapshot().counters
            #expect(counters.ignored >= 80)
            #expect(try await nodes[0].swarm.ping(nodes[1].id) > .zero)
        }
    }

    @Test("bytes that are no frame, and frames that are too long, end the stream and cost the peer")
    func malformed() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let bob = register(nodes[1], 2)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            let frames: [[UInt8]] = [
                [3, 0x0A, 0xFF, 0x01], UnsignedVarint.encode(1_024 * 1_024 + 1),
                [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            ]
            for (number, frame) in frames.enumerated() {
                let stream = try await nodes[0].swarm.openStream(
                    nodes[1].id, ["/meshsub/1.1.0"])
                try await stream.write(frame)
                await #expect(throws: StreamError.reset) { try await stream.read() }
                let state = await bob.snapshot()
                #expect(state.counters.malformed == UInt64(number + 1))
            }
            let score = await bob.snapshot().scores[nodes[0].id]
            #expect((score ?? 0) < -80)
        }
    }

    @Test("a peer that opens one stream after the other keeps the last")
    func streams() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let bob = register(nodes[1], 2)
            bob.subscribe(Self.topic)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            var last: NetworkStream?
            for number in 0..<20 {
                let stream = try await nodes[0].swarm.openStream(
                    nodes[1].id, ["/meshsub/1.2.0", "/meshsub/1.1.0"])
                #expect(stream.protocolName == "/meshsub/1.2.0")
                let message = PubSubMessage(
                    topic: Self.topic, data: [UInt8(number)], sequenceNumber: UInt64(number),
                    identity: TestNode.identity(1))
                var rpc = GossipRPC()
                rpc.messages = [message]
                try await stream.write(rpc.framed)
                #expect(try await bob.message().data == [UInt8(number)])
                if let last {
                    await #expect(throws: StreamError.reset) { try await last.read() }
                }
                last = stream
            }
        }
    }

    @Test("everything ends with the swarm")
    func end() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = register(nodes[0], 1)
            let bob = register(nodes[1], 2)
            bob.subscribe(Self.topic)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await alice.subscriber(Self.topic)
            await nodes[0].swarm.shutdown()
            while await alice.nextEvent() != nil {}
            alice.publish([1], to: Self.topic)
            #expect(await alice.snapshot() == PubSubSnapshot())
        }
    }
}
