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
        let access: Access
        let handler: Handler
    }

    private var entries: [String: Entry] = [:]

    /// No methods.
    package init() {}

    /// Adds a method under its name and its aliases.
    package mutating func add(
        _ name: String, aliases: [String] = [], access: Access = .safe,
        handler: @escaping Handler
    ) {
        for key in [name] + aliases {
            let previous = entries.updateValue(Entry(access: access, handler: handler), forKey: key)
            precondition(previous == nil, "the method \(key) is registered twice")
        }
    }

    /// All names and aliases, sorted.
    package var names: [String] { entries.keys.sorted() }

    func entry(_ name: String) -> Entry? { entries[name] }
}
