/// The methods that a server offers, by name.
package struct RPCMethods: Sendable {
    /// Answers one call.
    package typealias Handler = @Sendable (RPCParameters) async throws(RPCError) -> JSONValue

    /// Who may call a method.
    package enum Access: Sendable {
        /// Everybody who reaches the server.
        case safe
        /// The operator: refused where the listener is open to others.
        case operatorOnly
    }

    struct Entry: Sendable {
        /// What a call does.
        enum Action: Sendable {
            case answer(Handler)
            case subscribe(RPCSubscription)
            case unsubscribe(SubscriptionTopic)
        }

        let access: Access
        let action: Action
    }

    private var entries: [String: Entry] = [:]

    /// No methods.
    package init() {}

    /// Adds a method under its name and its aliases.
    package mutating func add(
        _ name: String, aliases: [String] = [], access: Access = .safe,
        handler: @escaping Handler
    ) {
        insert([name] + aliases, Entry(access: access, action: .answer(handler)))
    }

    /// Adds the methods that make and end subscriptions, each under its names.
    package mutating func add(
        subscribe: [String], unsubscribe: [String], _ subscription: RPCSubscription
    ) {
        insert(subscribe, Entry(access: .safe, action: .subscribe(subscription)))
        insert(unsubscribe, Entry(access: .safe, action: .unsubscribe(subscription.topic)))
    }

    private mutating func insert(_ names: [String], _ entry: Entry) {
        for name in names {
            let previous = entries.updateValue(entry, forKey: name)
            precondition(previous == nil, "the method \(name) is registered twice")
        }
    }

    /// All names and aliases, sorted.
    package var names: [String] { entries.keys.sorted() }

    func entry(_ name: String) -> Entry? { entries[name] }
}
