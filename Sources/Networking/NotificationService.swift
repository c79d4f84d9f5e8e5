package import LibP2P
internal import NIOCore
package import Primitives
internal import Synchronization

/// One notifications protocol as its owner sees it: sends that never wait and never fail, and one
/// sequence of events with back-pressure down to the peers' sockets.
///
/// The names are those of Substrate's `sc-network`; unlike there, a full queue drops messages and
/// never closes the stream. See docs/networking.md, "NotificationService".
package final class NotificationService: Sendable {
    /// The protocol as registered.
    package let registration: NotificationRegistration
    private let mailbox: Mutex<NotificationMailbox>
    private let signal = Signal()
    private let outlet: NotificationOutlet

    init(_ registration: NotificationRegistration, outlet: NotificationOutlet) {
        precondition(
            registration.handshake.count <= NotificationLimits.maximumHandshakeByteCount)
        self.registration = registration
        self.outlet = outlet
        mailbox = Mutex(
            NotificationMailbox(
                byteLimit: registration.inboundByteLimit,
                countLimit: registration.inboundCountLimit))
    }

    /// The protocol's name.
    package var name: String { registration.name }

    // MARK: For the owner

    /// Queues a message for each of the peers. Peers without an open stream are passed over; a
    /// full queue drops by its own rules. Never waits, never fails, from any thread.
    package func sendSyncNotification(to peers: [PeerID], _ message: OutboundMessage) {
        precondition(message.bytes.count <= registration.maximumNotificationByteCount)
        let woken = mailbox.withLock { $0.enqueue(message, to: peers) }
        if !woken.isEmpty { outlet.wake(woken) }
    }

    /// The next event; waits for one. Nil after the swarm's end or when the task is cancelled. For
    /// one task at a time.
    package func nextNotification() async -> NotificationEvent? {
        while !Task.isCancelled {
            let (next, isFinished) = mailbox.withLock { ($0.next(), $0.isFinished) }
            if let (event, resumed) = next {
                if let resumed { outlet.resume(resumed) }
                return event
            }
            if isFinished { return nil }
            await signal.wait()
        }
        return nil
    }

    /// The peers with an open stream, in order.
    package var connectedPeers: [PeerID] { mailbox.withLock { $0.openPeers } }

    /// Replaces the handshake that streams opened from now on begin with: at most 1,024 bytes.
    package func setHandshake(_ handshake: [UInt8]) {
        precondition(handshake.count <= NotificationLimits.maximumHandshakeByteCount)
        outlet.setHandshake(handshake)
    }

    /// Tells the keeper of reputations, through the swarm's events, what a peer did.
    package func report(_ peer: PeerID, _ change: ReputationChange) {
        outlet.report(peer, change)
    }

    /// Ends the stream to a peer; it is not opened again on the present connection.
    package func disconnect(_ peer: PeerID) { outlet.disconnect(peer) }

    /// Counts messages that the owner had already.
    package func recordDuplicates(_ count: Int) {
        mailbox.withLock { $0.counters.duplicates += UInt64(max(0, count)) }
    }

    /// What went over this protocol.
    package var counters: ProtocolCounters { mailbox.withLock { $0.totals } }

    /// Bytes that wait in the queues of all peers.
    package var queuedByteCount: Int { mailbox.withLock { $0.queuedByteCount } }

    // MARK: For the event loop

    func opened(_ peer: PeerID, handshake: [UInt8]) {
        let queue = registration.makeQueue()
        mailbox.withLock { mailbox in
            mailbox.open(peer, queue: queue)
            mailbox.deliver(.streamOpened(peer, handshake: handshake))
        }
        signal.raise()
    }

    func closed(_ peer: PeerID) {
        mailbox.withLock { mailbox in
            mailbox.close(peer)
            mailbox.deliver(.streamClosed(peer))
        }
        signal.raise()
    }

    func deliver(_ bytes: [UInt8], from peer: PeerID) {
        mailbox.withLock { $0.deliver(.notification(peer, bytes)) }
        signal.raise()
    }

    /// Whether the peer's lane is full. If so, the outlet will be told when it has room again.
    func pausesIfFull(_ peer: PeerID) -> Bool {
        mailbox.withLock { mailbox in
            guard mailbox.isFull(peer) else { return false }
            mailbox.pause(peer)
            return true
        }
    }

    func dequeue(for peer: PeerID) -> OutboundMessage? {
        mailbox.withLock { $0.dequeue(peer) }
    }

    func recordFailure() { mailbox.withLock { $0.counters.failures += 1 } }

    func finish() {
        mailbox.withLock { $0.finish() }
        signal.raise()
    }
}

/// How a notifications protocol reaches the event loop that owns its streams.
struct NotificationOutlet: Sendable {
    /// Messages wait for those peers.
    var wake: @Sendable ([PeerID]) -> Void
    /// A peer's stream may be read on.
    var resume: @Sendable (PeerID) -> Void
    /// Replaces the node's own handshake.
    var setHandshake: @Sendable ([UInt8]) -> Void
    /// Ends the stream to a peer.
    var disconnect: @Sendable (PeerID) -> Void
    /// Passes on what a peer did.
    var report: @Sendable (PeerID, ReputationChange) -> Void
}
