internal import DequeModule
internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// The subscriptions of one WebSocket connection, and the messages that wait for its socket.
///
/// At most `limits.notificationCount` messages are handed to the socket at a time; the rest waits
/// here, at most as many for each subscription, and the payloads are shared by all connections. A
/// client that does not take them in time is told so and closed (1008): nobody waits for it and no
/// memory grows with it.
final class WebSocketSession: Sendable {
    private struct Subscription {
        let topic: SubscriptionTopic
        let notification: String
        let hub: SubscriptionHub
        /// Not yet handed to the socket, oldest first.
        var waiting: Deque<[UInt8]> = []
        /// Until the client has been told its subscription's id.
        var isHeld = true
        /// The first message, until the next one has been found to be another one.
        var first: [UInt8]?
    }

    private struct State {
        var subscriptions: [String: Subscription] = [:]
        /// The ids of each topic, in the order in which they were made.
        var ids: [SubscriptionTopic: [String]] = [:]
        /// Subscriptions whose id the client is being told.
        var held: [String] = []
        /// Whose turn it is: an id for every message that waits and is not held.
        var turns: Deque<String> = []
        /// Messages that the socket has not taken yet.
        var inFlightCount = 0
        var hasEnded = false
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
            guard state.subscriptions[id]?.waiting.isEmpty == true else { return }
            state.subscriptions[id]?.waiting.append(payload)
            state.subscriptions[id]?.first = payload
        }
    }

    /// Lets the messages of new subscriptions go: the client knows the ids by now.
    func release() {
        let hasNew = state.withLock { state in
            for id in state.held {
                guard let subscription = state.subscriptions[id] else { continue }
                state.subscriptions[id]?.isHeld = false
                state.turns.append(
                    contentsOf: repeatElement(id, count: subscription.waiting.count))
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
            state.ids[topic]?.removeAll { $0 == id }
            if state.ids[topic]?.isEmpty == true { subscription.hub.remove(self, from: topic) }
            return true
        }
    }

    // MARK: Messages

    /// Queues what happened for every subscription to it; returns at once.
    func deliver(_ payload: [UInt8], of topic: SubscriptionTopic) {
        let limit = limits.notificationCount
        let isTooSlow = state.withLock { state in
            guard !state.hasEnded else { return false }
            for id in state.ids[topic] ?? [] {
                guard let subscription = state.subscriptions[id] else { continue }
                if let first = subscription.first {
                    state.subscriptions[id]?.first = nil
                    if first == payload { continue }
                }
                guard subscription.waiting.count < limit else { return true }
                state.subscriptions[id]?.waiting.append(payload)
                if !subscription.isHeld { state.turns.append(id) }
            }
            return false
        }
        if isTooSlow {
            end()
            close(.policyViolation, "too slow: \(limit) messages of a subscription wait")
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
            state.turns = []
        }
    }

    // MARK: The socket

    private func schedulePump() {
        let limit = limits.notificationCount
        // With a full socket the next written message pumps on.
        guard state.withLock({ !$0.turns.isEmpty && $0.inFlightCount < limit }) else { return }
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
        while let id = state.turns.popFirst() {
            // One that was ended meanwhile has nothing to say any more.
            guard let subscription = state.subscriptions[id],
                let payload = subscription.waiting.first
            else { continue }
            state.subscriptions[id]?.waiting.removeFirst()
            state.inFlightCount += 1
            return Self.message(payload, subscription.notification, id: id)
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
