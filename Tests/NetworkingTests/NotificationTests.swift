import LibP2P
import Networking
import Primitives
import Synchronization
import Testing

@Suite("Notifications", .timeLimit(.minutes(1)))
struct NotificationTests {
    private static let name = "/test/notifications/1"

    private static func registration(_ handshake: [UInt8] = [1]) -> NotificationRegistration {
        NotificationRegistration(name: name, handshake: handshake)
    }

    @Test("notifications flow both ways once both sides are open")
    func bothWays() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration([0xA]))
            let bob = nodes[1].swarm.register(Self.registration([0xB]))
            // No peer connected is no error.
            alice.sendSyncNotification(to: [nodes[1].id], OutboundMessage(bytes: [0]))
            #expect(alice.connectedPeers.isEmpty)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            #expect(try await alice.opened(nodes[1].id) == [0xB])
            #expect(try await bob.opened(nodes[0].id) == [0xA])
            #expect(alice.connectedPeers == [nodes[1].id])
            for size in [0, 1, 127, 128, 70_000, 1_024 * 1_024] {
                let message = pattern(size)
                alice.sendSyncNotification(to: [nodes[1].id], OutboundMessage(bytes: message))
                #expect(try await bob.notification(from: nodes[0].id) == message)
                bob.sendSyncNotification(to: [nodes[0].id], OutboundMessage(bytes: message))
                #expect(try await alice.notification(from: nodes[1].id) == message)
            }
            #expect(alice.counters.messagesOut == 6)
            #expect(alice.counters.messagesIn == 6)
            #expect(alice.counters.bytesIn == alice.counters.bytesOut)
            #expect(alice.counters.drops == 0)
            let counted = await nodes[0].swarm.snapshot().protocols[Self.name]
            #expect(counted == alice.counters)
        }
    }

    @Test("the order of notifications is kept")
    func order() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration())
            let bob = nodes[1].swarm.register(Self.registration())
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await alice.opened(nodes[1].id)
            for number in 0..<1_000 {
                alice.sendSyncNotification(
                    to: [nodes[1].id],
                    OutboundMessage(bytes: [UInt8(number & 0xFF), UInt8(number >> 8)]))
            }
            for number in 0..<1_000 {
                let bytes = try await bob.notification(from: nodes[0].id)
                #expect(bytes == [UInt8(number & 0xFF), UInt8(number >> 8)])
            }
        }
    }

    @Test("a protocol registered after the connection is opened on it")
    func lateRegistration() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await nodes[1].connected(to: nodes[0].id)
            let bob = nodes[1].swarm.register(Self.registration([2]))
            let alice = nodes[0].swarm.register(Self.registration([3]))
            #expect(try await bob.opened(nodes[0].id) == [3])
            #expect(try await alice.opened(nodes[1].id) == [2])
        }
    }

    @Test("streams that begin later carry the handshake that was set last")
    func newHandshake() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration([1]))
            let bob = nodes[1].swarm.register(Self.registration([1]))
            alice.setHandshake(pattern(1_024))
            try await nodes[0].swarm.connect(to: nodes[1].address())
            #expect(try await bob.opened(nodes[0].id) == pattern(1_024))
        }
    }

    @Test("a peer is spoken to under an older name of the protocol")
    func fallbackName() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            var registration = NotificationRegistration(name: "/test/new/2", handshake: [1])
            registration.fallbackNames = [Self.name]
            let alice = nodes[0].swarm.register(registration)
            let bob = nodes[1].swarm.register(Self.registration())
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await alice.opened(nodes[1].id)
            alice.sendSyncNotification(to: [nodes[1].id], OutboundMessage(bytes: [7]))
            #expect(try await bob.notification(from: nodes[0].id) == [7])
        }
    }

    @Test("a refused handshake opens nothing, and is tried again")
    func refusedHandshake() async throws {
        let isWelcome = Mutex(false)
        let asked = Mutex(0)
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration())
            var picky = Self.registration()
            picky.acceptsHandshake = { _, handshake in
                asked.withLock { $0 += 1 }
                return handshake == [1] && isWelcome.withLock { $0 }
            }
            let bob = nodes[1].swarm.register(picky)
            try await nodes[0].swarm.connect(to: nodes[1].address())
            try await eventually("Bob refuses") {
                _ = await nodes[1].swarm.snapshot()
                return asked.withLock { $0 } >= 2
            }
            #expect(bob.connectedPeers.isEmpty)
            #expect(alice.connectedPeers.isEmpty)
            isWelcome.withLock { $0 = true }
            #expect(try await bob.opened(nodes[0].id) == [1])
            #expect(try await alice.opened(nodes[1].id) == [1])
        }
    }

    @Test("a disconnected peer's stream ends and is not opened again on this connection")
    func disconnect() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration())
            let bob = nodes[1].swarm.register(Self.registration())
            try await nodes[0].swarm.connect(to: nodes[1].address())
            _ = try await alice.opened(nodes[1].id)
            _ = try await bob.opened(nodes[0].id)
            alice.disconnect(nodes[1].id)
            #expect(await bob.nextNotification() == .streamClosed(nodes[0].id))
            #expect(await alice.nextNotification() == .streamClosed(nodes[1].id))
            try await eventually("Bob's attempts fail") {
                _ = await nodes[1].swarm.snapshot()
                return bob.counters.failures >= 2
            }
            #expect(alice.connectedPeers.isEmpty)
            // The connection itself is as good as before.
            #expect(try await nodes[0].swarm.ping(nodes[1].id) > .zero)
            nodes[0].swarm.disconnect(nodes[1].id)
            _ = try await alice.opened(nodes[1].id)
        }
    }

    @Test("a stream comes back with its connection")
    func reopened() async throws {
        try await withNodes([.start(1), .start(2)]) { nodes in
            let alice = nodes[0].swarm.register(Self.registration())
            let bob = nodes[1].swarm.register(Self.registration())
            nodes[0].swarm.addReserved(
                nodes[1].id, addresses: [try await nodes[1].bareAddress()])
            for _ in 0..<3 {
                _ = try await alice.opened(nodes[1].id)
                _ = try await bob.opened(nodes[0].id)
                nodes[1].swarm.disconnect(nodes[0].id)
                #expect(await alice.nextNotification() == .streamClosed(nodes[1].id))
                #expect(await bob.nextNotification() == .streamClosed(nodes[0].id))
            }
        }
    }

    @Test("a slow reader holds back the sender, costs drops, and never the stream")
    func slowReader() async throws {
        try await withNodes([.start(1), .start(2), .start(3)]) { nodes in
            var registration = Self.registration()
            registration.makeQueue = {
                FIFOOutboundQueue(maximumCount: 100, maximumByteCount: 1_024 * 1_024)
            }
            let sender = nodes[0].swarm.register(registration)
            let slow = nodes[1].swarm.register(registration)
            let quick = nodes[2].swarm.register(registration)
            for node in nodes[1...] {
                try await nodes[0].swarm.connect(to: node.address())
                _ = try await sender.opened(node.id)
            }
            // 40 MiB towards somebody who reads nothing: the windows and queues take some, the
            // rest is dropped, and nobody waits.
            let message = OutboundMessage(bytes: pattern(4_096))
            for _ in 0..<10_000 { sender.sendSyncNotification(to: [nodes[1].id], message) }
            try await eventually("messages are dropped") { sender.counters.drops > 5_000 }
            #expect(sender.queuedByteCount <= 1_024 * 1_024)
            #expect(sender.connectedPeers == [nodes[1].id, nodes[2].id].sorted())
            // Somebody else is served meanwhile.
            sender.sendSyncNotification(to: [nodes[2].id], OutboundMessage(bytes: [42]))
            #expect(try await quick.notification(from: nodes[0].id) == [42])
            // What was kept arrives once it is read, and the stream works on.
            sender.sendSyncNotification(to: [nodes[1].id], OutboundMessage(bytes: [1, 2, 3]))
            var received: UInt64 = 0
            _ = try await slow.event { event -> Bool? in
                guard case .notification(_, let bytes) = event else {
                    #expect(event == .streamOpened(nodes[0].id, handshake: [1]))
                    return nil
                }
                received += 1
                // The marker came into a full queue, unless there was room by then.
                if bytes == [1, 2, 3] { return true }
                return received == 10_001 - sender.counters.drops ? true : nil
            }
            sender.sendSyncNotification(to: [nodes[1].id], OutboundMessage(bytes: [9]))
            while try await slow.notification(from: nodes[0].id) != [9] {}
        }
    }

    @Test("a report reaches the owner of the swarm")
    func report() async throws {
        try await withNodes([.start(1)]) { nodes in
            let service = nodes[0].swarm.register(Self.registration())
            let change = ReputationChange(value: -7, reason: "test")
            service.report(TestNode.identity(2).peerID, change)
            let reported = try await nodes[0].event { event -> ReputationChange? in
                if case .reported(_, Self.name, let change) = event { change } else { nil }
            }
            #expect(reported == change)
        }
    }

    @Test("the sequence of notifications ends with the swarm")
    func end() async throws {
        let node = try await TestNode.start(1)
        let service = node.swarm.register(Self.registration())
        async let event = service.nextNotification()
        await node.swarm.shutdown()
        #expect(await event == nil)
        service.sendSyncNotification(to: [node.id], OutboundMessage(bytes: [1]))
        service.setHandshake([])
    }
}
