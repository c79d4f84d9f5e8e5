import LibP2P
import Primitives
import Testing

@Suite("GossipSub: outbound queue")
struct GossipOutboundQueueTests {
    private func queue(
        messages: Int = 100, bytes: Int = 1 << 20, gossip: Int = 1_000
    ) -> GossipOutboundQueue {
        GossipOutboundQueue(
            signing: .strictNoSign, maximumMessages: messages, maximumByteCount: bytes,
            maximumGossip: gossip)
    }

    private func message(_ number: UInt8, _ count: Int = 100) -> PubSubMessage {
        PubSubMessage(topic: "t", data: [UInt8](repeating: number, count: count))
    }

    private func drain(_ queue: inout GossipOutboundQueue) -> [GossipRPC] {
        var frames: [GossipRPC] = []
        while let frame = queue.dequeue() { frames.append(frame) }
        return frames
    }

    @Test("What was said one by one goes in one frame")
    func merged() {
        var queue = queue()
        let parts: [GossipRPC] = [
            Gossip.rpc { $0.wanted = [Gossip.shortID(1)] },
            Gossip.rpc { $0.messages = [message(1)] },
            Gossip.rpc { $0.grafts = ["a"] },
            Gossip.rpc { $0.advertisements = [.init("a", [Gossip.shortID(2)])] },
            Gossip.rpc { $0.unwanted = [Gossip.shortID(3)] },
            Gossip.rpc { $0.messages = [message(2)] },
        ]
        for part in parts { queue.enqueue(part) }
        let whole = Gossip.rpc { rpc in
            rpc.wanted = [Gossip.shortID(1)]
            rpc.messages = [message(1), message(2)]
            rpc.grafts = ["a"]
            rpc.advertisements = [.init("a", [Gossip.shortID(2)])]
            rpc.unwanted = [Gossip.shortID(3)]
        }
        #expect(drain(&queue) == [whole])
        #expect(queue.isEmpty && queue.queuedByteCount == 0)
    }

    @Test("Of subscriptions, GRAFT and PRUNE the last word counts")
    func lastWord() {
        var queue = queue()
        queue.enqueue(
            Gossip.rpc { rpc in
                rpc.subscriptions = [
                    .init("b", isSubscribed: true), .init("a", isSubscribed: true),
                ]
                rpc.grafts = ["a", "b"]
            })
        queue.enqueue(
            Gossip.rpc { rpc in
                rpc.subscriptions = [.init("b", isSubscribed: false)]
                rpc.prunes = [.init("b", backoffSeconds: 1)]
            })
        let frames = drain(&queue)
        #expect(frames.count == 1)
        #expect(
            frames[0].subscriptions
                == [.init("a", isSubscribed: true), .init("b", isSubscribed: false)])
        #expect(frames[0].grafts == ["a"])
        #expect(frames[0].prunes == [.init("b", backoffSeconds: 1)])
    }

    @Test("A full queue drops gossip first, then the oldest messages, and never control")
    func full() {
        var queue = queue(messages: 3)
        queue.enqueue(
            Gossip.rpc { rpc in
                rpc.subscriptions = [.init("a", isSubscribed: true)]
                rpc.wanted = [Gossip.shortID(1)]
                rpc.advertisements = [.init("a", [Gossip.shortID(2)])]
                rpc.messages = [message(1), message(2), message(3)]
            })
        #expect(queue.droppedGossip == 0)
        queue.enqueue(Gossip.rpc { $0.messages = [message(4), message(5)] })
        #expect(queue.droppedMessages == 2)
        let frames = drain(&queue)
        #expect(frames.flatMap(\.messages) == [message(3), message(4), message(5)])
        #expect(frames.flatMap(\.wanted).isEmpty && frames.flatMap(\.advertisements).isEmpty)
        #expect(queue.droppedGossip == 2)
        #expect(frames.flatMap(\.subscriptions).count == 1)
    }

    @Test("Bytes are bounded, whatever their number; one message above the bound is dropped")
    func bytes() {
        var queue = queue(bytes: 10_000)
        for number in UInt8(0)..<50 {
            queue.enqueue(Gossip.rpc { $0.messages = [message(number, 3_000)] })
        }
        #expect(queue.queuedByteCount <= 10_000)
        #expect(queue.messageCount == 3)
        queue.enqueue(Gossip.rpc { $0.messages = [message(0, 10_000)] })
        #expect(queue.messageCount == 3)
        #expect(queue.droppedMessages == 48)
        #expect(drain(&queue).flatMap(\.messages).map { $0.data?.first } == [47, 48, 49])
    }

    @Test("Names of IWANT and IDONTWANT and the IHAVEs are bounded: the oldest go")
    func gossip() {
        var queue = queue(gossip: 10)
        for number in 0..<100 {
            queue.enqueue(
                Gossip.rpc { rpc in
                    rpc.wanted = [Gossip.shortID(number)]
                    rpc.unwanted = [Gossip.shortID(number)]
                    rpc.advertisements = [.init("t", [Gossip.shortID(number)])]
                })
        }
        #expect(queue.droppedGossip == 90 + 90 + 36)
        let frames = drain(&queue)
        #expect(frames.flatMap(\.wanted) == (90..<100).map(Gossip.shortID))
        #expect(frames.flatMap(\.unwanted) == (90..<100).map(Gossip.shortID))
        #expect(frames.flatMap(\.advertisements).count == 64)
    }

    @Test("A frame stays short while messages wait, gossip comes behind them, long ones go alone")
    func frames() throws {
        var queue = queue(bytes: 4 << 20)
        let limit = GossipSubConfiguration().maximumMessageByteCount
        queue.enqueue(
            Gossip.rpc { rpc in
                rpc.advertisements = [.init("t", [Gossip.shortID(1)])]
                rpc.messages = (UInt8(0)..<40).map { message($0, 1_500) } + [message(99, limit)]
            })
        let frames = drain(&queue)
        #expect(
            frames.dropLast().allSatisfy {
                $0.protobuf.count < 18 * 1_024 || $0.messages.count == 1
            })
        #expect(frames.allSatisfy { $0.protobuf.count <= GossipRPCLimits().maximumByteCount })
        #expect(frames.flatMap(\.messages).count == 41)
        #expect(frames.flatMap(\.advertisements).count == 1)
        #expect(frames.last?.advertisements.count == 1)
        // The longest names that may be waiting beside the longest message fit as well.
        queue.enqueue(
            Gossip.rpc { rpc in
                rpc.messages = [message(1, limit)]
                rpc.unwanted = (0..<1_000).map { _ in MessageID([UInt8](repeating: 1, count: 64)) }
                rpc.subscriptions = (0..<64).map {
                    .init(String(repeating: "t", count: 250) + "\($0)", isSubscribed: true)
                }
            })
        let frame = queue.dequeue()
        let first = try #require(frame)
        #expect(first.messages.count == 1)
        #expect(first.protobuf.count <= GossipRPCLimits().maximumByteCount)
    }

    @Test("A message that the peer has in the meantime is not sent")
    func withdrawn() {
        var queue = GossipOutboundQueue(
            signing: .strictSign(Gossip.identity(0), firstSequenceNumber: 0))
        let messages = (UInt64(1)...3).map { Gossip.message(by: 1, $0) }
        queue.enqueue(Gossip.rpc { $0.messages = messages })
        queue.withdraw([Gossip.id(1, 2), Gossip.id(7, 7)])
        #expect(drain(&queue).flatMap(\.messages) == [messages[0], messages[2]])
        #expect(queue.queuedByteCount == 0)
    }
}
