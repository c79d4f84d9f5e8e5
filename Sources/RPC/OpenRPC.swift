/// What the OpenRPC document says of a method besides its name.
package struct MethodDescription: Sendable {
    /// A parameter, by its place.
    package struct Parameter: Sendable {
        package let name: String
        package let schema: ResultSchema
        package let isRequired: Bool

        static func required(_ name: String, _ schema: ResultSchema) -> Parameter {
            Parameter(name: name, schema: schema, isRequired: true)
        }

        static func optional(_ name: String, _ schema: ResultSchema) -> Parameter {
            Parameter(name: name, schema: schema, isRequired: false)
        }
    }

    package let summary: String
    package let parameters: [Parameter]
    package let result: ResultSchema
    /// What the notifications of a subscription carry; nil for other methods.
    package let notification: ResultSchema?

    init(
        _ summary: String, _ parameters: [Parameter] = [], _ result: ResultSchema,
        notification: ResultSchema? = nil
    ) {
        self.summary = summary
        self.parameters = parameters
        self.result = result
        self.notification = notification
    }
}

extension RPCMethods {
    /// The answer of `rpc.discover`: the methods as an OpenRPC 1.2.6 document.
    ///
    /// Two members that OpenRPC does not have: `x-access` is `safe` or `operator`, and
    /// `x-notification` tells of a subscription's messages.
    func openRPC() -> JSONValue {
        [
            "openrpc": "1.2.6",
            "info": ["title": "QuantumHarmony node", "version": "1.0.0"],
            "methods": .array((names + ["rpc.discover"]).sorted().map(openRPCMethod)),
        ]
    }

    private func openRPCMethod(_ name: String) -> JSONValue {
        let description = Self.descriptions[name]
        let entry = entry(name)
        var members = [
            JSONMember("name", .string(name)),
            JSONMember("summary", .string(description?.summary ?? "")),
            JSONMember("paramStructure", "either"),
            JSONMember("params", .array(description?.parameters.map(\.json) ?? [])),
            JSONMember(
                "result",
                ["name": "result", "schema": (description?.result ?? .any).json]),
            JSONMember("x-access", entry?.access == .operatorOnly ? "operator" : "safe"),
        ]
        if case .subscribe(let subscription)? = entry?.action {
            members.append(
                JSONMember(
                    "x-notification",
                    [
                        "method": .string(subscription.notification),
                        "schema": (description?.notification ?? .any).json,
                    ]))
        }
        return .object(members)
    }
}

extension MethodDescription.Parameter {
    fileprivate var json: JSONValue {
        ["name": .string(name), "required": .bool(isRequired), "schema": schema.json]
    }
}
