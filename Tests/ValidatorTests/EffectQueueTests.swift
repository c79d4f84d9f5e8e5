import BlockSync
import Chain
import Coherence
import Primitives
import Testing
import Validator
import VoteGossip

/// The order of effects: nothing that was decided after a record leaves before it is durable.
@Suite struct EffectQueueTests {
    private func record(_ byte: UInt8) -> StoredRecord {
        .finalised([], pruned: [BLAKE2b256.hash([byte])])
    }

    private func leaving(_ byte: UInt8) -> ValidatorCore.Effect {
        .send(.votes, [PeerHandle(1)], OutboundMessage(bytes: [byte]))
    }

    private func staying() -> ValidatorCore.Effect {
        .cancelTimer(.sync(.wake))
    }

    /// A step in letters: `c2` a commit of two records, `s5` the message 5, `t` the timer.
    private func next(_ queue: inout EffectQueue) -> String? {
        switch queue.next() {
        case nil: nil
        case .commit(let records): "c\(records.count)"
        case .run(.send(_, _, let message)): "s\(message.bytes[0])"
        case .run(.publish(let bytes)): "p\(bytes[0])"
        case .run(.judged): "j"
        case .run(.cancelTimer): "t"
        case .run: "?"
        }
    }

    @Test func `what goes to the topic waits for the record before it, as what goes to peers does`()
    {
        var queue = EffectQueue()
        queue.append([.persist(record(0)), .publish([7]), leaving(1)])
        queue.append([.judged(TopicMessageID([1]), .accept)])
        #expect(next(&queue) == "c1")
        #expect(next(&queue) == nil)
        queue.committed()
        #expect((0..<4).map { _ in next(&queue) } == ["p7", "s1", "j", nil])
    }

    @Test func `without records effects run in their order`() {
        var queue = EffectQueue()
        queue.append([leaving(1), leaving(2)])
        queue.append([leaving(3)])
        #expect((0..<4).map { _ in next(&queue) } == ["s1", "s2", "s3", nil])
    }

    @Test func `what follows a record waits until it is durable, across inputs`() {
        var queue = EffectQueue()
        queue.append([leaving(1), .persist(record(0)), leaving(2)])
        #expect(next(&queue) == "s1")
        #expect(next(&queue) == "c1")
        #expect(next(&queue) == nil)
        queue.append([leaving(3)])
        #expect(next(&queue) == nil)
        queue.committed()
        #expect((0..<3).map { _ in next(&queue) } == ["s2", "s3", nil])
    }

    @Test func `records that wait are committed together, and later ones wait for the next`() {
        var queue = EffectQueue()
        queue.append([.persist(record(0)), leaving(1), .persist(record(1)), leaving(2)])
        #expect(next(&queue) == "c2")
        queue.append([.persist(record(2)), leaving(3)])
        queue.committed()
        #expect((0..<3).map { _ in next(&queue) } == ["s1", "s2", "c1"])
        #expect(next(&queue) == nil)
        queue.committed()
        #expect(next(&queue) == "s3")
    }

    @Test
    func `a staged record goes with the next commit, before its records, and holds nothing up`() {
        var queue = EffectQueue()
        queue.append([.stage(record(7)), leaving(1)])
        #expect(next(&queue) == "s1")
        #expect(next(&queue) == nil)
        queue.append([.persist(record(8)), leaving(2)])
        guard case .commit(let records)? = queue.next() else {
            Issue.record("a commit is due")
            return
        }
        #expect(records.count == 2)
        if case .finalised(_, let pruned) = records[0] {
            #expect(pruned == [BLAKE2b256.hash([7])])
        }
        queue.committed()
        #expect(next(&queue) == "s2")
    }

    @Test func `what nobody outside can see overtakes the barrier`() {
        var queue = EffectQueue()
        queue.append([.persist(record(0)), leaving(1), staying()])
        #expect(next(&queue) == "t")
        #expect(next(&queue) == "c1")
        queue.append([staying()])
        #expect(next(&queue) == "t")
        #expect(next(&queue) == nil)
        queue.committed()
        #expect(next(&queue) == "s1")
    }

    @Test func `staged records that no commit took along are handed out at the end`() {
        var queue = EffectQueue()
        queue.append([.stage(record(1)), .stage(record(2))])
        #expect(next(&queue) == nil)
        #expect(queue.takeStaged().count == 2)
        #expect(queue.takeStaged().isEmpty)
    }

    @Test(arguments: 0..<50)
    func `in any run no message passes a record that was decided before it`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = EffectQueue()
        var decided: [UInt64: Int] = [:]
        var records = 0
        var durable = 0
        var committing = 0
        var counter: UInt64 = 0
        for _ in 0..<400 {
            switch UInt64.random(in: 0..<4, using: &generator) {
            case 0:
                records += 1
                queue.append([.persist(record(0))])
            case 1:
                counter += 1
                decided[counter] = records
                let bytes = withUnsafeBytes(of: counter) { Array($0) }
                queue.append([.send(.votes, [], OutboundMessage(bytes: bytes))])
            case 2 where queue.isWaitingForCommit:
                durable += committing
                queue.committed()
            default:
                switch queue.next() {
                case .commit(let batch): committing = batch.count
                case .run(.send(_, _, let message)):
                    let id = message.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                    #expect(durable >= decided[id] ?? 0, "seed \(seed)")
                case .run, nil: break
                }
            }
        }
    }
}
