package import LibP2P
internal import NIOCore
internal import Synchronization

/// How a swarm takes part in GossipSub.
package struct PubSubRegistration: Sendable {
    /// Which messages are made and taken.
    package var signing: PubSubSigning
    /// The router's parameters and bounds.
    package var configuration = GossipSubConfiguration()
    /// Whose frames go first on a connection.
    package var priority = YamuxPriority.normal
    /// Events that wait for the owner. A message that finds no place is ignored, as if judged so.
    package var eventLimit = 2_048
    /// Messages, and their bytes, that wait for one slow peer.
    package var maximumQueuedMessages = 1_024
    package var maximumQueuedByteCount = 4 * 1_024 * 1_024

    package init(signing: PubSubSigning) { self.signing = signing }
}

/// What GossipSub tells its owner.
package enum PubSubEvent: Sendable, Hashable {
    /// A message to be judged: answer with `PubSubService.answer`.
    case message(PubSubDelivery)
    /// A peer takes part in a topic, or no longer. Such events are lost when the owner is slow;
    /// `PubSubService.snapshot` knows how things stand.
    case subscriptionChanged(PeerID, topic: String, isSubscribed: Bool)
}

/// The state of the router, for RPC, metrics and tests.
package struct PubSubSnapshot: Sendable, Hashable {
    /// An own topic.
    package struct Topic: Sendable, Hashable {
        package var name: String
        package var mesh: [PeerID]
        package var subscribers: [PeerID]
    }

    /// The own topics, in order.
    package var topics: [Topic] = []
    /// The scores of connected peers, in order of their ids.
    package var scores: [PeerID: Double] = [:]
    package var counters = GossipSubCounters()

    package init() {}

    /// The peers in the mesh of an own topic.
    package func mesh(of topic: String) -> [PeerID] {
        topics.first { $0.name == topic }?.mesh ?? []
    }
}

/// GossipSub as its owner sees it: topics, messages to be judged, own messages. Nothing that it is
/// told ever waits. See docs/networking.md, "GossipSub".
package final class PubSubService: Sendable {
    /// What was registered.
    package let registration: PubSubRegistration
    private let events: EventQueue<PubSubEvent>
    private let outlet: PubSubOutlet
    private let totals = Mutex(ProtocolCounters())

    init(_ registration: PubSubRegistration, outlet: PubSubOutlet) {
        self.registration = registration
        self.outlet = outlet
        events = EventQueue(capacity: registration.eventLimit)
    }

    // MARK: For the owner

    /// Takes part in a topic: peers are told, and its messages come as events.
    package func subscribe(_ topic: String) { outlet.handle(.subscribe(topic)) }

    /// Takes part no longer.
    package func unsubscribe(_ topic: String) { outlet.handle(.unsubscribe(topic)) }

    /// Publishes a message of at most `maximumMessageByteCount` bytes, subscribed or not. Own
    /// messages do not come as events.
    package func publish(_ data: [UInt8], to topic: String) {
        precondition(data.count <= registration.configuration.maximumMessageByteCount)
        outlet.handle(.publish(topic: topic, data))
    }

    /// Judges a message that came as an event: within `validationTimeout`, or it is ignored.
    package func answer(_ id: MessageID, _ verdict: PubSubVerdict) {
        outlet.handle(.validated(id, verdict))
    }

    /// Exchanges messages with a peer whatever its score, or no longer.
    package func setDirect(_ peer: PeerID, _ isDirect: Bool) {
        outlet.handle(.setDirect(peer, isDirect))
    }

    /// Says what the application thinks of a connected peer (P5 of its score).
    package func setApplicationScore(_ peer: PeerID, _ score: Double) {
        outlet.handle(.setApplicationScore(peer, score))
    }

    /// The next event; waits for one. Nil after the swarm's end or when the task is cancelled. For
    /// one task at a time.
    package func nextEvent() async -> PubSubEvent? { await events.next() }

    /// What went over the streams: bytes of frames, messages, queue drops, copies, failed streams.
    package var counters: ProtocolCounters { totals.withLock { $0 } }

    /// The router's state of this moment; empty after the swarm's end.
    package func snapshot() async -> PubSubSnapshot {
        let pending = PendingResult<PubSubSnapshot>()
        outlet.snapshot { pending.fulfil($0) }
        return await pending.wait() ?? PubSubSnapshot()
    }

    // MARK: For the event loop

    /// False when the owner is too slow.
    func deliver(_ event: PubSubEvent) -> Bool {
        if case .message = event { return events.offer(event, isVital: true) }
        return events.offer(event)
    }

    func count(_ body: (inout ProtocolCounters) -> Void) { totals.withLock { body(&$0) } }

    func finish() { events.finish() }
}

/// How GossipSub's owner reaches the event loop that owns the router.
struct PubSubOutlet: Sendable {
    /// Gives the router an input.
    var handle: @Sendable (GossipSubRouter.Input) -> Void
    /// Tells the router's state; an empty one after the swarm's end.
    var snapshot: @Sendable (@escaping @Sendable (PubSubSnapshot) -> Void) -> Void
}
