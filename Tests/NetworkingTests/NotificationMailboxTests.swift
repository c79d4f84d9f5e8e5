import LibP2P
import Networking
import Primitives
import Testing

@Suite("The mailbox of a notifications protocol")
struct NotificationMailboxTests {
    private let first = TestNode.identity(1).peerID
    private let second = TestNode.identity(2).peerID

    private func queue() -> FIFOOutboundQueue {
        FIFOOutboundQueue(maximumCount: 2, maximumByteCount: 100)
    }

    @Test("peers have their turn one after the other, each in its own order")
    func turns() {
        var mailbox = NotificationMailbox(byteLimit: 100, countLimit: 10)
        for number in 0..<3 { mailbox.deliver(.notification(first, [UInt8(number)])) }
        mailbox.deliver(.notification(second, [9]))
        mailbox.deliver(.streamClosed(second))
        var events: [NotificationEvent] = []
        while let (event, resumed) = mailbox.next() {
            events.append(event)
            #expect(resumed == nil)
        }
        #expect(
            events == [
                .notification(first, [0]), .notification(second, [9]),
                .notification(first, [1]), .streamClosed(second), .notification(first, [2]),
            ])
        let next1 = mailbox.next()
        #expect(next1 == nil)
    }

    @Test("a full lane stops its peer only, until half of it is taken")
    func backPressure() {
        var mailbox = NotificationMailbox(byteLimit: 40, countLimit: 10)
        for _ in 0..<4 { mailbox.deliver(.notification(first, [UInt8](repeating: 0, count: 10))) }
        #expect(mailbox.isFull(first))
        #expect(!mailbox.isFull(second))
        mailbox.pause(first)
        let next2 = mailbox.next()
        #expect(next2?.resumed == nil)
        #expect(!mailbox.isFull(first))
        let next3 = mailbox.next()
        #expect(next3?.resumed == first)
        // Told once.
        let next4 = mailbox.next()
        #expect(next4?.resumed == nil)
    }

    @Test("many small events fill a lane too")
    func countLimit() {
        var mailbox = NotificationMailbox(byteLimit: 1_000, countLimit: 4)
        for _ in 0..<4 { mailbox.deliver(.notification(first, [])) }
        #expect(mailbox.isFull(first))
    }

    @Test("messages go to open peers, the event loop is told once, and drops are counted")
    func outbound() {
        var mailbox = NotificationMailbox(byteLimit: 40, countLimit: 10)
        let message = OutboundMessage(bytes: [1, 2])
        var woken = mailbox.enqueue(message, to: [first, second])
        #expect(woken == [])
        mailbox.open(first, queue: queue())
        #expect(mailbox.openPeers == [first])
        woken = mailbox.enqueue(message, to: [first, second])
        #expect(woken == [first])
        // Full with two; nobody has to be told again before the queue was found empty.
        for _ in 0..<2 {
            woken = mailbox.enqueue(message, to: [first])
            #expect(woken == [])
        }
        #expect(mailbox.queuedByteCount == 4)
        #expect(mailbox.totals.drops == 1)
        var sent = 0
        while let next = mailbox.dequeue(first) {
            #expect(next == message)
            sent += 1
        }
        #expect(sent == 2)
        woken = mailbox.enqueue(message, to: [first])
        #expect(woken == [first])
        // What the stream's end takes along is dropped as well.
        mailbox.close(first)
        #expect(mailbox.totals.drops == 2)
        #expect(mailbox.totals.messagesOut == 2)
        #expect(mailbox.openPeers.isEmpty)
        let lost = mailbox.dequeue(first)
        #expect(lost == nil)
    }

    @Test("nothing is delivered after the end")
    func end() {
        var mailbox = NotificationMailbox(byteLimit: 40, countLimit: 10)
        mailbox.deliver(.notification(first, [1]))
        mailbox.finish()
        mailbox.deliver(.notification(first, [2]))
        let next5 = mailbox.next()
        #expect(next5?.event == .notification(first, [1]))
        let next6 = mailbox.next()
        #expect(next6 == nil)
    }
}
