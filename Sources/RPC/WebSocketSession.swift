internal import DequeModule
internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// The subscriptions of one WebSocket connection, and the messages that wait for its socket.
///
/// At most `limits.notificationCount` messages are handed to the socket at a time. What happens
/// meanwhile waits here once for each topic, whatever the number of subscriptions to it, and the
/// payloads are shared by all connections. A client that lets more wait than the limits say is told
/// so and closed (1008): nobody waits for it and no memory grows with it.
final class WebSocketSession: Sendable {
    private struct Subscription {
        let topic: SubscriptionTopic
        let notification: String
        let hub: SubscriptionHub
        /// What waits until the client has been told its subscription's id; nil from then on.
        var held: [[UInt8]]? = []
        /// The first message, until the next one has been found to be another one.
        var first: [UInt8]?
    }

    /// Something that happened, to be told to some subscriptions of one topic.
    private struct Event {
        let payload: [UInt8]
        let topic: SubscriptionTopic
        let ids: [String]
        /// Whether it is a new subscription's: each has followed a response that the socket took, so
        /// that their number needs no limit of its own.
        var isFirst = false
        /// How many of them have been told.
        var position = 0
    }

    private struct State {
        var subscriptions: [String: Subscription] = [:]
        /// The ids of each topic, in the order in which they were made.
        var ids: [SubscriptionTopic: [String]] = [:]
        /// Subscriptions whose id the client is being told.
        var held: [String] = []
        /// Subscriptions that are held or have a `first`.
        var newcomers: Set<String> = []
        var events: Deque<Event> = []
        /// The number of events that wait, by topic; without those of new subscriptions.
        var waiting: [SubscriptionTopic: Int] = [:]
        /// Messages that the socket has not taken yet.
        var inFlightCount = 0
        var hasEnded = false

        mutating func append(_ event: Event) {
            events.append(event)
            if !event.isFirst { waiting[event.topic, default: 0] += 1 }
        }

        mutating func removeFirstEvent() {
            let event = events.removeFirst()
            if !event.isFirst { waiting[event.topic, default: 1] -= 1 }
        }

        /// Whether a new subscription is to be told with the others; if it is held, the event waits
        /// with it, and what its first message said is not said again.
        mutating func admits(_ payload: [UInt8], _ id: String) -> Bool {
            guard newcomers.contains(id), let subscription = subscriptions[id] else { return true }
            subscriptions[id]?.first = nil
            if subscription.held == nil { newcomers.remove(id) }
            guard subscription.first != payload else { return false }
            guard subscription.held != nil else { return true }
            subscriptions[id]?.held?.append(payload)
            return false
        }
    }

    private let channel: any Channel
    private let limits: RPCLimits
    private let state = Mutex(State())

    init(_ channel: any Channel, limits: RPCLimits) {
        self.channel = channel
        self.limits = limits
    }

    /// How many subscriptions there are.
    var subscriptionCount: Int { state.withLock(\.subscriptions.count) }

    // MARK: Calls

    /// Makes a subscription with its first message; the result is its id.
    func open(_ subscription: RPCSubscription) async throws(RPCError) -> JSONValue {
        let id = try subscribe(to: subscription)
        guard let current = subscription.current else { return .string(id) }
        do throws(RPCError) {
            begin(id, with: try await current())
        } catch {
            _ = unsubscribe(id, from: subscription.topic)
            throw error
        }
        return .string(id)
    }

    /// Makes a subscription. Its messages are held back until `release`.
    ///
    /// - Returns: its id.
    private func subscribe(to subscription: RPCSubscription) throws(RPCError) -> String {
        let id = Self.makeID()
        let limit = limits.subscriptionCount
        let refusal: RPCError? = state.withLock { state in
            guard !state.hasEnded else { return .internalError("the connection has ended") }
            guard state.subscriptions.count < limit else {
                return .tooManySubscriptions(limit: limit)
            }
            state.subscriptions[id] = Subscription(
                topic: subscription.topic, notification: subscription.notification,
                hub: subscription.hub)
            let isFirst = state.ids[subscription.topic]?.isEmpty ?? true
            state.ids[subscription.topic, default: []].append(id)
            state.held.append(id)
            state.newcomers.insert(id)
            // Within the lock: `end` must find it in the hub. The hub never calls with its own held.
            if isFirst { subscription.hub.add(self, to: subscription.topic) }
            return nil
        }
        if let refusal { throw refusal }
        return id
    }

    /// Gives a subscription its first message, unless something newer has come meanwhile.
    private func begin(_ id: String, with current: JSONValue) {
        let payload = current.utf8
        state.withLock { state in
            guard state.subscriptions[id]?.held?.isEmpty == true else { return }
            state.subscriptions[id]?.held = [payload]
            state.subscriptions[id]?.first = payload
        }
    }

    /// Lets the messages of new subscriptions go: the client knows the ids by now.
    func release() {
        let hasNew = state.withLock { state in
            for id in state.held {
                guard let subscription = state.subscriptions[id] else { continue }
                state.subscriptions[id]?.held = nil
                if subscription.first == nil { state.newcomers.remove(id) }
                for payload in subscription.held ?? [] {
                    state.append(
                        Event(
                            payload: payload, topic: subscription.topic, ids: [id], isFirst: true))
                }
            }
            defer { state.held = [] }
            return !state.held.isEmpty
        }
        if hasNew { schedulePump() }
    }

    /// Ends a subscription; false when there is none of that id and topic.
    func unsubscribe(_ id: String, from topic: SubscriptionTopic) -> Bool {
        state.withLock { state in
            guard let subscription = state.subscriptions[id], subscription.topic == topic else {
                return false
            }
            state.subscriptions[id] = nil
            state.newcomers.remove(id)
            state.ids[topic]?.removeAll { $0 == id }
            if state.ids[topic]?.isEmpty == true { subscription.hub.remove(self, from: topic) }
            return true
        }
    }

    // MARK: Messages

    /// Queues what happened for every subscription to it; returns at once.
    func deliver(_ payload: [UInt8], of topic: SubscriptionTopic) {
        let limit = topic == .votes ? limits.voteNotificationCount : limits.notificationCount
        let isTooSlow = state.withLock { state in
            guard !state.hasEnded, let all = state.ids[topic], !all.isEmpty else { return false }
            guard state.waiting[topic, default: 0] < limit else { return true }
            let ids = state.newcomers.isEmpty ? all : all.filter { state.admits(payload, $0) }
            if !ids.isEmpty { state.append(Event(payload: payload, topic: topic, ids: ids)) }
            return state.held.contains { (state.subscriptions[$0]?.held?.count ?? 0) > limit }
        }
        if isTooSlow {
            end()
            close(.policyViolation, "too slow: \(limit) messages wait")
        } else {
            schedulePump()
        }
    }

    /// Writes a response; returns when the socket took it or the connection has ended.
    func respond(_ text: [UInt8]) async {
        // A client that has gone needs no answer, and its stream of calls ends by itself.
        try? await channel.writeAndFlush(frame(text))
    }

    /// Lets the handler know that a call is done, so that it reads on.
    func finishedCall() {
        channel.triggerUserOutboundEvent(WebSocketHandler.CallFinished(), promise: nil)
    }

    /// Says why, and closes.
    func close(_ code: WebSocketErrorCode, _ reason: String) {
        channel.triggerUserOutboundEvent(
            WebSocketHandler.Closing(code: code, reason: reason), promise: nil)
    }

    /// Drops all subscriptions; there will be no more.
    func end() {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.hasEnded = true
            for subscription in state.subscriptions.values {
                subscription.hub.remove(self, from: subscription.topic)
            }
            state.subscriptions = [:]
            state.ids = [:]
            state.held = []
            state.newcomers = []
            state.events = []
            state.waiting = [:]
        }
    }

    // MARK: The socket

    private func schedulePump() {
        let limit = limits.notificationCount
        // With a full socket the next written message pumps on.
        guard state.withLock({ !$0.events.isEmpty && $0.inFlightCount < limit }) else { return }
        channel.eventLoop.execute { self.pump() }
    }

    /// Hands messages to the socket, on its event loop.
    private func pump() {
        var hasWritten = false
        while let text = state.withLock({ nextMessage(&$0) }) {
            hasWritten = true
            channel.write(frame(text)).whenComplete { _ in
                self.state.withLock { $0.inFlightCount -= 1 }
                self.schedulePump()
            }
        }
        if hasWritten { channel.flush() }
    }

    private func nextMessage(_ state: inout State) -> [UInt8]? {
        guard state.inFlightCount < limits.notificationCount else { return nil }
        while let event = state.events.first {
            guard event.position < event.ids.count else {
                state.removeFirstEvent()
                continue
            }
            state.events[0].position += 1
            let id = event.ids[event.position]
            // One that was ended meanwhile has nothing to say any more.
            guard let subscription = state.subscriptions[id] else { continue }
            state.inFlightCount += 1
            return Self.message(event.payload, subscription.notification, id: id)
        }
        return nil
    }

    private static func message(
        _ payload: [UInt8], _ notification: String, id: String
    ) -> [UInt8] {
        var text = Array("{\"jsonrpc\":\"2.0\",\"method\":".utf8)
        text.reserveCapacity(payload.count + 128)
        JSONValue.string(notification).write(to: &text)
        text += ",\"params\":{\"subscription\":\"\(id)\",\"result\":".utf8
        text += payload
        text += "}}".utf8
        return text
    }

    private func frame(_ text: [UInt8]) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: .text, data: channel.allocator.buffer(bytes: text))
    }

    /// 16 letters and digits, as Substrate nodes make them.
    private static func makeID() -> String {
        let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
        return String((0..<16).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }
}
