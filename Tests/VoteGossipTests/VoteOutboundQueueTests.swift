import Coherence
import Primitives
import Testing
import VoteGossip

@Suite struct VoteOutboundQueueTests {
    static func message(
        _ kind: GossipMessageKind, _ stream: UInt64, round: UInt64, size: Int = 100,
        priority: UInt8, tag: UInt8 = 0
    ) -> OutboundMessage {
        OutboundMessage(
            bytes: [kind.rawValue, tag] + [UInt8](repeating: UInt8(round % 251), count: size - 2),
            priority: priority,
            supersession: .init(
                stream: stream,
                position: OutboundStream.position(set: SetID(0), round: RoundNumber(round))))
    }

    static func own(_ phase: VotePhase, _ round: UInt64, size: Int = 100) -> OutboundMessage {
        message(
            .vote, OutboundStream.ownVotes(phase: phase.rawValue), round: round, size: size,
            priority: OutboundPriority.ownVote, tag: phase.rawValue)
    }

    static func bundle(_ round: UInt64, tag: UInt8 = 0, size: Int = 100) -> OutboundMessage {
        message(
            .voteBundle, OutboundStream.bundles(phase: 0), round: round, size: size,
            priority: OutboundPriority.bundle, tag: tag)
    }

    static func status(_ round: UInt64, tag: UInt8 = 0) -> OutboundMessage {
        message(
            .status, OutboundStream.status, round: round, priority: OutboundPriority.status,
            tag: tag)
    }

    static func certificate(_ round: UInt64) -> OutboundMessage {
        message(
            .certificate, OutboundStream.certificate, round: round,
            priority: OutboundPriority.certificate)
    }

    static func drain(_ queue: inout VoteOutboundQueue) -> [OutboundMessage] {
        var messages: [OutboundMessage] = []
        while let message = queue.dequeue() { messages.append(message) }
        return messages
    }

    @Test func `own votes go first, statuses last, equals in order`() {
        var queue = VoteOutboundQueue(maximumByteCount: 10_000)
        let messages = [
            Self.status(3), Self.bundle(3, tag: 1), Self.certificate(2), Self.bundle(3, tag: 2),
            Self.own(.prevote, 3), Self.own(.precommit, 3),
        ]
        for message in messages { queue.enqueue(message) }
        #expect(queue.count == 6 && queue.queuedByteCount == 600)
        #expect(Self.drain(&queue) == [4, 5, 2, 1, 3, 0].map { messages[$0] })
        #expect(queue.count == 0 && queue.queuedByteCount == 0 && queue.droppedCount == 0)
        #expect(queue.dequeue() == nil)
    }

    @Test func `only the newest status and certificate wait`() {
        var queue = VoteOutboundQueue(maximumByteCount: 10_000)
        for round in [1, 2, 3] as [UInt64] {
            queue.enqueue(Self.status(round))
            queue.enqueue(Self.certificate(round))
        }
        queue.enqueue(Self.certificate(2))
        #expect(Self.drain(&queue) == [Self.certificate(3), Self.status(3)])
        #expect(queue.coalescedCount == 5 && queue.droppedCount == 0)
        // A status of the same round says something newer all the same.
        queue.enqueue(Self.status(3, tag: 1))
        queue.enqueue(Self.status(3, tag: 2))
        #expect(Self.drain(&queue) == [Self.status(3, tag: 2)])
    }

    @Test func `a message that waits already is not queued twice`() {
        var queue = VoteOutboundQueue(maximumByteCount: 10_000)
        for _ in 0..<5 { queue.enqueue(Self.own(.prevote, 1)) }
        #expect(queue.count == 1 && queue.coalescedCount == 4)
    }

    @Test func `superseded messages give way first, of the lowest round`() {
        var queue = VoteOutboundQueue(maximumByteCount: 500)
        queue.enqueue(Self.own(.prevote, 1))
        queue.enqueue(Self.own(.prevote, 2))
        queue.enqueue(Self.own(.precommit, 1))
        queue.enqueue(Self.bundle(2))
        queue.enqueue(Self.status(2))
        // Full. The prevote of round 1 is superseded; nothing else is.
        queue.enqueue(Self.certificate(1))
        #expect(queue.dropped[.vote] == 1 && queue.droppedCount == 1)
        // Now the status matters least.
        queue.enqueue(Self.bundle(2, tag: 1))
        #expect(queue.dropped[.status] == 1)
        // A bundle of a new round supersedes those that wait.
        queue.enqueue(Self.bundle(3))
        #expect(queue.dropped[.voteBundle] == 1)
        #expect(
            Self.drain(&queue) == [
                Self.own(.prevote, 2), Self.own(.precommit, 1), Self.certificate(1),
                Self.bundle(2, tag: 1), Self.bundle(3),
            ])
    }

    @Test func `an older own vote gives way to the newer one that waits`() {
        var queue = VoteOutboundQueue(maximumByteCount: 100)
        queue.enqueue(Self.own(.prevote, 5))
        queue.enqueue(Self.own(.prevote, 4))
        #expect(queue.count == 1 && queue.dropped[.vote] == 1)
        #expect(queue.dequeue() == Self.own(.prevote, 5))
    }

    @Test func `a message that never fits is dropped and counted`() {
        var queue = VoteOutboundQueue(maximumByteCount: 500)
        queue.enqueue(Self.bundle(1))
        queue.enqueue(Self.bundle(2, size: 501))
        #expect(queue.count == 1 && queue.dropped[.voteBundle] == 1)
        #expect(queue.dequeue() == Self.bundle(1))
    }

    @Test func `the number of messages is bounded too`() {
        var queue = VoteOutboundQueue(maximumCount: 4, maximumByteCount: 1_000_000)
        for tag in 0..<100 as Range<UInt8> { queue.enqueue(Self.bundle(1, tag: tag)) }
        #expect(queue.count == 4 && queue.droppedCount == 96)
        #expect(Self.drain(&queue) == (96..<100).map { Self.bundle(1, tag: $0) })
    }

    @Test func `plain messages are bounded as well`() {
        var queue = VoteOutboundQueue(maximumByteCount: 250)
        let plain = (0..<4).map {
            OutboundMessage(bytes: [UInt8](repeating: UInt8($0) + 100, count: 100))
        }
        for message in plain { queue.enqueue(message) }
        #expect(queue.droppedCount == 2 && queue.dropped.total == 0)
        #expect(Self.drain(&queue) == [plain[2], plain[3]])
    }

    @Test(arguments: 1...20) func `bounds, order and the newest own votes hold for any traffic`(
        seed: Int
    ) {
        var random = SeededGenerator(seed: UInt64(seed))
        let limit = Int.random(in: 300...2_000, using: &random)
        var queue = VoteOutboundQueue(maximumCount: 16, maximumByteCount: limit)
        var (enqueued, dequeued) = (0 as UInt64, 0 as UInt64)
        // By phase: the newest own vote given to the queue and not yet taken from it.
        var newest: [UInt64?] = [nil, nil]
        for step in 0..<3_000 {
            let round = UInt64(step / 40) + UInt64.random(in: 0...1, using: &random)
            let size = Int.random(in: 2...250, using: &random)
            switch Int.random(in: 0..<9, using: &random) {
            case 0, 1:
                let phase = Bool.random(using: &random) ? VotePhase.prevote : .precommit
                queue.enqueue(Self.own(phase, round, size: 100))
                enqueued += 1
                let place = Int(phase.rawValue)
                newest[place] = max(newest[place] ?? 0, round)
            case 2, 3:
                queue.enqueue(Self.bundle(round, tag: UInt8(step % 200), size: size))
                enqueued += 1
            case 4:
                queue.enqueue(Self.status(round))
                enqueued += 1
            case 5:
                queue.enqueue(Self.certificate(round))
                enqueued += 1
            default:
                let waited = queue.count
                guard let message = queue.dequeue() else {
                    #expect(waited == 0)
                    break
                }
                dequeued += 1
                if message.bytes[0] == GossipMessageKind.vote.rawValue,
                    let position = message.supersession?.position
                {
                    let place = Int(message.bytes[1])
                    if newest[place] == UInt64(position) { newest[place] = nil }
                }
            }
            #expect(queue.queuedByteCount <= limit && queue.count <= 16, "seed \(seed)")
            let accounted =
                dequeued + queue.droppedCount + queue.coalescedCount + UInt64(queue.count)
            #expect(enqueued == accounted, "seed \(seed)")
        }
        // Whatever was dropped, the newest own vote of each phase is still there to be sent.
        let rest = Self.drain(&queue)
        #expect(queue.queuedByteCount == 0 && queue.count == 0)
        for (phase, round) in newest.enumerated() {
            guard let round else { continue }
            #expect(
                rest.contains(Self.own(phase == 0 ? .prevote : .precommit, round)),
                "seed \(seed)")
        }
        #expect(rest.map(\.priority) == rest.map(\.priority).sorted(by: >), "seed \(seed)")
    }
}
