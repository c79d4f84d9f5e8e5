internal import Synchronization

/// What a client can be told of as it happens.
package enum SubscriptionTopic: Sendable, Hashable, CaseIterable {
    /// A block became the head of the best chain.
    case newHeads
    /// A block was imported, on whatever chain.
    case allHeads
    /// A block became final, by a certificate of its own.
    case finalizedHeads
    /// A finality certificate.
    case certificates
    /// A vote was counted, or somebody voted twice.
    case votes
}

/// Hands what happens to the connections that have subscriptions to it.
///
/// Who publishes never waits: each connection has bounded queues of its own, and one that does not
/// take its messages is closed (`WebSocketSession`). What is published is written as JSON once,
/// whatever the number of subscribers, and not at all without any.
package final class SubscriptionHub: Sendable {
    private let listeners = Mutex<[SubscriptionTopic: [ObjectIdentifier: WebSocketSession]]>([:])

    /// A hub that nobody listens to yet.
    package init() {}

    /// Whether anybody listens: what only subscribers see need not be made otherwise.
    package func hasSubscribers(of topic: SubscriptionTopic) -> Bool {
        listeners.withLock { $0[topic]?.isEmpty == false }
    }

    /// Tells the subscribers of a topic; `value` is asked for only if there is one.
    package func publish(_ topic: SubscriptionTopic, _ value: () -> JSONValue) {
        let sessions = listeners.withLock { $0[topic].map { Array($0.values) } ?? [] }
        guard !sessions.isEmpty else { return }
        let payload = value().utf8
        for session in sessions { session.deliver(payload, of: topic) }
    }

    func add(_ session: WebSocketSession, to topic: SubscriptionTopic) {
        listeners.withLock { $0[topic, default: [:]][ObjectIdentifier(session)] = session }
    }

    func remove(_ session: WebSocketSession, from topic: SubscriptionTopic) {
        listeners.withLock { $0[topic]?[ObjectIdentifier(session)] = nil }
    }
}

/// A subscription as a method offers it.
package struct RPCSubscription: Sendable {
    /// What the client wants to be told of.
    package var topic: SubscriptionTopic
    /// The `method` of the messages that tell it.
    package var notification: String
    /// Who is told by whom.
    package var hub: SubscriptionHub
    /// The first message, sent at once: how things are now. Nil: messages come with events only.
    package var current: (@Sendable () async throws(RPCError) -> JSONValue)?

    package init(
        topic: SubscriptionTopic, notification: String, hub: SubscriptionHub,
        current: (@Sendable () async throws(RPCError) -> JSONValue)? = nil
    ) {
        self.topic = topic
        self.notification = notification
        self.hub = hub
        self.current = current
    }
}
